"""Reads ViettelPay's answer to TRANS_INQUIRY as the state of one payment."""

from collections.abc import Iterable

from mappings.viettelpay import fields
from mappings.viettelpay.states import payment_state
from truc.domain import members
from truc.messages import PaymentResult


def read(body: bytes) -> Iterable[PaymentResult]:
    """Yield the payment's state; the answer names no time. The core compares the amount."""
    said = members.json_object(body)
    yield PaymentResult(
        our_reference=members.text(said, "order_id"),
        partner_reference=members.optional(said, "vt_transaction_id"),
        amount_vnd=fields.amount_vnd(said),
        state=payment_state(said),
    )
