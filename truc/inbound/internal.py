"""The internal API: the one-stop software hands over dossiers, status changes and payments, singly and in batches.

Each item of a batch stands for itself: a bad one is answered with its error, the others are booked.
The caller's `reference` makes a repeated call a no-op that answers as the first did.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Response, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from sqlalchemy.exc import DataError, IntegrityError

from truc.domain.calendar import WorkingCalendar
from truc.domain.status import Outcome, Status
from truc.errors import MalformedError, SetupError
from truc.inbound import clients, notices, shipments
from truc.inbound.clients import Scope
from truc.inbound.forms import (
    Body,
    DossierCode,
    DossierIn,
    Dossiers,
    Misshapen,
    OurReference,
    PaymentIn,
    Payments,
    RefundIn,
    Result,
    Statuses,
    StatusIn,
)
from truc.inbound.keyed import KeyWrongError
from truc.inbound.known import Known
from truc.inbound.problems import answers
from truc.services import bills, dossiers, payments, refunds, standing
from truc.services.dossiers import Intake, StatusChange
from truc.services.payments import PaymentWish
from truc.services.refunds import RefundWish
from truc.services.standing import DossierStanding, PaymentStanding
from truc.store import catalogue
from truc.store.opened import Store, Transaction

log = logging.getLogger(__name__)

Item = TypeVar("Item", bound=Body)
Found = TypeVar("Found", DossierStanding, PaymentStanding, bytes)
Act = Callable[[Transaction, Item], Result]
KEY = HTTPBearer(auto_error=False, description="The client's own key, one per calling system: `truc client add NAME`.")
DESCRIPTION = """What the one-stop software hands to the hub, and what it asks of it.

A key opens what its scopes say: `dossiers:write`, `statuses:write`, `payments:write`, `refunds:write`, `read`. Every
call can be repeated: a second one with the same `reference` changes nothing and is answered `known`. Every answer that
is no success has the form `{"detail": {"reason", "error"}}`; nothing of what was sent is repeated in it.
"""
WRITES: dict[str, Any] = {"responses": answers(400, 401, 403, 408, 413, 422, 503)}
READS: dict[str, Any] = {"responses": answers(401, 403, 404, 422, 503)}


def router(store: Store, secrets: Path, parties: frozenset[str], known: Known) -> APIRouter:
    """Return the routes over this store; `parties` are those a payment may go through, `known` their connections."""

    def client(needed: SecurityScopes, given: Annotated[HTTPAuthorizationCredentials | None, Depends(KEY)]) -> str:
        """Who is calling; 401 without a valid key, 403 with one that lacks the scope of this route."""
        return _name(clients.client_of(secrets, given.credentials) if given is not None else None, needed)

    dossier_writer = Annotated[str, Security(client, scopes=[Scope.WRITE_DOSSIERS])]
    status_writer = Annotated[str, Security(client, scopes=[Scope.WRITE_STATUSES])]
    payment_writer = Annotated[str, Security(client, scopes=[Scope.WRITE_PAYMENTS])]
    refund_writer = Annotated[str, Security(client, scopes=[Scope.WRITE_REFUNDS])]
    reads: dict[str, Any] = READS | {"dependencies": [Security(client, scopes=[Scope.READ])]}
    api = APIRouter(prefix="/internal/v1", tags=["internal"])

    def calendar() -> WorkingCalendar:
        with store.begin() as transaction:
            return catalogue.working_calendar(transaction)

    def one(item: Item, act: Act[Item]) -> Result:
        result = _carry_out(store, item, act)
        if result.outcome == "rejected":
            raise HTTPException(422, {"reason": result.reason, "error": result.error})
        return result

    def each(items: Sequence[Item], act: Act[Item]) -> list[Result]:
        return [_carry_out(store, item, act) for item in items]

    @api.post("/dossiers", summary="Hand over one dossier", **WRITES)
    def post_dossier(body: DossierIn, source: dossier_writer) -> Result:
        return one(body, partial(_receive, source=source, calendar=calendar()))

    @api.post("/dossiers/batch", summary="Hand over many dossiers", **WRITES)
    def post_dossiers(body: Dossiers, source: dossier_writer) -> list[Result]:
        return each(body, partial(_receive, source=source, calendar=calendar()))

    @api.post("/statuses", summary="Report one status change", **WRITES)
    def post_status(body: StatusIn, source: status_writer) -> Result:
        return one(body, partial(_change, source=source))

    @api.post("/statuses/batch", summary="Report many status changes, in order", **WRITES)
    def post_statuses(body: Statuses, source: status_writer) -> list[Result]:
        return each(body, partial(_change, source=source))

    @api.post("/payments", summary="Ask for one payment", **WRITES)
    def post_payment(body: PaymentIn, source: payment_writer) -> Result:
        return one(body, partial(_pay, source=source, parties=parties))

    @api.post("/payments/batch", summary="Ask for many payments", **WRITES)
    def post_payments(body: Payments, source: payment_writer) -> list[Result]:
        return each(body, partial(_pay, source=source, parties=parties))

    @api.post("/payments/{our_reference}/refund", summary="Ask for money of one payment to go back", **WRITES)
    def post_refund(our_reference: OurReference, body: RefundIn, source: refund_writer) -> Result:
        return one(body, partial(_refund, our_reference=our_reference, source=source))

    @api.get("/dossiers/{dossier_code}", summary="Where a dossier stands", **reads)
    def get_dossier(dossier_code: DossierCode) -> DossierStanding:
        with store.begin() as transaction:
            return _found(standing.of_dossier(transaction, dossier_code))

    @api.get("/payments/{our_reference}", summary="Where a payment stands", **reads)
    def get_payment(our_reference: OurReference) -> PaymentStanding:
        with store.begin() as transaction:
            found = _found(standing.of_payment(transaction, our_reference))
        return _with_vietqr(found, known)

    @api.get(
        "/payments/{our_reference}/bill",
        summary="The partner's own receipt of a payment (PDF), once it is fetched",
        response_class=Response,
        responses=READS["responses"] | {200: {"content": {bills.PDF: {}}}},
    )
    def get_bill(
        our_reference: OurReference, _source: payment_writer
    ) -> Response:  # it names the payer: `read` does not do
        with store.begin() as transaction:
            return Response(_found(bills.kept(transaction, our_reference)), media_type=bills.PDF)

    api.include_router(shipments.router(store, client))
    api.include_router(notices.router(store, client))
    return api


def _name(known: clients.Client | None, needed: SecurityScopes) -> str:
    if known is None:
        raise KeyWrongError
    if missing := [one for one in needed.scopes if one not in known.scopes]:
        text = f"the key of {known.name} lacks the scope {', '.join(missing)}"
        raise HTTPException(403, {"reason": "scope_missing", "error": text})
    return known.name


def _found(one: Found | None) -> Found:
    if one is None:
        raise HTTPException(404, {"reason": "unknown", "error": "nothing of this name is here"})
    return one


def _with_vietqr(found: PaymentStanding, known: Known) -> PaymentStanding:
    """Where no QR can be made, the payment is told all the same; a party without a connection here needs none."""
    try:
        return standing.with_vietqr(found, known.connection(found.party))
    except (MalformedError, SetupError) as error:
        if error.reason != "connection_missing":
            log.error("%s: no VietQR: %s", found.party, error)  # noqa: TRY400  (the text says all)
        return found


def _carry_out(store: Store, item: Item | Misshapen, act: Act[Item]) -> Result:
    if isinstance(item, Misshapen):
        return Result(outcome="rejected", reason="malformed", error=item.problem)
    try:
        with store.begin() as transaction:
            return act(transaction, item)
    except MalformedError as error:
        return Result(outcome="rejected", reason=error.reason, error=str(error))
    except (DataError, IntegrityError, UnicodeError):
        # Only this item's own: those before it in the batch are booked, and those after it go on.
        text = "a value the store cannot hold, or one that contradicts what it holds"
        return Result(outcome="rejected", reason="not_storable", error=text)


def _receive(transaction: Transaction, body: DossierIn, source: str, calendar: WorkingCalendar) -> Result:
    intake = Intake(
        source=source,
        source_reference=body.reference,
        procedure_code=body.procedure_code,
        agency_code=body.agency_code,
        channel=body.channel,
        applicant=body.applicant,
        received_at=body.received_at,
        status=Status.ACCEPTED,
        wants_postal_return=body.wants_postal_return,
        wants_sms=body.wants_sms,
    )
    received = dossiers.receive(transaction, intake, calendar)
    return Result(outcome="booked" if received.new else "known", code=received.code)


def _change(transaction: Transaction, body: StatusIn, source: str) -> Result:
    code = dossiers.find_code(
        transaction,
        dossier_code=body.dossier_code,
        portal_code=body.portal_code,
        source=source,
        reference=body.reference,
    )
    change = StatusChange(
        dossier_code=code,
        status=body.status,
        changed_at=body.changed_at,
        officer_name=body.officer_name,
        officer_title=body.officer_title,
        department=body.department,
        note=body.note,
        source=source,
    )
    outcomes: dict[Outcome, Literal["booked", "known", "late"]] = {
        Outcome.APPLIED: "booked",
        Outcome.REPEATED: "known",
        Outcome.LATE: "late",
    }
    return Result(outcome=outcomes[dossiers.change_status(transaction, change).outcome], code=code)


def _pay(transaction: Transaction, body: PaymentIn, source: str, parties: frozenset[str]) -> Result:
    if body.party not in parties:
        raise MalformedError(f"party: no payments through {body.party!r}", reason="unknown_party")
    code = ""
    if body.names_a_dossier:
        code = dossiers.find_code(
            transaction,
            dossier_code=body.dossier_code,
            portal_code=body.portal_code,
            source=source,
            reference=body.dossier_reference,
        )
    wish = PaymentWish(
        source=source,
        source_reference=body.reference,
        dossier_code=code,
        party=body.party,
        amount_vnd=body.amount_vnd,
        requested_at=body.requested_at,
        details=body.details,
    )
    if body.paid is None:
        reference, new = payments.request(transaction, wish)
    else:
        reference, new = payments.record_paid(transaction, wish, body.paid.partner_reference, body.paid.occurred_at)
    return Result(outcome="booked" if new else "known", code=reference)


def _refund(transaction: Transaction, body: RefundIn, our_reference: str, source: str) -> Result:
    wish = RefundWish(
        source=source,
        source_reference=body.reference,
        our_reference=our_reference,
        amount_vnd=body.amount_vnd,
        actor=body.requested_by,
        reason=body.because,
        requested_at=body.requested_at,
    )
    reference, new = refunds.request(transaction, wish)
    return Result(outcome="booked" if new else "known", code=reference)
