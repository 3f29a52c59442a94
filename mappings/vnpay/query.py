"""Reads VNPAY's answer to querydr as the state of one payment."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from mappings.vnpay import fields
from mappings.vnpay.states import PAID, State, status_of_payment
from truc.errors import MalformedError
from truc.messages import PaymentResult

PAYMENT_TYPES = ("", "01")  # vnp_TransactionType; 02 and 03 are refunds


def read(body: bytes) -> Iterable[PaymentResult]:
    """Yield the payment's state; MalformedError for an answer that says nothing of a payment.

    vnp_ResponseCode is about the question here, vnp_TransactionStatus about the payment.
    """
    kept = fields.json_object(body)
    said = fields.answer(kept)
    kind = fields.optional(said, "vnp_TransactionType")
    if kind not in PAYMENT_TYPES:
        raise MalformedError(f"vnp_TransactionType {kind[:20]} is about a refund", reason="not_a_payment")
    yield PaymentResult(
        our_reference=fields.text(said, "vnp_TxnRef"),
        partner_reference=fields.optional(said, "vnp_TransactionNo"),
        amount_vnd=fields.amount_vnd(said),
        state=_state(said),
        occurred_at=_said_at(kept, said),
    )


def _state(said: dict[str, Any]) -> State:
    code = fields.text(said, "vnp_ResponseCode")
    if code != PAID:
        raise MalformedError(f"vnp_ResponseCode {code[:20]}: the question was not answered", reason="not_a_payment")
    return status_of_payment(fields.text(said, "vnp_TransactionStatus"))


def _said_at(kept: dict[str, Any], said: dict[str, Any]) -> datetime:
    """Return when it was paid; what has no time of its own is so when we asked. A payment must have one."""
    paid = said.get("vnp_TransactionStatus") == PAID
    if paid or fields.optional(said, "vnp_PayDate"):
        return fields.moment(said, "vnp_PayDate")
    return fields.moment(kept, "vnp_CreateDate")
