"""What citizens are told by Zalo, and what Zalo says of it."""
