"""Verifies MegaPay's notifications and the browsers that return from it, and serves the page that opens it (§5.1).

Only a notification is about our books. Which code says "paid" is not published: it is a setting, and the kind by which
a notification is kept says what the setting made of it.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from connectors.vnptpay import pay_page, signatures
from truc.connections import Connection
from truc.envelope import Envelope
from truc.errors import SetupError
from truc.inbound.callbacks import About, HttpAnswer, Incoming, Received, Refused, Standing
from truc.inbound.pages import after_return
from truc.trust.signing import Profile, verify

PARTY = "vnptpay"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
NEEDED = ("resultCd", "timeStamp", "merTrxId", "trxId", "merId", "amount", "merchantToken")
TIME_STAMP_DIGITS = 13  # milliseconds of the epoch
AMOUNT_DIGITS_MAX = 15
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# No answer to a notification is published: 200 for what is kept, 400 for what is not believed.
KEPT, WRONG = HttpAnswer(200), HttpAnswer(400)
RETURNED = after_return("VNPT ePay", "Đã nhận. Kết quả chính thức có sau khi VNPT ePay xác nhận với hệ thống.")
# The setting of a merchant's contract → is payToken part of the token.
TOKENS = {"plain": False, "with_pay_token": True}

Fields = Mapping[str, str]


def receive(request: Incoming, connection: Connection) -> Received:
    """Return the verified call, or raise Refused.

    Reasons: wrong_method, malformed, field_missing, wrong_merchant, bad_signature, bad_seal, not_served.
    """
    kind = request.path.rpartition("/")[2]
    if kind == "pay_page":
        return _pay_page(request, connection)
    if kind == "browser_return":
        return _browser_return(request, connection)
    if kind != "notification":  # the other kinds are what a notification is kept as: nobody calls them
        raise Refused("not_served", HttpAnswer(404))
    return _notification(request, connection)


def refusal(_reason: str) -> HttpAnswer:
    """Return what is heard when the gateway refuses a call for a reason of its own."""
    return WRONG


def _notification(request: Incoming, connection: Connection) -> Received:
    """Clients of MegaPay read notifications as JSON, or as a form; both are taken, by POST."""
    if request.method != "POST":
        raise Refused("wrong_method", HttpAnswer(405))
    is_json = request.body.lstrip().startswith(b"{")
    fields = _verified(_json(request.body) if is_json else _form(request.body, WRONG), connection, WRONG)
    name = f"{fields['merTrxId']}/{fields['trxId']}"
    envelope = Envelope(PARTY, _kind(fields["resultCd"], connection), name, request.body, JSON if is_json else FORM)
    about = About(fields["merTrxId"], _whole(fields["amount"]))
    return Received(envelope, KEPT, about=about, said_at=_said_at(fields["timeStamp"]))


def _browser_return(request: Incoming, connection: Connection) -> Received:
    if request.method != "GET":
        raise Refused("wrong_method", HttpAnswer(405))
    query = request.query.encode("latin-1")
    fields = _verified(_form(query, pay_page.WRONG), connection, pay_page.WRONG)
    envelope = Envelope(PARTY, "browser_return", f"{fields['merTrxId']}/{fields['trxId']}", query, FORM)
    about = About(fields["merTrxId"], _whole(fields["amount"]))
    return Received(envelope, RETURNED[Standing.UNKNOWN], about=about, answers=RETURNED)


def _pay_page(request: Incoming, connection: Connection) -> Received:
    """Serve the page of an order that waits to be paid; of one that had its end, a page that says so."""
    if request.method != "GET":
        raise Refused("wrong_method", HttpAnswer(405))
    query = request.query.encode("latin-1")
    form = _form(query, pay_page.WRONG)
    seal = form.pop(signatures.SEAL, "")
    if not form or not verify(signatures.PAY_PAGE, form, connection.required("password"), seal):
        raise Refused("bad_seal", pay_page.WRONG)
    action = connection.required("host").rstrip("/") + connection.required("path")
    answers = {
        Standing.OPEN: pay_page.form_page(form, action),
        Standing.SETTLED: pay_page.OVER,
        Standing.AMOUNT_DIFFERS: pay_page.NOT_OURS,
        Standing.UNKNOWN: pay_page.NOT_OURS,
    }
    about = About(form["merTrxId"], int(form["amount"]))
    envelope = Envelope(PARTY, "pay_page", form["merTrxId"], query, FORM)
    return Received(envelope, pay_page.NOT_OURS, about=about, answers=answers)


def _said_at(text: str) -> datetime:
    """timeStamp is in milliseconds of the epoch; of the order or of the notification: that is not published."""
    return EPOCH + timedelta(milliseconds=int(text))


def _kind(code: str, connection: Connection) -> str:
    """Return the kind that says what a code means to this merchant; of a code that no setting names, nothing."""
    if code == connection.required("paid_code"):
        return "notification_paid"
    failed = {one.strip() for one in connection.optional("failed_codes").split(",")}
    return "notification_failed" if code in failed else "notification"


def _verified(fields: dict[str, str], connection: Connection, wrong: HttpAnswer) -> dict[str, str]:
    if any(not fields.get(name) for name in NEEDED):
        raise Refused("field_missing", wrong)
    if fields["merId"] != connection.required("login"):
        raise Refused("wrong_merchant", wrong)
    # The values are hashed without anything between them: none may borrow digits from its neighbour.
    if not _is_digits(fields["timeStamp"]) or len(fields["timeStamp"]) != TIME_STAMP_DIGITS:
        raise Refused("malformed", wrong)
    if not verify(_row(fields, connection, wrong), fields, connection.required("password"), fields["merchantToken"]):
        raise Refused("bad_signature", wrong)
    return fields


def _row(fields: Fields, connection: Connection, wrong: HttpAnswer) -> Profile:
    """Return the one row that holds for this notification: userFee is signed when it is above 0."""
    fee = fields.get("userFee") or "0"
    if not _is_digits(fee):
        raise Refused("malformed", wrong)
    if _signs_pay_token(connection):
        if "payToken" not in fields:
            raise Refused("field_missing", wrong)
        return signatures.NOTIFICATION_WITH_BOTH if int(fee) else signatures.NOTIFICATION_WITH_TOKEN
    return signatures.NOTIFICATION_WITH_FEE if int(fee) else signatures.NOTIFICATION


def _signs_pay_token(connection: Connection) -> bool:
    word = connection.optional("token_variant", "plain")
    if word not in TOKENS:
        text = f"{PARTY}: token_variant must be one of {', '.join(TOKENS)}"
        raise SetupError(text, reason="setting_malformed")
    return TOKENS[word]


def _json(body: bytes) -> dict[str, str]:
    """Return an object's texts and numbers, every number in the digits it came with."""
    try:
        found: Any = json.loads(body.decode(), parse_int=str, parse_float=str, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Refused("malformed", WRONG) from error
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _form(body: bytes, wrong: HttpAnswer) -> dict[str, str]:
    try:
        text = body.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=100)
        return _once(pairs)
    except ValueError as error:
        raise Refused("malformed", wrong) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A name given twice could be verified with one value and read with the other."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name appears twice")
    return found


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= AMOUNT_DIGITS_MAX


def _whole(text: str) -> int | None:
    """None for what is no whole number: booking says so, and sets the message aside."""
    return int(text) if _is_digits(text) else None
