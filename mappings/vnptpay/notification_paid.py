"""Reads a notification whose code means paid, as the connection's paid_code said when it came."""

from collections.abc import Iterable

from mappings.vnptpay.notified import result
from truc.messages import PaymentResult


def read(body: bytes) -> Iterable[PaymentResult]:
    """Yield the payment as paid."""
    yield result(body, "paid")
