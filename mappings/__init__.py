"""Mappings: what a partner's bytes mean. Pure functions, one message kind per file."""
