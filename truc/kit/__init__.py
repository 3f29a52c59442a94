"""What an integration engineer works with: parties, vectors, certificates, statements."""
