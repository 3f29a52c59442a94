"""What a new run means for the lives of breaks: some open, some come back, some are resolved by it, most go on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Row, Text, any_, literal, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on

from truc.store import breaks as store
from truc.store.breaks import Item, Step
from truc.store.opened import Transaction
from truc.store.tables.breaks import BREAK_ITEMS
from truc.store.tables.reconciliation import RECONCILIATION_BREAKS, RECONCILIATION_RUNS

RUN = "reconcile"  # who acts, where a run does


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """The run whose breaks go on living. `last_run_id` is the version before it."""

    run_id: int
    party: str
    business_on: date
    carried_in: frozenset[str]
    last_run_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """What became of the breaks. `written_off` stand in the run and were resolved by people before it."""

    opened: int
    reopened: int
    resolved: int
    written_off: frozenset[str]


def at_risk_vnd(found: Mapping[str, Any]) -> int:
    """Return the money that a break puts at risk: its difference, or where there is none the greater of its sides."""
    difference = abs(int(found["difference_vnd"]))
    return difference or max(abs(int(found["core_vnd"])), abs(int(found["partner_vnd"])))


def go_on(transaction: Transaction, stand: Stand, breaks: Sequence[Mapping[str, Any]]) -> Lived:
    """Open what is new, bring back what came back, resolve what no longer stands; leave the life of all else alone.

    Raise MalformedError for a break carried in that nobody knows.
    """
    standing = {str(one["break_id"]): one for one in breaks}
    before = _stood_in(transaction, stand.last_run_id)
    known = store.locked(transaction, {*standing, *before, *stand.carried_in})
    for name in sorted(stand.carried_in - known.keys()):
        raise store.unknown(name)
    here = _stood_on(transaction, stand, standing) | (stand.carried_in & set(standing))
    runs = _runs_of(transaction, stand)
    opened = [_opened(stand, found) for name, found in sorted(standing.items()) if name not in known]
    back = [
        _reopened(stand, known[name], at_risk_vnd(standing[name]))
        for name in sorted(standing.keys() & known.keys())
        if _comes_back(known[name], runs, stood_here=name in here)
    ]
    back_ids = {step.after.break_id for step in back}
    restated = [
        _restated(stand, known[name], at_risk_vnd(found))
        for name, found in sorted(standing.items())
        if name in known and known[name].state != "resolved" and known[name].at_risk_vnd != at_risk_vnd(found)
    ]
    at = store.clock(transaction)
    resolved = [
        _resolved(stand, known[name], at, "matched_later" if name in stand.carried_in else "no_longer_found")
        for name in sorted((before | stand.carried_in) - standing.keys())
        if name in known and known[name].state != "resolved"
    ]
    store.keep_steps(transaction, [*opened, *back, *restated, *resolved])
    _move_on(transaction, stand, standing)
    return Lived(
        opened=len(opened),
        reopened=len(back),
        resolved=len(resolved),
        written_off=frozenset(
            name for name in standing.keys() & known.keys() - back_ids if ended_by_people(known[name])
        ),
    )


def ended_by_people(item: Item) -> bool:
    """Tell whether people resolved it, and not a run that found it no more: only that writes money off."""
    return item.state == "resolved" and item.resolved_by_run is None


def carried_into(transaction: Transaction, party: str, business_on: date) -> list[Row[Any]]:
    """See truc.store.reconciliation.carried_into."""
    of_day = select(RECONCILIATION_RUNS.c.id).where(
        RECONCILIATION_RUNS.c.party == party, RECONCILIATION_RUNS.c.business_on == business_on
    )
    of_later = select(RECONCILIATION_RUNS.c.id).where(
        RECONCILIATION_RUNS.c.party == party, RECONCILIATION_RUNS.c.business_on > business_on
    )
    first = select(RECONCILIATION_RUNS.c.business_on).where(RECONCILIATION_RUNS.c.id == BREAK_ITEMS.c.first_run_id)
    stood = select(RECONCILIATION_BREAKS.c.run_id).where(
        RECONCILIATION_BREAKS.c.break_id == BREAK_ITEMS.c.break_id, RECONCILIATION_BREAKS.c.run_id.in_(of_day)
    )
    items = select(BREAK_ITEMS.c.break_id).where(
        BREAK_ITEMS.c.party == party,
        first.scalar_subquery() < business_on,
        or_(
            BREAK_ITEMS.c.state != "resolved",
            BREAK_ITEMS.c.resolved_by_run.in_(of_day),
            stood.exists(),
            (BREAK_ITEMS.c.resolution == "matched_later") & BREAK_ITEMS.c.resolved_by_run.in_(of_later),
        ),
    )
    newest = (
        select(RECONCILIATION_BREAKS)
        .join(RECONCILIATION_RUNS, RECONCILIATION_RUNS.c.id == RECONCILIATION_BREAKS.c.run_id)
        .where(RECONCILIATION_BREAKS.c.break_id.in_(items), RECONCILIATION_RUNS.c.business_on < business_on)
        .ext(distinct_on(RECONCILIATION_BREAKS.c.break_id))
        .order_by(
            RECONCILIATION_BREAKS.c.break_id,
            RECONCILIATION_RUNS.c.business_on.desc(),
            RECONCILIATION_RUNS.c.version.desc(),
        )
    )
    return list(transaction.sql.execute(newest))


def _comes_back(item: Item, runs: Collection[int], *, stood_here: bool) -> bool:
    """A resolved one that stands again: an earlier version of this day had ended it, or this is another occurrence."""
    return item.state == "resolved" and (not stood_here or item.resolved_by_run in runs)


def _opened(stand: Stand, found: Mapping[str, Any]) -> Step:
    said: date | None = found["business_on"]
    item = Item(
        break_id=str(found["break_id"]),
        party=stand.party,
        business_on=stand.business_on if said is None else min(said, stand.business_on),
        break_class=str(found["break_class"]),
        at_risk_vnd=at_risk_vnd(found),
        first_run_id=stand.run_id,
        last_run_id=stand.run_id,
        state="open",
    )
    return Step(before=None, after=item, actor=RUN, action="opened", run_id=stand.run_id)


def _reopened(stand: Stand, item: Item, now_vnd: int) -> Step:
    after = replace(
        item,
        at_risk_vnd=now_vnd,
        state="open",
        assignee="",
        reason_code="",
        proposal="",
        proposal_text="",
        proposed_by=None,
        proposed_at=None,
        approved_by=None,
        approved_at=None,
        resolved_at=None,
        resolution="",
        resolved_by_run=None,
    )
    return Step(before=item, after=after, actor=RUN, action="reopened", run_id=stand.run_id)


def _restated(stand: Stand, item: Item, now_vnd: int) -> Step:
    remark = f"{item.at_risk_vnd} → {now_vnd} đ"
    after = replace(item, at_risk_vnd=now_vnd)
    return Step(before=item, after=after, actor=RUN, action="restated", remark=remark, run_id=stand.run_id)


def _resolved(stand: Stand, item: Item, at: datetime, how: str) -> Step:
    after = replace(item, state="resolved", resolved_at=at, resolution=how, resolved_by_run=stand.run_id)
    return Step(before=item, after=after, actor=RUN, action=how, run_id=stand.run_id)


def _move_on(transaction: Transaction, stand: Stand, standing: Collection[str]) -> None:
    """Keep the newest day's run in which each stands; a late version of an earlier day is not that."""
    newer = select(RECONCILIATION_RUNS.c.id).where(
        RECONCILIATION_RUNS.c.id == BREAK_ITEMS.c.last_run_id, RECONCILIATION_RUNS.c.business_on > stand.business_on
    )
    which = (BREAK_ITEMS.c.break_id == any_(literal(sorted(standing), ARRAY(Text))), ~newer.exists())
    transaction.sql.execute(update(BREAK_ITEMS).where(*which).values(last_run_id=stand.run_id))


def _stood_in(transaction: Transaction, run_id: int | None) -> set[str]:
    if run_id is None:
        return set()
    query = select(RECONCILIATION_BREAKS.c.break_id).where(RECONCILIATION_BREAKS.c.run_id == run_id)
    return set(transaction.sql.execute(query).scalars())


def _stood_on(transaction: Transaction, stand: Stand, standing: Collection[str]) -> set[str]:
    """Which of these stood in an earlier version of this very day."""
    runs = [one for one in _runs_of(transaction, stand) if one != stand.run_id]
    query = select(RECONCILIATION_BREAKS.c.break_id).where(
        RECONCILIATION_BREAKS.c.run_id == any_(literal(runs, ARRAY(BigInteger))),
        RECONCILIATION_BREAKS.c.break_id == any_(literal(sorted(standing), ARRAY(Text))),
    )
    return set(transaction.sql.execute(query).scalars())


def _runs_of(transaction: Transaction, stand: Stand) -> set[int]:
    query = select(RECONCILIATION_RUNS.c.id).where(
        RECONCILIATION_RUNS.c.party == stand.party, RECONCILIATION_RUNS.c.business_on == stand.business_on
    )
    return set(transaction.sql.execute(query).scalars())
