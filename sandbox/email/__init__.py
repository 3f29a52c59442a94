"""The stand-in for the province's mail relay."""
