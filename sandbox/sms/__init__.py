"""The stand-in for Viettel bulk SMS."""
