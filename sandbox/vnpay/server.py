"""Starts VNPAY: the pay page, the API of querydr and refund, and the control calls by which citizens pay.

An order stands here once its pay address was opened (GET), and not before. The wall clock expires nothing, so that a
day of the past can be played; a citizen who lets an order expire acts with code 11.

Control calls of its own:
    POST /_control/pay       {"orders": [{"reference", "code": "00", "at": ISO}], "notify": true, "as": "usual"}: the
                             citizens act, VNPAY sends the IPNs; answers {paid, skipped, notified: {how: n}}.
                             "as" twice: each IPN two times; forged, other_amount, unknown_order: only such an IPN
                             is sent, the order stays as it is
    GET  /_control/payments  [{reference, amount_vnd, state, times}]
    POST /_control/insist    {"operation": "create", "codes": ["70", …]}: the next answers to it carry these codes
                             (create, query, refund)
Fault operations: "create" (the pay page), "query", "refund" (as sandbox/faults.py), "notify" (refuse, twice).
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from sandbox.acts import tell
from sandbox.faults import Faults
from sandbox.http import HttpServer, Request, Response, json_response
from sandbox.serve import Running
from sandbox.state import State
from sandbox.vnpay.notify import Notifier
from sandbox.vnpay.orders import Act, Lie, Orders
from sandbox.vnpay.signature import SECRET, TERMINAL

PAY, API, ERROR = "/paymentv2/vpcpay.html", "/merchant_webapi/api/transaction", "/paymentv2/Payment/Error.html"
OPERATIONS = {"querydr": "query", "refund": "refund"}


def start(port: int, home: Path, hub_url: str) -> Running:
    """Start VNPAY; `hub_url` is where its IPNs go."""
    state, faults = State(home / "state.sqlite"), Faults()
    notifier = Notifier(f"{hub_url}/partners/vnpay/ipn", state, faults)
    gateway = _Gateway(Orders(state), notifier)
    http = HttpServer(
        "vnpay",
        port,
        handle=gateway.handle,
        operation_of=_operation_of,
        state=state,
        faults=faults,
        control=gateway.control(),
    )

    def close() -> None:
        http.close()
        notifier.close()
        state.close()

    return Running("vnpay", http.port, http.url, _connection(http.url, hub_url), close)


def _connection(url: str, hub_url: str) -> dict[str, Any]:
    return {
        "conn_type": "truc_vnpay",
        "host": url,
        "login": TERMINAL,
        "password": SECRET,
        "extra": {
            "pay_url": f"{url}{PAY}",
            "return_url": f"{hub_url}/partners/vnpay/browser_return",
            "ip_address": "127.0.0.1",
        },
    }


def _operation_of(request: Request) -> str:
    if request.path == PAY:
        return "create"
    return OPERATIONS.get(_asked(request).get("vnp_Command", ""), "") if request.path == API else ""


def _asked(request: Request) -> dict[str, Any]:
    try:
        return dict(request.json())
    except (ValueError, TypeError):
        return {}


class _Gateway:
    def __init__(self, orders: Orders, notifier: Notifier) -> None:
        self._orders, self._notifier = orders, notifier

    def handle(self, request: Request) -> Response:
        if (request.method, request.path) == ("GET", PAY):
            return self._page(request)
        if (request.method, request.path) != ("POST", API):
            return Response(404)
        operation = _operation_of(request)
        if not operation:
            return json_response({"vnp_ResponseCode": "03", "vnp_Message": "Refused"})
        answer = self._orders.query if operation == "query" else self._orders.refund
        return json_response(answer(_asked(request)))

    def control(self) -> dict[tuple[str, str], Any]:
        return {
            ("POST", "/_control/pay"): self._pay,
            ("GET", "/_control/payments"): lambda _: json_response(self._orders.payments()),
            ("POST", "/_control/insist"): self._insist,
        }

    def _page(self, request: Request) -> Response:
        code = self._orders.open(request.query)
        if code:
            return Response(302, headers={"Location": f"{ERROR}?code={code}"})
        return Response(200, b"<!doctype html><title>VNPAY</title>", "text/html; charset=utf-8")

    def _pay(self, request: Request) -> Response:
        order, now = request.json(), datetime.now(UTC).isoformat()
        acts = [Act(one["reference"], str(one.get("code") or "00"), one.get("at") or now) for one in order["orders"]]
        if any(datetime.fromisoformat(act.at).tzinfo is None for act in acts):
            return json_response({"error": "at must carry its zone, such as +07:00"}, 400)
        how = order.get("as", "usual")
        lies = how in get_args(Lie)
        made = [self._orders.lie(act, how) if lies else self._orders.pay(act) for act in acts]
        told = tell(order, [act.reference for act in acts], made, self._notifier.send_all)
        return json_response({"paid": 0 if lies else len(acts) - len(told["skipped"]), **told})

    def _insist(self, request: Request) -> Response:
        order = request.json()
        self._orders.insist_on[order["operation"]].extend(str(code) for code in order["codes"])
        return json_response({})
