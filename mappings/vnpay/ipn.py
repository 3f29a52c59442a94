"""Reads VNPAY's IPN, kept and verified by the gateway, as the state of one payment."""

from collections.abc import Iterable

from mappings.vnpay import fields
from mappings.vnpay.states import payment_state
from truc.domain import members
from truc.messages import PaymentResult


def read(body: bytes) -> Iterable[PaymentResult]:
    """Yield the payment's state; the core compares the amount with our order."""
    said = fields.pairs(fields.ascii_text(body))
    yield PaymentResult(
        our_reference=members.text(said, "vnp_TxnRef"),
        partner_reference=members.optional(said, "vnp_TransactionNo"),
        amount_vnd=fields.amount_vnd(said),
        state=payment_state(members.text(said, "vnp_ResponseCode"), members.text(said, "vnp_TransactionStatus")),
        occurred_at=fields.moment(said, "vnp_PayDate"),
    )
