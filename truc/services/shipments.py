"""Registers parcels, orders them at the post, cancels what is not wanted any more, and books what the post tells."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import select

from truc import parties
from truc.domain.areas import province_name
from truc.domain.calendar import local_day
from truc.domain.postage import postage_vnd
from truc.domain.shipment_states import Asked, State, asked_after, can_be_cancelled
from truc.domain.status import Status
from truc.errors import MalformedError, SetupError
from truc.exchange import outbox
from truc.manifest import Event
from truc.messages import Person, PostalCancelled, PostalRequested, ShipmentEvent
from truc.services import carrier, notice_events
from truc.store import shipments
from truc.store.opened import Transaction, as_storable
from truc.store.shipments import Cancel, Shipment
from truc.store.tables.catalogue import AGENCIES

# When the post hears of a registration, by the dossier's status: as soon as the office has the dossier, or only when
# there is a result to carry. An online dossier that is only submitted may never be accepted.
ORDERED_WHEN = "TRUC_POSTAL_ORDER"
_UNDER_WAY = frozenset({Status.ACCEPTED, Status.IN_PROCESS, Status.SUPPLEMENT_ASKED, Status.FINANCIAL_DUTY})
MOMENTS: Mapping[str, frozenset[Status]] = MappingProxyType(
    {
        "accepted": _UNDER_WAY | {Status.DONE, Status.RETURNED},
        "done": frozenset({Status.DONE, Status.RETURNED}),
    }
)
# A dossier that ends so has no result to carry.
WITHOUT_RESULT = frozenset({Status.NOT_ACCEPTED, Status.WITHDRAWN, Status.STOPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Who sends: the agency of a dossier, with the name it has there."""

    agency_code: str
    name: str


def register_return(
    transaction: Transaction, dossier_code: str, *, agency_code: str, applicant: Person, registered_at: datetime
) -> str:
    """Book that a dossier's result is to come by post; return the order number. The post is told by `order_due`.

    Raise MalformedError when the applicant gave no address or province, or one that no province has or had.
    """
    if not applicant.address or not applicant.province_code:
        raise MalformedError(
            "applicant: a postal return needs `address` and `province_code`", reason="postal_address_missing"
        )
    home = home_province(transaction, agency_code)
    order_number = f"{dossier_code}-R1"
    shipments.create(
        transaction,
        order_number=order_number,
        dossier_code=dossier_code,
        direction="return",
        fee_vnd=postage_vnd(applicant.province_code, home, ordered_on=local_day(registered_at)),
        requested_at=registered_at,
    )
    return order_number


def is_due(status: Status, environ: Mapping[str, str] = os.environ) -> bool:
    """Say whether the post is told of a dossier's registrations in this status; SetupError for a setting of neither."""
    moment = environ.get(ORDERED_WHEN, "accepted")
    if moment not in MOMENTS:
        raise SetupError(f"{ORDERED_WHEN}: {moment!r} is none of {', '.join(MOMENTS)}", reason="setting_malformed")
    return status in MOMENTS[moment]


def order_due(
    transaction: Transaction, dossier_code: str, *, office: Office, applicant: Person, at: datetime
) -> tuple[str, ...]:
    """Order the dossier's parcels that the post was not told of; return their order numbers.

    Each goes to the one party that carries here (`carrier.chosen`, which raises SetupError where that is not said).
    """
    waiting = [one for one in shipments.of_dossier_locked(transaction, dossier_code) if one.asked == Asked.CREATED]
    for row in waiting:
        message = PostalRequested(
            order_number=row.order_number,
            dossier_code=dossier_code,
            direction=row.direction,
            sender=_sender(transaction, office),
            receiver=applicant,
            fee_vnd=row.fee_vnd,
        )
        name, party = row.order_number, carrier.chosen()
        outbox.publish(transaction, Event.POSTAL_REQUESTED, message, key=name, external_id=name, only=party)
        shipments.keep_ordered(transaction, row, party, at=at)
    return tuple(row.order_number for row in waiting)


def cancel(transaction: Transaction, order_number: str, wish: Cancel) -> bool:
    """Cancel one parcel: at the post where it was ordered, else only here. Return False where it was cancelled before.

    The parcel is cancelled once the post says so. After the post refused, a later wish for another reason goes to it
    again, as long as no postman has the parcel. Raise MalformedError for an unknown one, and where it is too late.
    """
    row = shipments.get_locked(transaction, order_number)
    if row.state == State.CANCELLED or row.asked in (Asked.CANCELLING, Asked.CANCELLED):
        return False
    if not can_be_cancelled(Asked(row.asked), State(row.state)) and not _wished_anew(row, wish):
        raise MalformedError(f"{order_number}: {_why_kept(row)}", reason="not_cancellable")
    _cancel(transaction, row, wish)
    return True


def cancel_all(transaction: Transaction, dossier_code: str, wish: Cancel) -> tuple[str, ...]:
    """Cancel the parcels of a dossier that no postman has yet; return their order numbers."""
    rows = shipments.of_dossier_locked(transaction, dossier_code)
    wanted = [one for one in rows if can_be_cancelled(Asked(one.asked), State(one.state))]
    for row in wanted:
        _cancel(transaction, row, wish)
    return tuple(row.order_number for row in wanted)


def hear(transaction: Transaction, party: str, event: ShipmentEvent) -> bool:
    """Book one step the party tells of, once; return True when it is new.

    MalformedError for a parcel of nobody, and for one that another party carries.
    """
    carried_by = shipments.get_locked(transaction, event.order_number).party
    if carried_by not in (None, party):
        text = f"order_number: {event.order_number} was ordered at {carried_by}"
        raise MalformedError(text, reason="wrong_party")
    new = shipments.book_event(transaction, event)
    if new:
        notice_events.parcel_moved(transaction, shipments.get_locked(transaction, event.order_number), event)
    return new


def take_stock(transaction: Transaction, party: str) -> int:
    """Book what became of orders and cancels at the party: taken, refused, or dropped; return how many changed."""
    orders, cancels = (
        [one.name for one in parties.manifest(party).operations if one.event is event]
        for event in (Event.POSTAL_REQUESTED, Event.POSTAL_CANCELLED)
    )
    if not orders:
        return 0
    ended = [
        (one, asked)
        for one in shipments.messages(transaction, party, orders=orders, cancels=cancels)
        if (asked := asked_after(order=one.order, cancel=one.cancel)) is not one.asked
    ]
    for one, asked in ended:
        row = shipments.get_locked(transaction, one.order_number)
        if row.asked == one.asked:  # else somebody wished to cancel it meanwhile: the next look sees that
            shipments.keep_asked(transaction, row, asked, at=one.at)
    return len(ended)


def home_province(transaction: Transaction, agency_code: str) -> str:
    """Return the area code of the province at the top of the agency's identifier."""
    root, _, _ = agency_code.partition(".")
    found = transaction.sql.execute(select(AGENCIES.c.area_code).where(AGENCIES.c.code == root)).scalar()
    if found is None:
        raise MalformedError(f"agency_code: {root!r} has no area code in the catalogue", reason="unknown_agency")
    return str(found)


def _sender(transaction: Transaction, office: Office) -> Person:
    """An office is found by its name and province; the catalogue holds no street."""
    home = home_province(transaction, office.agency_code)
    address = f"{office.name}, {province_name(home)}"
    return Person(kind="organisation", name=office.name, address=address, province_code=home)


def _cancel(transaction: Transaction, row: Shipment, wish: Cancel) -> None:
    if row.asked == Asked.CREATED:
        shipments.keep_cancel(transaction, row, Asked.CANCELLED, wish)
        return
    message = PostalCancelled(order_number=row.order_number, dossier_code=row.dossier_code)
    outbox.publish(
        transaction,
        Event.POSTAL_CANCELLED,
        message,
        key=row.order_number,  # never overtakes the order itself
        external_id=shipments.cancel_name(row.order_number, row.cancels + 1),
        only=row.party or "",  # who an order of before parcels had a party went to is not known
    )
    shipments.keep_cancel(transaction, row, Asked.CANCELLING, wish)


def _wished_anew(row: Shipment, wish: Cancel) -> bool:
    """Say whether the post is asked once more after it refused: a repeated call is not, whatever its time says."""
    if row.asked != Asked.KEPT or row.state != State.ORDERED:
        return False
    return bool(wish.asked_at > row.cancel_asked_at) and as_storable(wish.reason) != row.cancel_reason


def _why_kept(row: Shipment) -> str:
    if row.asked == Asked.KEPT and row.state == State.ORDERED:
        return "the post was asked to cancel it and does not; a later wish for another reason is taken"
    if row.state == State.REFUSED:
        return "the post refused the order: there is nothing to cancel"
    return f"is {row.state}: a postman has it, or had it"
