"""What the messages of VNPT's payment gateway mean to us, and ours to it."""
