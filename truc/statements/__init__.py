"""Reads partners' statement files of any form into the neutral row, as a profile per party says."""
