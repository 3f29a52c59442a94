"""Verifies the browser of a citizen who comes back from Checkout 2.0, by its secure_code (partners.md §6).

A browser may be lost, held back or opened again, so its word is kept and booked nowhere. Ngân Lượng calls nobody by
itself: how a payment ended is asked by its token, and at once when the browser comes back.
"""

from urllib.parse import parse_qsl

from connectors.nganluong.signatures import CHECKOUT_RETURN
from truc.connections import Connection
from truc.envelope import Envelope
from truc.inbound.callbacks import About, HttpAnswer, Incoming, Received, Refused, Standing
from truc.inbound.pages import after_return, unverified
from truc.trust.signing import verify

FORM = "application/x-www-form-urlencoded"
GIVEN = tuple(name for name in CHECKOUT_RETURN.names if name != "merchant_site_code")


RETURNED = after_return("Ngân Lượng", "Đã nhận. Kết quả chính thức có sau khi hệ thống hỏi lại Ngân Lượng.")
WRONG = unverified("Ngân Lượng")
PRICE_DIGITS_MAX = 15


def receive(request: Incoming, connection: Connection) -> Received:
    """Return the verified call, named order_code/payment_id, its body the query string; or raise Refused.

    Reasons: not_get, malformed, field_missing, bad_signature.
    """
    if request.method != "GET":
        raise Refused("not_get", HttpAnswer(405))
    fields = _fields(request.query)
    # Our own code, not one that the browser brings.
    signed = {**fields, "merchant_site_code": connection.required("login")}
    if not verify(CHECKOUT_RETURN, signed, connection.required("password"), fields["secure_code"]):
        raise Refused("bad_signature", WRONG)
    external_id = f"{fields['order_code']}/{fields['payment_id']}"
    envelope = Envelope("nganluong", "browser_return", external_id, request.query.encode("latin-1"), FORM)
    about = About(fields["order_code"], _whole(fields["price"]))
    return Received(envelope, RETURNED[Standing.UNKNOWN], about=about, answers=RETURNED)


def _whole(text: str) -> int | None:
    """None for a price that is no whole number: it is compared with nothing then, and settles nothing anyway."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= PRICE_DIGITS_MAX else None


def _fields(query: str) -> dict[str, str]:
    """Return the decoded pairs. A name given twice could be verified with one value and read with the other."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=50)
    except ValueError as error:
        raise Refused("malformed", WRONG) from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Refused("malformed", WRONG)
    if not {*GIVEN, "secure_code"} <= fields.keys():
        raise Refused("field_missing", WRONG)
    return fields
