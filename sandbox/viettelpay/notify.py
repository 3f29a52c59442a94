"""Calls the hub by form POST: before a payment, and with its result, again while the hub does not answer."""

import json
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from sandbox.faults import Faults
from sandbox.state import State
from sandbox.viettelpay import signature

THREADS = 4
TRIES = 6
TIMEOUT_S = 15


class Notifier:
    """Fault operation "notify": "refuse" loses a result, "twice" sends it two times."""

    def __init__(self, url: str, state: State, faults: Faults) -> None:
        self._url, self._state, self._faults = url, state, faults
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="viettelpay-call")

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
        return list(self._pool.map(self._send, results))

    def close(self) -> None:
        """Let what is under way end."""
        self._pool.shutdown()

    def _send(self, result: dict[str, str]) -> str:
        fault = self._faults.take("notify", "refuse", "twice")
        if fault is not None and fault.mode == "refuse":
            return "unreachable"
        return [self._told(result) for _ in range(1 if fault is None else 2)][-1]

    def _told(self, result: dict[str, str]) -> str:
        answer = self._post("result", result)
        if answer is None:
            return "unreachable"
        said = _said(answer)
        name = f"{result['order_id']}/{result['vt_transaction_id']}"
        self._state.record("notify", name, {"status": answer.status_code, "code": said.get("error_code", "")})
        heard = said.get("check_sum") == signature.of_call(said, signature.RESULT_ANSWER)
        return "accepted" if heard and said.get("error_code") == "00" else "refused"

    def _post(self, kind: str, form: dict[str, str]) -> requests.Response | None:
        for number in range(TRIES):
            answer = self._try(kind, form)
            if answer is not None and answer.status_code < 500:
                return answer
            if number < TRIES - 1:
                time.sleep(0.1 * 2**number)
        return None

    def _try(self, kind: str, form: dict[str, str]) -> requests.Response | None:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = False
        try:
            answer: requests.Response = self._local.session.post(f"{self._url}/{kind}", data=form, timeout=TIMEOUT_S)
        except requests.RequestException:
            return None
        return answer


def _said(answer: requests.Response | None) -> dict[str, Any]:
    try:
        return dict(json.loads(answer.content)) if answer is not None else {}
    except (ValueError, TypeError):
        return {}
