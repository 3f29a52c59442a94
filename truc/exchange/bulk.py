"""Bulk runs: publish what a store holds page by page, each page in one transaction with the place it reached.

A run has a name. Begun again under that name after a crash it goes on behind the last page that was committed; a
finished one is left as it is. No more than one page is ever in memory.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from truc.errors import SetupError
from truc.exchange import outbox
from truc.exchange.outbox import Publication
from truc.store.opened import Store, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run is to publish: to one party, what happened from `since_at` until before `until_at`."""

    name: str
    party: str
    operation: str
    since_at: datetime
    until_at: datetime


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """How far a run has come: the instant and the number of the last row it passed."""

    at: datetime
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a store. `reached` is its last row, None when there are no more rows."""

    publications: Sequence[Publication] = ()
    already_there: int = 0
    overtaken: int = 0
    reached: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run has done since it was begun, all attempts together."""

    plan: Plan
    reached: Place | None
    published: int
    already_there: int
    overtaken: int
    finished_at: datetime | None


ReadPage = Callable[[Transaction, Plan, Place | None], Page]

_COLUMNS = (
    "name, party, operation, since_at, until_at, reached_at, reached_id, published, already_there, overtaken,"
    " finished_at"
)
_BEGIN = text(
    """
    INSERT INTO bulk_runs (name, party, operation, since_at, until_at)
    VALUES (:name, :party, :operation, :since_at, :until_at)
    ON CONFLICT DO NOTHING
    """
)
_LOCK = text(f"SELECT {_COLUMNS} FROM bulk_runs WHERE name = :name FOR UPDATE")  # noqa: S608  (columns of ours)
_MOVE = text(
    f"""
    UPDATE bulk_runs
    SET reached_at = coalesce(:reached_at, reached_at), reached_id = coalesce(:reached_id, reached_id),
        published = published + :published, already_there = already_there + :already_there,
        overtaken = overtaken + :overtaken,
        finished_at = CASE WHEN CAST(:reached_id AS bigint) IS NULL THEN now() END
    WHERE name = :name
    RETURNING {_COLUMNS}
    """  # noqa: S608  (columns of ours)
)


def run(store: Store, plan: Plan, read_page: ReadPage) -> Run:
    """Publish page after page until there is none left, and return what the run has done altogether.

    Two processes under one name share the work: each takes the next page in turn. Raise SetupError when the name
    belongs to a run of something else.
    """
    while True:
        found = store.run(lambda transaction: _turn_page(transaction, plan, read_page))
        if found.finished_at is not None:
            return found


def _turn_page(transaction: Transaction, plan: Plan, read_page: ReadPage) -> Run:
    run = _locked(transaction, plan)
    if run.finished_at is not None:
        return run
    page = read_page(transaction, plan, run.reached)
    published = outbox.publish_many(transaction, page.publications)
    values = {
        "name": plan.name,
        "reached_at": None if page.reached is None else page.reached.at,
        "reached_id": None if page.reached is None else page.reached.id,
        "published": published,
        "already_there": page.already_there + len(page.publications) - published,
        "overtaken": page.overtaken,
    }
    return _run(transaction.sql.execute(_MOVE, values).one())


def _locked(transaction: Transaction, plan: Plan) -> Run:
    values = {
        "name": plan.name,
        "party": plan.party,
        "operation": plan.operation,
        "since_at": plan.since_at,
        "until_at": plan.until_at,
    }
    transaction.sql.execute(_BEGIN, values)
    run = _run(transaction.sql.execute(_LOCK, {"name": plan.name}).one())
    if run.plan != plan:
        what = f"{run.plan.party} {run.plan.operation} from {run.plan.since_at} until {run.plan.until_at}"
        raise SetupError(f"bulk run {plan.name!r} is of {what}: take another name", reason="name_taken")
    return run


def _run(row: Any) -> Run:
    return Run(
        plan=Plan(
            name=row.name,
            party=row.party,
            operation=row.operation,
            since_at=row.since_at,
            until_at=row.until_at,
        ),
        reached=None if row.reached_at is None else Place(row.reached_at, row.reached_id),
        published=row.published,
        already_there=row.already_there,
        overtaken=row.overtaken,
        finished_at=row.finished_at,
    )
