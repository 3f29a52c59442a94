"""The stand-in for VNPost's public-administration service."""
