"""Sends VNPAY's IPNs by GET, and reads from the answer whether it repeats them."""

import json
from dataclasses import dataclass
from functools import partial

import requests

from sandbox.faults import Faults
from sandbox.hub_calls import HubCalls
from sandbox.state import State

HEARD = ("00", "02")  # the answers after which VNPAY does not repeat (partners.md §2)


@dataclass(frozen=True, slots=True)
class Ipn:
    """One notification ready to go."""

    name: str  # vnp_TxnRef/vnp_TransactionNo
    query: str


class Notifier:
    """Tells the hub, as sandbox/hub_calls.py does."""

    def __init__(self, url: str, state: State, faults: Faults) -> None:
        self._url, self._state, self._calls = url, state, HubCalls("vnpay-ipn", faults)

    def send_all(self, notifications: list[Ipn]) -> list[str]:
        """Send each and return, in order: "accepted", "refused" or "unreachable" (a lost one included)."""
        return self._calls.tell_all([partial(self._told, one) for one in notifications])

    def close(self) -> None:
        """Let what is under way end."""
        self._calls.close()

    def _told(self, ipn: Ipn) -> bool | None:
        answer = self._calls.answer_to(requests.Request("GET", f"{self._url}?{ipn.query}"))
        if answer is None:
            return None
        code = _code(answer)
        self._state.record("notify", ipn.name, {"status": answer.status_code, "code": code})
        return answer.status_code == 200 and code in HEARD


def _code(answer: requests.Response) -> str:
    try:
        return str(json.loads(answer.content)["RspCode"])
    except (ValueError, KeyError, TypeError):
        return ""
