"""What persons do with a reconciled day: the life of a break, and the signature; who may do it."""
