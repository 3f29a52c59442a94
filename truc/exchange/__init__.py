"""Reliable messaging with partners: publish, deliver, ask, keep, book, set aside."""
