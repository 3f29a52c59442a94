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
    """A refund as it is requested. (source, source_reference) is its identity: a second wish is a no-op.

    `partner_transaction` is the duplicate that is given back, None where it is the payment's own transaction.
    """

    refund_reference: str
    source: str
    source_reference: str
    payment_id: int
    amount_vnd: int
    state: str
    actor: str
    reason: str
    requested_at: datetime
    partner_transaction: str | None = None


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


def are_going(transaction: Transaction, payment_id: int) -> bool:
    """Tell whether a refund of the payment is on its way."""
    return any(one.state in GOING for one in of_payment(transaction, payment_id))


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


# A refund of such a payment has no end yet that the party could not say.
# It names the states, as the index of open payments does.
_WAITS = "(payments.state = 'refunding' OR (payments.state = 'in_doubt' AND payments.doubt = 'refund_unanswered'))"
# A correction has a name of its own, and the place of what it corrects; so has a copy for a partner that lost its
# books, which says nothing of ours. Older refunds stand under the key of their payment.
_ENDED = text(
    f"""
    SELECT one.id, one.refund_reference, one.amount_vnd, payments.our_reference, sent.state AS request,
        coalesce(sent.reason, sent.state) AS reason
    FROM refunds AS one JOIN payments ON payments.id = one.payment_id
    JOIN outbox_names AS named ON named.party = payments.party AND named.external_id = one.refund_reference
        AND named.operation = ANY(CAST(:operations AS text[]))
    JOIN outbox AS sent ON sent.party = named.party AND sent.place = named.outbox_id
        AND sent.key IN (one.refund_reference, payments.our_reference)
        AND NOT EXISTS (SELECT FROM replays WHERE copy_id = sent.id)
    WHERE payments.party = :party AND {_WAITS} AND one.state = 'requested'
        AND (sent.state IN ('sent', 'refused', 'set_aside') OR (sent.state = 'superseded' AND sent.reason = 'dropped'))
    ORDER BY one.id FOR UPDATE OF payments SKIP LOCKED
    """  # noqa: S608  (made of our own words)
)


def requests_ended(transaction: Transaction, party: str, operations: list[str]) -> list[Row[Any]]:
    """Return refunds whose request went out or was stopped, and of which nothing was said since.

    (id, refund_reference, amount_vnd, our_reference, request, reason). Their payments are locked; what another works
    on is left.
    """
    return list(transaction.sql.execute(_ENDED, {"party": party, "operations": operations}))


_UNSCHEDULED = text(
    f"""
    SELECT payments.id, payments.party FROM payments
    WHERE payments.party = :party AND {_WAITS} AND EXISTS (
        SELECT FROM refunds WHERE payment_id = payments.id AND refunds.state = 'pending'
            AND (asking_since IS NULL OR refunds.state_at > asking_since))
    ORDER BY payments.id FOR UPDATE SKIP LOCKED
    """  # noqa: S608  (made of our own words)
)
_OVER = text(
    """
    SELECT payments.* FROM payments
    WHERE party = :party AND state = 'refunding' AND asking_since IS NOT NULL
        AND (next_ask_at IS NULL OR (:silent AND next_ask_at <= now()))
        AND EXISTS (SELECT FROM refunds WHERE payment_id = payments.id AND refunds.state = 'pending')
    ORDER BY id FOR UPDATE SKIP LOCKED
    """
)
_CLAIM = text(
    f"""
    WITH due AS (
        SELECT id FROM payments
        WHERE party = :party AND next_ask_at <= now() AND {_WAITS}
            AND EXISTS (SELECT FROM refunds WHERE payment_id = payments.id AND refunds.state = 'pending')
        ORDER BY next_ask_at, id LIMIT :most FOR UPDATE SKIP LOCKED),
    taken AS (
        UPDATE payments SET next_ask_at = now() + make_interval(secs => :lease_s), asks = asks + 1
        FROM due WHERE payments.id = due.id
        RETURNING payments.id, our_reference, payments.partner_reference, payments.requested_at, asks)
    SELECT taken.our_reference, taken.asks,
        coalesce(one.partner_transaction, taken.partner_reference) AS paid_by,
        taken.requested_at AS payment_requested_at, one.refund_reference, one.partner_reference, one.amount_vnd,
        one.requested_at
    FROM taken JOIN refunds AS one ON one.payment_id = taken.id AND one.state = 'pending'
    ORDER BY one.id
    """  # noqa: S608  (made of our own words)
)


def unscheduled(transaction: Transaction, party: str) -> list[Row[Any]]:
    """Return (id, party) of payments with a refund that the party took and that nobody waits for yet, locked."""
    return list(transaction.sql.execute(_UNSCHEDULED, {"party": party}))


def over(transaction: Transaction, party: str, *, silent: bool) -> list[Row[Any]]:
    """Return payments whose refund was waited for to the end, locked; `silent`: of a party that cannot be asked."""
    return list(transaction.sql.execute(_OVER, {"party": party, "silent": silent}))


def claim_due(transaction: Transaction, party: str, *, most: int, lease_s: float) -> list[Row[Any]]:
    """Take up to `most` payments whose refunds are to be asked about, and return these refunds: most have one.

    Who takes them and dies leaves them due after the lease.
    """
    return list(transaction.sql.execute(_CLAIM, {"party": party, "most": most, "lease_s": lease_s}))


def pending_since(transaction: Transaction, payment_id: int) -> list[datetime]:
    """Return since when the party has each refund of the payment that has no end."""
    query = select(REFUNDS.c.state_at).where(REFUNDS.c.payment_id == payment_id, REFUNDS.c.state == "pending")
    return list(transaction.sql.execute(query).scalars())
