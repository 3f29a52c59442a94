"""Reads the platform's result call, kept and verified by the gateway, as the state of one payment."""

from collections.abc import Iterable

from mappings.national_payment import fields
from mappings.national_payment.states import of_result
from truc.messages import PaymentResult


def read(body: bytes) -> Iterable[PaymentResult]:
    """Yield the payment's state; the core compares amount and reference with our order."""
    said = fields.json_object(body)
    yield PaymentResult(
        our_reference=fields.text(said, "MaThamChieu"),
        partner_reference=fields.optional(said, "MaGiaoDich"),
        amount_vnd=fields.amount_vnd(said),
        state=of_result(fields.text(said, "MaLoi")),
        occurred_at=fields.moment(said),
    )
