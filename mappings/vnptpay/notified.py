"""What a notification of MegaPay says of a payment, whatever its end."""

from typing import Literal

from mappings.vnptpay import fields
from truc.domain import members
from truc.messages import PaymentResult


def result(body: bytes, state: Literal["pending", "paid", "failed"]) -> PaymentResult:
    """Return the payment's state as of timeStamp; the core compares the amount with our order."""
    said = fields.notified(body)
    return PaymentResult(
        our_reference=members.text(said, "merTrxId"),
        partner_reference=members.text(said, "trxId"),
        amount_vnd=fields.amount_vnd(said),
        state=state,
        occurred_at=fields.moment(said),
    )
