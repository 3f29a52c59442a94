"""Starts the national payment platform: INIT, QUERY, GET_BILL, and the control calls by which citizens pay.

Control calls of its own:
    POST /_control/pay       {"orders": [{"reference", "code": "00", "at": ISO}], "notify": true, "as": "usual"}: the
                             citizens act, the platform makes its result calls; answers {paid, skipped, notified}.
                             "as" twice: each call two times; forged, other_amount, unknown_order: only such a call
                             is made, the payment stays as it is
    POST /_control/lookup    {"code": MaTraCuuTT, "as": "usual"|"forged"}: the portal looks a payment up at the hub;
                             answers {status, answer}
    GET  /_control/payments  [{reference, amount_vnd, state, times, service}]; service is MaDichVu
    POST /_control/insist    {"operation": "create", "codes": ["98", …]}: the next answers to it carry these codes
                             (create: error_code; query: MaLoi)
Fault operations: "create", "query", "bill" (as sandbox/faults.py), "notify" (refuse, twice).
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import requests

from sandbox.acts import tell
from sandbox.faults import Faults
from sandbox.http import HttpServer, Request, Response, json_response
from sandbox.national_payment import signature
from sandbox.national_payment.notify import Notifier
from sandbox.national_payment.orders import ABSENT, OTHER_ERROR, REFUSED, Act, Lie, Orders
from sandbox.national_payment.signature import PARTNER, SECRET
from sandbox.serve import Running
from sandbox.state import State

# Where each message goes is not published: these paths are the stand-in's.
INIT, QUERY, BILL = "/sandbox/init", "/sandbox/query", "/sandbox/bill"
OPERATIONS = {INIT: "create", QUERY: "query", BILL: "bill"}
LOOKUP_TIMEOUT_S = 15
KINDS = ("tax/person", "tax/business", "insurance/social", "insurance/health", "electricity", "court_fee")


def start(port: int, home: Path, hub_url: str) -> Running:
    """Start the platform; `hub_url` is where its result calls go."""
    state, faults = State(home / "state.sqlite"), Faults()
    notifier = Notifier(f"{hub_url}/partners/national_payment/result", state, faults)
    platform = _Platform(Orders(state), notifier, f"{hub_url}/partners/national_payment/lookup")
    http = HttpServer(
        "national_payment",
        port,
        handle=platform.handle,
        operation_of=lambda request: OPERATIONS.get(request.path, ""),
        state=state,
        faults=faults,
        control=platform.control(),
    )

    def close() -> None:
        http.close()
        notifier.close()
        state.close()

    return Running("national_payment", http.port, http.url, _connection(http.url), close)


def _connection(url: str) -> dict[str, Any]:
    kinds = {
        kind: {"MaDichVu": f"S{number}", "MaHoSo": "{obligation_code}"} for number, kind in enumerate(KINDS, start=3)
    }
    accounts = {"*": {"account": "3511000000001", "bank": "SANDBOX", "name": "Tai khoan thu phi thu nghiem"}}
    return {
        "conn_type": "truc_national_payment",
        "host": url,
        "login": PARTNER,
        "password": SECRET,
        "extra": {
            "init_path": INIT,
            "query_path": QUERY,
            "bill_path": BILL,
            "bank_code": "SANDBOX",
            "ip_address": "127.0.0.1",
            "accounts": json.dumps(accounts),
            "kinds": json.dumps(kinds),
            "refusal_codes": REFUSED,
            "absent_codes": ABSENT,
            "query_answer_signed": signature.QUERY_ANSWER.replace(" ", ","),
            "answer_signed": signature.RESULT_ANSWER.replace(" ", ","),
            "lookup_signed": signature.LOOKUP.replace(" ", ","),
        },
    }


class _Platform:
    def __init__(self, orders: Orders, notifier: Notifier, lookup_url: str) -> None:
        self._orders, self._notifier, self._lookup_url = orders, notifier, lookup_url

    def handle(self, request: Request) -> Response:
        if request.method != "POST" or request.path not in OPERATIONS:
            return Response(404)
        try:
            asked = dict(request.json())
        except (ValueError, TypeError):
            return Response(400)
        if request.path == BILL:
            return self._bill(asked)
        answer = self._orders.init if request.path == INIT else self._orders.query
        return json_response(answer(asked))

    def control(self) -> dict[tuple[str, str], Any]:
        return {
            ("POST", "/_control/pay"): self._pay,
            ("GET", "/_control/payments"): lambda _: json_response(self._orders.payments()),
            ("POST", "/_control/lookup"): self._look_up,
            ("POST", "/_control/insist"): self._insist,
        }

    def _bill(self, asked: dict[str, Any]) -> Response:
        bill = self._orders.bill(asked)
        return json_response({"MaLoi": OTHER_ERROR}) if bill is None else Response(200, bill, "application/pdf")

    def _pay(self, request: Request) -> Response:
        order, now = request.json(), datetime.now(UTC).isoformat()
        acts = [Act(one["reference"], str(one.get("code") or "00"), one.get("at") or now) for one in order["orders"]]
        if any(datetime.fromisoformat(act.at).tzinfo is None for act in acts):
            return json_response({"error": "at must carry its zone, such as +07:00"}, 400)
        how = order.get("as", "usual")
        lies = how in get_args(Lie)
        made = [self._orders.lie(act, how) if lies else self._orders.pay(act) for act in acts]
        told = tell(order, [act.reference for act in acts], made, self._notifier.send_all)
        paid = 0 if lies else sum(act.code == "00" for act in acts if act.reference not in told["skipped"])
        return json_response({"paid": paid, **told})

    def _look_up(self, request: Request) -> Response:
        order = request.json()
        asked = {"MaDoiTac": PARTNER, "MaTraCuuTT": str(order["code"])}
        asked["MaXacThuc"] = "0" * 64 if order.get("as") == "forged" else signature.hash_of(asked, signature.LOOKUP)
        answer = requests.post(self._lookup_url, json=asked, timeout=LOOKUP_TIMEOUT_S)
        return json_response({"status": answer.status_code, "answer": answer.json() if answer.ok else None})

    def _insist(self, request: Request) -> Response:
        order = request.json()
        self._orders.insist_on[order["operation"]].extend(str(code) for code in order["codes"])
        return json_response({})
