"""What the messages of the national payment platform mean to us, and ours to it."""
