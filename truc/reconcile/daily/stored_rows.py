"""Rows of the stores, read in the neutral form: payments, refunds, lines of statements, receipts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ARRAY, Row, TextClause, bindparam, or_, select, text
from sqlalchemy import BigInteger as SqlNumber
from sqlalchemy import Date as SqlDate
from sqlalchemy import Text as SqlText

from truc.store.opened import Transaction
from truc.store.tables.money import PAYMENTS
from truc.store.tables.reconciliation import STATEMENTS

Neutral = dict[str, Any]
COUNTED = ("paid", "refunded")  # states in which money moved
ARRAYS: Mapping[str, ARRAY[Any]] = {
    "ours": ARRAY(SqlText),
    "theirs": ARRAY(SqlText),
    "days": ARRAY(SqlDate),
    "entries": ARRAY(SqlNumber),
}
UNPAID = {"created": "pending", "pending": "pending", "in_doubt": "pending", "failed": "failed", "expired": "failed"}


def in_use(transaction: Transaction, party: str) -> bool:
    """Tell whether anything was ever paid for through the party, or any statement of it came."""
    payments = select(PAYMENTS.c.id).where(PAYMENTS.c.party == party)
    statements = select(STATEMENTS.c.id).where(STATEMENTS.c.party == party)
    return bool(transaction.sql.execute(select(or_(payments.exists(), statements.exists()))).scalar_one())


def payments_of(transaction: Transaction, party: str, business_on: date) -> list[Neutral]:
    """Return what was booked as paid on that day."""
    return [payment(row) for row in rows(transaction, _PAYMENTS_OF_DAY, party=party, day=business_on)]


def payments_named(
    transaction: Transaction, party: str, ours: Collection[str], theirs: Collection[str] = ()
) -> list[Neutral]:
    """Return the payments, booked or not, that have one of these references: ours, or the partner's.

    One that is not paid has the state that says so, and no `entry_id`; its day is None.
    """
    if not ours and not theirs:
        return []
    found = rows(transaction, _PAYMENTS_NAMED, party=party, ours=sorted(ours), theirs=sorted(theirs))
    return [payment(row) for row in found]


def refunds_of(transaction: Transaction, party: str, business_on: date) -> list[Neutral]:
    """Return what was booked as given back on that day."""
    return [refund(row) for row in rows(transaction, _REFUNDS_OF_DAY, party=party, day=business_on)]


def refunds_named(transaction: Transaction, party: str, ours: Collection[str]) -> list[Neutral]:
    """Return the booked refunds that have one of these references, their own or that of their payment."""
    if not ours:
        return []
    return [refund(row) for row in rows(transaction, _REFUNDS_NAMED, party=party, ours=sorted(ours))]


def entries(transaction: Transaction, party: str, entry_ids: Collection[int]) -> list[Neutral]:
    """Return the payments and refunds of these ledger entries, by entry."""
    if not entry_ids:
        return []
    ids = sorted(entry_ids)
    booked = [payment(row) for row in rows(transaction, _PAYMENTS_BY_ENTRY, party=party, entries=ids)]
    back = [refund(row) for row in rows(transaction, _REFUNDS_BY_ENTRY, party=party, entries=ids)]
    return sorted([*booked, *back], key=lambda row: int(row["entry_id"]))


def lines_of(transaction: Transaction, party: str, business_on: date, statement_id: int) -> list[Neutral]:
    """Return the lines of a statement, in their order."""
    return [line(party, business_on, row) for row in rows(transaction, _LINES, statement_id=statement_id)]


def lines_named(
    transaction: Transaction, party: str, days: Collection[date], ours: Collection[str], theirs: Collection[str]
) -> list[Neutral]:
    """Return the lines of these days' newest statements whose references are both among these, in their order."""
    if not days:
        return []
    asked = {"party": party, "days": sorted(days), "ours": sorted(ours), "theirs": sorted(theirs)}
    return [line(party, row.business_on, row) for row in rows(transaction, _LINES_NAMED, **asked)]


def receipts_of(transaction: Transaction, party: str, business_on: date) -> list[Neutral]:
    """Return the receipts issued for payments of that day."""
    return [dict(row._mapping) for row in rows(transaction, _RECEIPTS, party=party, day=business_on)]


def payment(row: Row[Any]) -> Neutral:
    """Return a payment as a neutral row; `entry_id` is its entry in the ledger."""
    return _core(row) | {
        "kind": "payment",
        "state": "paid" if row.business_on is not None else UNPAID[row.state],
        "receipt_due": row.kind == "fees" and row.business_on is not None,
    }


def refund(row: Row[Any]) -> Neutral:
    """Return a refund as a neutral row; `names` are its payment's reference and its own: a line may say either."""
    return _core(row) | {"kind": "refund", "names": (row.our_reference, row.refund_reference)}


def line(party: str, business_on: date, row: Any) -> Neutral:
    """Return a line as a neutral row."""
    return {
        "party": party,
        "business_on": business_on,
        "our_reference": row.our_reference,
        "partner_reference": row.partner_reference,
        "kind": row.kind,
        "amount_vnd": row.amount_vnd,
        "fee_vnd": row.fee_vnd,
        "state": row.state,
        "occurred_at": row.occurred_at,
        "agency": "",
        "carried": False,
        "receipt_due": False,
    }


def rows(transaction: Transaction, query: TextClause, **values: object) -> Sequence[Row[Any]]:
    """Return the rows of a query."""
    return transaction.sql.execute(query, values).all()


def listed(query: str) -> TextClause:
    """Return a query whose :ours, :theirs, :days and :entries are arrays: one parameter, however many values."""
    named = [bindparam(name, type_=kind) for name, kind in ARRAYS.items() if f":{name})" in query]
    return text(query).bindparams(*named)


def references(found: Iterable[Neutral], name: str) -> set[str]:
    """Return the references of that name that are given."""
    return {row[name] for row in found} - {""}


def _core(row: Row[Any]) -> Neutral:
    return {
        "party": row.party,
        "business_on": row.business_on,
        "our_reference": row.our_reference,
        "partner_reference": row.partner_reference or "",
        "amount_vnd": row.amount_vnd,
        "fee_vnd": 0,
        "state": "paid",
        "occurred_at": row.occurred_at,
        "agency": row.collected_for,
        "carried": False,
        "receipt_due": False,
        "entry_id": row.entry_id,
    }


_PAYMENTS = """
    SELECT p.party, p.our_reference, p.partner_reference, p.amount_vnd, p.paid_at AS occurred_at, p.collected_for,
           p.kind, p.state, p.business_on, e.id AS entry_id
    FROM payments p LEFT JOIN ledger_entries e ON e.reference = 'payment/' || p.our_reference
    WHERE p.party = :party"""
_REFUNDS = """
    SELECT p.party, p.our_reference, r.refund_reference, r.partner_reference, r.amount_vnd,
           r.state_at AS occurred_at, p.collected_for, e.business_on, e.id AS entry_id
    FROM refunds r JOIN payments p ON p.id = r.payment_id
    JOIN ledger_entries e ON e.reference = 'refund/' || r.refund_reference
    WHERE p.party = :party"""
_PAYMENTS_OF_DAY = text(f"{_PAYMENTS} AND p.business_on = :day ORDER BY p.id")
_PAYMENTS_NAMED = listed(
    f"{_PAYMENTS} AND (p.our_reference = ANY(:ours) OR p.partner_reference = ANY(:theirs)) ORDER BY p.id"
)
_PAYMENTS_BY_ENTRY = listed(f"{_PAYMENTS} AND e.id = ANY(:entries)")
_REFUNDS_OF_DAY = text(f"{_REFUNDS} AND e.business_on = :day ORDER BY r.id")
_REFUNDS_NAMED = listed(
    f"{_REFUNDS} AND (p.our_reference = ANY(:ours) OR r.refund_reference = ANY(:ours)) ORDER BY r.id"
)
_REFUNDS_BY_ENTRY = listed(f"{_REFUNDS} AND e.id = ANY(:entries)")
_LINES = text("SELECT * FROM statement_lines WHERE statement_id = :statement_id ORDER BY line_no")
_LINES_NAMED = listed("""
    WITH newest AS (
        SELECT DISTINCT ON (business_on) id, business_on FROM statements
        WHERE party = :party AND business_on = ANY(:days) ORDER BY business_on, version DESC)
    SELECT l.*, newest.business_on FROM statement_lines l JOIN newest ON newest.id = l.statement_id
    WHERE l.our_reference = ANY(:ours) AND l.partner_reference = ANY(:theirs)
    ORDER BY newest.business_on, l.line_no""")
_RECEIPTS = text("""
    SELECT p.party, p.our_reference, '' AS partner_reference, r.amount_vnd, r.issued_at AS occurred_at,
           r.series || '/' || r.year || '/' || r.number AS receipt_number, p.business_on
    FROM receipts r JOIN payments p ON p.id = r.payment_id
    WHERE p.party = :party AND p.business_on = :day ORDER BY r.id""")
