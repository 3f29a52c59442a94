"""Calls the hub by form POST: before a payment, and with its result."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import requests

from sandbox.faults import Faults
from sandbox.hub_calls import HubCalls
from sandbox.state import State
from sandbox.viettelpay import signature


class Notifier:
    """Asks and tells the hub, as sandbox/hub_calls.py does; faults are of results alone."""

    def __init__(self, url: str, state: State, faults: Faults) -> None:
        self._url, self._state, self._calls = url, state, HubCalls("viettelpay-call", faults)

    def confirmed(self, asked: Mapping[str, str]) -> bool:
        """Ask the merchant about an order before it is paid: believed for its code, amount and checksum."""
        order = {name: asked[name] for name in ("billcode", "merchant_code", "order_id")}
        check_sum = signature.of_call({**order, "trans_amount": asked["trans_amount"]}, signature.VERIFY)
        said = _said(self._post("verify", {**order, "check_sum": check_sum}))
        right = signature.of_call(said, signature.VERIFY_ANSWER)
        return (said.get("error_code"), said.get("trans_amount"), said.get("check_sum")) == (
            "00",
            asked["trans_amount"],
            right,
        )

    def send_all(self, results: list[dict[str, str]]) -> list[str]:
        """Send each result and return, in order: "accepted", "refused" or "unreachable" (a lost one included)."""
        return self._calls.tell_all([partial(self._told, one) for one in results])

    def close(self) -> None:
        """Let what is under way end."""
        self._calls.close()

    def _told(self, result: dict[str, str]) -> bool | None:
        answer = self._post("result", result)
        if answer is None:
            return None
        said = _said(answer)
        name = f"{result['order_id']}/{result['vt_transaction_id']}"
        self._state.record("notify", name, {"status": answer.status_code, "code": said.get("error_code", "")})
        heard = said.get("check_sum") == signature.of_call(said, signature.RESULT_ANSWER)
        return heard and said.get("error_code") == "00"

    def _post(self, kind: str, form: dict[str, str]) -> requests.Response | None:
        return self._calls.answer_to(requests.Request("POST", f"{self._url}/{kind}", data=form))


def _said(answer: requests.Response | None) -> dict[str, Any]:
    try:
        return dict(json.loads(answer.content)) if answer is not None else {}
    except (ValueError, TypeError):
        return {}
