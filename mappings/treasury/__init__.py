"""What the State Treasury's files mean."""
