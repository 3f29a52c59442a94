"""What happens to dossiers, payments and parcels, as notices: which kind tells of it, and by what name."""

from datetime import datetime, timedelta

from truc.domain.calendar import local_day
from truc.domain.notice_fields import Fact, FieldName, can_be_written
from truc.domain.notice_kinds import OF_STATUS, NoticeName
from truc.domain.payment_states import ENDED, Mover, State
from truc.domain.status import Status
from truc.manifest import Event
from truc.messages import ShipmentEvent
from truc.services import ask_schedule
from truc.services.notices import Notice, give
from truc.store import notices as notice_store
from truc.store import payments as payment_store
from truc.store.opened import Transaction
from truc.store.payments import Payment
from truc.store.shipments import Shipment

# Ours: of a payment asked for longer ago than this, no unpaid end is news to the citizen, whoever found it out so late.
STALE = timedelta(days=7)
# Work goes on after the citizen was waited for: papers that came, with the new date; else the new date alone.
_AFTER_PAUSE: dict[Status, tuple[NoticeName, ...]] = {
    Status.SUPPLEMENT_ASKED: ("supplement_received", "due_moved"),
    Status.FINANCIAL_DUTY: ("due_moved",),
}
_OF_PAYMENT: dict[State, NoticeName] = {
    State.PAID: "payment_confirmed",
    State.FAILED: "payment_failed",
    State.EXPIRED: "payment_failed",
    State.IN_DOUBT: "payment_in_doubt",
}
_OF_PARCEL: dict[str, NoticeName] = {
    "ordered": "postal_ordered",
    "collecting": "shipment_sent",
    "in_transit": "shipment_sent",
    "failed": "shipment_failed",
    "returned": "shipment_failed",
}


def dossier_moved(
    transaction: Transaction,
    dossier_code: str,
    *,
    number: int,
    before: Status | None,
    after: Status,
    at: datetime,
    due_at: datetime | None,
) -> None:
    """Tell of the dossier's move `number` (1: its reception, without a status before)."""
    kinds: tuple[NoticeName, ...] = (OF_STATUS[after],) if after in OF_STATUS else ()
    if not kinds and before in _AFTER_PAUSE:
        kinds = tuple(one for one in _AFTER_PAUSE[before] if one != "due_moved" or due_at is not None)
    facts: dict[FieldName, Fact] = {"happened_at": at, "happened_on": local_day(at)}
    if due_at is not None:
        facts["due_on"] = local_day(due_at)
    _give(transaction, f"{dossier_code}/{number}", kinds, dossier_code, facts)


def payment_asked(transaction: Transaction, our_reference: str, dossier_code: str, amount_vnd: int) -> None:
    """Tell that a fee is due, once for a payment."""
    facts: dict[FieldName, Fact] = {"amount_vnd": amount_vnd}
    _give(transaction, f"{our_reference}/fee_due", ("fee_due",), dossier_code, facts)


def payment_moved(transaction: Transaction, row: Payment, mover: Mover, after: State, at: datetime | None) -> None:
    """Tell that it is paid, failed or in doubt, each once for a payment; `at` is when the money moved.

    A refund's word moves money back, of which `refunded` tells; `_is_ours` says of what else nobody is told.
    """
    kind = _OF_PAYMENT.get(after)
    if kind is None or mover is Mover.REFUND or _is_ours(transaction, row, mover, after):
        return
    facts: dict[FieldName, Fact] = {"amount_vnd": row.amount_vnd}
    if (happened_at := at or row.paid_at) is not None:
        facts["happened_at"] = happened_at
    _give(transaction, f"{row.our_reference}/{kind}", (kind,), row.dossier_code or "", facts)


def refunded(transaction: Transaction, row: Payment, reference: str, amount_vnd: int, at: datetime) -> None:
    """Tell that money of a payment went back, once for a refund."""
    facts: dict[FieldName, Fact] = {"amount_vnd": amount_vnd, "happened_on": local_day(at)}
    _give(transaction, f"{reference}/refunded", ("refunded",), row.dossier_code or "", facts)


def parcel_moved(transaction: Transaction, row: Shipment, event: ShipmentEvent) -> None:
    """Tell of a result's way by post: taken on and sent once for an order, each failure once for a day."""
    kind = _OF_PARCEL.get(event.state)
    if row.direction != "return" or kind is None:
        return
    day, code = local_day(event.occurred_at), row.tracking_code or ""
    facts: dict[FieldName, Fact] = {"happened_on": day}
    if can_be_written("tracking_code", code):  # some services of the post name a parcel by our order number only
        facts["tracking_code"] = code
    name = f"{event.order_number}/{kind}" + (f"/{day:%y%m%d}" if kind == "shipment_failed" else "")
    _give(transaction, name, (kind,), row.dossier_code, facts)


def _is_ours(transaction: Transaction, row: Payment, mover: Mover, after: State) -> bool:
    """Tell whether the citizen has no part in this move: it is for us to clear up, or it comes too late to be news.

    A doubt about money that is booked: the citizen was told that it is paid. A doubt about a payment for which the
    party never gave the address: nobody could pay. An unpaid end, or the clock's doubt, of a payment that is `STALE`;
    but who was told that it is being checked hears what came of it.
    """
    by_clock = after is State.IN_DOUBT and mover is Mover.CLOCK
    if after is State.IN_DOUBT and row.business_on is not None:
        return True
    if by_clock and not row.pay_url and ask_schedule.operations(row.party, Event.PAYMENT_REQUESTED):
        return True
    if not by_clock and after not in ENDED:
        return False
    was_told = notice_store.exists(transaction, f"{row.our_reference}/payment_in_doubt")
    return not was_told and bool(row.requested_at < payment_store.clock(transaction) - STALE)


def _give(
    transaction: Transaction,
    event_key: str,
    kinds: tuple[NoticeName, ...],
    dossier_code: str,
    facts: dict[FieldName, Fact],
) -> None:
    if kinds:
        give(transaction, Notice(event_key=event_key, kinds=kinds, dossier_code=dossier_code, facts=facts))
