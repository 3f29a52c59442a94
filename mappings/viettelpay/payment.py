"""Our payment request as the fields of ViettelPay's pay page, and the signed address of that page as we keep it."""

import json
from collections.abc import Iterable
from urllib.parse import urlsplit

from mappings.viettelpay import fields
from truc.domain import members
from truc.errors import MalformedError
from truc.messages import PaymentAddress, PaymentRequested


def write(message: PaymentRequested) -> bytes:
    """Return the order's own fields; the client adds merchant, addresses and checksum.

    billcode says the amount, so that the call before the payment can be verified. MalformedError names what ViettelPay
    would refuse.
    """
    order = {
        "billcode": fields.bill_code(message.amount_vnd),
        "order_id": fields.reference(message.our_reference, "our_reference"),
        "trans_amount": str(message.amount_vnd),
        "desc": fields.plain_text(message.purpose),
    }
    return json.dumps(order, separators=(",", ":")).encode()


def read(body: bytes) -> Iterable[PaymentAddress]:
    """Yield the address where the citizen pays, of the order that stands in it."""
    pay_url = members.text(members.json_object(body), "payUrl")
    try:
        query = urlsplit(pay_url).query
    except ValueError as error:
        raise MalformedError("payUrl is no address", reason="field_malformed") from error
    yield PaymentAddress(our_reference=members.text(fields.pairs(query), "order_id"), pay_url=pay_url)
