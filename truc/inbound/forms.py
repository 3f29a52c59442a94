"""What the internal API takes and gives: bodies closed to unknown fields, each item of a batch read apart."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import Path
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

from truc.domain.identifiers import personal_id, tax_code
from truc.errors import MalformedError
from truc.inbound import examples
from truc.messages import Channel, PaymentDetails, Person, Vnd

BATCH_MAX = 500
PROBLEMS_TOLD = 5
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
# Clocks differ a little. More than that ahead is a mistake, and a dossier moved in the future could not be moved now.
AHEAD = timedelta(minutes=5)


def _that_has_been(at: datetime) -> datetime:
    if not EARLIEST <= at <= datetime.now(UTC) + AHEAD:
        raise ValueError("must be an instant since 2000 that does not lie ahead")
    return at


def _proper(person: Person) -> Person:
    for name, value in person:
        if len(value) > 1000:
            raise ValueError(f"{name}: at most 1000 characters")
    if not person.personal_id:
        return person
    read = personal_id if person.kind == "person" else tax_code
    try:
        return person.model_copy(update={"personal_id": read(person.personal_id)})
    except MalformedError as error:  # it names the field and the fix, and never the value
        raise ValueError(str(error)) from None


Instant = Annotated[AwareDatetime, AfterValidator(_that_has_been)]
Applicant = Annotated[Person, AfterValidator(_proper)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
Name = Annotated[str, Path(max_length=100, pattern=r"^[^\x00]*$")]
DossierCode = Annotated[str, Path(max_length=100, pattern=r"^[^\x00]*$", examples=[examples.DOSSIER_CODE])]
OurReference = Annotated[str, Path(max_length=100, pattern=r"^[^\x00]*$", examples=[examples.OUR_REFERENCE])]
Text = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00]*$")]


def _shown(*each: examples.JsonObject) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": list(each)})


class Body(BaseModel):
    """Closed to unknown fields: a misspelt one is an error, not a silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DossierIn(Body):
    """A dossier taken in at a counter or by post."""

    model_config = _shown(examples.DOSSIER)

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

    model_config = _shown(examples.STATUS)

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
    """Money to be paid for a dossier, named by our code, the portal's or the caller's reference, or for an obligation.

    `details` say what it is for; a dossier's fees need none.
    """

    model_config = _shown(examples.PAYMENT, examples.PAID_AT_THE_COUNTER, examples.FOR_A_FINE)

    reference: Word
    dossier_code: Text = ""
    portal_code: Text = ""
    dossier_reference: Text = ""
    party: Word = Field(description="Through whom: momo, vietinbank, …")
    amount_vnd: Vnd = Field(gt=0)
    requested_at: Instant
    paid: PaidIn | None = None
    details: PaymentDetails | None = None

    @property
    def names_a_dossier(self) -> bool:
        """Whether one of the three names is given."""
        return bool(self.dossier_code or self.portal_code or self.dossier_reference)

    @model_validator(mode="after")
    def _for_one_thing(self) -> "PaymentIn":
        named = sum(map(bool, (self.dossier_code, self.portal_code, self.dossier_reference)))
        if named != 1 and (named or self.details is None or self.details.kind == "fees"):
            raise ValueError(
                "give exactly one of dossier_code, portal_code, dossier_reference, or an obligation's details"
            )
        return self


class RefundIn(Body):
    """Money of one payment that is to go back, wholly or in part."""

    model_config = _shown(examples.REFUND)

    reference: Word = Field(description="The caller's own name for the refund; a second call with it changes nothing.")
    amount_vnd: Vnd = Field(gt=0)
    requested_at: Instant
    requested_by: Word = Field(description="Who decided it.")
    because: Word = Field(description="Why; it is kept with the refund.")


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
Dossiers = Annotated[list[Annotated[DossierIn, Apart]], Field(max_length=BATCH_MAX, examples=[[examples.DOSSIER]])]
Statuses = Annotated[list[Annotated[StatusIn, Apart]], Field(max_length=BATCH_MAX, examples=[[examples.STATUS]])]
Payments = Annotated[
    list[Annotated[PaymentIn, Apart]],
    Field(max_length=BATCH_MAX, examples=[[examples.PAYMENT, examples.PAID_AT_THE_COUNTER]]),
]
