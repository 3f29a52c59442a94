"""A business day of the one-stop system: generated from published figures, played through the hub, and checked."""
