"""Sends VNPT Pay's notifications by POST as JSON; 200 is the answer that makes it stop."""

from functools import partial

import requests

from sandbox.faults import Faults
from sandbox.hub_calls import HubCalls
from sandbox.state import State


class Notifier:
    """Tells the hub, as sandbox/hub_calls.py does."""

    def __init__(self, url: str, state: State, faults: Faults) -> None:
        self._url, self._state, self._calls = url, state, HubCalls("vnptpay-notify", faults)

    def send_all(self, notifications: list[dict[str, str]]) -> list[str]:
        """Send each and return, in order: "accepted", "refused" or "unreachable" (a lost one included)."""
        return self._calls.tell_all([partial(self._told, one) for one in notifications])

    def close(self) -> None:
        """Let what is under way end."""
        self._calls.close()

    def _told(self, said: dict[str, str]) -> bool | None:
        answer = self._calls.answer_to(requests.Request("POST", self._url, json=said))
        if answer is None:
            return None
        self._state.record("notify", f"{said['merTrxId']}/{said['trxId']}", {"status": answer.status_code})
        return answer.status_code == 200
