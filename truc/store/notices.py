"""The store of notices: one row for each event, claimed by its key, and what each citizen wishes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from truc.store.opened import Transaction
from truc.store.tables.dossiers import DOSSIERS
from truc.store.tables.notices import NOTICE_WISHES, NOTICES

# Whatever lies in drawer 0 is not done: what is not found there has gone out, or something took its place.
_OPEN = text(
    """
    SELECT one.event_key, one.kind, one.dossier_code, one.facts::text AS facts_json, one.state, one.channel, one.tried,
        named.operation, named.outbox_id, still.state AS stands, still.reason AS stands_because,
        now() - one.happened_at > :patience AS is_old
    FROM notices AS one
    LEFT JOIN outbox_names AS named ON named.party = one.channel AND named.external_id = one.event_key
        AND named.operation = ANY(CAST(:operations AS text[]))
    LEFT JOIN outbox AS still ON still.drawer = 0 AND still.id = named.outbox_id
    WHERE one.state IN ('waiting', 'given') AND one.event_key > :after
        AND (one.state = 'waiting' OR still.id IS NULL OR still.state IN ('refused', 'set_aside'))
    ORDER BY one.event_key LIMIT :most FOR UPDATE OF one SKIP LOCKED
    """
)


@dataclass(frozen=True, slots=True)
class Citizen:
    """Whose dossier it is, whether messages were asked for with it, and what they said of all their dossiers."""

    id: int
    wants_sms: bool
    channel: str = ""
    wants: str = "as_asked"


def citizen_of(transaction: Transaction, dossier_code: str) -> Citizen | None:
    """Return the dossier's citizen, None for an unknown dossier."""
    query = (
        select(DOSSIERS.c.applicant_id, DOSSIERS.c.wants_sms, NOTICE_WISHES.c.channel, NOTICE_WISHES.c.wants)
        .outerjoin(NOTICE_WISHES, NOTICE_WISHES.c.customer_id == DOSSIERS.c.applicant_id)
        .where(DOSSIERS.c.code == dossier_code)
    )
    row = transaction.sql.execute(query).one_or_none()
    if row is None:
        return None
    said = {} if row.wants is None else {"channel": row.channel, "wants": row.wants}
    return Citizen(row.applicant_id, row.wants_sms, **said)


def keep_wish(transaction: Transaction, customer_id: int, *, channel: str, wants: str) -> None:
    """Keep what the citizen said last."""
    said = upsert(NOTICE_WISHES).values(customer_id=customer_id, channel=channel, wants=wants)
    latest = {"channel": said.excluded.channel, "wants": said.excluded.wants, "said_at": func.now()}
    transaction.sql.execute(said.on_conflict_do_update(index_elements=["customer_id"], set_=latest))


def create(
    transaction: Transaction, *, event_key: str, kind: str, dossier_code: str, facts: Mapping[str, object]
) -> bool:
    """Book the notice of an event, `waiting`; False when the event has one already."""
    new = upsert(NOTICES).values(
        event_key=event_key, kind=kind, dossier_code=dossier_code, facts=dict(facts), state="waiting"
    )
    once = new.on_conflict_do_nothing(index_elements=["event_key"]).returning(NOTICES.c.event_key)
    return transaction.sql.execute(once).scalar() is not None


def exists(transaction: Transaction, event_key: str) -> bool:
    """Tell whether the event has a notice."""
    query = select(NOTICES.c.event_key).where(NOTICES.c.event_key == event_key)
    return transaction.sql.execute(query).first() is not None


def give(transaction: Transaction, event_key: str, channel: str) -> None:
    """Note that it was given to this party."""
    values = {"state": "given", "channel": channel, "tried": func.array_append(NOTICES.c.tried, channel), "reason": ""}
    _update(transaction, event_key, values)


def end(transaction: Transaction, event_key: str, state: str, reason: str = "") -> None:
    """Note how it ended: sent, undelivered, no_address."""
    _update(transaction, event_key, {"state": state, "reason": reason})


def open_ones(
    transaction: Transaction, operations: list[str], *, after: str, most: int, patience: timedelta
) -> list[Row[Any]]:
    """Return notices that may go on, in order of their key, locked; those another works on are left to it.

    They wait for a channel; or their message was stopped (`stands`), or is done (`stands` None). `is_old`: the event
    is over `patience` ago. `operations` are those by which parties hear of notices.
    """
    values = {"operations": operations, "after": after, "most": most, "patience": patience}
    return list(transaction.sql.execute(_OPEN, values))


def _update(transaction: Transaction, event_key: str, values: dict[str, Any]) -> None:
    changed = {**values, "state_at": func.now()}
    transaction.sql.execute(update(NOTICES).where(NOTICES.c.event_key == event_key).values(changed))
