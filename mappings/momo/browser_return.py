"""Reads the return of a citizen's browser from MoMo: it is advisory, so it is kept and means nothing to our books."""

from urllib.parse import parse_qsl

from truc.errors import MalformedError
from truc.messages import PaymentResult


def read(body: bytes) -> tuple[PaymentResult, ...]:
    """Return nothing; MalformedError for bytes that are no return of a browser."""
    try:
        found = dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict"))
    except ValueError as error:
        raise MalformedError("not a query string", reason="not_a_query") from error
    if not found.get("orderId"):
        raise MalformedError("orderId must be a text that is not empty", reason="field_malformed")
    return ()
