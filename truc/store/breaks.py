"""The store of breaks: each with its row, and every step of its life in a chain that is only ever added to.

A step writes the row and one event. The event holds the digest of the row after it and is chained to the event before,
so a row that was changed in any other way, and an event that was taken out, are found.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ARRAY, Text, any_, bindparam, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import distinct_on

from truc.errors import MalformedError
from truc.store.opened import Transaction, as_storable
from truc.store.tables.breaks import BREAK_EVENTS, BREAK_ITEMS

ORIGIN = "0" * 64  # what the first event is chained to
AT_ONCE = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A break as it stands: a row of `break_items`."""

    break_id: str
    party: str
    business_on: date
    break_class: str
    at_risk_vnd: int
    first_run_id: int
    last_run_id: int
    state: str
    assignee: str = ""
    reason_code: str = ""
    proposal: str = ""
    proposal_text: str = ""
    proposed_by: str | None = None
    proposed_at: datetime | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None
    resolved_at: datetime | None = None
    resolution: str = ""
    resolved_by_run: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: from what the break was (None: it was not there) to what it is, who did it, and what they said."""

    before: Item | None
    after: Item
    actor: str
    action: str
    remark: str = ""
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class Then:
    """How a break stood after some event."""

    state: str
    reason_code: str
    item_digest: str


@dataclass(frozen=True, slots=True)
class Chain:
    """What `verify_chain` found: how many events hold, and the number of the first that does not."""

    events: int
    broken_at: int | None


def clock(transaction: Transaction) -> datetime:
    """Return the time of this transaction by the database's clock."""
    now: datetime = transaction.sql.execute(select(func.now())).scalar_one()
    return now


def digest_of(item: Item) -> str:
    """Return SHA-256 over the break as it stands, but for the newest run in which it does: each run moves that."""
    values = asdict(item)
    del values["last_run_id"]
    return _sha256([_plain(values[name]) for name in sorted(values)])


def locked(transaction: Transaction, break_ids: Collection[str]) -> dict[str, Item]:
    """Return those of the breaks that are known, locked until the transaction ends; taken in one order everywhere."""
    query = select(BREAK_ITEMS).where(BREAK_ITEMS.c.break_id == any_(_array(break_ids)))
    rows = transaction.sql.execute(query.order_by(BREAK_ITEMS.c.break_id).with_for_update())
    return {row.break_id: Item(**row._mapping) for row in rows}


def get_locked(transaction: Transaction, break_id: str) -> Item:
    """Return the break, locked until the transaction ends; raise MalformedError for one that is not known."""
    found = locked(transaction, [break_id]).get(break_id)
    if found is None:
        raise unknown(break_id)
    return found


def unknown(break_id: str) -> MalformedError:
    """Return what is raised for a break that is not known."""
    return MalformedError(f"break_id: no break {as_storable(break_id)!r}", reason="unknown_break")


def keep_steps(transaction: Transaction, steps: Sequence[Step]) -> None:
    """Write the rows and append the events, in order. Lock the rows first: the chain is locked here, after them."""
    if not steps:
        return
    transaction.lock("break_events")
    number, digest = last_event(transaction)
    at = clock(transaction)
    events = []
    for number, step in enumerate(steps, start=number + 1):  # noqa: B020  (goes on from the last one)
        event = _event(step, number=number, at=at, prev_digest=digest)
        digest = event["digest"]
        events.append(event)
    _write_items(transaction, steps)
    for start in range(0, len(events), AT_ONCE):
        transaction.sql.execute(insert(BREAK_EVENTS), events[start : start + AT_ONCE])


def last_event(transaction: Transaction) -> tuple[int, str]:
    """Return the number and digest of the newest event; (0, ORIGIN) before the first."""
    query = select(BREAK_EVENTS.c.number, BREAK_EVENTS.c.digest).order_by(BREAK_EVENTS.c.number.desc()).limit(1)
    row = transaction.sql.execute(query).one_or_none()
    return (0, ORIGIN) if row is None else (row.number, row.digest)


def verify_chain(transaction: Transaction) -> Chain:
    """Go through every event from the first, and say where the chain does not hold."""
    number, digest = 0, ORIGIN
    for row in transaction.sql.execute(select(BREAK_EVENTS).order_by(BREAK_EVENTS.c.number)).yield_per(AT_ONCE):
        event = dict(row._mapping)
        said = event.pop("digest")
        if event["number"] != number + 1 or event["prev_digest"] != digest or _event_digest(event) != said:
            return Chain(number, number + 1)
        number, digest = number + 1, said
    return Chain(number, None)


def then(transaction: Transaction, break_ids: Collection[str], *, upto: int | None = None) -> dict[str, Then]:
    """Return how each of the breaks stood after the event of this number (None: the newest)."""
    query = select(BREAK_EVENTS).where(BREAK_EVENTS.c.break_id == any_(_array(break_ids)))
    query = query if upto is None else query.where(BREAK_EVENTS.c.number <= upto)
    newest = query.ext(distinct_on(BREAK_EVENTS.c.break_id)).order_by(
        BREAK_EVENTS.c.break_id, BREAK_EVENTS.c.number.desc()
    )
    rows = transaction.sql.execute(newest)
    return {row.break_id: Then(row.to_state, row.reason_code, row.item_digest) for row in rows}


def changed_otherwise(transaction: Transaction, break_ids: Collection[str]) -> list[str]:
    """Return those of the breaks whose row is not what their newest event left: changed by no step, or gone."""
    last = then(transaction, break_ids)
    query = select(BREAK_ITEMS).where(BREAK_ITEMS.c.break_id == any_(_array(break_ids)))
    now = {row.break_id: digest_of(Item(**row._mapping)) for row in transaction.sql.execute(query)}
    return sorted(one for one in break_ids if one not in last or now.get(one) != last[one].item_digest)


def _write_items(transaction: Transaction, steps: Sequence[Step]) -> None:
    """The last step of each break is how it stands."""
    new = {step.after.break_id for step in steps if step.before is None}
    rows = {step.after.break_id: asdict(step.after) for step in steps}
    fresh = [row for name, row in rows.items() if name in new]
    known = [{f"to_{name}": value for name, value in row.items()} for key, row in rows.items() if key not in new]
    if fresh:
        transaction.sql.execute(insert(BREAK_ITEMS), fresh)
    if known:
        changing: dict[str, Any] = {
            one.name: bindparam(f"to_{one.name}") for one in fields(Item) if one.name != "break_id"
        }
        which = BREAK_ITEMS.c.break_id == bindparam("to_break_id")
        transaction.sql.execute(update(BREAK_ITEMS).where(which).values(changing), known)


def _event(step: Step, *, number: int, at: datetime, prev_digest: str) -> dict[str, Any]:
    event: dict[str, Any] = {
        "number": number,
        "break_id": step.after.break_id,
        "run_id": step.run_id,
        "at": at,
        "actor": step.actor,
        "action": step.action,
        "from_state": "" if step.before is None else step.before.state,
        "to_state": step.after.state,
        "assignee": step.after.assignee,
        "reason_code": step.after.reason_code,
        "proposal": step.after.proposal,
        "remark": as_storable(step.remark),
        "item_digest": digest_of(step.after),
        "prev_digest": prev_digest,
    }
    return event | {"digest": _event_digest(event)}


def _event_digest(event: dict[str, Any]) -> str:
    return _sha256([_plain(event[name]) for name in sorted(event)])


def _plain(value: object) -> object:
    """Return what JSON writes in one way only."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value.isoformat() if isinstance(value, date) else value


def _sha256(parts: Iterable[object]) -> str:
    return hashlib.sha256(json.dumps(list(parts), ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def _array(values: Collection[str]) -> Any:
    """One array parameter, however many values."""
    return literal(sorted(values), ARRAY(Text))
