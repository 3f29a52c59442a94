"""What MoMo's messages mean to us, and ours to MoMo."""
