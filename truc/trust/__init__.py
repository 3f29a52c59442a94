"""How we prove who said what: signatures, keys and seals."""
