"""Receives dossiers and moves their status; who must hear of it hears through the outbox, in the same transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from truc.domain.calendar import WorkingCalendar, local_day
from truc.domain.status import CLOCK_STOPPED, Move, Outcome, Status
from truc.errors import MalformedError
from truc.exchange import outbox
from truc.manifest import Event
from truc.messages import Channel, DossierReceived, Person, StatusChanged
from truc.services import notice_events, shipments
from truc.services.shipments import Office
from truc.store import catalogue, customers, dossiers
from truc.store.dossiers import NewDossier
from truc.store.opened import Transaction
from truc.store.shipments import Cancel
from truc.store.tables.dossiers import DOSSIERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """A dossier handed to us. (source, source_reference) is its identity: a second intake is a no-op."""

    source: str
    source_reference: str
    procedure_code: str
    agency_code: str
    channel: Channel
    applicant: Person
    received_at: datetime
    status: Status
    portal_code: str = ""
    wants_postal_return: bool = False
    wants_sms: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """What an intake led to. `new` is False when the dossier was here already."""

    code: str
    new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    """An officer moved a dossier."""

    dossier_code: str
    status: int
    changed_at: datetime
    officer_name: str
    officer_title: str
    department: str
    note: str
    source: str


def receive(transaction: Transaction, intake: Intake, calendar: WorkingCalendar) -> Received:
    """Book the dossier under the procedure version in force and tell who must know.

    Raise MalformedError for an unknown procedure or agency, a channel the procedure is not offered
    in, or a postal return without an address.
    """
    dossiers.lock_source(transaction, intake.source, intake.source_reference)
    known = dossiers.find(transaction, intake.source, intake.source_reference)
    if known is not None:
        return Received(known, new=False)
    terms = catalogue.terms(transaction, intake.procedure_code, intake.channel.value)
    agency_name = catalogue.agency_name(transaction, intake.agency_code, local_day(intake.received_at))
    limit = terms.time_limit
    due_at = None if limit is None else calendar.due_at(intake.received_at, limit)
    code = dossiers.create(
        transaction,
        NewDossier(
            source=intake.source,
            source_reference=intake.source_reference,
            portal_code=intake.portal_code,
            procedure_version_id=terms.version_id,
            agency_code=intake.agency_code,
            channel=intake.channel,
            applicant_id=customers.keep(transaction, intake.applicant),
            received_at=intake.received_at,
            due_at=due_at,
            fee_vnd=terms.fee_vnd or 0,
            status=intake.status,
            wants_postal_return=intake.wants_postal_return,
            wants_sms=intake.wants_sms,
        ),
    )
    message = DossierReceived(
        dossier_code=code,
        portal_code=intake.portal_code,
        procedure_code=terms.procedure_code,
        procedure_name=terms.procedure_name,
        field_code=terms.field_code,
        field_name=terms.field_name,
        agency_code=intake.agency_code,
        agency_name=agency_name,
        channel=intake.channel,
        applicant=intake.applicant,
        received_at=intake.received_at,
        due_at=due_at,
        status=int(intake.status),
        fee_vnd=terms.fee_vnd or 0,
    )
    outbox.publish(transaction, Event.DOSSIER_RECEIVED, message, key=code, external_id=code)
    if intake.wants_postal_return:
        shipments.register_return(
            transaction,
            code,
            agency_code=intake.agency_code,
            applicant=intake.applicant,
            registered_at=intake.received_at,
        )
        if shipments.is_due(intake.status):
            office = Office(agency_code=intake.agency_code, name=agency_name)
            shipments.order_due(transaction, code, office=office, applicant=intake.applicant, at=intake.received_at)
    notice_events.dossier_moved(
        transaction, code, number=1, before=None, after=intake.status, at=intake.received_at, due_at=due_at
    )
    return Received(code, new=True)


def change_status(transaction: Transaction, change: StatusChange) -> Move:
    """Move the dossier's status if that is allowed, and tell who must know.

    A repeated or late change is answered as such and changes nothing. Raise MalformedError for an
    unknown dossier or status, and for a move that is not allowed.
    """
    before = dossiers.get_locked(transaction, change.dossier_code)
    officer_id = catalogue.keep_officer(
        transaction, before.agency_code, change.officer_name, change.officer_title, change.department
    )
    status = _status(change.status)
    outcome = dossiers.change_status(
        transaction,
        change.dossier_code,
        status,
        change.changed_at,
        officer_id=officer_id,
        note=change.note,
        source=change.source,
    )
    if outcome.outcome is Outcome.FORBIDDEN:
        raise MalformedError(
            f"status: {change.dossier_code} may not go from {before.status} to {change.status}",
            reason="move_not_allowed",
        )
    if outcome.outcome is Outcome.APPLIED:
        due_at = _due_after(transaction, before, change, status)
        _tell(transaction, before, change, status, due_at)
        if before.wants_postal_return:
            _carry(transaction, before, status, change.changed_at)
    return outcome


def find_code(
    transaction: Transaction, *, dossier_code: str = "", portal_code: str = "", source: str = "", reference: str = ""
) -> str:
    """Return our code of the dossier named in one of three ways; raise MalformedError when there is none."""
    query = select(DOSSIERS.c.code)
    if dossier_code:
        query = query.where(DOSSIERS.c.code == dossier_code)
    elif portal_code:
        query = query.where(DOSSIERS.c.portal_code == portal_code)
    else:
        query = query.where(DOSSIERS.c.source == source, DOSSIERS.c.source_reference == reference)
    found = transaction.sql.execute(query).scalar()
    if found is None:
        name = dossier_code or portal_code or reference
        raise MalformedError(f"dossier: no dossier {name!r}", reason="unknown_dossier")
    return str(found)


def _status(code: int) -> Status:
    try:
        return Status(code)
    except ValueError as error:
        raise MalformedError(
            f"status: {code} is not one of the national codes 1–10", reason="unknown_status"
        ) from error


def _due_after(
    transaction: Transaction, before: Row[tuple[object, ...]], change: StatusChange, status: Status
) -> datetime | None:
    """Return the due date from now on: while the citizen was asked for something, the clock stood still."""
    due_at: datetime | None = before.due_at
    if due_at is None or before.status not in CLOCK_STOPPED or status in CLOCK_STOPPED:
        return due_at
    calendar = catalogue.working_calendar(transaction)
    moved = calendar.pause(due_at, before.status_at, change.changed_at)
    dossiers.move_due_date(transaction, change.dossier_code, moved)
    return moved


def _carry(transaction: Transaction, before: Row[Any], status: Status, at: datetime) -> None:
    """Order the return by post when its time has come; cancel it when there will be no result."""
    if status in shipments.WITHOUT_RESULT:
        wish = Cancel(actor="truc", reason=f"the dossier ended: {status.vietnamese}", asked_at=at)
        shipments.cancel_all(transaction, before.code, wish)
    elif shipments.is_due(status):
        # The office is named as on the day it took the dossier, which it may have outlived.
        name = catalogue.agency_name(transaction, before.agency_code, local_day(before.received_at))
        office = Office(agency_code=before.agency_code, name=name)
        applicant = customers.read(transaction, before.applicant_id)
        shipments.order_due(transaction, before.code, office=office, applicant=applicant, at=at)


def _tell(
    transaction: Transaction,
    before: Row[tuple[object, ...]],
    change: StatusChange,
    status: Status,
    due_at: datetime | None,
) -> None:
    number = dossiers.history_length(transaction, change.dossier_code)
    message = StatusChanged(
        dossier_code=change.dossier_code,
        portal_code=before.portal_code or "",
        status=change.status,
        changed_at=change.changed_at,
        officer_name=change.officer_name,
        officer_title=change.officer_title,
        department=change.department,
        note=change.note,
        started_at=before.status_at,
        due_at=due_at,
    )
    # By its place in the history: an instant may see one status twice, where only days are known.
    external_id = f"{change.dossier_code}/{number}"
    outbox.publish(transaction, Event.STATUS_CHANGED, message, key=change.dossier_code, external_id=external_id)
    notice_events.dossier_moved(
        transaction,
        change.dossier_code,
        number=number,
        before=Status(before.status),
        after=status,
        at=change.changed_at,
        due_at=due_at,
    )
