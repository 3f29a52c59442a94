"""What passes between the gateway and a connector's `inbound.py`, which verifies a partner's call.

`connectors.<party>.inbound.receive(request, connection) -> Received` verifies over the bytes as
received and says what the partner expects to hear; it raises Refused when signature or form is
wrong. It books nothing: the gateway keeps the bytes first, and answers then.

A call about one of our orders says so in `about`; where the partner expects another answer for an order
that is unknown, of another amount or settled already, `answers` holds it. A call that asks us for what an order is
about has a `question`: the gateway finds the order, the party's mapping writes it, and the question makes the answer.
"""

from collections.abc import Callable, Mapping
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The order that a call asks for: a dossier's payment, by the second at which it was requested.

    `answer` makes the partner's answer of what `mappings.<party>.<kind>.write` wrote of the order.
    """

    dossier_code: str
    requested_at: datetime
    answer: Callable[[bytes], HttpAnswer]


@dataclass(frozen=True, slots=True)
class Received:
    """A verified call: what to keep, and what to answer once it is kept.

    `said_at` is when the partner says that it spoke, where its signature covers that: a call older than the window of
    its kind is kept and set aside, not booked. To a `question` about no order of ours the answer is `answer`.
    """

    envelope: Envelope
    answer: HttpAnswer
    about: About | None = None
    answers: Mapping[Standing, HttpAnswer] = field(default_factory=dict)
    said_at: datetime | None = None
    question: Question | None = None


class Refused(Exception):  # noqa: N818  (it is the partner's call that is refused, no error of ours)
    """The call is not what it claims; `reason` is a stable snake_case word, `answer` what the partner hears."""

    def __init__(self, reason: str, answer: HttpAnswer) -> None:
        super().__init__(reason)
        self.reason = reason
        self.answer = answer
