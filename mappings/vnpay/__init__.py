"""What VNPAY's messages mean to us, and ours to VNPAY."""
