"""Our payment request as the fields of VNPAY's pay page, and the signed address of that page as we keep it."""

import json
from collections.abc import Iterable
from urllib.parse import urlsplit

from mappings.vnpay import fields
from truc.domain import members
from truc.errors import MalformedError
from truc.messages import PaymentAddress, PaymentRequested

TXN_REF_MAX = 100
AMOUNT_VND_MAX = 10**12


def write(message: PaymentRequested) -> bytes:
    """Return the order's own fields; the client adds terminal, expiry, addresses and hash.

    vnp_CreateDate is when the payment was requested: querydr finds the order by it later. MalformedError names what
    VNPAY would refuse.
    """
    if not 1 <= message.amount_vnd <= AMOUNT_VND_MAX:
        raise MalformedError(f"amount_vnd must be 1 to {AMOUNT_VND_MAX:,} đồng", reason="amount_out_of_range")
    order = {
        "vnp_Amount": fields.hundredths(message.amount_vnd),
        "vnp_CreateDate": fields.clock(message.requested_at),
        "vnp_CurrCode": "VND",
        "vnp_OrderInfo": fields.order_info(message.purpose),
        "vnp_TxnRef": fields.named(message.our_reference, "our_reference", TXN_REF_MAX),
    }
    return json.dumps(order, separators=(",", ":")).encode()


def read(body: bytes) -> Iterable[PaymentAddress]:
    """Yield the address where the citizen pays, of the order that stands in it."""
    pay_url = members.text(members.json_object(body), "payUrl")
    try:
        query = urlsplit(pay_url).query
    except ValueError as error:
        raise MalformedError("payUrl is no address", reason="field_malformed") from error
    yield PaymentAddress(our_reference=members.text(fields.pairs(query), "vnp_TxnRef"), pay_url=pay_url)
