"""Reads VNPAY's answer to querydr as the state of one payment."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from mappings.vnpay import fields
from mappings.vnpay.states import PAID, State, status_of_payment
from truc.domain import members
from truc.errors import MalformedError
from truc.messages import PaymentResult

PAYMENT_TYPES = ("", "01")  # vnp_TransactionType; 02 and 03 are refunds


def read(body: bytes) -> Iterable[PaymentResult]:
    """Yield the payment's state; MalformedError for an answer that says nothing of a payment.

    vnp_ResponseCode is about the question here, vnp_TransactionStatus about the payment.
    """
    kept = members.json_object(body)
    said = fields.answer(kept)
    kind = members.optional(said, "vnp_TransactionType")
    if kind not in PAYMENT_TYPES:
        raise MalformedError(f"vnp_TransactionType {kind[:20]} is about a refund", reason="not_a_payment")
    yield PaymentResult(
        our_reference=members.text(said, "vnp_TxnRef"),
        partner_reference=members.optional(said, "vnp_TransactionNo"),
        amount_vnd=fields.amount_vnd(said),
        state=_state(said),
        occurred_at=_said_at(said),
    )


def _state(said: dict[str, Any]) -> State:
    code = members.text(said, "vnp_ResponseCode")
    if code != PAID:
        raise MalformedError(f"vnp_ResponseCode {code[:20]}: the question was not answered", reason="not_a_payment")
    return status_of_payment(members.text(said, "vnp_TransactionStatus"))


def _said_at(said: dict[str, Any]) -> datetime | None:
    """Return when it was paid; a payment must have a time, other states may name none."""
    paid = said.get("vnp_TransactionStatus") == PAID
    return fields.moment(said, "vnp_PayDate") if paid or members.optional(said, "vnp_PayDate") else None
