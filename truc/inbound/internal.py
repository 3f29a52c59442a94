"""The internal API: the one-stop software hands over dossiers, status changes and payments, singly and in batches.

Each item of a batch stands for itself: a bad one is answered with its error, the others are booked.
The caller's `reference` makes a repeated call a no-op that answers as the first did.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from truc.domain.status import Outcome, Status
from truc.errors import MalformedError
from truc.inbound import clients
from truc.messages import Channel, PaymentResult, Person, Vnd
from truc.services import dossiers, payments
from truc.services.dossiers import Intake, StatusChange
from truc.services.payments import PaymentWish
from truc.store import catalogue
from truc.store.opened import Store, Transaction

BATCH_MAX = 500
PROBLEMS_TOLD = 5
# Outside these years an instant is a typing mistake, and further out neither calendar nor database can hold it.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def _of_our_time(at: datetime) -> datetime:
    if not EARLIEST <= at < LATEST:
        raise ValueError("must be an instant of the years 2000 to 2099")
    return at


def _storable(person: Person) -> Person:
    for name, value in person:
        if "\x00" in value or len(value) > 1000:
            raise ValueError(f"{name}: at most 1000 characters, without NUL")
    return person


Instant = Annotated[AwareDatetime, AfterValidator(_of_our_time)]
Applicant = Annotated[Person, AfterValidator(_storable)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
Text = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00]*$")]


class Body(BaseModel):
    """Closed to unknown fields: a misspelt one is an error, not a silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DossierIn(Body):
    """A dossier taken in at a counter or by post."""

    reference: Word = Field(description="The caller's own name for it; a second call with it changes nothing.")
    procedure_code: Word
    agency_code: Word
    channel: Literal[Channel.COUNTER, Channel.POST]
    applicant: Applicant
    received_at: Instant
    wants_postal_return: bool = False
    wants_sms: bool = False


class StatusIn(Body):
    """An officer moved a dossier, named in exactly one of three ways."""

    dossier_code: Text = ""
    portal_code: Text = ""
    reference: Text = Field(default="", description="The reference this caller gave when handing the dossier over.")
    status: int = Field(ge=0, le=99, description="National code 1–10; another is answered unknown_status.")
    changed_at: Instant
    officer_name: Word
    officer_title: Text = ""
    department: Text = ""
    note: Text = ""

    @model_validator(mode="after")
    def _named_once(self) -> "StatusIn":
        if sum(map(bool, (self.dossier_code, self.portal_code, self.reference))) != 1:
            raise ValueError("give exactly one of dossier_code, portal_code, reference")
        return self


class PaidIn(Body):
    """Proof the counter saw: the bank's transaction and its time."""

    partner_reference: Word
    occurred_at: Instant


class PaymentIn(Body):
    """A fee to be paid for a dossier, named by our code, the portal's or the caller's reference."""

    reference: Word
    dossier_code: Text = ""
    portal_code: Text = ""
    dossier_reference: Text = ""
    party: Word = Field(description="Through whom: momo, vietinbank, …")
    amount_vnd: Vnd = Field(gt=0)
    requested_at: Instant
    paid: PaidIn | None = None

    @model_validator(mode="after")
    def _named_once(self) -> "PaymentIn":
        if sum(map(bool, (self.dossier_code, self.portal_code, self.dossier_reference))) != 1:
            raise ValueError("give exactly one of dossier_code, portal_code, dossier_reference")
        return self


class Result(BaseModel):
    """What became of one item: `code` is our code or reference; `error` names what to mend."""

    outcome: Literal["booked", "known", "late", "rejected"]
    code: str = ""
    reason: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Misshapen:
    """One item of a batch that is not of its form; the others go on."""

    problem: str


Item = TypeVar("Item", bound=Body)
Act = Callable[[Transaction, Item], Result]


def told(problems: Iterable[Any]) -> str:
    """Return pydantic's problems as text: field and what to mend, never what was sent."""
    texts = [": ".join((".".join(map(str, one["loc"]))[:80], str(one["msg"]))).strip(": ") for one in problems]
    more = f"; and {len(texts) - PROBLEMS_TOLD} more" if len(texts) > PROBLEMS_TOLD else ""
    # A field name is the caller's text and may not even be Unicode.
    return ("; ".join(texts[:PROBLEMS_TOLD]) + more).encode(errors="replace").decode()


def _apart(value: object, read: ValidatorFunctionWrapHandler) -> object:
    try:
        return read(value)
    except ValidationError as error:
        return Misshapen(told(error.errors(include_url=False, include_context=False, include_input=False)))


Apart = WrapValidator(_apart)
Many = Field(max_length=BATCH_MAX)
KEY = HTTPBearer(auto_error=False, description="The client's own key, one per calling system.")


def router(store: Store, secrets: Path, parties: frozenset[str]) -> APIRouter:
    """Return the routes over this store; `parties` are those a payment may go through."""

    def client(given: Annotated[HTTPAuthorizationCredentials | None, Depends(KEY)]) -> str:
        """Who is calling; 401 without a valid key."""
        name = clients.client_of(secrets, given.credentials) if given is not None else None
        if name is None:
            text = "send the client's key as `Authorization: Bearer KEY`"
            raise HTTPException(401, text, {"WWW-Authenticate": "Bearer"})
        return name

    caller = Annotated[str, Depends(client)]
    api = APIRouter(prefix="/internal/v1", tags=["internal"])

    def one(item: Item, act: Act[Item]) -> Result:
        result = _carry_out(store, item, act)
        if result.outcome == "rejected":
            raise HTTPException(422, {"reason": result.reason, "error": result.error})
        return result

    def each(items: Sequence[Item], act: Act[Item]) -> list[Result]:
        return [_carry_out(store, item, act) for item in items]

    @api.post("/dossiers", summary="Hand over one dossier")
    def post_dossier(body: DossierIn, source: caller) -> Result:
        return one(body, partial(_receive, source=source))

    @api.post("/dossiers/batch", summary="Hand over many dossiers")
    def post_dossiers(body: Annotated[list[Annotated[DossierIn, Apart]], Many], source: caller) -> list[Result]:
        return each(body, partial(_receive, source=source))

    @api.post("/statuses", summary="Report one status change")
    def post_status(body: StatusIn, source: caller) -> Result:
        return one(body, partial(_change, source=source))

    @api.post("/statuses/batch", summary="Report many status changes, in order")
    def post_statuses(body: Annotated[list[Annotated[StatusIn, Apart]], Many], source: caller) -> list[Result]:
        return each(body, partial(_change, source=source))

    @api.post("/payments", summary="Ask for one payment")
    def post_payment(body: PaymentIn, source: caller) -> Result:
        return one(body, partial(_pay, source=source, parties=parties))

    @api.post("/payments/batch", summary="Ask for many payments")
    def post_payments(body: Annotated[list[Annotated[PaymentIn, Apart]], Many], source: caller) -> list[Result]:
        return each(body, partial(_pay, source=source, parties=parties))

    return api


def _carry_out(store: Store, item: Item | Misshapen, act: Act[Item]) -> Result:
    if isinstance(item, Misshapen):
        return Result(outcome="rejected", reason="malformed", error=item.problem)
    try:
        with store.begin() as transaction:
            return act(transaction, item)
    except MalformedError as error:
        return Result(outcome="rejected", reason=error.reason, error=str(error))


def _receive(transaction: Transaction, body: DossierIn, source: str) -> Result:
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
    received = dossiers.receive(transaction, intake, catalogue.working_calendar(transaction))
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
    )
    reference, new = payments.request(transaction, wish)
    if body.paid is not None:
        result = PaymentResult(
            our_reference=reference,
            partner_reference=body.paid.partner_reference,
            amount_vnd=body.amount_vnd,
            state="paid",
            occurred_at=body.paid.occurred_at,
        )
        payments.settle(transaction, body.party, result)
    return Result(outcome="booked" if new else "known", code=reference)
