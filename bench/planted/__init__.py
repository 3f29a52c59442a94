"""Seeded days of payments with planted breaks, and the whole rows a reconciliation must give for them."""

from bench.planted.planting import PARTIES, Day, Truth, alike, apart, plant, together

__all__ = ["PARTIES", "Day", "Truth", "alike", "apart", "plant", "together"]
