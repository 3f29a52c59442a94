"""How a command comes to the store, and who orders it: what all commands of operators share."""

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from sqlalchemy.exc import OperationalError

from truc import settings
from truc.exchange.journal.rows import picture
from truc.operating import audit
from truc.operating.audit import Order
from truc.store.opened import LOST_RACES, Store, Transaction, open_hub_store

Command = Callable[..., Any]


def ordered(command: Command) -> Command:
    """Give a command the options that say who orders it and why."""
    command = click.option("--reason", "why", required=True, help="Why; it is kept in the audit log.")(command)
    return click.option("--actor", default="", help="Who orders it; default: the user of this machine.")(command)


def order(actor: str, why: str) -> Order:
    """Return the order, by default of the user of this machine; raise MalformedError as `audit.order` does."""
    return audit.order(actor or getpass.getuser(), why)


@contextmanager
def hub_store() -> Iterator[Store]:
    """Open the store of this installation; what the database does not do is told in a line."""
    store = open_hub_store(settings.load())
    try:
        yield store
    except OperationalError as error:
        if isinstance(error.orig, LOST_RACES):
            raise click.ClickException("somebody changed it meanwhile: run it again") from error
        raise click.ClickException("the database does not answer: is the hub running?") from error
    finally:
        store.close()


@contextmanager
def reading() -> Iterator[Transaction]:
    """Open a transaction that changes nothing."""
    with hub_store() as store, picture(store) as transaction:
        yield transaction


@contextmanager
def writing() -> Iterator[Transaction]:
    """Open a transaction that commits at its end."""
    with hub_store() as store, store.begin() as transaction:
        yield transaction
