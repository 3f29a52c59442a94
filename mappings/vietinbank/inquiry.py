"""Reads VietinBank's answer to transactionInquiry as the state of one payment (partners.md §7).

The bank has not published the names of what it tells, nor its status codes: the client keeps, beside the answer, how
the province agreed with the bank to read it.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from truc.domain.text import storable
from truc.errors import MalformedError
from truc.messages import PaymentResult

STATES = ("paid", "pending", "failed")


def read(body: bytes) -> Iterable[PaymentResult]:
    """Yield the payment's state; MalformedError names the field. The answer names no time."""
    kept = _object(body)
    answer, reading = _object(_text(kept, "answer")), kept.get("reading")
    if not isinstance(reading, dict) or not isinstance(reading.get("states"), dict):
        raise MalformedError("reading must say how the answer is read", reason="field_malformed")
    yield PaymentResult(
        our_reference=_text(answer, _text(reading, "reference")),
        partner_reference=_text(answer, "bankTransactionId"),
        amount_vnd=_amount_vnd(answer, _text(reading, "amount")),
        state=_state(answer, reading["states"]),
    )


def _state(answer: Mapping[str, Any], states: Mapping[str, Any]) -> Any:
    code = _text(answer, "status.code")
    state = states.get(code)
    if state not in STATES:
        raise MalformedError(
            f"status.code {code[:20]} has no agreed meaning: ask the bank", reason="unknown_result_code"
        )
    return state


def _object(body: bytes | str) -> dict[str, Any]:
    try:
        value = json.loads(body, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise MalformedError("not JSON", reason="not_json") from error
    if not isinstance(value, dict):
        raise MalformedError("not a JSON object", reason="not_an_object")
    return value


def _text(said: Mapping[str, Any], name: str) -> str:
    """Return a text that is not empty and can be kept; a dot leads into an object."""
    outer, _, inner = name.partition(".")
    value = said.get(outer)
    if inner:
        value = value.get(inner) if isinstance(value, dict) else None
    if not isinstance(value, str) or not value:
        raise MalformedError(f"{name} must be a text that is not empty", reason="field_malformed")
    if not storable(value):
        raise MalformedError(f"{name} holds NUL or half a character", reason="text_not_storable")
    return value


def _amount_vnd(said: Mapping[str, Any], name: str) -> int:
    value = _text(said, name)
    if not (value.isascii() and value.isdecimal() and len(value) <= 15):
        raise MalformedError(f"{name} must be whole đồng", reason="field_malformed")
    return int(value)
