"""What the portal's `error_code` means, compared as text whether it came as text or as a number."""

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from truc.errors import MalformedError

CODE_FORM = re.compile(r"-?[A-Za-z0-9_]{1,16}")


class Result(StrEnum):
    """What we do with a code."""

    OK = "ok"
    EXISTS = "exists"  # an earlier send arrived, or the citizen's own dossier is there: update it
    REFUSED = "refused"


# egov.md 1.1, 1.3. "00" is what an older release of OpenCPS waited for; its newer one reads it as a number.
# The code of an expired session is not confirmed: it is a setting (session_expired_codes).
RESULTS = {
    "0": Result.OK,
    "00": Result.OK,
    "3": Result.EXISTS,
    "-3": Result.EXISTS,
    "-1": Result.REFUSED,
}


@dataclass(frozen=True, slots=True)
class Answered:
    """One readable answer: its code as text, the whole JSON object, and the bytes."""

    code: str
    value: dict[str, Any]
    body: bytes

    @property
    def result(self) -> Result | None:
        """What the code means, or None for a code nobody documented."""
        return RESULTS.get(self.code)


class UnreadableAnswerError(MalformedError):
    """An answer of another shape, with its bytes, so that they can be kept."""

    def __init__(self, text: str, body: bytes) -> None:
        super().__init__(f"national_portal: {text}", reason="answer_unreadable")
        self.body = body


def read_answer(body: bytes) -> Answered:
    """Return the answer, or raise UnreadableAnswerError when it is not a JSON object with an `error_code`."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableAnswerError("answer is not JSON", body) from error
    code = _text(value.get("error_code")) if isinstance(value, dict) else ""
    if not CODE_FORM.fullmatch(code):
        raise UnreadableAnswerError("answer has no error_code", body)
    return Answered(code, value, body)


def _text(code: object) -> str:
    if isinstance(code, str):
        return code.strip()
    return str(code) if isinstance(code, int) and not isinstance(code, bool) else ""
