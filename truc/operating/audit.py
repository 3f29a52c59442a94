"""Who did what to the exchange, and why: written in the transaction of the deed, and only ever added to."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select

from truc.errors import MalformedError
from truc.store.opened import Transaction, as_storable
from truc.store.tables.lines import AUDIT_LOG


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A person's order to do something, with their reason. Make it with `order`."""

    actor: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One line of the audit log. `target` is what it was done to; `detail` holds names and counts, no personal data."""

    id: int
    at: datetime
    actor: str
    action: str
    target: str
    reason: str
    detail: str


def order(actor: str, reason: str) -> Order:
    """Return the order, or raise MalformedError where nobody gives it or nobody says why."""
    for name, words in (("actor", actor), ("reason", reason)):
        if not words.strip():
            raise MalformedError(f"{name}: must not be blank", reason=f"{name}_missing")
    return Order(actor=as_storable(actor.strip()), reason=as_storable(reason.strip()))


def note(transaction: Transaction, by: Order, action: str, target: str, detail: str = "") -> None:
    """Write the deed down; it stands when, and only when, the deed does."""
    transaction.sql.execute(
        insert(AUDIT_LOG).values(
            actor=by.actor, reason=by.reason, action=action, target=as_storable(target), detail=as_storable(detail)
        )
    )


def deeds(transaction: Transaction, *, since: datetime | None = None, limit: int = 200) -> list[Deed]:
    """Return the newest deeds, at most `limit`, oldest first."""
    query = select(AUDIT_LOG).order_by(AUDIT_LOG.c.at.desc(), AUDIT_LOG.c.id.desc()).limit(limit)
    if since is not None:
        query = query.where(AUDIT_LOG.c.at >= since)
    found = [Deed(**row._mapping) for row in transaction.sql.execute(query)]
    return found[::-1]
