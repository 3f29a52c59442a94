"""The store of shipments: parcels for citizens, and every step the post tells of them."""

from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from truc.errors import MalformedError
from truc.messages import ShipmentEvent
from truc.store.opened import Transaction
from truc.store.tables.post import SHIPMENT_EVENTS, SHIPMENTS


def create(
    transaction: Transaction,
    *,
    order_number: str,
    dossier_code: str,
    direction: str,
    fee_vnd: int,
    requested_at: datetime,
) -> None:
    """Book a shipment the post is about to be asked for."""
    transaction.sql.execute(
        insert(SHIPMENTS).values(
            order_number=order_number,
            dossier_code=dossier_code,
            direction=direction,
            fee_vnd=fee_vnd,
            state="requested",
            state_at=requested_at,
            requested_at=requested_at,
        )
    )


def book_event(transaction: Transaction, event: ShipmentEvent) -> bool:
    """Book one step, once; an older step than the known one is kept and changes nothing. Return True when new."""
    row = transaction.sql.execute(
        select(SHIPMENTS).where(SHIPMENTS.c.order_number == event.order_number).with_for_update()
    ).one_or_none()
    if row is None:
        raise MalformedError(f"order_number: no shipment {event.order_number!r}", reason="unknown_shipment")
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
    if row.state == "requested" or event.occurred_at >= row.state_at:
        transaction.sql.execute(
            update(SHIPMENTS)
            .where(SHIPMENTS.c.order_number == event.order_number)
            .values(
                state=event.state,
                state_at=event.occurred_at,
                tracking_code=event.tracking_code or row.tracking_code,
            )
        )
    return True
