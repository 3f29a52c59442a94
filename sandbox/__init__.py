"""Stand-ins for the partners: real servers that behave like them, faults included."""
