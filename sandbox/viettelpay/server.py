"""Starts ViettelPay: the pay page, TRANS_INQUIRY and REFUND_PAYMENT, and the control calls by which citizens pay.

An order stands here once its pay address was opened (GET), and not before. Before a citizen pays, the hub is asked
about the order (call `verify`); one that it does not confirm is not paid.

Control calls of its own:
    POST /_control/pay       {"orders": [{"reference", "code": "00"}], "notify": true, "as": "usual"}: the citizens act,
                             the hub is asked and told; answers {paid, skipped, notified: {how: n}}. No call names a
                             time, so "at" is taken and not used. With "notify": false the hub is not asked either.
                             "as" twice: each result two times; forged, other_amount, unknown_order: only such a result
                             is sent, the order stays as it is
    GET  /_control/payments  [{reference, amount_vnd, state, times}]
    POST /_control/insist    {"operation": "create", "codes": ["S3", …]}: the next answers to it carry these codes
                             (create, query, refund)
Fault operations: "create" (the pay page), "query", "refund" (as sandbox/faults.py), "notify" (refuse, twice).
"""

from pathlib import Path
from typing import Any, get_args
from urllib.parse import parse_qsl

from sandbox.acts import tell
from sandbox.faults import Faults
from sandbox.http import HttpServer, Request, Response, json_response
from sandbox.serve import Running
from sandbox.state import State
from sandbox.viettelpay.notify import Notifier
from sandbox.viettelpay.orders import NO_SUCH_ORDER, WRONG_FORM, Act, Lie, Orders
from sandbox.viettelpay.signature import ACCESS_CODE, MERCHANT, SECRET

PAY, API, ERROR = "/PaymentGateway/payment", "/PaymentAPI/webresources/postData", "/PaymentGateway/error"
OPERATIONS = {"TRANS_INQUIRY": "query", "REFUND_PAYMENT": "refund"}


def start(port: int, home: Path, hub_url: str) -> Running:
    """Start ViettelPay; `hub_url` is where its calls go."""
    state, faults = State(home / "state.sqlite"), Faults()
    notifier = Notifier(f"{hub_url}/partners/viettelpay", state, faults)
    gateway = _Gateway(Orders(state), notifier)
    http = HttpServer(
        "viettelpay",
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

    return Running("viettelpay", http.port, http.url, _connection(http.url, hub_url), close)


def _connection(url: str, hub_url: str) -> dict[str, Any]:
    return {
        "conn_type": "truc_viettelpay",
        "host": url,
        "login": MERCHANT,
        "password": SECRET,
        "extra": {
            "access_key": ACCESS_CODE,
            "algorithm": "HMAC-SHA1",
            "encoding": "base64",
            "callback_encoding": "hex",
            "return_url": f"{hub_url}/partners/viettelpay/browser_return",
            "absent_code": NO_SUCH_ORDER,
        },
    }


def _operation_of(request: Request) -> str:
    if request.path == PAY:
        return "create"
    return OPERATIONS.get(_asked(request).get("cmd", ""), "") if request.path == API else ""


def _asked(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


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
            return json_response({"error_code": WRONG_FORM, "error_msg": "refused"})
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
        return Response(200, b"<!doctype html><title>ViettelPay</title>", "text/html; charset=utf-8")

    def _pay(self, request: Request) -> Response:
        order = request.json()
        acts = [Act(one["reference"], str(one.get("code") or "00")) for one in order["orders"]]
        how, notify = order.get("as", "usual"), bool(order.get("notify", True))
        lies = how in get_args(Lie)
        made = [self._orders.lie(act, how) if lies else self._paid(act, ask=notify) for act in acts]
        told = tell(order, [act.reference for act in acts], made, self._notifier.send_all)
        return json_response({"paid": 0 if lies else len(acts) - len(told["skipped"]), **told})

    def _paid(self, act: Act, *, ask: bool) -> dict[str, str] | None:
        asked = self._orders.payable(act.reference)
        if asked is None or (ask and not self._notifier.confirmed(asked)):
            return None
        return self._orders.pay(act)

    def _insist(self, request: Request) -> Response:
        order = request.json()
        self._orders.insist_on[order["operation"]].extend(str(code) for code in order["codes"])
        return json_response({})
