"""The core stores on PostgreSQL. Functions take an open transaction and never commit it."""
