"""Reconciliation: every payment and every statement line of a day ends in exactly one place."""
