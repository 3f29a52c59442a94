"""Connectors: one folder per partner, the only rooms with windows to the outside."""
