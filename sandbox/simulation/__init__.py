"""The exchange under force: its real code on a real PostgreSQL, with a simulated world around it that one seed drives."""
