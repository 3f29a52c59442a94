"""Alembic migrations of the core stores."""
