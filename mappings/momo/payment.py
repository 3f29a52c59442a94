"""Our payment request as MoMo's create, and its answer as the address where the citizen pays."""

import json
import re
from collections.abc import Iterable

from mappings.momo.states import json_object
from truc.domain import members
from truc.errors import MalformedError
from truc.messages import PaymentAddress, PaymentRequested, Unreadable

AMOUNT_VND_MIN, AMOUNT_VND_MAX = 1_000, 20_000_000
ORDER_ID_MAX, ORDER_INFO_MAX = 50, 200
# The same language as MoMo's ^[0-9a-zA-Z]([-_.]*[0-9a-zA-Z]+)*$, without its exponential backtracking.
ORDER_ID = re.compile(r"[0-9a-zA-Z](?:[-_.0-9a-zA-Z]*[0-9a-zA-Z])?")


def write(message: PaymentRequested) -> bytes:
    """Return the order; the client adds partnerCode, addresses and signature.

    requestId is the orderId, so that a resend is recognised. MalformedError names what MoMo would
    refuse (partners.md §1.1).
    """
    _refuse_what_momo_would(message)
    order = {
        "requestId": message.our_reference,
        "orderId": message.our_reference,
        "amount": message.amount_vnd,
        "orderInfo": message.purpose,
        "extraData": "",
        "requestType": "captureWallet",
        "lang": "vi",
    }
    return json.dumps(order, ensure_ascii=False, separators=(",", ":")).encode()


def read(body: bytes) -> Iterable[PaymentAddress | Unreadable]:
    """Yield the pay address of a create's answer.

    A query's answer (the receipt after a lost answer) has none: that yields Unreadable
    `pay_url_not_given`, because the citizen must get a new payment request.
    """
    said = json_object(body)
    order_id = members.text(said, "orderId")
    if not said.get("payUrl"):
        problem = "payUrl was lost with the answer to create: ask for the payment again under a new reference"
        yield Unreadable(item=order_id, reason="pay_url_not_given", text=problem)
        return
    pay_url = members.text(said, "payUrl")
    if not pay_url.startswith("https://"):
        raise MalformedError("payUrl must begin with https://", reason="field_malformed")
    yield PaymentAddress(our_reference=order_id, pay_url=pay_url)


def _refuse_what_momo_would(message: PaymentRequested) -> None:
    if not AMOUNT_VND_MIN <= message.amount_vnd <= AMOUNT_VND_MAX:
        problem = f"amount_vnd must be {AMOUNT_VND_MIN:,} to {AMOUNT_VND_MAX:,} đồng, not {message.amount_vnd:,}"
        raise MalformedError(problem, reason="amount_out_of_range")
    if len(message.our_reference) > ORDER_ID_MAX or not ORDER_ID.fullmatch(message.our_reference):
        problem = f"our_reference must be at most {ORDER_ID_MAX} letters, digits, -, _ or ., ending in neither mark"
        raise MalformedError(problem, reason="reference_malformed")
    if not 1 <= len(message.purpose) <= ORDER_INFO_MAX:
        raise MalformedError(f"purpose must be 1 to {ORDER_INFO_MAX} characters", reason="purpose_too_long")
