"""Starts VNPT's gateway: the form that opens MegaPay, the INIT API, and the control calls by which citizens pay.

MegaPay takes a form by POST at /pg/pay. A test that opens an address by GET has no browser to post it with: GET
/browser does what the browser would do on our page, and posts the form of its query. The path /pg/pay and all codes are
the stand-in's own, since none is published.

Control calls of its own:
    POST /_control/pay       {"orders": [{"reference", "code": "S_PAID", "at": ISO}], "notify": true, "as": "usual"}:
                             the citizens act, the notifications are sent; answers {paid, skipped, notified}.
                             "as" twice: each notification two times; forged, other_amount, unknown_order: only such a
                             notification is sent, the order stays as it is
    GET  /_control/payments  [{reference, amount_vnd, state, times}]
    POST /_control/insist    {"operation": "create", "codes": ["S_FORM", …]}: the next orders are answered with these
Fault operations: "create" (as sandbox/faults.py), "notify" (refuse, twice).
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args
from urllib.parse import parse_qsl

from sandbox.acts import tell
from sandbox.faults import Faults
from sandbox.http import HttpServer, Request, Response, json_response
from sandbox.serve import Running
from sandbox.state import State
from sandbox.vnptpay.notify import Notifier
from sandbox.vnptpay.orders import WRONG_FORM, Act, Lie, Orders
from sandbox.vnptpay.signature import API_KEY, ENCODE_KEY, FAILED, MERCHANT, PAID, TAKEN

PAY, BROWSER, INIT, INIT_PAGE = "/pg/pay", "/browser", "/init", "/init/page"


def start(port: int, home: Path, hub_url: str) -> Running:
    """Start the gateway; `hub_url` is where its notifications go."""
    state, faults = State(home / "state.sqlite"), Faults()
    notifier = Notifier(f"{hub_url}/partners/vnptpay/notification", state, faults)
    gateway = _Gateway(Orders(state), notifier)
    http = HttpServer(
        "vnptpay",
        port,
        handle=gateway.handle,
        operation_of=lambda request: "create" if request.path in (PAY, BROWSER, INIT) else "",
        state=state,
        faults=faults,
        control=gateway.control(),
    )
    gateway.url = http.url

    def close() -> None:
        http.close()
        notifier.close()
        state.close()

    return Running("vnptpay", http.port, http.url, _connection(http.url, hub_url), close)


def _connection(url: str, hub_url: str) -> dict[str, Any]:
    return {
        "conn_type": "truc_vnptpay",
        "host": url,
        "login": MERCHANT,
        "password": ENCODE_KEY,
        "extra": {
            "api": "megapay",
            "path": PAY,
            "paid_code": PAID,
            "failed_codes": FAILED,
            "pay_page": f"{url}{BROWSER}",
            "return_url": f"{hub_url}/partners/vnptpay/browser_return",
            "notification_url": f"{hub_url}/partners/vnptpay/notification",
            "req_domain": hub_url,
            "api_key": API_KEY,
            "success_code": TAKEN,
        },
    }


class _Gateway:
    def __init__(self, orders: Orders, notifier: Notifier) -> None:
        self._orders, self._notifier = orders, notifier
        self.url = ""

    def handle(self, request: Request) -> Response:
        match request.method, request.path:
            case "POST", path if path == PAY:
                return self._opened(dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)))
            case "GET", path if path == BROWSER:
                return self._opened({name: value for name, value in request.query.items() if name != "seal"})
            case "POST", path if path == INIT:
                return self._init(request)
            case "GET", path if path == INIT_PAGE:
                return Response(200, b"<!doctype html><title>VNPT Pay</title>", "text/html; charset=utf-8")
            case _:
                return Response(404)

    def control(self) -> dict[tuple[str, str], Any]:
        return {
            ("POST", "/_control/pay"): self._pay,
            ("GET", "/_control/payments"): lambda _: json_response(self._orders.payments()),
            ("POST", "/_control/insist"): self._insist,
        }

    def _opened(self, form: dict[str, str]) -> Response:
        code = self._orders.open(form)
        if code:
            return Response(302, headers={"Location": f"/pg/error?code={code}"})
        return Response(200, b"<!doctype html><title>MegaPay</title>", "text/html; charset=utf-8")

    def _init(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {API_KEY}":
            return Response(401)
        try:
            asked = {str(name): str(value) for name, value in json.loads(request.body).items()}
        except (ValueError, AttributeError):
            return json_response({"RESPONSE_CODE": WRONG_FORM})
        code = self._orders.init(asked)
        page = {"REDIRECT_URL": f"{self.url}{INIT_PAGE}?order={asked['MERCHANT_ORDER_ID']}"} if code == TAKEN else {}
        return json_response({"RESPONSE_CODE": code, **page})

    def _pay(self, request: Request) -> Response:
        order, now = request.json(), datetime.now(UTC).isoformat()
        acts = [Act(one["reference"], str(one.get("code") or PAID), one.get("at") or now) for one in order["orders"]]
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
