"""Sends the platform's result calls, and reads from the answer whether the hub took them."""

import json
from dataclasses import dataclass
from functools import partial
from typing import Any

import requests

from sandbox.faults import Faults
from sandbox.hub_calls import HubCalls
from sandbox.national_payment import signature
from sandbox.state import State


@dataclass(frozen=True, slots=True)
class Result:
    """One result call ready to go."""

    name: str  # MaThamChieu/MaGiaoDich
    fields: dict[str, Any]


class Notifier:
    """Tells the hub, as sandbox/hub_calls.py does."""

    def __init__(self, url: str, state: State, faults: Faults) -> None:
        self._url, self._state, self._calls = url, state, HubCalls("national-payment", faults)

    def send_all(self, results: list[Result]) -> list[str]:
        """Send each and return, in order: "accepted", "refused" or "unreachable" (a lost one included)."""
        return self._calls.tell_all([partial(self._told, one) for one in results])

    def close(self) -> None:
        """Let what is under way end."""
        self._calls.close()

    def _told(self, result: Result) -> bool | None:
        answer = self._calls.answer_to(requests.Request("POST", self._url, json=result.fields))
        if answer is None:
            return None
        heard = _heard(answer, result)
        self._state.record("notify", result.name, {"status": answer.status_code, "heard": heard})
        return heard


def _heard(answer: requests.Response, result: Result) -> bool:
    """The hub took it when it says 00, of this payment, with a right hash."""
    try:
        said = dict(json.loads(answer.content))
    except (ValueError, TypeError):
        return False
    about = said.get("MaThamChieu") == result.fields["MaThamChieu"] and said.get("MaLoi") == "00"
    return answer.status_code == 200 and about and signature.is_right(said, signature.RESULT_ANSWER)
