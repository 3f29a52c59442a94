"""Items that could not go on, each with its reason, until a person resolves them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from truc.store.opened import Transaction, as_storable
from truc.store.tables.exchange import SET_ASIDE


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """One item set aside. `item` names it for a person and holds no personal data."""

    id: int
    party: str
    kind: str
    item: str
    reason: str
    text: str
    at: datetime
    state: str


def note_incoming(
    transaction: Transaction, *, party: str, kind: str, inbox_id: int, item: str, reason: str, text: str
) -> None:
    """Set one item of a kept message aside; the same item for the same reason is noted once."""
    transaction.sql.execute(
        upsert(SET_ASIDE)
        .values(
            party=party, kind=kind, inbox_id=inbox_id, item=as_storable(item), reason=reason, text=as_storable(text)
        )
        .on_conflict_do_nothing()
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


def open_items(transaction: Transaction, *, party: str = "", limit: int = 200) -> list[SetAside]:
    """Return what waits for a person, oldest first."""
    query = select(SET_ASIDE).where(SET_ASIDE.c.state == "open").order_by(SET_ASIDE.c.id).limit(limit)
    if party:
        query = query.where(SET_ASIDE.c.party == party)
    names = SetAside.__dataclass_fields__
    return [SetAside(**{name: getattr(row, name) for name in names}) for row in transaction.sql.execute(query)]
