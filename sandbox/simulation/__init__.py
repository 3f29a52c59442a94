"""The exchange under force: its real code on a real PostgreSQL in a simulated world that one seed drives."""
