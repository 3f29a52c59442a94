"""Fetches the party's own receipt of each payment that was paid through it, and keeps its bytes, once.

For a party whose client has `get_bill`. What it gives is a document for the citizen, and no word on the payment:
`mappings.<party>.bill.read` says only whether the bytes are one.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Row, text

from truc.envelope import Envelope, Order
from truc.exchange import bodies, inbox
from truc.services.question_runs import Answer
from truc.store.opened import Transaction

KIND = "bill"
PDF = "application/pdf"
# How long a receipt is asked for that the party does not give. Newest first, so that old ones hold up no new one.
WITHIN_DAYS = 3
_WITHOUT_BILL = text(
    """
    SELECT id, our_reference, partner_token, amount_vnd, requested_at
    FROM payments
    WHERE party = :party AND state IN ('paid', 'refunding', 'refunded')
        AND business_on >= (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date - CAST(:days AS integer)
        AND NOT id = ANY(CAST(:tried AS bigint[]))
        AND NOT EXISTS (
            SELECT FROM inbox_names AS kept
            WHERE kept.party = payments.party AND kept.kind = :kind AND kept.external_id = payments.our_reference)
    ORDER BY id DESC LIMIT :most
    """
)
_KEPT = text(
    """
    SELECT inbox.body_id FROM inbox JOIN payments ON payments.party = inbox.party
    WHERE payments.our_reference = :our_reference AND inbox.external_id = :our_reference AND inbox.kind = :kind
        AND inbox.state = 'booked'
    ORDER BY inbox.id DESC LIMIT 1
    """
)


class GivesBills(Protocol):
    """A client that gives the receipt of a payment."""

    def get_bill(self, order: Order) -> bytes:
        """Return the document; MalformedError where the answer is none."""


@dataclass(frozen=True, slots=True)
class BillQuestions:
    """The receipts that one run fetches. A payment is tried once in a run: asking changes nothing about it."""

    client: GivesBills
    party: str
    tried: set[int] = field(default_factory=set)

    def claim(self, transaction: Transaction, *, most: int, lease_s: float) -> list[Row[Any]]:  # noqa: ARG002  (two that fetch one get the same)
        """Take payments without a receipt."""
        given = {"party": self.party, "kind": KIND, "most": most, "days": WITHIN_DAYS, "tried": sorted(self.tried)}
        found = list(transaction.sql.execute(_WITHOUT_BILL, given))
        self.tried.update(one.id for one in found)
        return found

    def call(self, asked: Row[Any]) -> bytes:
        """Fetch one."""
        order = Order(
            our_reference=asked.our_reference,
            partner_token=asked.partner_token,
            amount_vnd=asked.amount_vnd,
            requested_at=asked.requested_at,
        )
        return self.client.get_bill(order)

    def write(self, transaction: Transaction, answer: Answer, now: datetime, again_at: datetime) -> str:  # noqa: ARG002  (the next run tries again)
        """Keep the receipt; return how it is counted."""
        if answer.body is None:
            unheard = answer.to_be_repeated
            return "bill_unreached" if unheard else f"bill_{answer.name_of_failure(self.party, KIND)}"
        inbox.keep(transaction, Envelope(self.party, KIND, answer.asked.our_reference, answer.body, PDF))
        return "bill_kept"


def kept(transaction: Transaction, our_reference: str) -> bytes | None:
    """Return the party's receipt of a payment, None where none is kept: not yet, or past its period."""
    found = transaction.sql.execute(_KEPT, {"our_reference": our_reference, "kind": KIND}).one_or_none()
    return None if found is None else bodies.read_many(transaction, [found.body_id]).get(found.body_id)
