"""Starts Ngân Lượng: the NVP interface, and the control calls by which citizens pay. It calls nobody back.

Control calls of its own:
    POST /_control/pay       {"orders": [{"reference", "code": "00"}]}: the citizens act; `code` is the
                             transaction_status the order ends with (00, 01, 02). Answers {paid, skipped, notified: {}}
    GET  /_control/payments  [{reference, amount_vnd, state, times}]
    POST /_control/insist    {"operation": "create", "codes": ["99", …]}: the next answers to it carry these codes
                             (create, query)
Fault operations: "create", "query" (as sandbox/faults.py).
"""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from sandbox.faults import Faults
from sandbox.http import HttpServer, Request, Response, json_response
from sandbox.nganluong.orders import MERCHANT, PASSWORD, RECEIVER, Fields, Orders
from sandbox.serve import Running
from sandbox.state import State

API = "/checkout.api.nganluong.post.php"
OPERATIONS = {"SetExpressCheckout": "create", "GetTransactionDetail": "query"}


def start(port: int, home: Path, hub_url: str) -> Running:
    """Start Ngân Lượng; `hub_url` is only where the citizens' browsers return to."""
    state, faults = State(home / "state.sqlite"), Faults()
    gateway = _Gateway(Orders(state))
    http = HttpServer(
        "nganluong",
        port,
        handle=gateway.handle,
        operation_of=_operation_of,
        state=state,
        faults=faults,
        control=gateway.control(),
    )

    def close() -> None:
        http.close()
        state.close()

    return Running("nganluong", http.port, http.url, _connection(http.url, hub_url), close)


def _connection(url: str, hub_url: str) -> dict[str, Any]:
    return {
        "conn_type": "truc_nganluong",
        "host": url,
        "login": MERCHANT,
        "password": PASSWORD,
        "extra": {
            "receiver_email": RECEIVER,
            "return_url": f"{hub_url}/paid",
            "cancel_url": f"{hub_url}/not-paid",
            "buyer_fullname": "Trung tâm hành chính công",
            "buyer_email": "mot-cua@khanhhoa.invalid",
            "buyer_mobile": "0258000000",
        },
    }


def _asked(request: Request) -> Fields:
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


def _operation_of(request: Request) -> str:
    if (request.method, request.path) != ("POST", API):
        return ""
    return OPERATIONS.get(_asked(request).get("function", ""), "")


class _Gateway:
    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    def handle(self, request: Request) -> Response:
        if (request.method, request.path) != ("POST", API):
            return Response(404)
        answer = {"create": self._orders.create, "query": self._orders.query}.get(_operation_of(request))
        return _xml({"error_code": "04"} if answer is None else answer(_asked(request)))

    def control(self) -> dict[tuple[str, str], Any]:
        return {
            ("POST", "/_control/pay"): self._pay,
            ("GET", "/_control/payments"): lambda _: json_response(self._orders.payments()),
            ("POST", "/_control/insist"): self._insist,
        }

    def _pay(self, request: Request) -> Response:
        acts = [(one["reference"], str(one.get("code") or "00")) for one in request.json()["orders"]]
        if any(status not in ("00", "01", "02") for _, status in acts):
            return json_response({"error": "code must be a transaction_status: 00, 01 or 02"}, 400)
        skipped = [name for name, status in acts if not self._orders.pay(name, status)]
        return json_response({"paid": len(acts) - len(skipped), "skipped": skipped, "notified": {}})

    def _insist(self, request: Request) -> Response:
        order = request.json()
        self._orders.insist_on[order["operation"]].extend(str(code) for code in order["codes"])
        return json_response({})


def _xml(said: Fields) -> Response:
    inside = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in said.items())
    document = f'<?xml version="1.0" encoding="utf-8"?>\n<result>{inside}</result>'
    return Response(200, document.encode(), "text/xml; charset=utf-8")
