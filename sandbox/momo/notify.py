"""Sends MoMo's IPNs; 204 is the answer that makes it stop."""

from dataclasses import dataclass
from functools import partial

import requests

from sandbox.faults import Faults
from sandbox.hub_calls import HubCalls
from sandbox.state import State


@dataclass(frozen=True, slots=True)
class Ipn:
    """One notification ready to go."""

    name: str  # orderId/transId
    url: str
    body: bytes


class Notifier:
    """Tells the hub, as sandbox/hub_calls.py does."""

    def __init__(self, state: State, faults: Faults) -> None:
        self._state, self._calls = state, HubCalls("momo-ipn", faults)

    def send_all(self, notifications: list[Ipn]) -> list[str]:
        """Send each and return, in order: "accepted", "refused" or "unreachable" (a lost one included)."""
        return self._calls.tell_all([partial(self._told, one) for one in notifications])

    def close(self) -> None:
        """Let what is under way end."""
        self._calls.close()

    def _told(self, ipn: Ipn) -> bool | None:
        headers = {"Content-Type": "application/json; charset=UTF-8"}
        answer = self._calls.answer_to(requests.Request("POST", ipn.url, data=ipn.body, headers=headers))
        if answer is None:
            return None
        self._state.record("ipn", ipn.name, {"status": answer.status_code})
        return answer.status_code == 204
