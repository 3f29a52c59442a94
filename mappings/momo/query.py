"""Reads MoMo's answer to a query as the state of one payment."""

from collections.abc import Iterable

from mappings.momo.states import result_of
from truc.messages import PaymentResult


def read(body: bytes) -> Iterable[PaymentResult]:
    """Yield the payment's state; MalformedError for a code that says nothing of a payment."""
    yield result_of(body)
