"""The store of remittance: the agreed terms, orders to the State Treasury, what each pays, and what was said of it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Row,
    Table,
    Text,
    any_,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    update,
)

from truc.domain.remittance import End, Item, Planned, Standing
from truc.domain.remittance_terms import Account, Bank, FeeRule, SubItem, Terms
from truc.errors import MalformedError
from truc.store.opened import Transaction, as_storable
from truc.store.tables.base import VND
from truc.store.tables.remittance import (
    FEE_RULES,
    OWN_BANKS,
    REMITTANCE_LINES,
    REMITTANCE_ORDERS,
    REMITTANCE_WORDS,
    TREASURY_ACCOUNTS,
    TREASURY_SUB_ITEMS,
)

Order = Row[Any]
# How old a statement may be whose fees are still taken from what an agency gets.
FEE_DAYS = 92
LOCK = ("remittance",)  # of who reads the terms to make orders, and of who changes them
Dated = TypeVar("Dated", Account, SubItem, FeeRule, Bank)


def keep_terms(transaction: Transaction, terms: Terms) -> None:
    """Have these terms hold in the place of those before. Orders that were made stay as they were made.

    Orders are made under the same lock: each of a day is made by the old terms, or each by the new.
    """
    transaction.lock(*LOCK)
    _replace(transaction, TREASURY_ACCOUNTS, terms.accounts)
    _replace(transaction, TREASURY_SUB_ITEMS, terms.sub_items)
    _replace(transaction, FEE_RULES, terms.fees)
    _replace(transaction, OWN_BANKS, terms.banks)


def terms(transaction: Transaction) -> Terms:
    """Return the terms that hold."""
    return Terms(
        accounts=_rows(transaction, TREASURY_ACCOUNTS, Account),
        sub_items=_rows(transaction, TREASURY_SUB_ITEMS, SubItem),
        fees=_rows(transaction, FEE_RULES, FeeRule),
        banks=_rows(transaction, OWN_BANKS, Bank),
    )


# What no order pays yet. Money in doubt waits until it is known whose it is, and so does what is about to go back;
# fees are those that the newest statements name beside a payment, or a refund of it, each once however often its line
# is repeated. A duplicate is nobody's income: neither it nor its refund nor what was kept of them is here.
_OPEN_ITEMS = text(
    """
    WITH newest AS (
        SELECT DISTINCT ON (party, business_on) id, party, business_on
        FROM statements
        WHERE business_on BETWEEN :since AND :day AND NOT EXISTS (
            SELECT FROM statement_gates AS gate WHERE gate.statement_id = statements.id AND gate.state = 'waits')
        ORDER BY party, business_on, version DESC
    ), own AS (
        SELECT DISTINCT ON (payments.id, line.kind, named.reference) payments.id, line.fee_vnd
        FROM newest JOIN statement_lines AS line ON line.statement_id = newest.id
        JOIN payments ON payments.our_reference = line.our_reference AND payments.party = newest.party
        CROSS JOIN LATERAL (
            SELECT CASE line.kind WHEN 'payment' THEN '' ELSE line.partner_reference END AS reference) AS named
        WHERE line.fee_vnd > 0 AND line.our_reference <> '' AND line.kind IN ('payment', 'refund', 'reversal')
            AND line.state IN ('paid', 'refunded')
            AND (line.partner_reference IN ('', payments.partner_reference)
                OR coalesce(payments.partner_reference, '') = ''
                OR (line.kind <> 'payment' AND EXISTS (SELECT FROM refunds WHERE refunds.payment_id = payments.id
                    AND refunds.partner_transaction IS NULL AND refunds.partner_reference = line.partner_reference)))
        ORDER BY payments.id, line.kind, named.reference, line.partner_reference = '', newest.business_on, line.line_no
    ), kept AS (
        SELECT id, sum(fee_vnd)::bigint AS vnd FROM own GROUP BY id
    ), money AS (
        SELECT 'payment' AS what, id AS payment_id, NULL::bigint AS refund_id, business_on, amount_vnd
        FROM payments
        WHERE business_on <= :day
            AND NOT EXISTS (SELECT FROM remittance_lines AS line
                WHERE line.payment_id = payments.id AND line.what = 'payment' AND NOT line.released)
        UNION ALL
        SELECT 'refund', refunds.payment_id, refunds.id, entry.business_on, refunds.amount_vnd
        FROM refunds JOIN ledger_entries AS entry ON entry.reference = 'refund/' || refunds.refund_reference
        WHERE refunds.state = 'refunded' AND refunds.partner_transaction IS NULL AND entry.business_on <= :day
            AND NOT EXISTS (
                SELECT FROM remittance_lines AS line WHERE line.refund_id = refunds.id AND NOT line.released)
        UNION ALL
        SELECT 'fee', payments.id, NULL, payments.business_on, kept.vnd
        FROM kept JOIN payments ON payments.id = kept.id
        WHERE payments.business_on <= :day
            AND NOT EXISTS (SELECT FROM remittance_lines AS line
                WHERE line.payment_id = payments.id AND line.what = 'fee' AND NOT line.released)
    )
    SELECT money.what, money.payment_id, money.refund_id, payments.collected_for AS agency_code, payments.party,
        payments.kind, payments.business_on AS paid_on, money.business_on, money.amount_vnd,
        CASE WHEN payments.state IN ('paid', 'refunded') THEN '' ELSE payments.state END AS hold
    FROM money JOIN payments ON payments.id = money.payment_id
    WHERE payments.collected_for = ANY(CAST(:agencies AS text[]))
    """
)
_UNORDERED = text(
    """
    SELECT payments.collected_for AS agency_code, count(*) AS items, sum(amount_vnd - refunded_vnd)::bigint AS vnd
    FROM payments
    WHERE business_on <= :day AND collected_for <> ALL(CAST(:agencies AS text[]))
    GROUP BY collected_for HAVING sum(amount_vnd - refunded_vnd) <> 0
    ORDER BY collected_for
    """
)


def open_items(transaction: Transaction, day: date, agencies: Sequence[str]) -> list[Item]:
    """Return what was booked for these agencies up to that day and no order pays, in no certain order."""
    given = {"day": day, "since": day - timedelta(days=FEE_DAYS), "agencies": sorted(agencies)}
    rows = transaction.sql.execute(_OPEN_ITEMS, given)
    return [Item(**row._mapping) for row in rows]


def without_terms(transaction: Transaction, day: date, agencies: Sequence[str]) -> list[Row[Any]]:
    """Return (agency_code, items, vnd) of the other agencies for which money was collected up to that day."""
    return list(transaction.sql.execute(_UNORDERED, {"day": day, "agencies": sorted(agencies)}))


def ordered(transaction: Transaction, business_on: date) -> frozenset[tuple[str, str]]:
    """Return the (agency, sub-item) that have their order of that day."""
    query = select(REMITTANCE_ORDERS.c.agency_code, REMITTANCE_ORDERS.c.sub_item).where(
        REMITTANCE_ORDERS.c.business_on == business_on, REMITTANCE_ORDERS.c.released_at.is_(None)
    )
    return frozenset((row.agency_code, row.sub_item) for row in transaction.sql.execute(query))


def create(
    transaction: Transaction, reference: str, planned: Planned, *, business_on: date, ordered_at: datetime
) -> Order:
    """Book an order with what it pays, and return it."""
    account = planned.account
    made = transaction.sql.execute(
        insert(REMITTANCE_ORDERS)
        .values(
            remittance_reference=reference,
            agency_code=account.agency_code,
            business_on=business_on,
            sub_item=planned.sub_item,
            chapter=account.chapter,
            beneficiary=account.beneficiary,
            treasury=account.treasury,
            account=account.account,
            party=account.party,
            paid_from=account.paid_from,
            amount_vnd=planned.amount_vnd,
            state="created",
            ordered_at=ordered_at,
        )
        .returning(REMITTANCE_ORDERS)
    ).one()
    kept = ("what", "payment_id", "refund_id", "party", "business_on", "amount_vnd")
    rows = [{"order_id": made.id, **{name: getattr(one, name) for name in kept}} for one in planned.items]
    transaction.sql.execute(insert(REMITTANCE_LINES), rows)
    return made


def get(transaction: Transaction, reference: str) -> Order:
    """Return the order; raise MalformedError for an unknown one."""
    query = select(REMITTANCE_ORDERS).where(REMITTANCE_ORDERS.c.remittance_reference == reference)
    return _known(transaction.sql.execute(query).one_or_none(), reference)


def get_locked(transaction: Transaction, reference: str) -> Order:
    """Return the order and hold it until the end of the transaction; raise MalformedError for an unknown one."""
    query = select(REMITTANCE_ORDERS).where(REMITTANCE_ORDERS.c.remittance_reference == reference)
    return _known(transaction.sql.execute(query.with_for_update()).one_or_none(), reference)


def by_reference(transaction: Transaction, references: Sequence[str]) -> dict[str, Order]:
    """Return those of these orders that there are, by reference."""
    query = select(REMITTANCE_ORDERS).where(REMITTANCE_ORDERS.c.remittance_reference == any_(_texts(references)))
    return {row.remittance_reference: row for row in transaction.sql.execute(query)}


def summed(transaction: Transaction, order_id: int) -> list[Row[Any]]:
    """Return what an order pays: intermediary, business day, what, how many items, and đồng."""
    line = REMITTANCE_LINES.c
    key = (line.party, line.business_on, line.what)
    query = select(*key, func.count().label("items"), cast(func.sum(line.amount_vnd), VND).label("vnd"))
    return list(transaction.sql.execute(query.where(line.order_id == order_id).group_by(*key).order_by(*key)))


def deducted(transaction: Transaction, order_id: int) -> dict[str, int]:
    """Return the fees that an order takes away: intermediary → đồng."""
    query = select(REMITTANCE_LINES.c.party, func.sum(REMITTANCE_LINES.c.amount_vnd).label("vnd")).where(
        REMITTANCE_LINES.c.order_id == order_id, REMITTANCE_LINES.c.what == "fee"
    )
    return {row.party: int(row.vnd) for row in transaction.sql.execute(query.group_by(REMITTANCE_LINES.c.party))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What somebody said of an order; `inbox_id` is None where no bytes did."""

    said: str
    amount_vnd: int | None = None
    treasury_reference: str = ""
    said_at: datetime | None = None
    inbox_id: int | None = None
    remark: str | None = None


def keep_standing(transaction: Transaction, order: Order, after: Standing, word: Word) -> None:
    """Book where the order stands now, and the word that brought it there."""
    values: dict[str, Any] = {"state": after.state, "doubt": after.doubt}
    if (after.state, after.doubt) != (order.state, order.doubt):
        values["state_at"] = func.now()
    if after.state == "confirmed":
        values |= {"confirmed_at": func.coalesce(REMITTANCE_ORDERS.c.confirmed_at, word.said_at, func.now())}
    if word.treasury_reference:
        values["treasury_reference"] = as_storable(word.treasury_reference)
    if after.state == "refused":
        values["refused_because"] = as_storable(word.remark or "")
    transaction.sql.execute(update(REMITTANCE_ORDERS).where(REMITTANCE_ORDERS.c.id == order.id).values(values))
    keep_word(transaction, order, after, word)


def keep_word(transaction: Transaction, order: Order, after: Standing, word: Word) -> None:
    """Add a word to what was said of the order."""
    given = asdict(word) | {"remark": None if word.remark is None else as_storable(word.remark)}
    states = {"state_before": order.state, "state_after": after.state}
    transaction.sql.execute(insert(REMITTANCE_WORDS).values(order_id=order.id, **given, **states))


def release(transaction: Transaction, order_id: int) -> None:
    """Let what a refused order was to pay be paid by another."""
    values = {"released_at": func.now()}
    transaction.sql.execute(update(REMITTANCE_ORDERS).where(REMITTANCE_ORDERS.c.id == order_id).values(values))
    transaction.sql.execute(
        update(REMITTANCE_LINES).where(REMITTANCE_LINES.c.order_id == order_id).values(released=True)
    )


_CARRIERS = text(
    "SELECT id, operation, state FROM outbox WHERE drawer = 0 AND party = :party AND key = :reference ORDER BY id"
    " FOR UPDATE"
)


def carriers(transaction: Transaction, order: Order) -> list[Row[Any]]:
    """Return (id, operation, state) of what may yet carry the order to its treasury, and hold it."""
    given = {"party": order.party, "reference": order.remittance_reference}
    return list(transaction.sql.execute(_CARRIERS, given))


# An order that only its message told to be refused is on its way again where somebody had the message sent since.
_MESSAGES = text(
    """
    SELECT one.remittance_reference, one.state, sent.state AS message, sent.reason, sent.reason_text,
        sent.body_id IS NOT NULL AS written
    FROM remittance_orders AS one
    JOIN outbox_names AS named ON named.party = one.party AND named.external_id = one.remittance_reference
        AND named.operation = ANY(CAST(:operations AS text[]))
    JOIN outbox AS sent ON sent.id = named.outbox_id
    WHERE one.party = :party AND (
        (one.state IN ('created', 'in_doubt') AND coalesce(one.doubt, 'unanswered') = 'unanswered')
        OR (one.state = 'refused' AND one.released_at IS NULL AND sent.state = 'sent' AND :stopped = (
            SELECT said FROM remittance_words WHERE order_id = one.id ORDER BY id DESC LIMIT 1)))
    ORDER BY one.remittance_reference
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What became of the message that carries an order."""

    remittance_reference: str
    end: End
    why: str


def word_of(end: End) -> str:
    """Return what a message says of its order by what became of it."""
    return f"message {end}"


def messages(transaction: Transaction, party: str, operations: list[str]) -> list[Message]:
    """Return the orders to the party of which only their message tells; `operations` are those that carry them."""
    given = {"party": party, "operations": operations, "stopped": word_of(End.STOPPED)}
    rows = transaction.sql.execute(_MESSAGES, given)
    return [
        Message(
            remittance_reference=row.remittance_reference,
            end=_end(row.message, row.reason, written=row.written),
            why=f"{row.reason or ''}: {row.reason_text or ''}".strip(": "),
        )
        for row in rows
    ]


def _end(state: str, reason: str | None, *, written: bool) -> End:
    """One that was given up after it was written once may have arrived all the same."""
    if state == "superseded" and reason == "dropped":
        return End.SET_ASIDE if written else End.STOPPED
    if state == "refused":
        return End.STOPPED
    return {"sent": End.SENT, "set_aside": End.SET_ASIDE}.get(state, End.OPEN)


def words(transaction: Transaction, order_id: int) -> list[Row[Any]]:
    """Return what was said of an order, the first word first."""
    query = select(REMITTANCE_WORDS).where(REMITTANCE_WORDS.c.order_id == order_id)
    return list(transaction.sql.execute(query.order_by(REMITTANCE_WORDS.c.id)))


def heard(transaction: Transaction, order_id: int, said: str) -> set[str]:
    """Return the references of its own under which the treasury said this of an order before."""
    one = REMITTANCE_WORDS.c
    query = select(one.treasury_reference).where(one.order_id == order_id, one.said == said)
    return set(transaction.sql.execute(query).scalars())


def orders(transaction: Transaction, *, business_on: date | None = None, states: Sequence[str] = ()) -> list[Order]:
    """Return the orders of that day, or of any, in these states, or in any; by day, agency and sub-item."""
    query = select(REMITTANCE_ORDERS)
    if business_on is not None:
        query = query.where(REMITTANCE_ORDERS.c.business_on == business_on)
    if states:
        query = query.where(REMITTANCE_ORDERS.c.state.in_(states))
    one = REMITTANCE_ORDERS.c
    return list(transaction.sql.execute(query.order_by(one.business_on, one.agency_code, one.sub_item, one.id)))


# A released order paid nothing, and what it was to pay is in another: it is no row of its own.
_NEUTRAL_STATES = {"confirmed": "paid", "refused": "failed"}


def neutral(transaction: Transaction, party: str, day: date) -> Iterator[dict[str, object]]:
    """Yield, for the remittance leg, what each order pays of a party's business day, one row for each agency and order.

    `amount_vnd` is by how much the debt to the agency is paid: payments less refunds of that day. What of it was kept
    as fees that the agency bears is `fee_vnd`; the treasury got the rest. A day on which more went back than came in
    makes no row: an amount is not below zero, and what it owes lessens the order of another day.
    """
    line, one = REMITTANCE_LINES.c, REMITTANCE_ORDERS.c
    paid = func.sum(case((line.what == "payment", line.amount_vnd), (line.what == "refund", -line.amount_vnd), else_=0))
    kept = func.sum(case((line.what == "fee", line.amount_vnd), else_=0))
    query = (
        select(one.agency_code, one.treasury_reference, one.state, paid.label("vnd"), kept.label("fees"))
        .add_columns(func.coalesce(one.confirmed_at, one.ordered_at).label("occurred_at"))
        .join(REMITTANCE_LINES, line.order_id == one.id)
        .where(line.party == party, line.business_on == day, one.released_at.is_(None))
        .group_by(one.id)
        .having(paid > 0)
        .order_by(one.agency_code, one.remittance_reference)
    )
    for row in transaction.sql.execute(query):
        yield {
            "party": party,
            "business_on": day,
            "our_reference": "",
            "partner_reference": row.treasury_reference,
            "kind": "settlement",
            "amount_vnd": int(row.vnd),
            "fee_vnd": int(row.fees),
            "state": _NEUTRAL_STATES.get(row.state, "pending"),
            "occurred_at": row.occurred_at,
            "agency": row.agency_code,
        }


def _known(row: Order | None, reference: str) -> Order:
    if row is None:
        raise MalformedError(f"remittance_reference: no order {reference!r}", reason="unknown_remittance")
    return row


def _texts(values: Sequence[str]) -> ColumnElement[list[str]]:
    """One array parameter, however many values there are."""
    return literal(list(values), ARRAY(Text))


def _replace(transaction: Transaction, table: Table, rows: Sequence[Any]) -> None:
    transaction.sql.execute(delete(table))
    if rows:
        transaction.sql.execute(insert(table), [asdict(one) for one in rows])


def _rows(transaction: Transaction, table: Table, kind: type[Dated]) -> tuple[Dated, ...]:
    names = [one.name for one in fields(kind)]
    found = transaction.sql.execute(select(table).order_by(*table.primary_key.columns))
    return tuple(kind(**{name: getattr(row, name) for name in names}) for row in found)
