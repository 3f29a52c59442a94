"""What Ngân Lượng's messages mean to us, and ours to Ngân Lượng."""
