"""The store of payments: their state, what was said of them, and their receipts."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, and_, exists, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from truc.domain.payment_states import Doubt, Mover, NextStep, Now, Said, State, may_move
from truc.domain.receipt import next_receipt_number, receipt_year
from truc.errors import MalformedError
from truc.store.opened import Transaction, as_storable
from truc.store.tables.exchange import INBOX
from truc.store.tables.money import PAYMENT_REFERENCES, PAYMENT_WORDS, PAYMENTS, RECEIPT_SERIES, RECEIPTS
from truc.store.tables.reconciliation import STATEMENT_LINES, STATEMENTS

Payment = Row[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPayment:
    """A payment as it is requested. `dossier_code` is "" for an obligation."""

    our_reference: str
    source: str
    source_reference: str
    dossier_code: str
    party: str
    amount_vnd: int
    requested_at: datetime
    state: State
    kind: str
    obligation_code: str
    collected_for: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """The transaction that took the money."""

    partner_reference: str
    paid_at: datetime
    business_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Where a payment goes. `owner` is whose the next step is; it, step and doubt are for `in_doubt` alone.

    `money` is what is booked with this move, None where it was booked before or is not yet.
    """

    mover: Mover
    state: State
    doubt: Doubt | None = None
    next_step: NextStep | None = None
    owner: str | None = None
    money: Money | None = None


def next_serial(transaction: Transaction) -> int:
    """Return the next number of our references; none is ever given out twice."""
    return int(transaction.sql.execute(select(PAYMENT_REFERENCES.next_value())).scalar_one())


def clock(transaction: Transaction) -> datetime:
    """Return the instant of this transaction, by the database's clock."""
    now: datetime = transaction.sql.execute(select(func.now())).scalar_one()
    return now


def heard_at(transaction: Transaction, inbox_id: int | None) -> datetime:
    """Return when a message that is being booked came; now, where no message says it."""
    if inbox_id is None:
        return clock(transaction)
    query = select(INBOX.c.received_at).where(INBOX.c.drawer == 0, INBOX.c.id == inbox_id)
    came: datetime | None = transaction.sql.execute(query).scalar()
    return came or clock(transaction)


def paid_time_is_ours(transaction: Transaction, row: Payment) -> bool:
    """Tell whether its party named no time of the payment, or one to come: `paid_at` is then when we heard of it."""
    query = select(PAYMENT_WORDS.c.said_at).where(
        PAYMENT_WORDS.c.payment_id == row.id,
        PAYMENT_WORDS.c.said == State.PAID.value,
        PAYMENT_WORDS.c.partner_reference.in_(("", row.partner_reference)),  # some words have no number
    )
    named = transaction.sql.execute(query).scalars().all()
    return bool(named) and row.paid_at not in named


def find(transaction: Transaction, source: str, source_reference: str) -> Payment | None:
    """Return the payment its source already asked for, or None."""
    return transaction.sql.execute(
        select(PAYMENTS).where(PAYMENTS.c.source == source, PAYMENTS.c.source_reference == source_reference)
    ).one_or_none()


def create(transaction: Transaction, new: NewPayment) -> int:
    """Book a payment that nobody paid yet and return its id."""
    values = {
        "our_reference": new.our_reference,
        "source": new.source,
        "source_reference": new.source_reference,
        "dossier_code": new.dossier_code or None,
        "party": new.party,
        "amount_vnd": new.amount_vnd,
        "state": new.state.value,
        "requested_at": new.requested_at,
        "kind": new.kind,
        "obligation_code": new.obligation_code,
        "collected_for": new.collected_for,
    }
    created = transaction.sql.execute(insert(PAYMENTS).values(values).returning(PAYMENTS.c.id))
    return int(created.scalar_one())


def find_named(transaction: Transaction, our_reference: str) -> Payment | None:
    """Return the payment's row, or None."""
    return transaction.sql.execute(select(PAYMENTS).where(PAYMENTS.c.our_reference == our_reference)).one_or_none()


def get(transaction: Transaction, our_reference: str) -> Payment:
    """Return the payment's row; raise MalformedError for an unknown order."""
    row = find_named(transaction, our_reference)
    if row is None:
        raise MalformedError(f"our_reference: no payment {our_reference!r}", reason="unknown_order")
    return row


def find_locked(transaction: Transaction, our_reference: str) -> Payment | None:
    """Return the payment's row, locked until the transaction ends, or None."""
    return transaction.sql.execute(
        select(PAYMENTS).where(PAYMENTS.c.our_reference == our_reference).with_for_update()
    ).one_or_none()


def get_locked(transaction: Transaction, our_reference: str) -> Payment:
    """Return the payment's row, locked until the transaction ends; raise MalformedError for an unknown order."""
    row = find_locked(transaction, our_reference)
    if row is None:
        raise MalformedError(f"our_reference: no payment {our_reference!r}", reason="unknown_order")
    return row


def now_of(row: Payment) -> Now:
    """Return the payment as the table of states sees it."""
    return Now(
        state=State(row.state),
        party=row.party,
        amount_vnd=row.amount_vnd,
        booked=row.business_on is not None,
        partner_reference=row.partner_reference or "",
        paid_at=row.paid_at,
        doubt=None if row.doubt is None else Doubt(row.doubt),
    )


def move(transaction: Transaction, row: Payment, to: Moved) -> None:
    """Book the payment's next state; raise ValueError for a move that its mover may not make."""
    before = State(row.state)
    if not may_move(to.mover, before, to.state):
        raise ValueError(f"{to.mover} may not move a payment from {before} to {to.state}")
    values: dict[str, Any] = {"state": to.state.value, "doubt": to.doubt, "next_step": to.next_step, "owner": to.owner}
    if (before, row.doubt) != (to.state, to.doubt):
        values["state_at"] = func.now()
    if to.money is not None:
        values |= asdict(to.money)
    transaction.sql.execute(update(PAYMENTS).where(PAYMENTS.c.id == row.id).values(values))


def keep_address(transaction: Transaction, payment_id: int, *, pay_url: str, partner_token: str) -> None:
    """Keep where the citizen pays, and what the partner calls the order."""
    transaction.sql.execute(
        update(PAYMENTS).where(PAYMENTS.c.id == payment_id).values(pay_url=pay_url, partner_token=partner_token)
    )


def keep_partner_reference(transaction: Transaction, payment_id: int, partner_reference: str) -> None:
    """Keep the number of the transaction that took the money, where the word that booked it had none."""
    transaction.sql.execute(
        update(PAYMENTS).where(PAYMENTS.c.id == payment_id).values(partner_reference=partner_reference)
    )


def keep_word(
    transaction: Transaction, row: Payment, said: Said, *, after: State, remark: Doubt | None, inbox_id: int | None
) -> None:
    """Keep what was said, once: of a message by its number, of a caller by all that was said."""
    words: dict[str, object] = {
        "party": said.party,
        "said": said.state,
        "amount_vnd": said.amount_vnd,
        "partner_reference": as_storable(said.partner_reference),
        "said_at": said.said_at,
    }
    same = {"inbox_id": inbox_id} if inbox_id is not None else {"inbox_id": None, **words}
    known = exists().where(
        PAYMENT_WORDS.c.payment_id == row.id,
        *(PAYMENT_WORDS.c[name].is_not_distinct_from(value) for name, value in same.items()),
    )
    if transaction.sql.execute(select(known)).scalar_one():
        return
    seen = {"state_before": row.state, "state_after": after.value, "remark": remark}
    transaction.sql.execute(insert(PAYMENT_WORDS).values(payment_id=row.id, inbox_id=inbox_id, **words, **seen))


def words(transaction: Transaction, payment_id: int) -> list[Row[Any]]:
    """Return what was said of the payment, in the order it was heard."""
    query = select(PAYMENT_WORDS).where(PAYMENT_WORDS.c.payment_id == payment_id).order_by(PAYMENT_WORDS.c.id)
    return list(transaction.sql.execute(query))


def schedule(
    transaction: Transaction, payment_id: int, *, since: datetime | None, next_ask_at: datetime | None
) -> None:
    """Begin a schedule of questions, or end one: `since` None for a party of which no schedule is known."""
    transaction.sql.execute(
        update(PAYMENTS).where(PAYMENTS.c.id == payment_id).values(asking_since=since, next_ask_at=next_ask_at)
    )


def ask_next(transaction: Transaction, payment_id: int, next_ask_at: datetime | None) -> None:
    """Keep when the payment is to be asked about next; None: the schedule is over."""
    transaction.sql.execute(update(PAYMENTS).where(PAYMENTS.c.id == payment_id).values(next_ask_at=next_ask_at))


# Waits for an end that its party may say.
ASKED = or_(
    PAYMENTS.c.state == State.PENDING.value,
    and_(PAYMENTS.c.state == State.IN_DOUBT.value, PAYMENTS.c.next_step == NextStep.ASK.value),
)
_CLAIM = text(
    """
    UPDATE payments SET next_ask_at = now() + make_interval(secs => :lease_s), asks = asks + 1
    WHERE id IN (
        SELECT id FROM payments
        WHERE party = :party AND next_ask_at <= now()
            AND (state = 'pending' OR (state = 'in_doubt' AND next_step = 'ask'))
        ORDER BY next_ask_at, id LIMIT :most FOR UPDATE SKIP LOCKED)
    RETURNING id, our_reference, partner_token, amount_vnd, requested_at, asks
    """
)


def claim_due(transaction: Transaction, party: str, *, most: int, lease_s: float) -> list[Row[Any]]:
    """Take up to `most` payments whose question is due; who takes them and dies leaves them due after the lease."""
    return list(transaction.sql.execute(_CLAIM, {"party": party, "most": most, "lease_s": lease_s}))


def over(transaction: Transaction, party: str) -> list[Payment]:
    """Return the payments whose schedule is over and that have no end yet, locked; what another works on is left."""
    query = select(PAYMENTS).where(
        PAYMENTS.c.party == party, ASKED, PAYMENTS.c.asking_since.is_not(None), PAYMENTS.c.next_ask_at.is_(None)
    )
    return list(transaction.sql.execute(query.order_by(PAYMENTS.c.id).with_for_update(skip_locked=True)))


def lived_out(transaction: Transaction, party: str) -> list[Payment]:
    """Return the payments whose time is over at a party that cannot be asked, locked as `over` does."""
    query = select(PAYMENTS).where(PAYMENTS.c.party == party, ASKED, PAYMENTS.c.next_ask_at <= func.now())
    return list(transaction.sql.execute(query.order_by(PAYMENTS.c.id).with_for_update(skip_locked=True)))


def waiting_for_statement(transaction: Transaction, party: str) -> list[Payment]:
    """Return the payments in doubt that the party's statement may tell of, locked."""
    query = select(PAYMENTS).where(
        PAYMENTS.c.party == party,
        PAYMENTS.c.state == State.IN_DOUBT.value,
        PAYMENTS.c.next_step == NextStep.WAIT_STATEMENT.value,
    )
    return list(transaction.sql.execute(query.order_by(PAYMENTS.c.id).with_for_update()))


def never_named(transaction: Transaction, party: str, *, before: datetime) -> list[Payment]:
    """Return the payments asked for before then that no statement of the party names, where no schedule is known.

    They are locked; what another works on is left.
    """
    line = STATEMENT_LINES.join(STATEMENTS, STATEMENTS.c.id == STATEMENT_LINES.c.statement_id)
    named = select(STATEMENTS.c.id).select_from(line).where(STATEMENTS.c.party == party)
    query = select(PAYMENTS).where(
        PAYMENTS.c.party == party,
        PAYMENTS.c.state == State.PENDING.value,
        PAYMENTS.c.next_ask_at.is_(None),
        PAYMENTS.c.asking_since.is_(None),
        PAYMENTS.c.requested_at < before,
        ~named.where(STATEMENT_LINES.c.our_reference == PAYMENTS.c.our_reference).correlate(PAYMENTS).exists(),
    )
    return list(transaction.sql.execute(query.order_by(PAYMENTS.c.id).with_for_update(skip_locked=True)))


# A correction has a name of its own, and the place of what it corrects; so has a copy for a partner that lost its
# books, which says nothing of ours.
_STOPPED = text(
    """
    SELECT one.id, one.our_reference, sent.state AS request, sent.reason
    FROM payments AS one
    JOIN outbox_names AS named ON named.party = one.party AND named.external_id = one.our_reference
        AND named.operation = ANY(CAST(:operations AS text[]))
    JOIN outbox AS sent ON sent.party = named.party AND sent.key = one.our_reference AND sent.place = named.outbox_id
        AND NOT EXISTS (SELECT FROM replays WHERE copy_id = sent.id)
    WHERE one.party = :party AND one.state IN ('created', 'in_doubt')
        AND (one.state = 'created' OR one.doubt = 'not_delivered')
        AND (sent.state IN ('sent', 'refused', 'set_aside') OR (sent.state = 'superseded' AND sent.reason = 'dropped'))
    ORDER BY one.id FOR UPDATE OF one SKIP LOCKED
    """
)


def requests_ended(transaction: Transaction, party: str, operations: list[str]) -> list[Row[Any]]:
    """Return payments that wait for their request, which went out or was stopped: (id, our_reference, request, reason).

    They are locked; what another works on is left.
    """
    return list(transaction.sql.execute(_STOPPED, {"party": party, "operations": operations}))


def issue_receipt(transaction: Transaction, series: str, payment_id: int, amount_vnd: int, issued_at: datetime) -> int:
    """Draw the next number of the series' year and book the receipt; return the number.

    The series' row lock lasts until the caller's transaction ends, and a rollback gives the number
    back: no gap, no double, and one receipt per payment (NĐ 254/2026: from 1 each year, at most 8 digits).
    """
    year = receipt_year(issued_at)
    transaction.sql.execute(upsert(RECEIPT_SERIES).values(series=series, year=year, last=0).on_conflict_do_nothing())
    which = (RECEIPT_SERIES.c.series == series, RECEIPT_SERIES.c.year == year)
    last = transaction.sql.execute(select(RECEIPT_SERIES.c.last).where(*which).with_for_update()).scalar_one()
    number = next_receipt_number(int(last))
    transaction.sql.execute(update(RECEIPT_SERIES).where(*which).values(last=number))
    transaction.sql.execute(
        insert(RECEIPTS).values(
            series=series,
            year=year,
            number=number,
            payment_id=payment_id,
            amount_vnd=amount_vnd,
            issued_at=issued_at,
        )
    )
    return number
