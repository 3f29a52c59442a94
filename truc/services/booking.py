"""Books what a partner's bytes mean: one canonical item to one service."""

from truc.domain.calendar import WorkingCalendar
from truc.domain.status import Status
from truc.exchange.inbox import Book, Origin
from truc.messages import (
    Channel,
    Inbound,
    OnlineDossier,
    PaymentAddress,
    PaymentResult,
    RefundResult,
    RemittanceConfirmed,
    ShipmentEvent,
    Statement,
)
from truc.services import dossiers, payments, refunds, remittance, shipments, statement_words
from truc.services.dossiers import Intake
from truc.store import catalogue, statements
from truc.store.opened import Store, Transaction


def booker(store: Store) -> Book:
    """Return what books items under the working calendar as it stands now."""
    with store.begin() as transaction:
        calendar = catalogue.working_calendar(transaction)
    return lambda transaction, origin, item: book(transaction, origin, item, calendar)


def book(transaction: Transaction, origin: Origin, item: Inbound, calendar: WorkingCalendar) -> None:
    """Book one item; a second time is a no-op. Raise MalformedError for one that must be set aside."""
    match item:
        case OnlineDossier():
            dossiers.receive(transaction, _intake(origin.party, item), calendar)
        case PaymentResult():
            payments.settle(transaction, origin.party, item, origin)
        case PaymentAddress():
            payments.take(transaction, origin.party, item)
        case RefundResult():
            refunds.settle(transaction, origin.party, item, origin)
        case RemittanceConfirmed():
            remittance.settle(transaction, origin.party, item, origin)
        case ShipmentEvent():
            shipments.hear(transaction, origin.party, item)
        case Statement():
            statements.keep(transaction, origin.party, item, inbox_id=origin.inbox_id, digest=origin.digest)
            statement_words.hear(transaction, origin.party, item, origin)
        case _:
            raise TypeError(f"no service books a {type(item).__name__}")


def _intake(party: str, online: OnlineDossier) -> Intake:
    return Intake(
        source=party,
        source_reference=online.portal_code,
        portal_code=online.portal_code,
        procedure_code=online.procedure_code,
        agency_code=online.agency_code,
        channel=Channel.ONLINE,
        applicant=online.applicant,
        received_at=online.submitted_at,
        status=Status.SUBMITTED,
        wants_postal_return=online.wants_postal_return,
        wants_sms=online.wants_sms,
    )
