"""Reads the platform's answer to QUERY as the state of one payment."""

from collections.abc import Iterable

from mappings.national_payment import fields
from mappings.national_payment.states import DONE, of_transaction
from truc.domain import members
from truc.errors import MalformedError
from truc.messages import PaymentResult


def read(body: bytes) -> Iterable[PaymentResult]:
    """Yield the payment's state. MaLoi is about the question here, TrangThaiGD about the payment."""
    said = members.json_object(body)
    code = members.text(said, "MaLoi")
    if code != DONE:
        raise MalformedError(f"MaLoi {code[:20]}: the question was not answered", reason="not_a_payment")
    yield PaymentResult(
        our_reference=members.text(said, "MaThamChieu"),
        partner_reference=members.optional(said, "MaGiaoDich"),
        amount_vnd=fields.amount_vnd(said),
        state=of_transaction(members.text(said, "TrangThaiGD")),
        occurred_at=fields.moment(said),
    )
