"""What citizens are told by e-mail."""
