"""Starts Zalo: the token service and ZNS on one port; templates and accounts are the sandbox's own.

A message is known by its tracking_id: effects of operation `message`. `renewal` counts tokens.
Control calls of its own:
    POST /_control/insist   {"operation": "message", "codes": [-118, …]}: the next sends get these answers, HTTP 200
    POST /_control/revoke   {}: the access token is good no more, and the next send hears -124
    POST /_control/deliver  {"tracking_ids": […], "at": ISO or absent, "as": "usual"|"forged"|"twice"}: webhooks
                            "user_received_message"; answers {"notified": {"accepted"|"refused"|"unreachable": n}}
Fault operations: "message" and "token" (as sandbox/faults.py). Numbers that end in 000 have no Zalo account.
"""

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sandbox.faults import Faults
from sandbox.http import HttpServer, Request, Response, json_response
from sandbox.serve import Running
from sandbox.state import State
from sandbox.zalo.oauth import APP_ID, SECRET_KEY, Oauth
from sandbox.zalo.webhook import OA_SECRET, tell

TOKEN_PATH, SEND_PATH = "/v4/oa/access_token", "/message/template"
OPERATIONS = {TOKEN_PATH: "token", SEND_PATH: "message"}
KINDS = (
    "received", "supplement", "ready", "submitted", "not_accepted", "supplement_received", "financial_duty",
    "withdrawn", "refused", "returned", "due_moved", "late_apology", "fee_due", "fee_reminder", "payment_confirmed",
    "payment_failed", "payment_in_doubt", "refunded", "receipt_issued", "postal_ordered", "shipment_sent",
    "shipment_failed", "result_reminder", "survey",
)  # fmt: skip
TEMPLATES = {kind: str(100_000 + number) for number, kind in enumerate(KINDS, start=1)}


def start(port: int, home: Path, hub_url: str) -> Running:
    """Start Zalo; `hub_url` is where its webhooks go, and the hub's token lies under `home`."""
    state, faults = State(home / "state.sqlite"), Faults()
    oauth = Oauth(state)
    token_file = (home / "hub_token.json").resolve()
    oauth.grant(token_file)
    service = _Zns(state, oauth, f"{hub_url}/partners/zalo/event")
    http = HttpServer(
        "zalo",
        port,
        handle=service.handle,
        operation_of=lambda request: OPERATIONS.get(request.path, ""),
        state=state,
        faults=faults,
        control=service.control(),
    )

    def close() -> None:
        http.close()
        state.close()

    return Running("zalo", http.port, http.url, _connection(http.url, token_file), close)


def _connection(url: str, token_file: Path) -> dict[str, Any]:
    return {
        "conn_type": "truc_zalo",
        "host": url,
        "login": APP_ID,
        "password": SECRET_KEY,
        "extra": {
            "oauth_host": url,
            "token_file": str(token_file),
            "template_ids": ", ".join(f"{kind}={number}" for kind, number in TEMPLATES.items()),
            "oa_secret": OA_SECRET,
        },
    }


@dataclass(slots=True)
class _Zns:
    state: State
    oauth: Oauth
    webhook_url: str
    _codes: list[int] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def handle(self, request: Request) -> Response:
        if (request.method, request.path) == ("POST", TOKEN_PATH):
            return self.oauth.renew(request)
        if (request.method, request.path) != ("POST", SEND_PATH):
            return Response(404)
        if (code := self._insisted()) is not None:
            return _answer(code, "said by the stand-in")
        if not self.oauth.knows(request.headers.get("access_token", "")):
            return _answer(-124, "Access token invalid")
        return self._sent(request)

    def control(self) -> dict[tuple[str, str], Any]:
        return {
            ("POST", "/_control/insist"): self._insist,
            ("POST", "/_control/revoke"): self._revoke,
            ("POST", "/_control/deliver"): self._deliver,
        }

    def _sent(self, request: Request) -> Response:
        try:
            asked = dict(request.json())
            phone, template, tracking = (str(asked[name]) for name in ("phone", "template_id", "tracking_id"))
            data = dict(asked["template_data"])
        except (ValueError, KeyError, TypeError):
            return _answer(-111, "Template data empty")
        if not (phone.isdecimal() and phone.startswith("84") and len(phone) == 11):
            return _answer(-108, "Phone number invalid")
        if template not in TEMPLATES.values():
            return _answer(-109, "Template ID invalid")
        if not data:
            return _answer(-111, "Template data empty")
        if phone.endswith("000"):
            return _answer(-118, "Zalo account not existed")
        # Neither number nor text: a stand-in's books outlive a demo.
        kept = {"template_id": template, "phone": sha256(phone.encode()).hexdigest()}
        self.state.record("message", tracking, kept, key=kept["phone"])
        return json_response({"error": 0, "message": "Success", "data": {"msg_id": _message_id(tracking)}})

    def _insisted(self) -> int | None:
        with self._lock:
            return self._codes.pop(0) if self._codes else None

    def _insist(self, request: Request) -> Response:
        with self._lock:
            self._codes.extend(int(one) for one in request.json()["codes"])
        return json_response({})

    def _revoke(self, _request: Request) -> Response:
        self.oauth.revoke()
        return json_response({})

    def _deliver(self, request: Request) -> Response:
        order = request.json()
        at = datetime.fromisoformat(order["at"]) if order.get("at") else datetime.now(UTC)
        notified: Counter[str] = Counter()
        for one in order["tracking_ids"]:
            notified += tell(self.webhook_url, _message_id(one), one, at=at, how=order.get("as", "usual"))
        return json_response({"notified": notified})


def _message_id(tracking_id: str) -> str:
    return sha256(tracking_id.encode()).hexdigest()[:20]


def _answer(code: int, message: str) -> Response:
    return json_response({"error": code, "message": message})
