"""The stand-in for Zalo: tokens, ZNS and webhooks."""
