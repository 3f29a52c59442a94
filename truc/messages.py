"""Our own canonical messages: what the core says to a partner, and what a partner's bytes mean to the core.

Outgoing ones are written to the outbox in the transaction of the store change that caused them;
a mapping's `write(message)` turns one into partner bytes. Incoming ones are what a mapping's
`read(body)` yields; truc.services.booking books each. JSON Schemas of all of them: schemas/core/.
"""

from datetime import date
from typing import Annotated, Literal, Self, cast

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from truc.domain import notices
from truc.domain.notice_fields import Fact, FieldName
from truc.domain.notice_kinds import NoticeName
from truc.domain.payment_kinds import PaymentDetails
from truc.domain.procedure import Channel
from truc.domain.shipment_states import Word
from truc.domain.text import storable
from truc.errors import MalformedError

Vnd = Annotated[int, Field(strict=True, ge=0, le=10**15)]  # whole đồng; no float ever
Balance = Annotated[int, Field(strict=True, ge=-(10**15), le=10**15)]  # below zero: overdrawn
Number = Annotated[int, Field(strict=True, ge=1, le=10**15)]


class Message(BaseModel):
    """Frozen, closed to unknown fields, strict about types."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="after")
    def _storable(self) -> Self:
        """Refuse what no database text can hold: NUL, and surrogates that stand alone."""
        for name, value in self:
            if isinstance(value, str) and not storable(value):
                raise ValueError(f"{name}: holds NUL or half a character")
        return self


class Person(Message):
    """An applicant, in the clear: only ever in memory, sealed at rest, or on its way to a partner."""

    kind: Literal["person", "organisation"] = "person"
    name: str = Field(min_length=1, max_length=250)
    personal_id: str = ""  # CCCD (12), old card (9) or, for an organisation, tax code
    phone: str = ""  # ten digits, leading 0
    email: str = ""
    address: str = ""
    province_code: str = ""  # two digits of Decision 19/2025/QĐ-TTg


class DossierReceived(Message):
    """A dossier was accepted by the one-stop system."""

    dossier_code: str
    portal_code: str = ""  # the national portal's own code for a dossier that came from it
    procedure_code: str
    procedure_name: str
    field_code: str
    field_name: str
    agency_code: str
    agency_name: str
    channel: Channel
    applicant: Person
    received_at: AwareDatetime
    due_at: AwareDatetime | None
    status: int = Field(ge=1, le=10)
    fee_vnd: Vnd = 0


class StatusChanged(Message):
    """A dossier moved to another national status (1–10, egov.md 1.5)."""

    dossier_code: str
    portal_code: str = ""
    status: int = Field(ge=1, le=10)
    changed_at: AwareDatetime
    officer_name: str
    officer_title: str
    department: str
    note: str
    started_at: AwareDatetime
    due_at: AwareDatetime | None


class PostalRequested(Message):
    """A citizen asked the post to carry a dossier or its result."""

    order_number: str  # ours, unique
    dossier_code: str
    direction: Literal["collect", "return"]
    sender: Person
    receiver: Person
    fee_vnd: Vnd  # 23,000 inside the province, 31,500 outside
    note: str = ""


class PostalCancelled(Message):
    """A parcel the post was asked for is not wanted any more; nobody had taken it when this was written."""

    order_number: str  # of the PostalRequested
    dossier_code: str


class PostageAsked(Message):
    """What the post is asked for the price of: an ordinary dossier from one province to another, or the same."""

    weight_g: int = Field(gt=0)
    sender_province: str  # two digits of Decision 19/2025/QĐ-TTg
    receiver_province: str


class PaymentRequested(Message):
    """Money is to be paid through the party this message is addressed to, for one dossier or one obligation.

    `dossier_code` is "" for an obligation that is no dossier's (a fine, a bill). `details` say what it is for; a
    message written before there were kinds has none, and is about fees.
    """

    our_reference: str
    dossier_code: str
    amount_vnd: Vnd
    purpose: str
    requested_at: AwareDatetime
    details: PaymentDetails | None = None


class RefundRequested(Message):
    """Money is to go back to the citizen, wholly or in part."""

    refund_reference: str  # ours, unique
    our_reference: str  # of the payment
    dossier_code: str  # "" where the payment was for an obligation
    partner_reference: str  # the partner's transaction that took the money
    paid_vnd: Vnd
    amount_vnd: Vnd
    paid_at: AwareDatetime
    payment_requested_at: AwareDatetime  # when we asked for the payment: some partners find it by that
    purpose: str
    requested_at: AwareDatetime
    requested_by: str


class RemittanceOrdered(Message):
    """Money that was collected for an agency is to be paid into its account at the State Treasury.

    What a deposit slip C1-02/NS says of it: beneficiary, treasury, account, chapter and sub-item (partners.md §11.1).
    """

    remittance_reference: str  # ours, unique
    business_on: date = Field(strict=True)  # the day whose money it is
    agency_code: str
    beneficiary: str
    treasury: str
    account: str
    chapter: str = Field(pattern=r"^[0-9]{3}$")
    sub_item: str = Field(pattern=r"^[0-9]{4}$")
    amount_vnd: Annotated[int, Field(strict=True, gt=0, le=10**15)]
    ordered_at: AwareDatetime

    @property
    def dossier_code(self) -> str:
        """It is of many dossiers, and of none."""
        return ""


class NoticeFacts(Message):
    """What the words of a notice are filled with, besides the dossier's code (truc.domain.notice_fields)."""

    happened_at: AwareDatetime | None = None
    happened_on: date | None = Field(default=None, strict=True)
    due_on: date | None = Field(default=None, strict=True)
    last_on: date | None = Field(default=None, strict=True)
    amount_vnd: Annotated[int, Field(strict=True, gt=0, le=10**15)] | None = None
    place: str | None = None
    tracking_code: str | None = None
    receipt_number: str | None = None


class NoticeDue(Message):
    """A citizen should hear something, by the one party that this is published to.

    `facts` are those that the kind knows, the required ones all. A message written before there were facts has its
    finished `text` in their place: it may still wait, and what is kept must be readable for as long as it is kept.
    """

    notice_id: str  # ours, one per event
    dossier_code: str
    notice: NoticeName
    phone: str = ""
    email: str = ""
    facts: NoticeFacts | None = None
    text: str = ""

    @property
    def said(self) -> dict[FieldName, Fact]:
        """Return every fact by name, the dossier's code among them."""
        said: dict[FieldName, Fact] = {"dossier_code": self.dossier_code}
        for name, value in self.facts or ():
            if value is not None:
                said[cast(FieldName, name)] = value
        return said

    @model_validator(mode="after")
    def _can_be_written(self) -> Self:
        if (self.facts is None) == (self.text == ""):
            raise ValueError("facts: missing, or beside a finished text")
        if self.facts is not None:
            try:
                notices.check(self.notice, self.said)
            except MalformedError as error:  # it names the field, and never the value
                raise ValueError(str(error)) from None
        return self


class OnlineDossier(Message):
    """A dossier a citizen submitted on the national portal."""

    portal_code: str = Field(min_length=1, max_length=64)
    procedure_code: str = Field(min_length=1)
    agency_code: str = Field(min_length=1)
    applicant: Person
    submitted_at: AwareDatetime
    wants_postal_return: bool = False
    wants_sms: bool = False


class PaymentResult(Message):
    """A partner's word on one payment of ours.

    `occurred_at` is None where the partner names no time: the time at which the word came is booked then.
    """

    our_reference: str = Field(min_length=1)
    partner_reference: str
    amount_vnd: Vnd
    state: Literal["pending", "paid", "failed", "expired", "refunded"]
    occurred_at: AwareDatetime | None = None


class RefundResult(Message):
    """A partner's word on one refund of ours. `occurred_at` is None where it names no time, as in PaymentResult."""

    refund_reference: str = Field(min_length=1)
    partner_reference: str
    amount_vnd: Vnd
    state: Literal["pending", "refunded", "refused"]
    occurred_at: AwareDatetime | None = None
    reason: str = ""  # the partner's code and words for a refusal


class RemittanceConfirmed(Message):
    """The treasury's word on one remittance of ours: it got the money, or it did not take it."""

    remittance_reference: str = Field(min_length=1)
    treasury_reference: str
    amount_vnd: Vnd
    state: Literal["confirmed", "refused"]
    occurred_at: AwareDatetime
    reason: str = ""  # the treasury's words for a refusal


class PaymentAddress(Message):
    """Where the citizen pays: the answer to a payment request."""

    our_reference: str
    pay_url: str
    partner_token: str = ""  # what the partner calls the order, where it must be asked by that


class ShipmentEvent(Message):
    """One step of a parcel. `raw_status` is the partner's own code, always kept."""

    event_id: str  # theirs, or built from code, status and time
    order_number: str
    tracking_code: str
    state: Word
    raw_status: str
    occurred_at: AwareDatetime


class StatementLine(Message):
    """One line of a partner's daily statement, in the neutral row."""

    line_no: int = Field(ge=1)
    our_reference: str
    partner_reference: str
    kind: Literal["payment", "refund", "reversal", "fee", "settlement"] = "payment"
    amount_vnd: Vnd
    fee_vnd: Vnd = 0
    state: Literal["paid", "failed", "pending", "refunded"] = "paid"
    occurred_at: AwareDatetime
    settled_on: date | None = None  # the day the money reaches our account, where the file says it


class Statement(Message):
    """A whole daily statement whose own control totals have been verified by the mapping.

    What the file declares of itself is kept, None where its form has no place for it. `moved_vnd` is what the lines
    add to the opening balance. `sequence_first` and `sequence_last` are the partner's numbers of the file's parts.
    """

    business_on: date
    lines: tuple[StatementLine, ...]
    count_declared: int | None
    amount_declared_vnd: Vnd | None
    opening_vnd: Balance | None = None
    closing_vnd: Balance | None = None
    moved_vnd: Balance | None = None
    sequence_first: Number | None = None
    sequence_last: Number | None = None
    end_marked: bool = False  # the form has a mark at its end, and it stands there

    @property
    def amount_vnd(self) -> int:
        """The sum over its lines, each as it stands."""
        return sum(line.amount_vnd for line in self.lines)


class Unreadable(Message):
    """One item of a page that could not be read; the rest of the page goes on.

    `item` names it for a person (a code, a line number), never personal data; `reason` is a stable
    snake_case word; `text` names the field and the fix.
    """

    item: str
    reason: str
    text: str


Outbound = (
    DossierReceived
    | StatusChanged
    | PostalRequested
    | PostalCancelled
    | PaymentRequested
    | RefundRequested
    | RemittanceOrdered
    | NoticeDue
)
Inbound = (
    OnlineDossier
    | PaymentResult
    | PaymentAddress
    | RefundResult
    | RemittanceConfirmed
    | ShipmentEvent
    | Statement
    | Unreadable
)

__all__ = [
    "Channel",
    "DossierReceived",
    "Inbound",
    "Message",
    "NoticeDue",
    "NoticeFacts",
    "OnlineDossier",
    "Outbound",
    "PaymentAddress",
    "PaymentDetails",
    "PaymentRequested",
    "PaymentResult",
    "Person",
    "PostageAsked",
    "PostalCancelled",
    "PostalRequested",
    "RefundRequested",
    "RefundResult",
    "RemittanceConfirmed",
    "RemittanceOrdered",
    "ShipmentEvent",
    "Statement",
    "StatementLine",
    "StatusChanged",
    "Unreadable",
    "Vnd",
]
