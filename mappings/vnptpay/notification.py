"""Reads a notification whose code no setting names: nothing is guessed, so the payment waits."""

from collections.abc import Iterable

from mappings.vnptpay.notified import result
from truc.messages import PaymentResult


def read(body: bytes) -> Iterable[PaymentResult]:
    """Yield the payment as pending."""
    yield result(body, "pending")
