"""Calls the hub back over kept-alive sessions, a few at a time, again while it does not answer."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import requests

from sandbox.faults import Faults

THREADS = 4
TRIES = 6
TIMEOUT_S = 15

Telling = Callable[[], bool | None]  # whether the hub said what makes the party stop repeating; None: it did not answer


class HubCalls:
    """One party's calls. Fault operation "notify": "refuse" loses a telling, "twice" carries it out two times."""

    def __init__(self, name: str, faults: Faults) -> None:
        self._faults, self._local = faults, threading.local()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix=name)

    def tell_all(self, tellings: Sequence[Telling]) -> list[str]:
        """Carry out each and return, in order: "accepted", "refused" or "unreachable" (a lost one included)."""
        return list(self._pool.map(self._tell, tellings))

    def answer_to(self, call: requests.Request) -> requests.Response | None:
        """Make the call until the hub answers, and return its answer; None where none came (5xx is none)."""
        for number in range(TRIES):
            answer = self._try(call)
            if answer is not None and answer.status_code < 500:
                return answer
            if number < TRIES - 1:
                time.sleep(0.1 * 2**number)
        return None

    def close(self) -> None:
        """Let what is under way end."""
        self._pool.shutdown()

    def _tell(self, telling: Telling) -> str:
        fault = self._faults.take("notify", "refuse", "twice")
        if fault is not None and fault.mode == "refuse":
            return "unreachable"
        heard = [telling() for _ in range(1 if fault is None else 2)][-1]
        if heard is None:
            return "unreachable"
        return "accepted" if heard else "refused"

    def _try(self, call: requests.Request) -> requests.Response | None:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = False
        session: requests.Session = self._local.session
        try:
            return session.send(session.prepare_request(call), timeout=TIMEOUT_S)
        except requests.RequestException:
            return None
