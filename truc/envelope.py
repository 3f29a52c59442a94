"""A message as it crossed the wall: who, what, which, and the very bytes."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


def digest_of(body: bytes) -> str:
    """Return the SHA-256 of `body` as 64 lower-case hex digits."""
    return hashlib.sha256(body).hexdigest()


@dataclass(frozen=True, slots=True)
class Envelope:
    """Bytes received from a party, unread.

    `kind` names the mapping that reads them (`mappings.<party>.<kind>`); `external_id` is the
    partner's own name for the message, or the digest where the partner gives none.
    """

    party: str
    kind: str
    external_id: str
    body: bytes
    content_type: str = "application/json"

    @property
    def name(self) -> tuple[str, str, str]:
        """Party, kind and external id: under one name there is one message, unless the partner errs."""
        return self.party, self.kind, self.external_id

    @property
    def digest(self) -> str:
        """SHA-256 of the body, 64 hex digits."""
        return digest_of(self.body)


@dataclass(frozen=True, slots=True)
class Page:
    """One answer to a fetch: what came, and where the next fetch goes on.

    `cursor` is opaque to the hub; it is committed together with the envelope.
    """

    envelope: Envelope
    cursor: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message as a client hands it over.

    `external_id` is ours and unique for the operation: the idempotency key where the partner
    takes one. `key` is what the order is kept by (a dossier, a payment, a shipment).
    """

    external_id: str
    key: str
    body: bytes
    published_at: datetime | None = None  # it was never sent before: how far a question must look back


@dataclass(frozen=True, slots=True)
class Receipt:
    """The partner's answer to an accepted message. `external_id` is theirs, "" if they give none."""

    external_id: str
    body: bytes
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One payment of ours that a partner is asked about."""

    our_reference: str
    partner_token: str  # what the partner called it when it took the order, "" where it said nothing
    amount_vnd: int
    requested_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOrder:
    """One refund of ours that a partner is asked about."""

    refund_reference: str
    partner_reference: str  # what the partner called the refund when it took it, "" where it said nothing
    amount_vnd: int
    requested_at: datetime
    our_reference: str  # of the payment
    paid_by: str  # the partner's transaction that took the money
    payment_requested_at: datetime


class Arrival(StrEnum):
    """What a partner says when asked about an earlier send."""

    ARRIVED = "arrived"
    ABSENT = "absent"
    NOT_SAID = "not_said"


@dataclass(frozen=True, slots=True)
class Answer:
    """The partner's word on an earlier send, with the receipt when it arrived."""

    arrival: Arrival
    receipt: Receipt | None = None
