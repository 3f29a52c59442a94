"""`truc exchange …`: what waits, and what was set aside."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from truc import settings
from truc.exchange import set_aside
from truc.store.opened import Transaction, open_hub_store
from truc.store.tables.exchange import OUTBOX


@click.group(help="Messages to and from partners.")
def exchange() -> None:
    """Group the commands."""


@exchange.command("list", help="Count outgoing messages by party, operation and state.")
def list_() -> None:
    """Print one line per party, operation and state."""
    columns = (OUTBOX.c.party, OUTBOX.c.operation, OUTBOX.c.state)
    with _transaction() as transaction:
        rows = transaction.sql.execute(select(*columns, func.count()).group_by(*columns).order_by(*columns)).all()
    for party, operation, state, count in rows:
        click.echo(f"{party:<18} {operation:<12} {state:<10} {count:>8}")
    if not rows:
        click.echo("no message yet")


@exchange.command("set-aside", help="Show what was set aside, with the reason, oldest first.")
@click.option("--party", default="", help="Only this party's.")
@click.option("--limit", default=50, show_default=True, help="At most so many.")
def show_set_aside(party: str, limit: int) -> None:
    """Print one line per open item."""
    with _transaction() as transaction:
        items = set_aside.open_items(transaction, party=party, limit=limit)
    for one in items:
        click.echo(f"{one.id:>6} {one.at:%Y-%m-%d %H:%M} {one.party} {one.kind} {one.item} {one.reason}: {one.text}")
    if not items:
        click.echo("nothing is set aside")


@contextmanager
def _transaction() -> Iterator[Transaction]:
    store = open_hub_store(settings.load())
    try:
        with store.begin() as transaction:
            yield transaction
    except OperationalError as error:
        raise click.ClickException("the database does not answer: is the hub running?") from error
    finally:
        store.close()
