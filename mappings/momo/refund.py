"""Our refund request as MoMo's refund, and its answer, or that to a question about it, as what became of it."""

import json
from collections.abc import Iterable
from typing import Literal

from mappings.momo.payment import AMOUNT_VND_MAX, AMOUNT_VND_MIN, ORDER_ID, ORDER_ID_MAX
from mappings.momo.states import SAY_NOTHING_OF_REFUND, STATES, json_object, moment, reference, whole_number
from truc.domain import members
from truc.errors import MalformedError
from truc.messages import RefundRequested, RefundResult

# Said of a refund only (partners.md §1.1).
REFUSED = {1080: "refund failed, retry in about an hour", 1081: "already refunded", 1088: "not refundable"}
DESCRIPTION_MAX = 200  # ours: no limit is published


def write(message: RefundRequested) -> bytes:
    """Return the refund; the client adds partnerCode and signature. MalformedError names what MoMo would refuse."""
    if not (message.partner_reference.isascii() and message.partner_reference.isdecimal()):
        raise MalformedError("partner_reference must be MoMo's transId, digits only", reason="reference_malformed")
    if len(message.refund_reference) > ORDER_ID_MAX or not ORDER_ID.fullmatch(message.refund_reference):
        problem = f"refund_reference must be at most {ORDER_ID_MAX} letters, digits, -, _ or ., ending in neither mark"
        raise MalformedError(problem, reason="reference_malformed")
    if not AMOUNT_VND_MIN <= message.amount_vnd <= min(message.paid_vnd, AMOUNT_VND_MAX):
        problem = f"amount_vnd must be {AMOUNT_VND_MIN:,} đồng or more, and no more than was paid"
        raise MalformedError(problem, reason="amount_out_of_range")
    refund = {
        "requestId": message.refund_reference,
        "orderId": message.refund_reference,
        "amount": message.amount_vnd,
        "transId": int(message.partner_reference),
        "lang": "vi",
        "description": message.purpose[:DESCRIPTION_MAX],
    }
    return json.dumps(refund, ensure_ascii=False, separators=(",", ":")).encode()


def read(body: bytes) -> Iterable[RefundResult]:
    """Yield what became of the refund; MalformedError for a code that says nothing of one."""
    said = json_object(body)
    code = whole_number(said, "resultCode")
    state, reason = _state(code)
    yield RefundResult(
        refund_reference=members.text(said, "orderId"),
        partner_reference=reference(said, "transId"),
        amount_vnd=whole_number(said, "amount"),
        state=state,
        occurred_at=moment(said, "responseTime"),
        reason=reason,
    )


def _state(code: int) -> tuple[Literal["pending", "refunded", "refused"], str]:
    if code in SAY_NOTHING_OF_REFUND:
        raise MalformedError(f"resultCode {code} says nothing of a refund: ask about it", reason="not_a_refund")
    if code in REFUSED:
        return "refused", f"{code} {REFUSED[code]}"
    if code not in STATES:
        raise MalformedError(f"resultCode {code} is not published: ask MoMo", reason="unknown_result_code")
    if code == 0:
        return "refunded", ""
    return ("pending", "") if STATES[code] == "pending" else ("refused", str(code))
