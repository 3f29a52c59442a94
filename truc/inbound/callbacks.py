"""What passes between the gateway and a connector's `inbound.py`, which verifies a partner's call.

`connectors.<party>.inbound.receive(request, connection) -> Received` verifies over the bytes as
received and says what the partner expects to hear; it raises Refused when signature or form is
wrong. It books nothing: the gateway keeps the bytes first, and answers then.

A call about one of our orders says so in `about`; where the partner expects another answer for an order
that is unknown, of another amount or settled already, `answers` holds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from truc.envelope import Envelope


@dataclass(frozen=True, slots=True)
class Incoming:
    """One call from outside. Header names are lower case; `query` is raw, without the question mark."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    address: str = ""  # of whoever called, as the gateway knows it


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The answer in the partner's own form."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"


class Standing(StrEnum):
    """How our own order stands to what a call says of it."""

    OPEN = "open"  # the order is known, the amount is ours, and it waits for an end
    SETTLED = "settled"  # known, the amount is ours, and it had its end before
    AMOUNT_DIFFERS = "amount_differs"
    UNKNOWN = "unknown"  # no such order, or another party's


@dataclass(frozen=True, slots=True)
class About:
    """The order that a call is about, as the call says."""

    our_reference: str
    amount_vnd: int | None  # None where the call states none


@dataclass(frozen=True, slots=True)
class Received:
    """A verified call: what to keep, and what to answer once it is kept.

    `said_at` is when the partner says that it spoke, where its signature covers that: a call older than the party's
    `callback_age_max_s` is kept and set aside, not booked.
    """

    envelope: Envelope
    answer: HttpAnswer
    about: About | None = None
    answers: Mapping[Standing, HttpAnswer] = field(default_factory=dict)
    said_at: datetime | None = None


class Refused(Exception):  # noqa: N818  (it is the partner's call that is refused, no error of ours)
    """The call is not what it claims; `reason` is a stable snake_case word, `answer` what the partner hears."""

    def __init__(self, reason: str, answer: HttpAnswer) -> None:
        super().__init__(reason)
        self.reason = reason
        self.answer = answer
