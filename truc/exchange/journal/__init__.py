"""The journal: a receipt of every decision on an exchange, numbered, hash-chained and closed by the day."""
