"""Reads MoMo's IPN, kept and verified by the gateway, as the state of one payment."""

from collections.abc import Iterable

from mappings.momo.states import result_of
from truc.messages import PaymentResult


def read(body: bytes) -> Iterable[PaymentResult]:
    """Yield the payment's state; the core compares the amount with our order."""
    yield result_of(body)
