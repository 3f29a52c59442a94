"""Our refund request as VNPAY's refund, and what VNPAY said to it."""

import json
from collections.abc import Iterable
from typing import Any

from mappings.vnpay import fields
from mappings.vnpay.payment import AMOUNT_VND_MAX, TXN_REF_MAX
from mappings.vnpay.states import RefundState, status_of_refund
from truc.domain import members
from truc.errors import MalformedError
from truc.messages import RefundRequested, RefundResult

REQUEST_ID_MAX = 32
WHOLE, PARTIAL = "02", "03"
NO_TRANSACTION = "0"  # what clients send for a payment whose vnp_TransactionNo they do not know


def write(message: RefundRequested) -> bytes:
    """Return the refund's own fields; the client adds terminal, address and hash.

    vnp_RequestId is our reference, so a repeat within VNPAY's five minutes is recognised (94); vnp_OrderInfo begins
    with it, so that a person finds the refund at VNPAY.
    """
    if not 1 <= message.amount_vnd <= min(message.paid_vnd, AMOUNT_VND_MAX):
        problem = "amount_vnd must be 1 đồng or more, and no more than was paid"
        raise MalformedError(problem, reason="amount_out_of_range")
    reference = fields.named(message.refund_reference, "refund_reference", REQUEST_ID_MAX)
    refund = {
        "vnp_RequestId": reference,
        "vnp_TransactionType": WHOLE if message.amount_vnd == message.paid_vnd else PARTIAL,
        "vnp_TxnRef": fields.named(message.our_reference, "our_reference", TXN_REF_MAX),
        "vnp_Amount": fields.hundredths(message.amount_vnd),
        "vnp_TransactionNo": _transaction(message.partner_reference),
        "vnp_TransactionDate": fields.clock(message.payment_requested_at),
        "vnp_CreateBy": fields.order_info(message.requested_by, name="requested_by"),
        "vnp_CreateDate": fields.clock(message.requested_at),
        "vnp_OrderInfo": fields.order_info(f"{reference} {message.purpose}"),
    }
    return json.dumps(refund, separators=(",", ":")).encode()


def read(body: bytes) -> Iterable[RefundResult]:
    """Yield what VNPAY says of the refund: under way in most answers; MalformedError for a code about no refund."""
    kept = members.json_object(body)
    said = fields.answer(kept)
    if members.text(said, "vnp_TransactionType") not in (WHOLE, PARTIAL):
        raise MalformedError("vnp_TransactionType is no refund's", reason="not_a_refund")
    state = _state(said)
    status = said["vnp_TransactionStatus"]
    yield RefundResult(
        refund_reference=members.text(kept, "vnp_RequestId"),
        partner_reference=members.optional(said, "vnp_TransactionNo"),
        amount_vnd=fields.amount_vnd(said),
        state=state,
        reason=f"vnp_TransactionStatus {status}" if state == "refused" else "",
    )


def _state(said: dict[str, Any]) -> RefundState:
    code = members.text(said, "vnp_ResponseCode")
    if code != "00":
        raise MalformedError(f"vnp_ResponseCode {code[:20]}: no refund was taken", reason="not_a_refund")
    return status_of_refund(members.text(said, "vnp_TransactionStatus"))


def _transaction(partner_reference: str) -> str:
    if not partner_reference:
        return NO_TRANSACTION
    if not (partner_reference.isascii() and partner_reference.isdecimal()):
        raise MalformedError("partner_reference must be VNPAY's number, digits only", reason="reference_malformed")
    return partner_reference
