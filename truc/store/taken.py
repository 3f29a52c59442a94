"""The store of what each run took of its own day, and took over from days that were signed by then."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple

from sqlalchemy import Row, insert, text

from truc.store.opened import Transaction
from truc.store.tables.taken import RECONCILIATION_TAKEN


class Line(NamedTuple):
    """What a line of a statement says of money: two with the same of all of it are interchangeable."""

    our_reference: str
    partner_reference: str
    kind: str
    amount_vnd: int
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChange:
    """A line of a signed day's statement that was added or taken away after it was signed.

    `freed` is the payment that had met a line taken away: the day of the run in which it had, our reference.
    """

    business_on: date
    what: Literal["added", "removed"]
    line: Line
    freed: tuple[date, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a run took: the ledger entries of its day; of days signed by then, the entries and lines that came late."""

    entry_ids: tuple[int, ...] = ()
    late_entry_ids: tuple[int, ...] = ()
    changes: tuple[LineChange, ...] = ()


Signed = Row[Any]  # business_on, run_id, statement_id, entries: how many of the ledger its run took
_OF_SIGNED = text("""
    SELECT run.business_on, run.id AS run_id, run.statement_id, cardinality(taken.entry_ids) AS entries
    FROM sign_offs JOIN reconciliation_runs AS run ON run.id = sign_offs.run_id
    JOIN reconciliation_taken AS taken ON taken.run_id = run.id
    WHERE sign_offs.party = :party AND sign_offs.approved_by IS NOT NULL AND sign_offs.business_on < :day
    ORDER BY run.business_on""")

_OF_OTHERS = text("""
    WITH newest AS (
        SELECT DISTINCT ON (business_on) id, business_on FROM reconciliation_runs
        WHERE party = :party ORDER BY business_on, version DESC)
    SELECT newest.business_on, taken.late_entry_ids, taken.changes
    FROM newest JOIN reconciliation_taken AS taken ON taken.run_id = newest.id
    WHERE newest.business_on <> :day AND (cardinality(taken.late_entry_ids) > 0 OR taken.changes <> '[]')
    ORDER BY newest.business_on""")


def keep(transaction: Transaction, run_id: int, taken: Taken) -> None:
    """Keep what the run took."""
    values = {
        "run_id": run_id,
        "entry_ids": list(taken.entry_ids),
        "late_entry_ids": list(taken.late_entry_ids),
        "changes": [as_json(one) for one in taken.changes],
    }
    transaction.sql.execute(insert(RECONCILIATION_TAKEN).values(values))


def signed_before(transaction: Transaction, party: str, business_on: date) -> list[Signed]:
    """Return the signed days before that day, with what their run took."""
    return list(transaction.sql.execute(_OF_SIGNED, {"party": party, "day": business_on}))


def by_other_days(transaction: Transaction, party: str, business_on: date) -> dict[date, Taken]:
    """Return what the newest run of each other day has taken over from signed days."""
    rows = transaction.sql.execute(_OF_OTHERS, {"party": party, "day": business_on})
    return {
        row.business_on: Taken(late_entry_ids=tuple(row.late_entry_ids), changes=tuple(_changes(row.changes)))
        for row in rows
    }


def as_json(change: LineChange) -> list[Any]:
    """Return a change as it is kept."""
    freed = None if change.freed is None else [change.freed[0].isoformat(), change.freed[1]]
    return [change.business_on.isoformat(), change.what, list(change.line), freed]


def _changes(kept: Iterable[list[Any]]) -> Iterable[LineChange]:
    for day, what, said, freed in kept:
        met = None if freed is None else (date.fromisoformat(freed[0]), str(freed[1]))
        yield LineChange(business_on=date.fromisoformat(day), what=what, line=Line(*said), freed=met)
