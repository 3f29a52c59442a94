"""Sends notifications by POST as JSON, a few at a time, again while the hub does not answer."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import requests

from sandbox.faults import Faults
from sandbox.state import State

THREADS = 4
TRIES = 6
TIMEOUT_S = 15


class Notifier:
    """Fault operation "notify": "refuse" loses a notification, "twice" sends it two times."""

    def __init__(self, url: str, state: State, faults: Faults) -> None:
        self._url, self._state, self._faults = url, state, faults
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="vnptpay-notify")

    def send_all(self, notifications: list[dict[str, str]]) -> list[str]:
        """Send each and return, in order: "accepted", "refused" or "unreachable" (a lost one included)."""
        return list(self._pool.map(self._send, notifications))

    def close(self) -> None:
        """Let what is under way end."""
        self._pool.shutdown()

    def _send(self, said: dict[str, str]) -> str:
        fault = self._faults.take("notify", "refuse", "twice")
        if fault is not None and fault.mode == "refuse":
            return "unreachable"
        return [self._post(said) for _ in range(1 if fault is None else 2)][-1]

    def _post(self, said: dict[str, str]) -> str:
        for number in range(TRIES):
            answer = self._try(said)
            if answer is not None and answer.status_code < 500:
                self._state.record("notify", f"{said['merTrxId']}/{said['trxId']}", {"status": answer.status_code})
                return "accepted" if answer.status_code == 200 else "refused"
            if number < TRIES - 1:
                time.sleep(0.1 * 2**number)
        return "unreachable"

    def _try(self, said: dict[str, str]) -> requests.Response | None:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = False
        try:
            answer: requests.Response = self._local.session.post(self._url, json=said, timeout=TIMEOUT_S)
        except requests.RequestException:
            return None
        return answer
