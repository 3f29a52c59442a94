"""Our payment request as the order's fields for MegaPay and for the INIT API, and the address that comes of them."""

import json
from collections.abc import Iterable
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from mappings.vnptpay import fields
from truc.domain import members
from truc.errors import MalformedError
from truc.messages import PaymentAddress, PaymentRequested

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
AMOUNT_VND_MAX = 10**12


def write(message: PaymentRequested) -> bytes:
    """Return {"megapay": {…}, "init": {…}}; the client takes the one its connection speaks, and adds the merchant's.

    timeStamp is when the payment was requested, so that the same message gives the same form. MalformedError names what
    would be refused.
    """
    if not 1 <= message.amount_vnd <= AMOUNT_VND_MAX:
        raise MalformedError(f"amount_vnd must be 1 to {AMOUNT_VND_MAX:,} đồng", reason="amount_out_of_range")
    ours = fields.reference(message.our_reference, "our_reference")
    purpose, amount = fields.plain_text(message.purpose), str(message.amount_vnd)
    megapay = {
        "amount": amount,
        "invoiceNo": ours,
        "merTrxId": ours,
        "goodsNm": purpose,
        "description": purpose,
        "timeStamp": fields.milliseconds(message.requested_at),
    }
    init = {
        "MERCHANT_ORDER_ID": ours,
        "AMOUNT": amount,
        "CURRENCY_CODE": "VND",
        "DESCRIPTION": purpose,
        "CREATE_DATE": f"{message.requested_at.astimezone(VIETNAM):%Y%m%d%H%M%S}",
    }
    return json.dumps({"megapay": megapay, "init": init}, separators=(",", ":")).encode()


def read(body: bytes) -> Iterable[PaymentAddress]:
    """Yield the address where the citizen pays: our page with MegaPay's form, or what INIT answered."""
    kept = members.json_object(body)
    if "answer" in kept:
        url = members.text(members.json_object(members.text(kept, "answer")), "REDIRECT_URL")
    else:
        url = members.text(kept, "payUrl")
    yield PaymentAddress(our_reference=members.text(kept, "reference"), pay_url=_safe(url))


def _safe(url: str) -> str:
    """A citizen is sent to https only; the stand-in is on this machine."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise MalformedError("the pay page is no address", reason="field_malformed") from error
    if parts.scheme != "https" and (parts.scheme, parts.hostname) != ("http", "127.0.0.1"):
        raise MalformedError("the pay page must be https", reason="field_malformed")
    return url
