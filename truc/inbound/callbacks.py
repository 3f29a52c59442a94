"""What passes between the gateway and a connector's `inbound.py`, which verifies a partner's call.

`connectors.<party>.inbound.receive(request, connection) -> Received` verifies over the bytes as
received and says what the partner expects to hear; it raises Refused when signature or form is
wrong. It books nothing: the gateway keeps the bytes first, and answers then.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from truc.envelope import Envelope


@dataclass(frozen=True, slots=True)
class Incoming:
    """One call from outside. Header names are lower case; `query` is raw, without the question mark."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The answer in the partner's own form."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Received:
    """A verified call: what to keep, and what to answer once it is kept."""

    envelope: Envelope
    answer: HttpAnswer


class Refused(Exception):  # noqa: N818  (it is the partner's call that is refused, no error of ours)
    """The call is not what it claims; `reason` is a stable snake_case word, `answer` what the partner hears."""

    def __init__(self, reason: str, answer: HttpAnswer) -> None:
        super().__init__(reason)
        self.reason = reason
        self.answer = answer
