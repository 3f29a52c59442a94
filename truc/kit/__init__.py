"""What an integration engineer works with: parties made, listed, checked and probed; vectors, certificates, statements."""
