"""Verifies Zalo's webhook over the body as received; app id and OA secret are ours, the timestamp is the body's."""

import json
from datetime import UTC, datetime, timedelta

from connectors.zalo.signatures import EVENT
from truc.connections import Connection
from truc.envelope import Envelope, digest_of
from truc.errors import MalformedError
from truc.inbound.callbacks import HttpAnswer, Incoming, Received, Refused
from truc.trust.signing import verify

# Zalo wants 200 at once and repeats what it does not hear (partners.md 14).
ACCEPTED = HttpAnswer(200)
WRONG = HttpAnswer(400)
HEADER, MARK = "x-zevent-signature", "mac="
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_MS = 253_402_300_799_999  # the last of the year 9999: later than a time can be here


def receive(request: Incoming, connection: Connection) -> Received:
    """Return the verified event, named by the digest of its bytes: Zalo gives events no name.

    Reasons of Refused: not_post, not_json, malformed, no_signature, bad_signature.
    """
    if request.method != "POST":
        raise Refused("not_post", HttpAnswer(405))
    header = request.headers.get(HEADER, "")
    if not header.startswith(MARK):
        raise Refused("no_signature", WRONG)
    body, timestamp = _read(request.body)
    signed = {"app_id": connection.required("login"), "body": body, "timestamp": timestamp}
    try:
        right = verify(EVENT, signed, connection.required("oa_secret"), header.removeprefix(MARK))
    except MalformedError as error:
        raise Refused("malformed", WRONG) from error
    if not right:
        raise Refused("bad_signature", WRONG)
    envelope = Envelope("zalo", "event", digest_of(request.body), request.body)
    return Received(envelope, ACCEPTED, said_at=EPOCH + timedelta(milliseconds=int(timestamp)))


def refusal(_reason: str) -> HttpAnswer:
    """Return what Zalo hears when the gateway refuses a call for a reason of its own."""
    return WRONG


def _read(raw: bytes) -> tuple[str, str]:
    """Return the body as text (the same bytes in UTF-8) and its timestamp in digits, milliseconds of the epoch."""
    try:
        text = raw.decode()
        found = json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise Refused("not_json", WRONG) from error
    timestamp = found.get("timestamp") if isinstance(found, dict) else None
    if not (isinstance(timestamp, str) and timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 15):
        raise Refused("malformed", WRONG)
    if int(timestamp) > LATEST_MS:
        raise Refused("malformed", WRONG)
    return text, timestamp
