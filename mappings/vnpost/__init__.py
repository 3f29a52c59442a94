"""What VNPost is told, and what it says."""
