"""What Viettel bulk SMS is told."""
