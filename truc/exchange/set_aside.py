"""Items that could not go on, each with its reason, until a person resolves them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from truc.store.opened import Transaction, as_storable
from truc.store.tables.exchange import SET_ASIDE

# The same id came with other bytes: no failure to book, but something that a person should know.
INCIDENT = "same_id_other_bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """One item set aside. `item` names it for a person and holds no personal data."""

    id: int
    party: str
    kind: str
    exchange_id: int  # outbox.id or inbox.id
    incoming: bool
    item: str
    reason: str
    text: str
    at: datetime
    state: str
    resolved_how: str | None


_ITEMS = select(
    SET_ASIDE.c.id,
    SET_ASIDE.c.party,
    SET_ASIDE.c.kind,
    func.coalesce(SET_ASIDE.c.outbox_id, SET_ASIDE.c.inbox_id).label("exchange_id"),
    SET_ASIDE.c.inbox_id.is_not(None).label("incoming"),
    SET_ASIDE.c.item,
    SET_ASIDE.c.reason,
    SET_ASIDE.c.text,
    SET_ASIDE.c.at,
    SET_ASIDE.c.state,
    SET_ASIDE.c.resolved_how,
)


def note_incoming(
    transaction: Transaction, *, party: str, kind: str, inbox_id: int, item: str, reason: str, text: str
) -> None:
    """Set one item of a kept message aside; the same item for the same reason is noted once, and open again."""
    statement = upsert(SET_ASIDE).values(
        party=party, kind=kind, inbox_id=inbox_id, item=as_storable(item), reason=reason, text=as_storable(text)
    )
    # A replay resolves what was open before it books the message anew: what fails again is open again.
    transaction.sql.execute(
        statement.on_conflict_do_update(
            index_elements=["inbox_id", "item", "reason"],
            set_={"text": statement.excluded.text, "state": "open", "resolved_at": None, "resolved_how": None},
        )
    )


def note_outgoing(
    transaction: Transaction, *, party: str, kind: str, outbox_id: int, item: str, reason: str, text: str
) -> None:
    """Set one outgoing message aside; its bytes stay in the outbox."""
    transaction.sql.execute(
        upsert(SET_ASIDE).values(
            party=party, kind=kind, outbox_id=outbox_id, item=item, reason=reason, text=as_storable(text)
        )
    )


def resolve_outgoing(transaction: Transaction, outbox_ids: Sequence[int], *, how: str) -> None:
    """Close what is open about these outgoing messages."""
    transaction.sql.execute(
        update(SET_ASIDE)
        .where(SET_ASIDE.c.outbox_id.in_(outbox_ids), SET_ASIDE.c.state == "open")
        .values(state="resolved", resolved_at=func.now(), resolved_how=how)
    )


def resolve_incoming(transaction: Transaction, item_ids: Sequence[int], *, how: str) -> None:
    """Close these items, as far as they are open."""
    transaction.sql.execute(
        update(SET_ASIDE)
        .where(SET_ASIDE.c.id.in_(item_ids), SET_ASIDE.c.state == "open")
        .values(state="resolved", resolved_at=func.now(), resolved_how=how)
    )


def open_items(
    transaction: Transaction, *, party: str = "", kind: str = "", reason: str = "", limit: int = 200
) -> list[SetAside]:
    """Return what waits for a person, of this party, kind and reason where given, oldest first."""
    query = _ITEMS.where(SET_ASIDE.c.state == "open").order_by(SET_ASIDE.c.id).limit(limit)
    if party:
        query = query.where(SET_ASIDE.c.party == party)
    if kind:
        query = query.where(SET_ASIDE.c.kind == kind)
    if reason:
        query = query.where(SET_ASIDE.c.reason == reason)
    return _read(transaction, query)


def of_exchanges(transaction: Transaction, exchange_ids: Sequence[int]) -> list[SetAside]:
    """Return every item of these exchanges, open or resolved, in order."""
    # Two questions: each has an index of its own.
    outgoing = _read(transaction, _ITEMS.where(SET_ASIDE.c.outbox_id.in_(exchange_ids)))
    incoming = _read(transaction, _ITEMS.where(SET_ASIDE.c.inbox_id.in_(exchange_ids)))
    return sorted([*outgoing, *incoming], key=lambda one: one.id)


def _read(transaction: Transaction, query: Select[Any]) -> list[SetAside]:
    return [SetAside(**row._mapping) for row in transaction.sql.execute(query)]
