"""MoMo's word on one payment: what query and IPN have in common (partners.md §1.1)."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from truc.domain import members
from truc.errors import MalformedError
from truc.messages import PaymentResult

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# 2001-09-09 to 2286-11-20: thirteen digits of milliseconds; seconds or microseconds fall outside.
MILLISECONDS = range(10**12, 10**13)

State = Literal["pending", "paid", "failed", "expired", "refunded"]

# 9000 (authorised) is pending: it is paid only with autoCapture on, and then a 0 follows.
STATES: dict[int, State] = {
    0: "paid",
    1000: "pending",
    1001: "failed",
    1002: "failed",
    1003: "failed",
    1004: "failed",
    1005: "expired",
    1006: "failed",
    1007: "failed",
    1017: "failed",
    1026: "failed",
    4001: "failed",
    4002: "failed",
    7000: "pending",
    7002: "pending",
    8000: "pending",
    9000: "pending",
}
# Published codes that say nothing of whether the citizen paid: about a call, or about a refund.
SAY_NOTHING_OF_PAYMENT = frozenset((10, 11, 12, 13, 20, 21, 22, 40, 41, 42, 43, 45, 47, 98, 99, 1080, 1081, 1088, 2019))

# Published codes that say nothing of what became of a refund.
SAY_NOTHING_OF_REFUND = SAY_NOTHING_OF_PAYMENT - {1080, 1081, 1088}


def result_of(body: bytes) -> PaymentResult:
    """Return the payment's state, or raise MalformedError that names the field."""
    said = json_object(body)
    code = whole_number(said, "resultCode")
    return PaymentResult(
        our_reference=members.text(said, "orderId"),
        partner_reference=reference(said, "transId"),
        amount_vnd=whole_number(said, "amount"),
        state=state_of(code),
        occurred_at=moment(said, "responseTime"),
    )


def state_of(code: int) -> State:
    """Return our state for a result code, or raise MalformedError: nothing is guessed about money."""
    if code in SAY_NOTHING_OF_PAYMENT:
        raise MalformedError(f"resultCode {code} says nothing of a payment: query it", reason="not_a_payment")
    if code not in STATES:
        raise MalformedError(f"resultCode {code} is not published: ask MoMo", reason="unknown_result_code")
    return STATES[code]


def json_object(body: bytes) -> dict[str, Any]:
    """Return the body read as one JSON object."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedError("not JSON", reason="not_json") from error
    if not isinstance(value, dict):
        raise MalformedError("not a JSON object", reason="not_an_object")
    return value


def reference(said: dict[str, Any], name: str) -> str:
    """Return MoMo's own number as text, "" where it gives none."""
    value = said.get(name)
    if value is None or value == "":
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return members.text(said, name)


def whole_number(said: dict[str, Any], name: str) -> int:
    """Return a whole number of at most 15 digits, given as a number or as digits."""
    value = said.get(name)
    digits = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 15):
        raise MalformedError(f"{name} must be a whole number", reason="field_malformed")
    return int(digits)


def moment(said: dict[str, Any], name: str) -> datetime:
    """Return the instant of milliseconds since 1970, in Vietnam's zone."""
    milliseconds = whole_number(said, name)
    if milliseconds not in MILLISECONDS:
        raise MalformedError(f"{name} must be milliseconds since 1970", reason="field_malformed")
    return (EPOCH + timedelta(milliseconds=milliseconds)).astimezone(VIETNAM)
