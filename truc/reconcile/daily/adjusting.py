"""What came for signed days after they were signed: it is reconciled on the day on which it came, or the next that can.

A signed day is locked: what is booked for it later, and what a restated statement of it says anew or no more, are rows
of the first later day that is run. That day's run keeps what it took (truc.store.taken), so no other takes it too.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Row, text

from truc.domain.calendar import BUSINESS_ZONE
from truc.reconcile.daily import stored_rows
from truc.reconcile.daily.elsewhere import Met, Others, paired
from truc.reconcile.daily.stored_rows import COUNTED, Neutral, listed, rows
from truc.reconcile.spec import Side
from truc.store.opened import Transaction
from truc.store.taken import Line, LineChange, Signed, signed_before

Place = Row[Any]


@dataclass(slots=True)
class Adjustments:
    """The rows of each side; the breaks of signed days that they take up; what the run is to keep of it."""

    rows: dict[Side, list[Neutral]] = field(default_factory=lambda: {"core": [], "statement": []})
    break_ids: set[str] = field(default_factory=set)
    entry_ids: tuple[int, ...] = ()
    changes: tuple[LineChange, ...] = ()

    @property
    def freed(self) -> list[Met]:
        """The meetings that lines taken away have undone."""
        return [one.freed for one in self.changes if one.freed is not None]


def adjustments(transaction: Transaction, others: Others) -> Adjustments:
    """Return what came for signed days by the end of this day, and no other day has taken."""
    found, signed = Adjustments(), signed_before(transaction, others.party, others.business_on)
    if signed:
        late = stored_rows.entries(transaction, others.party, _late_entries(transaction, others, signed))
        met = paired(transaction, others, {row["our_reference"] for row in late if row["kind"] == "payment"})
        found.rows["core"] += [row for row in late if row["kind"] != "payment" or row["our_reference"] not in met]
        found.entry_ids = tuple(row["entry_id"] for row in found.rows["core"])
        for one, statement_id in _restated(transaction, others, signed):
            _take_lines(transaction, others, one, statement_id, found)
    return found


def _late_entries(transaction: Transaction, others: Others, signed: Sequence[Signed]) -> list[int]:
    """Return the entries that the run of their signed day did not take. Entries are only ever added to."""
    days = [one.business_on for one in signed]
    booked = {row.business_on: row.entries for row in rows(transaction, _BOOKED, party=others.party, days=days)}
    more = [one.business_on for one in signed if booked.get(one.business_on, 0) > one.entries]
    if not more:
        return []
    until = {"day": others.business_on, "zone": BUSINESS_ZONE.key}
    taken = {entry for one in others.taken.values() for entry in one.late_entry_ids}
    return [row.id for row in rows(transaction, _LATE, party=others.party, days=more, **until) if row.id not in taken]


def _restated(transaction: Transaction, others: Others, signed: Sequence[Signed]) -> list[tuple[Signed, int]]:
    """Return the signed days of which a newer statement has come by the end of this day, with its id."""
    asked = {"party": others.party, "days": [one.business_on for one in signed], "day": others.business_on}
    found = rows(transaction, _NEWEST, **asked, zone=BUSINESS_ZONE.key)
    newest = {row.business_on: row.id for row in found}
    return [
        (one, newest[one.business_on])
        for one in signed
        if one.statement_id is not None and newest.get(one.business_on, 0) > one.statement_id
    ]


def _take_lines(
    transaction: Transaction, others: Others, signed: Signed, statement_id: int, found: Adjustments
) -> None:
    """Take the lines that the newer statement has more, and the rows that met a line which it has no more."""
    day = signed.business_on
    now = defaultdict[Line, list[Neutral]](list)
    for row in stored_rows.lines_of(transaction, others.party, day, statement_id):
        now[_line(row)].append(row)
    stated = stored_rows.lines_of(transaction, others.party, day, signed.statement_id)
    said = Counter(_line(row) for row in stated)
    said.update(_taken(others, day, "added", later=False))
    said.subtract(_taken(others, day, "removed", later=False))
    standing = Counter({line: len(of) for line, of in now.items()})
    added = _less(_less(standing, said), _taken(others, day, "added", later=True))
    removed = _less(_less(said, standing), _taken(others, day, "removed", later=True))
    for line, times in sorted(added.items()):
        found.rows["statement"] += now[line][-times:]
        found.changes += (LineChange(business_on=day, what="added", line=line),) * times
    for line in sorted(removed.elements()):
        freed = _free(transaction, others, day, line, found)
        found.changes += (LineChange(business_on=day, what="removed", line=line, freed=freed),)


def _taken(others: Others, day: date, what: str, *, later: bool) -> "Counter[Line]":
    """Return the lines of a signed day that days before this one took, or those that later ones have."""
    changes = [one for at, each in others.taken.items() if (at > others.business_on) is later for one in each.changes]
    return Counter(one.line for one in changes if (one.business_on, one.what) == (day, what))


def _less(one: "Counter[Line]", other: "Counter[Line]") -> "Counter[Line]":
    return Counter({line: times for line in one if (times := one[line] - max(other[line], 0)) > 0})


def _line(row: Neutral) -> Line:
    return Line(*(row[name] for name in Line._fields))


def _free(transaction: Transaction, others: Others, day: date, line: Line, found: Adjustments) -> Met | None:
    """Bring back the row of ours that the line had met in a signed run, and take up the break it stood in."""
    place = next(_places(transaction, others, day, line, found), None)
    if place is None:
        return None
    if place.break_id:
        found.break_ids.add(place.break_id)
    if not place.core_rows:
        return None
    named = {place.our_reference}
    if place.kind == "payment":
        core = stored_rows.payments_named(transaction, others.party, named)
    else:
        core = stored_rows.refunds_named(transaction, others.party, named)
    booked = [row for row in core if row["business_on"] is not None and row["amount_vnd"] == place.core_money_vnd]
    found.rows["core"] += booked[:1]
    return place.run_day, place.our_reference


def _places(transaction: Transaction, others: Others, day: date, line: Line, found: Adjustments) -> Iterator[Place]:
    """Yield where signed runs have the line on its own, or with one row of ours; not what was freed before."""
    money = line.amount_vnd if line.state in COUNTED else 0
    asked = {"party": others.party, "since": day, "day": others.business_on, "ours": line.our_reference}
    freed = {*others.freed, *found.freed}
    for place in rows(transaction, _PLACES, **asked, theirs=line.partner_reference, vnd=money, kind=line.kind):
        gone = place.break_id in found.break_ids or (place.run_day, place.our_reference) in freed
        if not gone and line.our_reference in ("", place.our_reference):
            yield place


_BOOKED = listed("""
    SELECT business_on, sum(entries) AS entries FROM (
        SELECT business_on, count(*) AS entries FROM payments
        WHERE party = :party AND business_on = ANY(:days) GROUP BY business_on
        UNION ALL
        SELECT e.business_on, count(*) FROM refunds r JOIN payments p ON p.id = r.payment_id
        JOIN ledger_entries e ON e.reference = 'refund/' || r.refund_reference
        WHERE p.party = :party AND e.business_on = ANY(:days) GROUP BY e.business_on) AS booked
    GROUP BY business_on""")
_LATE = listed("""
    WITH signed AS (
        SELECT sign_offs.business_on, taken.entry_ids FROM sign_offs
        JOIN reconciliation_taken AS taken ON taken.run_id = sign_offs.run_id
        WHERE sign_offs.party = :party AND sign_offs.approved_by IS NOT NULL AND sign_offs.business_on = ANY(:days)),
    booked AS (
        SELECT e.id, e.business_on, e.booked_at FROM payments p
        JOIN ledger_entries e ON e.reference = 'payment/' || p.our_reference
        WHERE p.party = :party AND p.business_on = ANY(:days)
        UNION ALL
        SELECT e.id, e.business_on, e.booked_at FROM refunds r JOIN payments p ON p.id = r.payment_id
        JOIN ledger_entries e ON e.reference = 'refund/' || r.refund_reference
        WHERE p.party = :party AND e.business_on = ANY(:days))
    SELECT booked.id FROM booked JOIN signed ON signed.business_on = booked.business_on
    WHERE NOT booked.id = ANY(signed.entry_ids) AND CAST(timezone(:zone, booked.booked_at) AS date) <= :day
    ORDER BY booked.id""")
_NEWEST = listed("""
    SELECT DISTINCT ON (business_on) id, business_on FROM statements
    WHERE party = :party AND business_on = ANY(:days) AND CAST(timezone(:zone, booked_at) AS date) <= :day
    ORDER BY business_on, version DESC""")
_PLACES = text("""
    WITH signed AS (
        SELECT run_id, business_on FROM sign_offs
        WHERE party = :party AND approved_by IS NOT NULL AND business_on >= :since AND business_on < :day)
    SELECT place.*, signed.business_on AS run_day FROM (
        SELECT '' AS break_id, run_id, leg, kind, our_reference, partner_reference, core_rows, partner_rows,
               core_money_vnd, partner_money_vnd FROM reconciliation_matches
        UNION ALL
        SELECT break_id, run_id, leg, kind, our_reference, partner_reference, core_rows, partner_rows,
               core_money_vnd, partner_money_vnd FROM reconciliation_breaks) AS place
    JOIN signed ON signed.run_id = place.run_id
    WHERE place.leg = 'statement' AND place.partner_rows = 1 AND place.core_rows <= 1
      AND place.partner_money_vnd = :vnd AND (place.kind = :kind OR place.core_rows = 1)
      AND ((:theirs <> '' AND place.partner_reference = :theirs) OR place.our_reference = :ours)
    ORDER BY signed.business_on DESC, place.core_rows, place.break_id, place.our_reference""")
