"""Verifies MoMo's IPN, and the browser of a citizen who comes back, over the values as received.

The body is read with every number kept as the text it had, so nothing is reformatted before the
signature is computed. `accessKey` is part of what is signed but not of the body: it comes from our
configuration (partners.md §1.1). An IPN of the v1 gateway is verified as v1 signs it and kept; its reading sets it
aside as `old_version`. MoMo documents one answer to an IPN, so an order that is unknown, of another amount or
settled is answered as any other; booking compares it with our order and sets it aside. The browser brings the same
names and signature in its address: that is kept and books nothing.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from connectors.momo.signatures import IPN, IPN_V1
from truc.connections import Connection
from truc.envelope import Envelope
from truc.errors import MalformedError
from truc.inbound.callbacks import About, HttpAnswer, Incoming, Received, Refused, Standing
from truc.inbound.pages import after_return, unverified
from truc.trust.signing import Profile, verify

# Recalled only, no page of MoMo's was seen that says it (partners.md §1.1 [R]).
ACCEPTED = HttpAnswer(204)
# MoMo documents no answer for a bad signature: 400 with nothing in it tells the caller nothing.
WRONG = HttpAnswer(400)
WRONG_PAGE = unverified("MoMo")
RETURNED = after_return("MoMo", "Đã nhận. Kết quả chính thức có sau khi MoMo xác nhận với hệ thống.")
FORM = "application/x-www-form-urlencoded"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DIGITS_MAX = 18
LATEST_MS = 253_402_300_799_999  # the last of the year 9999: later than a time can be here


def receive(request: Incoming, connection: Connection) -> Received:
    """Return the verified call, named orderId/transId, or raise Refused.

    Reasons: wrong_method, not_json, malformed, field_missing, wrong_partner, bad_signature.
    """
    if request.path.endswith("/browser_return"):
        return _browser_return(request, connection)
    if request.method != "POST":
        raise Refused("wrong_method", HttpAnswer(405))
    said = _members(request.body)
    signed_as = IPN_V1 if "errorCode" in said and "resultCode" not in said else IPN
    fields = _texts(said, signed_as)
    _require_right(fields, signed_as, connection, WRONG)
    external_id = f"{fields['orderId']}/{fields['transId']}"
    return Received(
        Envelope("momo", "ipn", external_id, request.body),
        ACCEPTED,
        about=About(fields["orderId"], _whole(fields["amount"])),
        said_at=_said_at(fields["responseTime"]),
    )


def refusal(_reason: str) -> HttpAnswer:
    """Return what MoMo hears when the gateway refuses a call for a reason of its own."""
    return WRONG


def _browser_return(request: Incoming, connection: Connection) -> Received:
    if request.method != "GET":
        raise Refused("wrong_method", HttpAnswer(405))
    fields = _pairs(request.query)
    _require_right(fields, IPN, connection, WRONG_PAGE)
    external_id = f"{fields['orderId']}/{fields['transId']}"
    return Received(
        Envelope("momo", "browser_return", external_id, request.query.encode("latin-1"), FORM),
        RETURNED[Standing.UNKNOWN],
        about=About(fields["orderId"], _whole(fields["amount"])),
        answers=RETURNED,
    )


def _needed(signed_as: Profile) -> frozenset[str]:
    return frozenset({*signed_as.names, "signature"} - {"accessKey"})


def _require_right(fields: Mapping[str, str], signed_as: Profile, connection: Connection, wrong: HttpAnswer) -> None:
    if fields["partnerCode"] != connection.required("login"):
        raise Refused("wrong_partner", wrong)
    signed = {**fields, "accessKey": connection.required("access_key")}
    try:
        right = verify(signed_as, signed, connection.required("password"), fields["signature"])
    except MalformedError as error:
        raise Refused("malformed", wrong) from error
    if not right:
        raise Refused("bad_signature", wrong)


def _whole(text: str) -> int | None:
    """None for what is no whole number: booking says so, and sets the message aside."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX else None


def _said_at(text: str) -> datetime | None:
    """responseTime is in milliseconds of the epoch (partners.md §1.1)."""
    spoken_ms = _whole(text)
    return None if spoken_ms is None or spoken_ms > LATEST_MS else EPOCH + timedelta(milliseconds=spoken_ms)


def _members(body: bytes) -> dict[str, Any]:
    """Return the members of the body, numbers as the text they had."""
    try:
        found = json.loads(body, parse_int=str, parse_float=str, parse_constant=_no_constant, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Refused("not_json", WRONG) from error
    if not isinstance(found, dict):
        raise Refused("field_missing", WRONG)
    return found


def _texts(said: Mapping[str, Any], signed_as: Profile) -> dict[str, str]:
    """Return what is signed, and the signature."""
    needed = _needed(signed_as)
    if not said.keys() >= needed:
        raise Refused("field_missing", WRONG)
    if any(not isinstance(said[name], str) for name in needed):
        raise Refused("malformed", WRONG)
    return {name: said[name] for name in needed}


def _pairs(query: str) -> dict[str, str]:
    """Return the decoded pairs of the browser's address."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=50)
        found = _once(pairs)
    except ValueError as error:
        raise Refused("malformed", WRONG_PAGE) from error
    needed = _needed(IPN)
    if not found.keys() >= needed:
        raise Refused("field_missing", WRONG_PAGE)
    return {name: found[name] for name in needed}


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """A name given twice could be verified with one value and read with the other."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name appears twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
