"""What is read of reconciled days: the overview, a day with its flow of money, its rows, its signature.

What is read of single breaks lies in truc.reconcile.reading.breaks. Every function takes an open transaction and
changes nothing. Amounts are whole đồng, days are of Vietnam, instants are aware. A day that was never run is not an
error: it is absent from the lists, and `day` returns None.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on

from truc.reconcile.reading import accounts
from truc.reconcile.reading.accounts import ClassTotal, LegTotal, Station, Total
from truc.reconcile.work import sign_off
from truc.reconcile.work.restated import is_restated
from truc.store import reconciliation
from truc.store.break_lives import at_risk_vnd
from truc.store.opened import Transaction
from truc.store.reconciliation import RunRow, Side
from truc.store.tables.breaks import BREAK_ITEMS
from truc.store.tables.reconciliation import RECONCILIATION_BREAKS, RECONCILIATION_RUNS

__all__ = [
    "Change",
    "ClassTotal",
    "DaySeen",
    "DaySummary",
    "LegTotal",
    "Signing",
    "Station",
    "Total",
    "Version",
    "breaks",
    "day",
    "days",
    "days_between",
    "matches",
    "newest_day",
    "parties",
    "signing",
]

SigningState = Literal["open", "prepared", "signed"]
STANDS = ("at_risk_vnd", "state", "assignee", "reason_code", "proposal", "proposed_by", "approved_by", "resolution")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """Where the day's signature stands. Of an unprepared day only `state` is filled ("open").

    `run_id` and `version` are of the version that was prepared; the limits are of what may be open in it, as who
    prepared it chose; `stale` tells that the day has changed since: another version, a break that moved, or a newer
    statement. A stale preparation cannot be signed, only withdrawn.
    """

    state: SigningState
    run_id: int | None = None
    version: int | None = None
    content_hash: str = ""
    prepared_by: str = ""
    prepared_at: datetime | None = None
    approved_by: str = ""
    approved_at: datetime | None = None
    report_digest: str = ""
    open_limit_vnd: int = 0
    open_limit_count: int = 0
    stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySummary:
    """One party's business day in its newest version: a line of the overview.

    `core`, `partner`, `matched` and what is carried are of the legs that meet the statement (statement, settlement,
    return), `partner` without payouts of its own lines; `matched` and what is carried are the core side's.
    `difference_vnd` is accounts.difference_vnd. `restated` tells that a newer statement of the day has come than the
    one that was run.
    """

    party: str
    business_on: date
    run_id: int
    version: int
    run_at: datetime
    core: Total
    partner: Total
    matched: Total
    classes: tuple[ClassTotal, ...]
    breaks: int
    open_breaks: int
    at_risk_vnd: int
    open_vnd: int
    difference_vnd: int
    carried_in: Total
    carried_out: Total
    signing: Signing
    restated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a day: which inputs made it."""

    run_id: int
    version: int
    run_at: datetime
    statement_id: int | None
    input_digest: str
    result_digest: str
    breaks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A break that a version of the day has and the one before it has not (`came`), or the other way round (`went`)."""

    change: Literal["came", "went"]
    break_id: str
    break_class: str
    our_reference: str
    at_risk_vnd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySeen:
    """A day in one version: its summary, its account, its flow of money, and what decided it."""

    summary: DaySummary
    spec: str
    spec_version: int
    spec_digest: str
    engine: str
    input_digest: str
    result_digest: str
    statement_id: int | None
    sql: str
    totals: tuple[LegTotal, ...]
    flow: tuple[Station, ...]  # always the four, in their order
    versions: tuple[Version, ...]  # oldest first
    changes: tuple[Change, ...]  # against the version before; nothing for the first


def days(transaction: Transaction, *, business_on: date) -> list[DaySummary]:
    """Return the newest version of every party that was run on the day, by party: the overview of a morning."""
    return days_between(transaction, since=business_on, until=business_on)


def days_between(transaction: Transaction, *, since: date, until: date, party: str = "") -> list[DaySummary]:
    """Return every reconciled day from `since` to `until`, both included, newest day first, then by party."""
    runs = RECONCILIATION_RUNS.c
    query = select(RECONCILIATION_RUNS).where(runs.business_on.between(since, until))
    query = query.where(runs.party == party) if party else query
    newest = query.ext(distinct_on(runs.business_on, runs.party)).order_by(
        runs.business_on.desc(), runs.party, runs.version.desc()
    )
    return [_summary(transaction, run) for run in transaction.sql.execute(newest).all()]


def newest_day(transaction: Transaction) -> date | None:
    """Return the newest business day that was reconciled for any party; None where none was."""
    found: date | None = transaction.sql.execute(select(func.max(RECONCILIATION_RUNS.c.business_on))).scalar()
    return found


def parties(transaction: Transaction) -> list[str]:
    """Return every party that was ever reconciled, in order."""
    query = select(RECONCILIATION_RUNS.c.party).distinct().order_by(RECONCILIATION_RUNS.c.party)
    return list(transaction.sql.execute(query).scalars())


def day(transaction: Transaction, party: str, business_on: date, *, version: int | None = None) -> DaySeen | None:
    """Return the day in a version (None: the newest); None where there is none."""
    runs = RECONCILIATION_RUNS.c
    query = select(RECONCILIATION_RUNS).where(runs.party == party, runs.business_on == business_on)
    every = list(transaction.sql.execute(query.order_by(runs.version)))
    wanted = [one for one in every if version is None or one.version == version]
    if not wanted:
        return None
    run = wanted[-1]
    before = next((one for one in every if one.version == run.version - 1), None)
    totals = accounts.totals(transaction, run)
    return DaySeen(
        summary=_summary(transaction, run),
        spec=run.spec,
        spec_version=run.spec_version,
        spec_digest=run.spec_digest,
        engine=run.engine,
        input_digest=run.input_digest,
        result_digest=run.result_digest,
        statement_id=run.statement_id,
        sql=run.sql,
        totals=totals,
        flow=accounts.flow(transaction, run, totals),
        versions=_versions(transaction, every),
        changes=() if before is None else _changes(transaction, before.id, run.id),
    )


def signing(transaction: Transaction, party: str, business_on: date) -> Signing:
    """Return where the day's signature stands."""
    found = sign_off.standing(transaction, party, business_on)
    if found is None:
        return Signing(state="open")
    signed = found.approved_by is not None
    return Signing(
        state="signed" if signed else "prepared",
        run_id=found.run_id,
        version=found.version,
        content_hash=found.content_hash,
        prepared_by=found.prepared_by,
        prepared_at=found.prepared_at,
        approved_by=found.approved_by or "",
        approved_at=found.approved_at,
        report_digest=found.report_digest,
        open_limit_vnd=found.open_limit_vnd,
        open_limit_count=found.open_limit_count,
        stale=not signed and sign_off.is_stale(transaction, found),
    )


def matches(transaction: Transaction, run_id: int) -> Iterator[dict[str, Any]]:
    """Yield the matches of a run in their order: the columns of matches.parquet (reconciliation.MATCH_COLUMNS)."""
    return reconciliation.matches_of(transaction, run_id)


def breaks(transaction: Transaction, run_id: int) -> Iterator[dict[str, Any]]:
    """Yield the breaks of a run, as columns of breaks.parquet (BREAK_COLUMNS), and where each stands now.

    Added to the columns: at_risk_vnd, state, assignee, reason_code, proposal, proposed_by, approved_by, resolution,
    opened_on (the day it belongs to), age_days (at the end of the run's day).
    """
    day_of_run = select(RECONCILIATION_RUNS.c.business_on).where(RECONCILIATION_RUNS.c.id == run_id).scalar_subquery()
    columns = [RECONCILIATION_BREAKS.c[name] for name in reconciliation.BREAK_COLUMNS]
    stands = [BREAK_ITEMS.c[name] for name in STANDS]
    query = (
        select(*columns, *stands, BREAK_ITEMS.c.business_on.label("opened_on"), day_of_run.label("day_of_run"))
        .join(BREAK_ITEMS, BREAK_ITEMS.c.break_id == RECONCILIATION_BREAKS.c.break_id)
        .where(RECONCILIATION_BREAKS.c.run_id == run_id)
        .order_by(RECONCILIATION_BREAKS.c.break_id)
    )
    for row in transaction.sql.execute(query):
        found = dict(row._mapping)
        ran_on = found.pop("day_of_run")
        yield found | {"age_days": (ran_on - found["opened_on"]).days}


def _summary(transaction: Transaction, run: RunRow) -> DaySummary:
    totals = {(one.side, one.what): one for one in accounts.totals(transaction, run) if one.leg == "statement"}
    classes = accounts.classes(transaction, run)

    def of(side: Side, *whats: str) -> Total:
        found = [totals[side, what] for what in whats if (side, what) in totals]
        return Total(sum(one.rows for one in found), sum(one.vnd for one in found))

    partner, paid_out = of("partner", "carried_in", "new"), accounts.payouts(transaction, run.id)
    return DaySummary(
        party=run.party,
        business_on=run.business_on,
        run_id=run.id,
        version=run.version,
        run_at=run.run_at,
        core=of("core", "carried_in", "new"),
        partner=Total(partner.rows - paid_out.rows, partner.vnd - paid_out.vnd),
        matched=of("core", "matched"),
        classes=classes,
        breaks=sum(one.breaks for one in classes),
        open_breaks=sum(one.open for one in classes),
        at_risk_vnd=sum(one.at_risk_vnd for one in classes),
        open_vnd=sum(one.open_vnd for one in classes),
        difference_vnd=accounts.difference_vnd(transaction, run.id),
        carried_in=of("core", "carried_in"),
        carried_out=of("core", "carried_out"),
        signing=signing(transaction, run.party, run.business_on),
        restated=is_restated(transaction, run),
    )


def _versions(transaction: Transaction, runs: Sequence[RunRow]) -> tuple[Version, ...]:
    found = RECONCILIATION_BREAKS.c
    counted = select(found.run_id, func.count().label("breaks")).where(found.run_id.in_([one.id for one in runs]))
    breaks_of = {row.run_id: row.breaks for row in transaction.sql.execute(counted.group_by(found.run_id))}
    return tuple(
        Version(
            run_id=one.id,
            version=one.version,
            run_at=one.run_at,
            statement_id=one.statement_id,
            input_digest=one.input_digest,
            result_digest=one.result_digest,
            breaks=breaks_of.get(one.id, 0),
        )
        for one in runs
    )


def _changes(transaction: Transaction, before: int, after: int) -> tuple[Change, ...]:
    then, now = (
        {str(one["break_id"]): one for one in reconciliation.breaks_of(transaction, run)} for run in (before, after)
    )
    came = [_change("came", now[name]) for name in sorted(now.keys() - then.keys())]
    return (*came, *(_change("went", then[name]) for name in sorted(then.keys() - now.keys())))


def _change(change: Literal["came", "went"], found: dict[str, Any]) -> Change:
    return Change(
        change=change,
        break_id=found["break_id"],
        break_class=found["break_class"],
        our_reference=found["our_reference"],
        at_risk_vnd=at_risk_vnd(found),
    )
