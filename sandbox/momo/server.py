"""Starts MoMo: the payment gateway, and the control calls by which citizens pay.

Control calls of its own:
    POST /_control/pay               {"orders": [{"orderId", "resultCode": 0, "at": ISO}], "ipn": true}: the
                                     citizens act, MoMo sends the IPNs; answers {paid, skipped, ipn: {how: n}}
    POST /_control/statement_breaks  {"drop": [orderId], "amount": {orderId: n}, "add": [{orderId, transId,
                                     amount, at}], "wrong_total": true}: what the statement tells wrongly
    GET  /_control/payments          every order with its state
    POST /_control/insist            {"codes": [n, …]}: the next answers to create and query carry these codes
Fault operations: "create", "query", "statement" (as sandbox/faults.py), "ipn" (refuse, twice).
"""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.faults import Faults
from sandbox.http import HttpServer, Request, Response, json_response
from sandbox.momo import signature
from sandbox.momo.gateway import Books
from sandbox.momo.notify import Notifier
from sandbox.momo.signature import ACCESS_KEY, PARTNER_CODE, SECRET_KEY
from sandbox.momo.statement import day_of, statement_bytes
from sandbox.serve import Running
from sandbox.state import State

CREATE, QUERY, STATEMENT = "/v2/gateway/api/create", "/v2/gateway/api/query", "/sandbox/statement/"


def start(port: int, home: Path, hub_url: str) -> Running:
    """Start MoMo; `hub_url` is where its IPNs go."""
    state, faults = State(home / "state.sqlite"), Faults()
    notifier = Notifier(state, faults)
    wallet = _Wallet(Books(state), notifier, state)
    http = HttpServer(
        "momo",
        port,
        handle=wallet.handle,
        operation_of=_operation_of,
        state=state,
        faults=faults,
        control=wallet.control(),
    )

    def close() -> None:
        http.close()
        notifier.close()
        state.close()

    return Running("momo", http.port, http.url, _connection(http.url, hub_url), close)


def _connection(url: str, hub_url: str) -> dict[str, Any]:
    return {
        "conn_type": "truc_momo",
        "host": url,
        "login": PARTNER_CODE,
        "password": SECRET_KEY,
        "extra": {
            "access_key": ACCESS_KEY,
            "redirect_url": f"{hub_url}/paid",
            "ipn_url": f"{hub_url}/partners/momo/ipn",
            "statement_path": STATEMENT + "{day}",
        },
    }


def _operation_of(request: Request) -> str:
    if request.path.startswith(STATEMENT):
        return "statement"
    return {CREATE: "create", QUERY: "query"}.get(request.path, "")


class _Wallet:
    def __init__(self, books: Books, notifier: Notifier, state: State) -> None:
        self._books, self._notifier, self._state = books, notifier, state

    def handle(self, request: Request) -> Response:
        operation = _operation_of(request)
        if operation == "statement" and request.method == "GET":
            return self._statement(request)
        if operation not in ("create", "query") or request.method != "POST":
            return json_response({"message": "no such call"}, 404)
        try:
            asked = dict(request.json())
        except (ValueError, TypeError):
            return json_response({"resultCode": 20, "message": "Refused."})
        return json_response(self._books.create(asked) if operation == "create" else self._books.query(asked))

    def control(self) -> dict[tuple[str, str], Any]:
        return {
            ("POST", "/_control/pay"): self._pay,
            ("POST", "/_control/statement_breaks"): self._plant,
            ("GET", "/_control/payments"): lambda _: json_response(self._books.payments()),
            ("POST", "/_control/insist"): self._insist,
        }

    def _pay(self, request: Request) -> Response:
        order = request.json()
        now = datetime.now(UTC).isoformat()
        if any(datetime.fromisoformat(one.get("at") or now).tzinfo is None for one in order["orders"]):
            return json_response({"error": "at must carry its zone, such as +07:00"}, 400)
        made = [
            self._books.pay(one["orderId"], int(one.get("resultCode", 0)), one.get("at") or now)
            for one in order["orders"]
        ]
        ready = [ipn for ipn in made if ipn is not None]
        ends = self._notifier.send_all(ready) if order.get("ipn", True) else []
        skipped = [one["orderId"] for one, ipn in zip(order["orders"], made, strict=True) if ipn is None]
        return json_response({"paid": len(ready), "skipped": skipped, "ipn": Counter(ends)})

    def _plant(self, request: Request) -> Response:
        self._state.put("statement_breaks", "all", request.json())
        return json_response({})

    def _insist(self, request: Request) -> Response:
        self._books.insist_on.extend(request.json()["codes"])
        return json_response({})

    def _statement(self, request: Request) -> Response:
        day = request.path.removeprefix(STATEMENT)
        caller = {"day": day, "partnerCode": request.headers.get("x-partner-code", "")}
        shown = request.headers.get("x-signature", "")
        if caller["partnerCode"] != PARTNER_CODE or not signature.is_right(caller, signature.STATEMENT, shown):
            return Response(401)
        paid = self._books.paid()
        latest = max([day_of(one["at"]) for one in paid], default="")
        if day > max(latest, day_of(datetime.now(UTC).isoformat())):
            return Response(404)
        breaks = self._state.get("statement_breaks", "all") or {}
        too_much_vnd = 1_000 if breaks.get("wrong_total") else 0
        body = statement_bytes(PARTNER_CODE, day, paid, breaks, too_much_vnd=too_much_vnd)
        self._state.record("statement", day, {"bytes": len(body)})
        return Response(200, body, "text/csv; charset=utf-8")
