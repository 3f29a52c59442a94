"""What the runs of a party's other days hold: a row that met its answer there meets no second one here."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import text

from truc.reconcile.daily.stored_rows import listed, rows
from truc.store.opened import Transaction
from truc.store.reconciliation import BREAK_COLUMNS
from truc.store.taken import Taken, by_other_days

Met = tuple[date, str]  # the day of a run, and the reference of a payment that met its line there


@dataclass(frozen=True, slots=True)
class Others:
    """The other days, seen from `business_on`: what they took over from signed days.

    `freed` are meetings that a restated statement has undone.
    """

    party: str
    business_on: date
    taken: Mapping[date, Taken]
    freed: frozenset[Met]

    def without(self, freed: Collection[Met]) -> "Others":
        """Return the same where these meetings are undone too."""
        return replace(self, freed=self.freed | frozenset(freed))


def of_other_days(transaction: Transaction, party: str, business_on: date) -> Others:
    """Return the other days of a party."""
    taken = by_other_days(transaction, party, business_on)
    changes = [one for each in taken.values() for one in each.changes]
    return Others(party, business_on, taken, frozenset(one.freed for one in changes if one.freed is not None))


def paired(transaction: Transaction, others: Others, references: Collection[str]) -> dict[str, date]:
    """Return those of the payments that met money of the partner in another day's newest run, and on which day."""
    if not references:
        return {}
    found = rows(transaction, _PAIRED, party=others.party, day=others.business_on, ours=sorted(references))
    return {row.our_reference: row.business_on for row in found if tuple(row) not in _turned(others)}


def placed(transaction: Transaction, others: Others, references: Collection[str]) -> set[str]:
    """Return those of the payments that the newest run of their own day has with others, whose names it does not say.

    It took them, and they do not stand alone in it: they are in a batch, or in a day's settlement.
    """
    if not references:
        return set()
    found = rows(transaction, _PLACED, party=others.party, day=others.business_on, ours=sorted(references))
    return {row.our_reference for row in found if tuple(row) not in _turned(others)}


def unanswered(transaction: Transaction, others: Others, references: Collection[str]) -> dict[str, str]:
    """Return the breaks of earlier days in which these payments stand without money of the partner, and of which."""
    if not references:
        return {}
    found = rows(transaction, _UNANSWERED, party=others.party, day=others.business_on, ours=sorted(references))
    return {row.break_id: row.our_reference for row in found}


def met_later(transaction: Transaction, party: str, business_on: date) -> list[dict[str, Any]]:
    """Return the breaks, of this day or carried into it, whose row a later day met, as they last stood, by their ids.

    A day whose statement comes after the next day has run had them open too. A payment that there only met a line
    without money still waits for its own.
    """
    found = rows(transaction, _MET_LATER, party=party, day=business_on)
    return [{name: getattr(row, name) for name in BREAK_COLUMNS} for row in found]


def resolving_days(transaction: Transaction, break_ids: Collection[str]) -> dict[str, date]:
    """Return, of those of the breaks that a run resolved, the day of that run."""
    if not break_ids:
        return {}
    return {row.break_id: row.business_on for row in rows(transaction, _RESOLVED, ours=sorted(break_ids))}


def _turned(others: Others) -> set[tuple[str, date]]:
    return {(name, day) for day, name in others.freed}


_NEWEST = """
    SELECT DISTINCT ON (business_on) id, business_on FROM reconciliation_runs
    WHERE party = :party ORDER BY business_on, version DESC"""
_MEETING = """
    JOIN newest ON newest.id = found.run_id AND newest.business_on <> :day
    WHERE found.our_reference = ANY(:ours) AND found.kind = 'payment' AND found.leg IN ('statement', 'settlement')
      AND found.core_money_vnd > 0 AND found.partner_money_vnd > 0"""
_PAIRED = listed(f"""
    WITH newest AS ({_NEWEST})
    SELECT found.our_reference, newest.business_on FROM reconciliation_matches AS found {_MEETING}
    UNION SELECT found.our_reference, newest.business_on FROM reconciliation_breaks AS found {_MEETING}
    ORDER BY business_on DESC""")  # noqa: S608  (made of our own words)
_PLACED = listed(f"""
    WITH newest AS ({_NEWEST})
    SELECT p.our_reference, p.business_on FROM payments p
    JOIN ledger_entries e ON e.reference = 'payment/' || p.our_reference
    JOIN newest ON newest.business_on = p.business_on AND newest.business_on <> :day
    JOIN reconciliation_taken AS taken ON taken.run_id = newest.id AND e.id = ANY(taken.entry_ids)
    WHERE p.party = :party AND p.our_reference = ANY(:ours) AND NOT EXISTS (
        SELECT FROM reconciliation_breaks AS alone
        WHERE alone.run_id = newest.id AND alone.leg = 'statement' AND alone.kind = 'payment'
          AND alone.our_reference = p.our_reference AND alone.partner_money_vnd = 0)""")  # noqa: S608  (made of our own words)
_UNANSWERED = listed(f"""
    WITH newest AS ({_NEWEST})
    SELECT found.break_id, found.our_reference FROM reconciliation_breaks AS found
    JOIN newest ON newest.id = found.run_id AND newest.business_on < :day
    JOIN break_items AS item ON item.break_id = found.break_id
    WHERE found.our_reference = ANY(:ours) AND found.kind = 'payment' AND found.leg = 'statement'
      AND found.core_rows = 1 AND found.partner_money_vnd = 0 AND (item.state <> 'resolved' OR item.resolved_by_run IN (
          SELECT id FROM reconciliation_runs WHERE party = :party AND business_on = :day))""")  # noqa: S608  (made of our own words)
_MET_LATER = text(f"""
    WITH newest AS ({_NEWEST})
    SELECT DISTINCT ON (found.break_id) found.* FROM reconciliation_breaks AS found
    JOIN newest ON newest.id = found.run_id AND newest.business_on <= :day
    JOIN break_items AS item ON item.break_id = found.break_id AND item.resolution = 'matched_later'
    JOIN reconciliation_runs AS later ON later.id = item.resolved_by_run AND later.business_on > :day
    WHERE found.leg = 'statement' AND NOT EXISTS (
        SELECT FROM reconciliation_breaks AS waits
        JOIN newest AS there ON there.id = waits.run_id AND there.business_on = later.business_on
        WHERE waits.leg = 'statement' AND waits.kind = 'payment' AND waits.our_reference = found.our_reference
          AND found.kind = 'payment' AND found.core_money_vnd > 0
          AND waits.core_rows = 1 AND waits.partner_money_vnd = 0)
    ORDER BY found.break_id, newest.business_on DESC""")  # noqa: S608  (made of our own words)
_RESOLVED = listed("""
    SELECT item.break_id, run.business_on FROM break_items AS item
    JOIN reconciliation_runs AS run ON run.id = item.resolved_by_run
    WHERE item.break_id = ANY(:ours)""")
