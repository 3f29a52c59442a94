"""Sends IPNs by GET over kept-alive sessions, a few at a time, again while the hub does not answer."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import requests

from sandbox.faults import Faults
from sandbox.state import State

THREADS = 4
TRIES = 6
TIMEOUT_S = 15
HEARD = ("00", "02")  # the answers after which VNPAY does not repeat (partners.md §2)


@dataclass(frozen=True, slots=True)
class Ipn:
    """One notification ready to go."""

    name: str  # vnp_TxnRef/vnp_TransactionNo
    query: str


class Notifier:
    """Fault operation "notify": "refuse" loses a notification, "twice" sends it two times."""

    def __init__(self, url: str, state: State, faults: Faults) -> None:
        self._url, self._state, self._faults = url, state, faults
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="vnpay-ipn")

    def send_all(self, notifications: list[Ipn]) -> list[str]:
        """Send each and return, in order: "accepted", "refused" or "unreachable" (a lost one included)."""
        return list(self._pool.map(self._send, notifications))

    def close(self) -> None:
        """Let what is under way end."""
        self._pool.shutdown()

    def _send(self, ipn: Ipn) -> str:
        fault = self._faults.take("notify", "refuse", "twice")
        if fault is not None and fault.mode == "refuse":
            return "unreachable"
        ends = [self._get(ipn) for _ in range(1 if fault is None else 2)]
        return ends[-1]

    def _get(self, ipn: Ipn) -> str:
        for number in range(TRIES):
            answer = self._try(ipn)
            if answer is not None and answer.status_code < 500:
                code = _code(answer)
                self._state.record("notify", ipn.name, {"status": answer.status_code, "code": code})
                return "accepted" if answer.status_code == 200 and code in HEARD else "refused"
            if number < TRIES - 1:
                time.sleep(0.1 * 2**number)
        return "unreachable"

    def _try(self, ipn: Ipn) -> requests.Response | None:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = False
        try:
            answer: requests.Response = self._local.session.get(f"{self._url}?{ipn.query}", timeout=TIMEOUT_S)
        except requests.RequestException:
            return None
        return answer


def _code(answer: requests.Response) -> str:
    try:
        return str(json.loads(answer.content)["RspCode"])
    except (ValueError, KeyError, TypeError):
        return ""
