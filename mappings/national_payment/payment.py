"""Our payment request as INIT, and the platform's answer as the address where the citizen pays (partners.md §9.1)."""

import json
from collections.abc import Iterable

from mappings.national_payment import fields
from mappings.national_payment.receipt import details, kind, receipt
from truc.domain import members
from truc.errors import MalformedError
from truc.messages import PaymentAddress, PaymentRequested

AMOUNT_VND_MAX = 10**15 - 1  # what is read back: 15 digits; no limit is published


def write(message: PaymentRequested) -> bytes:
    """Return the order's own fields; the client adds partner, channel, what the connection knows of its kind, and hash.

    ThoiGianGD is when the payment was requested: QUERY finds the payment by it later. MalformedError names what the
    platform would refuse.
    """
    if not 1 <= message.amount_vnd <= AMOUNT_VND_MAX:
        raise MalformedError(f"amount_vnd must be 1 to {AMOUNT_VND_MAX:,} đồng", reason="amount_out_of_range")
    order = {
        "MaThamChieu": fields.reference(message.our_reference),
        "SoTien": str(message.amount_vnd),
        "ThongTinGiaoDich": fields.purpose(message.purpose),
        "ThoiGianGD": fields.clock(message.requested_at),
        "kind": kind(message.details),
        "details": details(message),
        "ThongTinBienLai": receipt(message),
    }
    return json.dumps(order, ensure_ascii=False, separators=(",", ":")).encode()


def read(body: bytes) -> Iterable[PaymentAddress]:
    """Yield UrlThanhToan, which lies in a JSON text in the field `message` (egov.md §1.11)."""
    kept = members.json_object(body)
    our_reference = members.text(kept, "MaThamChieu")
    answer = members.json_object(members.text(kept, "answer"))
    said = members.json_object(members.text(answer, "message"))
    if members.optional(said, "MaThamChieu") not in ("", our_reference):
        raise MalformedError("MaThamChieu of the answer is another payment's", reason="answer_of_another")
    pay_url = members.text(said, "UrlThanhToan")
    if not pay_url.startswith("https://"):
        raise MalformedError("UrlThanhToan must begin with https://", reason="field_malformed")
    yield PaymentAddress(our_reference=our_reference, pay_url=pay_url)
