"""Our refund request as ViettelPay's REFUND_PAYMENT, and what ViettelPay said to it."""

import json
from collections.abc import Iterable

from mappings.viettelpay import fields
from mappings.viettelpay.states import DONE
from truc.domain import members
from truc.errors import MalformedError
from truc.messages import RefundRequested, RefundResult

REFUND_TYPE = "1"  # the only one published


def write(message: RefundRequested) -> bytes:
    """Return the refund's own fields; the client adds command, merchant and checksum.

    trans_content begins with our reference, so that a person finds the refund at ViettelPay. MalformedError for a part
    of a payment, and for one whose transaction we do not know.
    """
    if not 1 <= message.amount_vnd == message.paid_vnd <= fields.AMOUNT_VND_MAX:
        raise MalformedError("amount_vnd must be all that was paid", reason="amount_out_of_range")
    if not message.partner_reference:
        raise MalformedError("partner_reference must name ViettelPay's transaction", reason="reference_malformed")
    refund = {
        "order_id": fields.reference(message.our_reference, "our_reference"),
        "originalRequestId": message.partner_reference,
        "refundType": REFUND_TYPE,
        "trans_amount": str(message.amount_vnd),
        "trans_content": fields.plain_text(f"{message.refund_reference} {message.purpose}"),
    }
    return json.dumps(refund, separators=(",", ":")).encode()


def read(body: bytes) -> Iterable[RefundResult]:
    """Yield the refund as done, at no time that is named; MalformedError for a code that says no such thing."""
    kept = members.json_object(body)
    said = members.json_object(members.text(kept, "answer"))
    code = members.text(said, "error_code")
    if code != DONE:
        raise MalformedError(f"error_code {code[:20]}: no refund was taken", reason="not_a_refund")
    yield RefundResult(
        refund_reference=members.text(kept, "refund_reference"),
        partner_reference=members.optional(said, "vt_transaction_id"),
        # The answer need not repeat the sum; where it does, the core compares what it says, not what we asked.
        amount_vnd=fields.amount_vnd(said if said.get("trans_amount") else kept),
        state="refunded",
    )
