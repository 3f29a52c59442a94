"""Viettel bulk SMS: one short message to one citizen, over SOAP."""
