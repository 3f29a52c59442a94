"""Reads the return of a citizen's browser: it is advisory, so it is kept and means nothing to our books."""

from collections.abc import Iterable
from urllib.parse import parse_qsl

from truc.domain import members
from truc.errors import MalformedError
from truc.messages import PaymentResult


def read(body: bytes) -> Iterable[PaymentResult]:
    """Return nothing; MalformedError for bytes that are no return of a browser."""
    try:
        found = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, errors="strict"))
    except ValueError as error:
        raise MalformedError("not a query string", reason="not_a_query") from error
    members.text(found, "order_code")
    return ()
