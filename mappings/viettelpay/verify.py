"""Reads ViettelPay's call before a payment: it was answered, so it is kept and means nothing to our books."""

from collections.abc import Iterable

from mappings.viettelpay import fields
from truc.domain import members
from truc.messages import PaymentResult


def read(body: bytes) -> Iterable[PaymentResult]:
    """Return nothing; MalformedError for bytes that are no such call."""
    members.text(fields.pairs(body), "order_id")
    return ()
