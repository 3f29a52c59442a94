"""The store of refunds: what is to go back of a payment, and what went back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from truc.errors import MalformedError
from truc.store.opened import Transaction, as_storable
from truc.store.tables.money import PAYMENTS, RECEIPTS, RECEIPTS_TO_CANCEL, REFUNDS

Refund = Row[Any]
GOING = ("requested", "pending")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRefund:
    """A refund as it is requested. (source, source_reference) is its identity: a second wish is a no-op."""

    refund_reference: str
    source: str
    source_reference: str
    payment_id: int
    amount_vnd: int
    state: str
    actor: str
    reason: str
    requested_at: datetime


def create(transaction: Transaction, new: NewRefund) -> int:
    """Book a refund and return its id."""
    values = {name: getattr(new, name) for name in NewRefund.__slots__}
    return int(transaction.sql.execute(insert(REFUNDS).values(values).returning(REFUNDS.c.id)).scalar_one())


def find(transaction: Transaction, source: str, source_reference: str) -> Refund | None:
    """Return the refund its source already asked for, with our_reference of its payment, or None."""
    query = select(REFUNDS, PAYMENTS.c.our_reference).join(PAYMENTS, PAYMENTS.c.id == REFUNDS.c.payment_id)
    return transaction.sql.execute(
        query.where(REFUNDS.c.source == source, REFUNDS.c.source_reference == source_reference)
    ).one_or_none()


def payment_of(transaction: Transaction, refund_reference: str) -> str:
    """Return our_reference of the refund's payment; raise MalformedError for an unknown refund."""
    query = select(PAYMENTS.c.our_reference).join(REFUNDS, REFUNDS.c.payment_id == PAYMENTS.c.id)
    found = transaction.sql.execute(query.where(REFUNDS.c.refund_reference == refund_reference)).scalar()
    if found is None:
        raise MalformedError(f"refund_reference: no refund {refund_reference!r}", reason="unknown_refund")
    return str(found)


def of_payment(transaction: Transaction, payment_id: int) -> list[Refund]:
    """Return the payment's refunds, oldest first. Lock the payment before you act on them."""
    return list(
        transaction.sql.execute(select(REFUNDS).where(REFUNDS.c.payment_id == payment_id).order_by(REFUNDS.c.id))
    )


def keep_state(
    transaction: Transaction, refund_id: int, state: str, *, partner_reference: str, refused_because: str = ""
) -> None:
    """Book where the refund stands."""
    values = {"state": state, "partner_reference": partner_reference, "refused_because": as_storable(refused_because)}
    transaction.sql.execute(update(REFUNDS).where(REFUNDS.c.id == refund_id).values(**values, state_at=func.now()))


def keep_given_back(transaction: Transaction, *, payment_id: int, refund_id: int, amount_vnd: int) -> None:
    """Count what went back, and mark that the payment's receipt, where it has one, needs cancelling."""
    transaction.sql.execute(
        update(PAYMENTS).where(PAYMENTS.c.id == payment_id).values(refunded_vnd=PAYMENTS.c.refunded_vnd + amount_vnd)
    )
    receipt_id = transaction.sql.execute(select(RECEIPTS.c.id).where(RECEIPTS.c.payment_id == payment_id)).scalar()
    if receipt_id is not None:
        marked = upsert(RECEIPTS_TO_CANCEL).values(refund_id=refund_id, receipt_id=receipt_id, amount_vnd=amount_vnd)
        transaction.sql.execute(marked.on_conflict_do_nothing(index_elements=["refund_id"]))


_STOPPED = text(
    """
    SELECT one.refund_reference, one.amount_vnd, coalesce(sent.reason, sent.state) AS reason
    FROM refunds AS one JOIN payments ON payments.id = one.payment_id
    JOIN outbox_names AS named ON named.party = payments.party AND named.external_id = one.refund_reference
        AND named.operation = ANY(CAST(:operations AS text[]))
    JOIN outbox AS sent ON sent.id = named.outbox_id
    WHERE payments.party = :party AND payments.state = 'refunding' AND one.state = 'requested'
        AND (sent.state = 'refused' OR (sent.state = 'superseded' AND sent.reason = 'dropped'))
    ORDER BY one.id FOR UPDATE OF payments SKIP LOCKED
    """
)


def requests_stopped(transaction: Transaction, party: str, operations: list[str]) -> list[Row[Any]]:
    """Return refunds the party refused outright, or a person dropped: (refund_reference, amount_vnd, reason).

    Their payments are locked; what another works on is left.
    """
    return list(transaction.sql.execute(_STOPPED, {"party": party, "operations": operations}))
