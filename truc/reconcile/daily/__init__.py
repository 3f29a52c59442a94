"""A party's business day from the stores: its rows, what other days left open, and what the run makes of them."""
