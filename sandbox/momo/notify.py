"""Sends IPNs over kept-alive sessions, a few at a time, again while the hub does not answer."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import requests

from sandbox.faults import Faults
from sandbox.state import State

THREADS = 4
TRIES = 6
TIMEOUT_S = 15  # MoMo waits that long for the answer (partners.md §1.1)


@dataclass(frozen=True, slots=True)
class Ipn:
    """One notification ready to go."""

    name: str  # orderId/transId
    url: str
    body: bytes


class Notifier:
    """Fault operation "notify": "refuse" loses a notification, "twice" sends it two times."""

    def __init__(self, state: State, faults: Faults) -> None:
        self._state, self._faults = state, faults
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="momo-ipn")

    def send_all(self, notifications: list[Ipn]) -> list[str]:
        """Send each and return, in order: "accepted", "refused" or "unreachable" (a fault included)."""
        return list(self._pool.map(self._send, notifications))

    def close(self) -> None:
        """Let what is under way end."""
        self._pool.shutdown()

    def _send(self, ipn: Ipn) -> str:
        fault = self._faults.take("notify", "refuse", "twice")
        if fault is not None and fault.mode == "refuse":
            return "unreachable"
        ends = [self._post(ipn) for _ in range(1 if fault is None else 2)]
        return ends[-1]

    def _post(self, ipn: Ipn) -> str:
        for number in range(TRIES):
            status = self._try(ipn)
            if status is not None and status < 500:
                self._state.record("ipn", ipn.name, {"status": status})
                return "accepted" if status == 204 else "refused"
            if number < TRIES - 1:
                time.sleep(0.1 * 2**number)
        return "unreachable"

    def _try(self, ipn: Ipn) -> int | None:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = False
        headers = {"Content-Type": "application/json; charset=UTF-8"}
        try:
            answer = self._local.session.post(ipn.url, data=ipn.body, headers=headers, timeout=TIMEOUT_S)
        except requests.RequestException:
            return None
        return int(answer.status_code)
