"""Starts MoMo: the payment gateway, and the control calls by which citizens pay.

Control calls of its own:
    POST /_control/pay               {"orders": [{"reference", "code": 0, "at": ISO}], "notify": true, "as": "usual"}:
                                     the citizens act, MoMo sends the IPNs; answers {paid, skipped, notified: {how: n}}.
                                     "as" twice: each IPN two times; forged, other_amount, unknown_order: only such
                                     an IPN is sent, the order stays as it is
    POST /_control/statement_breaks  {"drop": [orderId], "amount": {orderId: n}, "add": [{orderId, transId,
                                     amount, at}], "wrong_total": true}: what the statement tells wrongly
    GET  /_control/payments          [{reference, amount_vnd, state, times, …}]
    POST /_control/insist            {"operation": "create", "codes": [n, …]}: the next answers to it carry these codes
                                     (create, query, refund; "query" is the question about a refund too)
Fault operations: "create", "query", "refund", "statement" (as sandbox/faults.py), "notify" (refuse, twice).
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from sandbox.acts import tell
from sandbox.faults import Faults
from sandbox.http import HttpServer, Request, Response, json_response
from sandbox.momo import signature
from sandbox.momo.gateway import Books, Lie
from sandbox.momo.notify import Notifier
from sandbox.momo.signature import ACCESS_KEY, PARTNER_CODE, SECRET_KEY
from sandbox.momo.statement import day_of, statement_bytes
from sandbox.serve import Running
from sandbox.state import State

CREATE, QUERY, STATEMENT = "/v2/gateway/api/create", "/v2/gateway/api/query", "/sandbox/statement/"
REFUND, REFUND_QUERY = "/v2/gateway/api/refund", "/sandbox/refund/query"
OPERATIONS = {CREATE: "create", QUERY: "query", REFUND: "refund", REFUND_QUERY: "query"}


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
            "refund_signed": signature.REFUND.replace(" ", ","),
            "refund_query_path": REFUND_QUERY,
        },
    }


def _operation_of(request: Request) -> str:
    if request.path.startswith(STATEMENT):
        return "statement"
    return OPERATIONS.get(request.path, "")


class _Wallet:
    def __init__(self, books: Books, notifier: Notifier, state: State) -> None:
        self._books, self._notifier, self._state = books, notifier, state

    def handle(self, request: Request) -> Response:
        operation = _operation_of(request)
        if operation == "statement" and request.method == "GET":
            return self._statement(request)
        if request.path not in OPERATIONS or request.method != "POST":
            return json_response({"message": "no such call"}, 404)
        try:
            asked = dict(request.json())
        except (ValueError, TypeError):
            return json_response({"resultCode": 20, "message": "Refused."})
        answer = {
            CREATE: self._books.create,
            QUERY: self._books.query,
            REFUND: self._books.refund,
            REFUND_QUERY: self._books.refund_query,
        }[request.path]
        return json_response(answer(asked))

    def control(self) -> dict[tuple[str, str], Any]:
        return {
            ("POST", "/_control/pay"): self._pay,
            ("POST", "/_control/statement_breaks"): self._plant,
            ("GET", "/_control/payments"): lambda _: json_response(self._books.payments()),
            ("POST", "/_control/insist"): self._insist,
        }

    def _pay(self, request: Request) -> Response:
        order, now = request.json(), datetime.now(UTC).isoformat()
        acts = [(one["reference"], int(one.get("code") or 0), one.get("at") or now) for one in order["orders"]]
        if any(datetime.fromisoformat(at).tzinfo is None for _, _, at in acts):
            return json_response({"error": "at must carry its zone, such as +07:00"}, 400)
        how = order.get("as", "usual")
        lies = how in get_args(Lie)
        made = [
            self._books.lie(name, how, code, at) if lies else self._books.pay(name, code, at) for name, code, at in acts
        ]
        told = tell(order, [name for name, _, _ in acts], made, self._notifier.send_all)
        return json_response({"paid": 0 if lies else len(acts) - len(told["skipped"]), **told})

    def _plant(self, request: Request) -> Response:
        self._state.put("statement_breaks", "all", request.json())
        return json_response({})

    def _insist(self, request: Request) -> Response:
        order = request.json()
        self._books.insist_on[order["operation"]].extend(int(code) for code in order["codes"])
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
