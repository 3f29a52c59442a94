"""The store of shipments: parcels for citizens, how far the post was asked, and every step it tells of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from truc.domain.shipment_states import Asked, End, State, state_of
from truc.errors import MalformedError
from truc.messages import ShipmentEvent
from truc.store.opened import Transaction, as_storable
from truc.store.tables.post import SHIPMENT_EVENTS, SHIPMENTS

Shipment = Row[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Who does not want a parcel any more, when and why."""

    actor: str
    reason: str
    asked_at: datetime


def create(
    transaction: Transaction,
    *,
    order_number: str,
    dossier_code: str,
    direction: str,
    fee_vnd: int,
    requested_at: datetime,
) -> None:
    """Book a parcel a citizen registered for; the post was not told yet."""
    transaction.sql.execute(
        insert(SHIPMENTS).values(
            order_number=order_number,
            dossier_code=dossier_code,
            direction=direction,
            fee_vnd=fee_vnd,
            asked=Asked.CREATED.value,
            state=state_of(Asked.CREATED, None).value,
            state_at=requested_at,
            requested_at=requested_at,
        )
    )


def get_locked(transaction: Transaction, order_number: str) -> Shipment:
    """Return the shipment, locked until the transaction ends; raise MalformedError for an unknown one."""
    query = select(SHIPMENTS).where(SHIPMENTS.c.order_number == order_number).with_for_update()
    return _known(transaction.sql.execute(query).one_or_none(), order_number)


def of_dossier_locked(transaction: Transaction, dossier_code: str) -> list[Shipment]:
    """Return a dossier's shipments by order number, locked until the transaction ends."""
    return list(transaction.sql.execute(_of_dossier(dossier_code).with_for_update()))


def book_event(transaction: Transaction, event: ShipmentEvent) -> bool:
    """Book one step, once; an older step than the known one is kept and changes nothing. Return True when new."""
    row = get_locked(transaction, event.order_number)
    new = transaction.sql.execute(
        upsert(SHIPMENT_EVENTS)
        .values(
            order_number=event.order_number,
            event_id=event.event_id,
            state=event.state,
            raw_status=event.raw_status,
            occurred_at=event.occurred_at,
        )
        .on_conflict_do_nothing(index_elements=["event_id"])
        .returning(SHIPMENT_EVENTS.c.id)
    ).scalar()
    if new is None:
        return False
    last = _last_word(transaction, event.order_number)
    if last is not None and last.event_id == event.event_id:
        values = {"state_at": event.occurred_at, "tracking_code": event.tracking_code or row.tracking_code}
        _stand(transaction, row, Asked(row.asked), values)
    return True


def keep_asked(transaction: Transaction, row: Shipment, asked: Asked, *, at: datetime) -> None:
    """Book how far our asking came, of a row that is locked."""
    _stand(transaction, row, asked, {"asked": asked.value}, at=at)


def keep_ordered(transaction: Transaction, row: Shipment, party: str, *, at: datetime) -> None:
    """Book that the order went to the outbox, and to whom, of a row that is locked."""
    _stand(transaction, row, Asked.REQUESTED, {"asked": Asked.REQUESTED.value, "ordered_at": at, "party": party}, at=at)


def cancel_name(order_number: str, number: int) -> str:
    """Return how the outbox names the n-th wish to cancel a parcel, from 1; `_ASKED` knows it too."""
    return f"{order_number}/cancel" if number == 1 else f"{order_number}/cancel-{number}"


def keep_cancel(transaction: Transaction, row: Shipment, asked: Asked, cancel: Cancel) -> None:
    """Book a wish to cancel, of a row that is locked."""
    values = {
        "asked": asked.value,
        "cancels": row.cancels + (asked is Asked.CANCELLING),
        "cancel_asked_at": cancel.asked_at,
        "cancel_actor": as_storable(cancel.actor),
        "cancel_reason": as_storable(cancel.reason),
    }
    _stand(transaction, row, asked, values, at=cancel.asked_at)


def _stand(
    transaction: Transaction, row: Shipment, asked: Asked, values: dict[str, Any], *, at: datetime | None = None
) -> None:
    """Write the values and the state they lead to; `at` is its instant where the post's word says none."""
    last = _last_word(transaction, row.order_number)
    state = state_of(asked, None if last is None else last.state).value
    since = {} if at is None or state == row.state else {"state_at": at}
    query = update(SHIPMENTS).where(SHIPMENTS.c.order_number == row.order_number)
    transaction.sql.execute(query.values({**values, **since, "state": state}))


def _last_word(transaction: Transaction, order_number: str) -> Row[Any] | None:
    """Return the post's latest step; of two of one instant the one whose name sorts last, whichever came first."""
    newest = (SHIPMENT_EVENTS.c.occurred_at.desc(), SHIPMENT_EVENTS.c.event_id.desc())
    query = select(SHIPMENT_EVENTS).where(SHIPMENT_EVENTS.c.order_number == order_number)
    return transaction.sql.execute(query.order_by(*newest).limit(1)).one_or_none()


def of_dossier(transaction: Transaction, dossier_code: str) -> list[Shipment]:
    """Return a dossier's shipments by order number."""
    return list(transaction.sql.execute(_of_dossier(dossier_code)))


def get(transaction: Transaction, order_number: str) -> Shipment:
    """Return the shipment; raise MalformedError for an unknown one."""
    row = transaction.sql.execute(select(SHIPMENTS).where(SHIPMENTS.c.order_number == order_number)).one_or_none()
    return _known(row, order_number)


def in_state(transaction: Transaction, state: State, *, limit: int) -> list[Shipment]:
    """Return shipments that stand there, those that have for longest first."""
    query = select(SHIPMENTS).where(SHIPMENTS.c.state == state.value)
    return list(transaction.sql.execute(query.order_by(SHIPMENTS.c.state_at, SHIPMENTS.c.order_number).limit(limit)))


# No row is taken that another works on; one that is asked about is the last in line then.
_CLAIM = text(
    """
    UPDATE shipments SET inquired_at = now()
    WHERE order_number IN (
        SELECT order_number FROM shipments
        WHERE party = :party AND state IN ('ordered', 'cancelling', 'collecting', 'in_transit', 'failed')
            AND (inquired_at IS NULL OR inquired_at < :before) AND state_at > now() - CAST(:quiet AS interval)
        ORDER BY inquired_at NULLS FIRST, ordered_at, order_number LIMIT :most FOR UPDATE SKIP LOCKED)
    RETURNING order_number, order_number AS our_reference
    """
)


def claim_open(
    transaction: Transaction, party: str, *, before: datetime, most: int, quiet: timedelta
) -> list[Row[Any]]:
    """Take up to `most` parcels the party has and that have no end, which nobody asked about since `before`.

    Those not asked about for longest come first. One that stands where it stands for longer than `quiet` is left.
    """
    given = {"party": party, "before": before, "most": most, "quiet": quiet}
    return list(transaction.sql.execute(_CLAIM, given))


def counts(transaction: Transaction) -> dict[State, int]:
    """Return how many shipments stand where."""
    query = select(SHIPMENTS.c.state, func.count().label("parcels")).group_by(SHIPMENTS.c.state)
    return {State(row.state): row.parcels for row in transaction.sql.execute(query.order_by(SHIPMENTS.c.state))}


def events(transaction: Transaction, order_number: str) -> list[Row[Any]]:
    """Return what the post told of one, in the order in which it happened."""
    query = select(SHIPMENT_EVENTS).where(SHIPMENT_EVENTS.c.order_number == order_number)
    return list(transaction.sql.execute(query.order_by(SHIPMENT_EVENTS.c.occurred_at, SHIPMENT_EVENTS.c.event_id)))


def _of_dossier(dossier_code: str) -> Select[Any]:
    return select(SHIPMENTS).where(SHIPMENTS.c.dossier_code == dossier_code).order_by(SHIPMENTS.c.order_number)


def _known(row: Shipment | None, order_number: str) -> Shipment:
    if row is None:
        raise MalformedError(f"order_number: no shipment {order_number!r}", reason="unknown_shipment")
    return row


_ASKED = text(
    """
    SELECT one.order_number, one.asked, sent.state AS order_state, sent.reason AS order_reason,
        undone.state AS cancel_state, undone.reason AS cancel_reason, now() AS at
    FROM shipments AS one
    JOIN outbox_names AS named ON named.party = :party AND named.external_id = one.order_number
        AND named.operation = ANY(CAST(:orders AS text[]))
    JOIN outbox AS sent ON sent.id = named.outbox_id
    LEFT JOIN outbox_names AS wished ON wished.party = :party AND one.cancels > 0
        AND wished.external_id = one.order_number || '/cancel'
            || CASE WHEN one.cancels > 1 THEN '-' || one.cancels ELSE '' END
        AND wished.operation = ANY(CAST(:cancels AS text[]))
    LEFT JOIN outbox AS undone ON undone.id = wished.outbox_id
    WHERE one.asked IN ('requested', 'refused', 'cancelling', 'kept')
    ORDER BY one.order_number
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """What became of the messages about one shipment; `cancel` is None where nobody wished to cancel it."""

    order_number: str
    asked: Asked
    order: End
    cancel: End | None
    at: datetime


def messages(transaction: Transaction, party: str, *, orders: list[str], cancels: list[str]) -> list[Messages]:
    """Return the shipments whose messages may have come to an end; `orders`, `cancels`: the party's operations."""
    values = {"party": party, "orders": orders, "cancels": cancels}
    return [
        Messages(
            order_number=row.order_number,
            asked=Asked(row.asked),
            order=_end(row.order_state, row.order_reason),
            cancel=None if row.cancel_state is None else _end(row.cancel_state, row.cancel_reason),
            at=row.at,
        )
        for row in transaction.sql.execute(_ASKED, values)
    ]


def _end(state: str, reason: str | None) -> End:
    """A corrected message is open: the tracking tells what became of the one in its place."""
    if state == "sent":
        return End.SENT
    return End.STOPPED if state == "refused" or (state == "superseded" and reason == "dropped") else End.OPEN
