"""Reads the platform's result call, kept and verified by the gateway, as the state of one payment."""

from collections.abc import Iterable

from mappings.national_payment import fields
from mappings.national_payment.states import of_result
from truc.domain import members
from truc.messages import PaymentResult


def read(body: bytes) -> Iterable[PaymentResult]:
    """Yield the payment's state; the core compares amount and reference with our order."""
    said = members.json_object(body)
    yield PaymentResult(
        our_reference=members.text(said, "MaThamChieu"),
        partner_reference=members.optional(said, "MaGiaoDich"),
        amount_vnd=fields.amount_vnd(said),
        state=of_result(members.text(said, "MaLoi")),
        occurred_at=fields.moment(said),
    )
