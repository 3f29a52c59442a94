"""Our payment request as Ngân Lượng's SetExpressCheckout, and its answer as the address where the citizen pays."""

import re
from collections.abc import Iterable
from urllib.parse import urlencode

from mappings.nganluong import answers
from truc.domain import members
from truc.errors import MalformedError
from truc.messages import PaymentAddress, PaymentRequested

AMOUNT_VND_MIN, AMOUNT_VND_MAX = 2_000, 10**12  # the least is published; the most is ours
ORDER_CODE = re.compile(r"[0-9A-Za-z][-_.0-9A-Za-z]{0,49}")  # ours: no form of it is published


def write(message: PaymentRequested) -> bytes:
    """Return the order's own fields as a form; the client adds merchant, receiver, addresses and the office.

    The citizen is not named: the office stands as the buyer. MalformedError names what Ngân Lượng would refuse.
    """
    if not AMOUNT_VND_MIN <= message.amount_vnd <= AMOUNT_VND_MAX:
        problem = f"amount_vnd must be {AMOUNT_VND_MIN:,} to {AMOUNT_VND_MAX:,} đồng, not {message.amount_vnd:,}"
        raise MalformedError(problem, reason="amount_out_of_range")
    if not ORDER_CODE.fullmatch(message.our_reference):
        problem = "our_reference must be at most 50 letters, digits, -, _ or ., and begin with a letter or digit"
        raise MalformedError(problem, reason="reference_malformed")
    return urlencode({"order_code": message.our_reference, "total_amount": str(message.amount_vnd)}).encode()


def read(body: bytes) -> Iterable[PaymentAddress]:
    """Yield the address where the citizen pays, with the token by which the order is asked about."""
    found = answers.kept(body)
    said = answers.answer(found)
    code = members.text(said, "error_code")
    if code != "00":
        raise MalformedError(f"error_code {code[:20]}: there is no order", reason="not_an_order")
    pay_url = members.text(said, "checkout_url")
    if not pay_url.startswith("https://"):
        raise MalformedError("checkout_url must begin with https://", reason="field_malformed")
    yield PaymentAddress(
        our_reference=members.text(found, "order_code"), pay_url=pay_url, partner_token=members.text(said, "token")
    )
