"""A partner's result codes as a table: what each means, and what we do on it after each of our verbs."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from truc.errors import MalformedError, OutcomeUnknownError, RejectedError, SetupError, TransientError, TrucError


class Doing(StrEnum):
    """What the client does on a code."""

    ACCEPTED = "accepted"  # done
    PENDING = "pending"  # it stands there; the citizen or the partner has still to act
    ABSENT = "absent"  # the partner does not have what was asked about
    TRANSIENT = "transient"  # nothing happened; later
    ASK = "ask"  # something may have happened: ask
    REJECTED = "rejected"  # refused; a person decides
    SETUP = "setup"  # our contract, keys or rights


@dataclass(frozen=True, slots=True)
class ResultCodes:
    """Every code the partner published. `on`: verb of the client → code → what we do; each holds every code."""

    party: str
    meaning: Mapping[str, str]
    on: Mapping[str, Mapping[str, Doing]]

    def doing(self, verb: str, code: str) -> Doing:
        """Return what to do, or raise: after a write (`send_…`) of unknown outcome, after a question unreadable."""
        known = self.on[verb]
        if code in known:
            return known[code]
        text = f"{self.party}: {verb}: result code {code[:20]!r} is not published"
        if verb.startswith("send_"):
            raise OutcomeUnknownError(text, reason="unknown_result_code")
        raise MalformedError(text, reason="unknown_result_code")

    def failure(self, verb: str, code: str) -> TrucError:
        """Return our failure for a code that is neither ACCEPTED, PENDING nor ABSENT."""
        text, reason = f"{self.party}: {verb}: {code} {self.meaning[code]}", f"{self.party}_{code}"
        match self.doing(verb, code):
            case Doing.TRANSIENT:
                return TransientError(text, reason=reason)
            case Doing.ASK:
                return OutcomeUnknownError(text, reason=reason)
            case Doing.SETUP:
                return SetupError(text, reason=reason)
            case Doing.REJECTED:
                return RejectedError(text, reason=reason, code=code)
            case doing:
                raise AssertionError(f"{self.party}: {verb}: {code} is {doing}, no failure")
