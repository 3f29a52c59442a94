"""Sends result calls over kept-alive sessions, a few at a time, again while the hub does not answer."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import requests

from sandbox.faults import Faults
from sandbox.national_payment import signature
from sandbox.state import State

THREADS = 4
TRIES = 6
TIMEOUT_S = 15


@dataclass(frozen=True, slots=True)
class Result:
    """One result call ready to go."""

    name: str  # MaThamChieu/MaGiaoDich
    fields: dict[str, Any]


class Notifier:
    """Fault operation "notify": "refuse" loses a call, "twice" sends it two times."""

    def __init__(self, url: str, state: State, faults: Faults) -> None:
        self._url, self._state, self._faults = url, state, faults
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="national-payment")

    def send_all(self, results: list[Result]) -> list[str]:
        """Send each and return, in order: "accepted", "refused" or "unreachable" (a lost one included)."""
        return list(self._pool.map(self._send, results))

    def close(self) -> None:
        """Let what is under way end."""
        self._pool.shutdown()

    def _send(self, result: Result) -> str:
        fault = self._faults.take("notify", "refuse", "twice")
        if fault is not None and fault.mode == "refuse":
            return "unreachable"
        ends = [self._post(result) for _ in range(1 if fault is None else 2)]
        return ends[-1]

    def _post(self, result: Result) -> str:
        for number in range(TRIES):
            answer = self._try(result)
            if answer is not None and answer.status_code < 500:
                heard = _heard(answer, result)
                self._state.record("notify", result.name, {"status": answer.status_code, "heard": heard})
                return "accepted" if heard else "refused"
            if number < TRIES - 1:
                time.sleep(0.1 * 2**number)
        return "unreachable"

    def _try(self, result: Result) -> requests.Response | None:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = False
        try:
            answer: requests.Response = self._local.session.post(self._url, json=result.fields, timeout=TIMEOUT_S)
        except requests.RequestException:
            return None
        return answer


def _heard(answer: requests.Response, result: Result) -> bool:
    """The hub took it when it says 00, of this payment, with a right hash."""
    try:
        said = dict(json.loads(answer.content))
    except (ValueError, TypeError):
        return False
    about = said.get("MaThamChieu") == result.fields["MaThamChieu"] and said.get("MaLoi") == "00"
    return answer.status_code == 200 and about and signature.is_right(said, signature.RESULT_ANSWER)
