"""Says where a dossier's parcels stand, for whoever handed it over; nothing of the person is told."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from truc.store import shipments
from truc.store.opened import Transaction
from truc.store.tables.dossiers import DOSSIERS


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentStanding:
    """One parcel now. `ordered_at` is None until the post is asked; `tracking_code` is the post's, "" before it says.

    `cancel_asked_at` is None where nobody wished to cancel it; `state` says what became of the wish.
    """

    order_number: str
    dossier_code: str
    direction: str
    fee_vnd: int
    state: str
    state_at: datetime
    registered_at: datetime
    ordered_at: datetime | None
    cancel_asked_at: datetime | None
    tracking_code: str


def of_dossier(transaction: Transaction, dossier_code: str) -> list[ShipmentStanding] | None:
    """Return where the dossier's parcels stand, None for an unknown dossier."""
    if transaction.sql.execute(select(DOSSIERS.c.code).where(DOSSIERS.c.code == dossier_code)).scalar() is None:
        return None
    return [
        ShipmentStanding(
            order_number=row.order_number,
            dossier_code=row.dossier_code,
            direction=row.direction,
            fee_vnd=row.fee_vnd,
            state=row.state,
            state_at=row.state_at,
            registered_at=row.requested_at,
            ordered_at=row.ordered_at,
            cancel_asked_at=row.cancel_asked_at,
            tracking_code=row.tracking_code or "",
        )
        for row in shipments.of_dossier(transaction, dossier_code)
    ]
