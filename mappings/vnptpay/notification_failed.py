"""Reads a notification whose code means that nothing came of it, as failed_codes said when it came."""

from collections.abc import Iterable

from mappings.vnptpay.notified import result
from truc.messages import PaymentResult


def read(body: bytes) -> Iterable[PaymentResult]:
    """Yield the payment as failed."""
    yield result(body, "failed")
