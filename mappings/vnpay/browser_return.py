"""Reads the return of a citizen's browser: it is advisory, so it is kept and means nothing to our books."""

from collections.abc import Iterable

from mappings.vnpay import fields
from truc.domain import members
from truc.messages import PaymentResult


def read(body: bytes) -> Iterable[PaymentResult]:
    """Return nothing; MalformedError for bytes that are no return of a browser."""
    members.text(fields.pairs(fields.ascii_text(body)), "vnp_TxnRef")
    return ()
