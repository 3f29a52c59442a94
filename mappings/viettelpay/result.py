"""Reads the result that ViettelPay calls with, kept and verified by the gateway, as the state of one payment."""

from collections.abc import Iterable

from mappings.viettelpay import fields
from mappings.viettelpay.states import payment_state
from truc.messages import PaymentResult


def read(body: bytes) -> Iterable[PaymentResult]:
    """Yield the payment's state as of when the call came: it names no time. The core compares the amount."""
    kept = fields.json_object(body)
    said = fields.pairs(fields.text(kept, "form"))
    yield PaymentResult(
        our_reference=fields.text(said, "order_id"),
        partner_reference=fields.optional(said, "vt_transaction_id"),
        amount_vnd=fields.amount_vnd(said),
        state=payment_state(said),
        occurred_at=fields.moment(kept, "received_at"),
    )
