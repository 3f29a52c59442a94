"""Verifies what VNPAY sends by GET: the IPN, and the browser of a citizen who comes back (partners.md §2).

Both carry the same names in the query string. The browser's return is kept and booked nowhere, since it may be lost,
held back or opened again. VNPAY signs its own form encoding of names and values, and coders differ in what they escape:
so the pairs are verified as they were received first, and as we would encode them second. Either text has one reading.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from urllib.parse import parse_qsl, unquote_plus
from zoneinfo import ZoneInfo

from connectors.vnpay.result_codes import PAYMENT
from connectors.vnpay.signatures import HASH, HASH_TYPE, QUERY_STRING
from truc.connections import Connection
from truc.envelope import Envelope
from truc.errors import MalformedError
from truc.inbound.callbacks import About, HttpAnswer, Incoming, Received, Refused, Standing
from truc.inbound.pages import after_return, unverified
from truc.result_codes import Doing
from truc.trust.signing import verify, verify_bytes

FORM = "application/x-www-form-urlencoded"
HASH_CHARACTERS = 128  # HMAC-SHA512 in hex; the MD5 and SHA-256 of 2.0.x are shorter
NEEDED = ("vnp_TmnCode", "vnp_TxnRef", "vnp_Amount", "vnp_ResponseCode", "vnp_TransactionStatus", HASH)


def _said(code: str, message: str) -> HttpAnswer:
    return HttpAnswer(200, json.dumps({"RspCode": code, "Message": message}).encode())


CONFIRMED = _said("00", "Confirm Success")
NO_SUCH_ORDER = _said("01", "Order not Found")
ALREADY_CONFIRMED = _said("02", "Order already confirmed")
ADDRESS_REFUSED = _said("03", "IP not allowed")
AMOUNT_DIFFERS = _said("04", "Invalid amount")
BAD_CHECKSUM = _said("97", "Invalid Checksum")
OTHER_ERROR = _said("99", "Unknown error")
ANSWERS = {
    Standing.OPEN: CONFIRMED,
    Standing.SETTLED: ALREADY_CONFIRMED,
    Standing.AMOUNT_DIFFERS: AMOUNT_DIFFERS,
    Standing.UNKNOWN: NO_SUCH_ORDER,
}

_back = partial(after_return, "VNPAY")
PAGES = {
    Doing.ACCEPTED: _back("VNPAY báo đã thanh toán. Kết quả chính thức có sau khi VNPAY xác nhận với hệ thống."),
    Doing.PENDING: _back("VNPAY đang xử lý. Kết quả chính thức có sau khi VNPAY xác nhận với hệ thống."),
    Doing.REJECTED: _back("Giao dịch chưa hoàn tất. Nếu tài khoản đã bị trừ tiền, xin chờ VNPAY xác nhận."),
}
WRONG_PAGE = unverified("VNPAY")
TIME_FORMAT, TIME_DIGITS, VIETNAM = "%Y%m%d%H%M%S", 14, ZoneInfo("Asia/Ho_Chi_Minh")


def receive(request: Incoming, connection: Connection) -> Received:
    """Return the verified call, named vnp_TxnRef/vnp_TransactionNo, its body the query string; or raise Refused.

    Reasons: not_get, malformed, field_missing, old_hash, bad_signature, wrong_terminal, amount_malformed,
    unknown_result_code.
    """
    if request.method != "GET":
        raise Refused("not_get", HttpAnswer(405))
    if request.path.endswith("/browser_return"):
        return _browser_return(request.query, connection)
    return _ipn(request.query, connection)


def refusal(reason: str) -> HttpAnswer:
    """Return VNPAY's answer to a call that the gateway refuses for a reason of its own."""
    return ADDRESS_REFUSED if reason == "address_not_allowed" else OTHER_ERROR


def _ipn(query: str, connection: Connection) -> Received:
    fields = _verified(query, connection, malformed=OTHER_ERROR, unsigned=BAD_CHECKSUM)
    if fields["vnp_TmnCode"] != connection.required("login"):
        raise Refused("wrong_terminal", NO_SUCH_ORDER)
    about = About(fields["vnp_TxnRef"], _amount_vnd(fields["vnp_Amount"], AMOUNT_DIFFERS))
    said_at = _said_at(fields.get("vnp_PayDate", ""))
    return Received(_envelope("ipn", fields, query), CONFIRMED, about=about, answers=ANSWERS, said_at=said_at)


def _browser_return(query: str, connection: Connection) -> Received:
    fields = _verified(query, connection, malformed=WRONG_PAGE, unsigned=WRONG_PAGE)
    try:
        answers = PAGES[PAYMENT.doing("browser_return", fields["vnp_ResponseCode"])]
    except MalformedError as error:
        raise Refused("unknown_result_code", WRONG_PAGE) from error
    if fields["vnp_TmnCode"] != connection.required("login"):
        raise Refused("wrong_terminal", WRONG_PAGE)
    about = About(fields["vnp_TxnRef"], _amount_vnd(fields["vnp_Amount"], WRONG_PAGE))
    envelope = _envelope("browser_return", fields, query)
    return Received(envelope, answers[Standing.UNKNOWN], about=about, answers=answers)


def _envelope(kind: str, fields: Mapping[str, str], query: str) -> Envelope:
    external_id = f"{fields['vnp_TxnRef']}/{fields.get('vnp_TransactionNo', '')}"
    return Envelope("vnpay", kind, external_id, query.encode(), FORM)


def _verified(query: str, connection: Connection, *, malformed: HttpAnswer, unsigned: HttpAnswer) -> dict[str, str]:
    fields = _fields(query, malformed)
    if len(fields[HASH]) != HASH_CHARACTERS or fields.get(HASH_TYPE, "HmacSHA512").casefold() != "hmacsha512":
        raise Refused("old_hash", unsigned)
    secret = connection.required("password")
    as_received = verify_bytes(QUERY_STRING, _signed_pairs(query), secret, fields[HASH])
    if not as_received and not verify(QUERY_STRING, fields, secret, fields[HASH]):
        raise Refused("bad_signature", unsigned)
    return fields


def _signed_pairs(query: str) -> bytes:
    """Return what VNPAY signs, in its own encoding: pairs by name, without the hash and without empty values."""
    named = {unquote_plus(pair.partition("=")[0]): pair for pair in query.split("&")}
    kept = (named[name] for name in sorted(named.keys() - {HASH, HASH_TYPE}))
    return "&".join(pair for pair in kept if pair.partition("=")[2]).encode("ascii")


def _fields(query: str, malformed: HttpAnswer) -> dict[str, str]:
    """Return the decoded pairs. A name given twice could be verified with one value and read with the other."""
    try:
        query.encode("ascii")
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=100)
    except ValueError as error:
        raise Refused("malformed", malformed) from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Refused("malformed", malformed)
    if not all(fields.get(name) for name in NEEDED):
        raise Refused("field_missing", malformed)
    return fields


def _amount_vnd(text: str, differs: HttpAnswer) -> int:
    """Return whole đồng of vnp_Amount, which counts hundredths; a rest is an amount of no order of ours."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 17 and text.endswith("00")):
        raise Refused("amount_malformed", differs)
    return int(text) // 100


def _said_at(text: str) -> datetime | None:
    """vnp_PayDate is yyyyMMddHHmmss on Vietnam's clock; None where nobody paid, or for what is no time."""
    if not (text.isascii() and text.isdigit() and len(text) == TIME_DIGITS):
        return None
    try:
        return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=VIETNAM)
    except ValueError:
        return None
