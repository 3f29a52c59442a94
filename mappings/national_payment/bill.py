"""Reads the answer to GET_BILL: a document for the citizen, which says nothing new to our books."""

from truc.errors import MalformedError
from truc.messages import PaymentResult


def read(body: bytes) -> tuple[PaymentResult, ...]:
    """Return nothing; MalformedError for bytes that are no PDF."""
    if not body.startswith(b"%PDF-"):
        raise MalformedError("the bill is no PDF", reason="not_a_bill")
    return ()
