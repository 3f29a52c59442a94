"""How the exchange is shown on a terminal: one line for a thing, in Vietnam's time, without personal data."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from truc.domain.calendar import BUSINESS_ZONE
from truc.exchange import bodies as kept
from truc.exchange import outbox
from truc.exchange.set_aside import SetAside
from truc.operating import audit
from truc.operating.audit import Deed, Order
from truc.operating.maintenance import Window
from truc.operating.replay import Plan
from truc.operating.search import Detail, Exchange
from truc.store.drawers import Old
from truc.store.opened import Transaction

# What `show` tells of a row besides its first line, in this order.
_COLUMNS = (
    *("attempts", "asks", "not_before", "leased_by", "leased_until", "published_at", "sending_at", "received_at"),
    *("finished_at", "booked_at", "items_booked", "items_set_aside", "amount_vnd", "partner_reference"),
    *("reason", "reason_text", "trace"),
)
_CONTEXTS = {"message_id": outbox.CONTEXT}


def exchange(one: Exchange) -> str:
    """Return one line for a message."""
    names = " ".join(word for word in (one.key and f"key {one.key}", one.external_id) if word)
    ends = " ".join(word for word in (one.state, one.reason and f"({one.reason})") if word)
    corrects = f", corrects or repeats {one.corrects}" if one.corrects else ""
    return f"{one.id:>10} {one.direction:<3} {at(one.at)} {one.party} {one.kind} {names}: {ends}{corrects}"


def detail(found: Detail) -> Iterator[str]:
    """Yield everything about one exchange, line by line."""
    yield exchange(found.exchange)
    for name in _COLUMNS:
        value = found.columns.get(name)
        if value is not None:
            yield f"  {name:<18} {at(value) if isinstance(value, datetime) else value}"
    for role, body in found.bodies.items():
        yield f"  {role.removesuffix('_id'):<18} {_body(body)}"
    for entry in found.journal:
        number = "not numbered yet" if entry.number is None else f"number {entry.number}"
        digests = f"out {entry.digest_out}, in {entry.digest_in}"
        yield f"  {'journal':<18} {number}, {at(entry.at)}: {entry.outcome}, {digests}"
    for one in found.items:
        yield f"  {'set aside':<18} {item(one)}"
    for label, rows in (("held by", found.held_by), ("holds", found.holds)):
        for row in rows:
            yield f"  {label:<18} {row.id} {row.operation}: {row.state}"
    for other in found.others:
        yield f"  {'corrects, repeats':<18} {exchange(other)}"
    for row in found.replays:
        copied = f", copied as {row.copy_id}" if row.copy_id else ""
        yield f"  {'replayed':<18} {at(row.at)} as {row.name}: exchange {row.exchange_id}{copied}"


def bodies(transaction: Transaction, found: Detail, by: Order) -> list[tuple[str, bytes]]:
    """Return the bytes of an exchange by their role, and note in the audit log who looked at them and why.

    Raise MalformedError for bytes that do not open under the hub's key.
    """
    there = [role for role, body in found.bodies.items() if body is not None]
    read = [
        (
            role.removesuffix("_id"),
            kept.read(transaction, found.columns[role], context=_CONTEXTS.get(role, kept.CONTEXT)),
        )
        for role in there
    ]
    audit.note(transaction, by, "show_body", f"exchange {found.exchange.id}", ", ".join(role for role, _ in read))
    return read


def item(one: SetAside) -> str:
    """Return one line for an item that was set aside."""
    ends = "" if one.state == "open" else f" [{one.resolved_how or one.state}]"
    where = f"{'in ' if one.incoming else 'out'} exchange {one.exchange_id} {at(one.at)} {one.party} {one.kind}"
    return f"{one.id:>6} {where} {one.item} {one.reason}: {one.text}{ends}"


def line(one: Any) -> str:
    """Return one line for a partner's line."""
    words = [
        f"{one.party:<18} {one.breaker:<9} failures {one.failures:>3}, at work {one.slots:>3}, waiting {one.waiting:>7}"
    ]
    words += [f"oldest {at(one.oldest_at)}"] if one.oldest_at else []
    words += [f"tries again {at(one.retry_at)}"] if one.retry_at else []
    words += [f"not called: {one.maintenance}"] if one.maintenance else []
    return ", ".join(words)


def plan(found: Plan) -> Iterator[str]:
    """Yield every exchange of a replay with what becomes of it, then the sum."""
    for step in found.steps:
        yield f"{step.id:>10} {step.party} {step.kind} {step.key} {step.external_id}: → {step.then}"
    for skip in found.skips:
        yield f"{skip.id:>10} left as it is: {skip.why}"
    if not found.steps:
        yield f"replay {found.name}: nothing to do, {len(found.skips)} left as they are"
    else:
        yield f"replay {found.name}: {len(found.steps)} go, {len(found.skips)} left as they are"


def window(one: Window) -> str:
    """Return one line for a maintenance window."""
    until = at(one.until_at) if one.until_at else "it is released"
    return f"{one.id:>6} {one.party}: {at(one.from_at)} until {until}{' (now)' if one.now else ''}: {one.reason}"


def deed(one: Deed) -> str:
    """Return one line of the audit log."""
    return (
        f"{at(one.at)} {one.actor}: {one.action} {one.target}: {one.reason}{f' [{one.detail}]' if one.detail else ''}"
    )


def retention(found: Sequence[Old], dropped: Sequence[str], strays: Sequence[str]) -> Iterator[str]:
    """Yield every drawer whose period is over, with what became of it."""
    for one in found:
        if one.table in dropped:
            yield f"{one.table}: dropped"
        else:
            yield f"{one.table}: is over, needed by {one.needed_by}" if one.needed_by else f"{one.table}: is over"
    if not found:
        yield "no drawer is over"
    for name in strays:
        yield f"{name}: holds rows whose drawer was missing; the next `truc setup`, or the night, makes it"


def at(instant: datetime) -> str:
    """Return an instant as it is said in Vietnam."""
    return f"{instant.astimezone(BUSINESS_ZONE):%Y-%m-%d %H:%M:%S}"


def _body(body: dict[str, Any] | None) -> str:
    if body is None:
        return "past its period: dropped"
    return f"{body['digest']} {body['content_type']}, {body['sealed_bytes']} bytes sealed, kept {at(body['kept_at'])}"
