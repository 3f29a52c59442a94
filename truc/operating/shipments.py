"""`truc shipments …`: where parcels stand, what the post said of one, and a wish to cancel it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click
from sqlalchemy import Row

from truc.domain.money import format_vnd
from truc.domain.shipment_states import State
from truc.operating import audit
from truc.operating.showing import at as told_at
from truc.operating.terminal import order, ordered, reading, writing
from truc.services import shipments as service
from truc.store import shipments as store
from truc.store.shipments import Cancel, Shipment

STATES = click.Choice([one.value for one in State])
LIMIT = click.IntRange(1, 10_000)


@click.group(help="Parcels: where they stand, and wishes to cancel them.")
def shipments() -> None:
    """Group the commands."""


@shipments.command("list", help="Count parcels by state, or list those of one state.")
@click.option("--state", type=STATES, help="List the parcels in this state, oldest first.")
@click.option("--limit", default=50, show_default=True, type=LIMIT, help="At most so many.")
def list_(state: str | None, limit: int) -> None:
    """Print one line for each."""
    with reading() as transaction:
        if state is None:
            lines = [f"{one:<10} {times:>8}" for one, times in store.counts(transaction).items()]
        else:
            lines = [told(one) for one in store.in_state(transaction, State(state), limit=limit)]
    _print(lines or ["no parcel"])


@shipments.command("show", help="Show one parcel: its state, every word of the post, a wish to cancel it.")
@click.argument("order_number")
def show(order_number: str) -> None:
    """Print it."""
    with reading() as transaction:
        lines = list(_shown(store.get(transaction, order_number), store.events(transaction, order_number)))
    _print(lines)


@shipments.command("cancel", help="Cancel a parcel that no postman has yet; the post has the last word.")
@click.argument("order_number")
@ordered
def cancel(order_number: str, why: str, actor: str) -> None:
    """Print where it stands then."""
    by = order(actor, why)
    with writing() as transaction:
        wish = Cancel(actor=by.actor, reason=by.reason, asked_at=datetime.now(UTC))
        if service.cancel(transaction, order_number, wish):
            audit.note(transaction, by, "cancel shipment", order_number)
        line = told(store.get(transaction, order_number))
    click.echo(line)


def told(row: Shipment) -> str:
    """Return a parcel as a line; nothing of the person is told."""
    tracked = f" {row.tracking_code}" if row.tracking_code else ""
    fee = format_vnd(row.fee_vnd)
    return f"{row.order_number} {row.direction:<7} {fee:>10} {row.state:<10} since {told_at(row.state_at)}{tracked}"


def _shown(row: Shipment, events: list[Row[Any]]) -> Iterator[str]:
    yield told(row)
    ordered_at = "the post was not told" if row.ordered_at is None else f"ordered {told_at(row.ordered_at)}" + _at(row)
    yield f"  for {row.dossier_code}, registered {told_at(row.requested_at)}, {ordered_at}"
    for one in events:
        yield f"  {told_at(one.occurred_at)} the post says {one.raw_status}: {one.state}"
    if row.cancel_asked_at is not None:
        kept = ": the post does not cancel it" if row.asked == "kept" else ""
        yield f"  {told_at(row.cancel_asked_at)} {row.cancel_actor} wished to cancel it ({row.cancel_reason}){kept}"


def _at(row: Shipment) -> str:
    asked = "" if row.inquired_at is None else f", asked about {told_at(row.inquired_at)}"
    return (f" at {row.party}" if row.party else "") + asked


def _print(lines: list[str]) -> None:
    for line in lines:
        click.echo(line)
