"""The stand-in for MyVNPost's partner API: logs an account in, and answers about orders by code.

Served with and without `/customer-partner`. Fault operations: `my_token`, `my_order`. Control calls of its own:

    POST /_control/my_order   {"saleOrderCode": "…", "status": 14, …}   sets fields of an order, or makes one
    POST /_control/my_form    {"form": "object"|"list"}   how answers look from now on; both are seen
    POST /_control/my_paths   {"prefix": ""|"/customer-partner"}   paths of the other kind are 404 from now on
    POST /_control/my_strays  answers hold every order from now on, whatever code was asked
    POST /_control/my_busy    {"times": 1, "wait_s": 5}   the next calls are answered 429
    POST /_control/my_expire  ends every token
    GET  /_control/one_by_one   the settings of a hub that asks about parcels one by one, and the fault's operation

An order moves as its parcel does at the bus, in MyVNPost's own words.
"""

import secrets
import threading
import zlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from sandbox.http import Handle, Request, Response, json_response
from sandbox.state import State

PREFIXES = ("", "/customer-partner")
# Made up for the sandbox; no account anywhere has these.
USERNAME, PASSWORD = "sandbox-my", "sandbox-my-secret"
VIETNAM = timezone(timedelta(hours=7))
ON_THE_WAY = {1: 1, 2: 2, 3: 14, 4: 9}  # the bus's collection state → MyVNPost's status
NAMES = {1: "Đã tạo", 2: "Nhận thu gom", 9: "Hủy thu gom", 14: "Phát thành công", 19: "Đã chuyển hoàn"}


@dataclass(slots=True)
class MyDesk:
    """The account's orders, its tokens, and how the next answers look."""

    state: State
    customer: str
    tokens: set[str] = field(default_factory=set)
    busy: list[int] = field(default_factory=list)  # seconds to wait, one of each call to come
    form: str = "object"
    prefixes: tuple[str, ...] = PREFIXES
    strays: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def routes(self) -> dict[tuple[str, str], tuple[str, Handle]]:
        """Return its calls, by method and path, with their fault operations."""
        calls = {("POST", "GetAccessToken"): ("my_token", self.log_in), ("GET", "getOrder"): ("my_order", self.order)}
        return {(method, f"{prefix}/{name}"): one for prefix in PREFIXES for (method, name), one in calls.items()}

    def control(self) -> dict[tuple[str, str], Handle]:
        """Return its control calls."""
        return {
            ("POST", "/_control/my_order"): self.set_order,
            ("POST", "/_control/my_form"): self.set_form,
            ("POST", "/_control/my_paths"): self.set_paths,
            ("POST", "/_control/my_strays"): self.stray,
            ("POST", "/_control/my_busy"): self.be_busy,
            ("POST", "/_control/my_expire"): self.expire,
            ("GET", "/_control/one_by_one"): self.one_by_one,
        }

    def take(self, number: str, *, sender_code: str) -> None:
        """Have an order of this number from now on."""
        at = datetime.now(VIETNAM).strftime("%d/%m/%Y %H:%M:%S")
        order = {
            "itemCode": f"SB{zlib.crc32(number.encode()) % 10**9:09d}VN",
            "originalItemCode": None,
            "saleOrderCode": number,
            "senderCode": sender_code,
            "status": 1,
            "statusName": NAMES[1],
            "totalFee": 23_000,
            "updatedDate": at,
        }
        self.state.put("my_order", f"{sender_code}/{number}", order)

    def follow(self, number: str, collection_state: int, at: datetime) -> None:
        """Have the account's order stand where its parcel does; a state MyVNPost has no word for changes nothing."""
        status = ON_THE_WAY.get(collection_state)
        name = f"{self.customer}/{number}"
        if status is None:
            return
        if self.state.get("my_order", name) is None:
            self.take(number, sender_code=self.customer)
        stands = {"status": status, "statusName": NAMES[status], "updatedDate": at.strftime("%d/%m/%Y %H:%M:%S")}
        self.state.put("my_order", name, {**(self.state.get("my_order", name) or {}), **stands})

    def log_in(self, request: Request) -> Response:
        """Give a token for the right name, password and customer code."""
        if (instead := self._instead(request)) is not None:
            return instead
        if request.json() != {"username": USERNAME, "password": PASSWORD, "customerCode": self.customer}:
            return json_response({"success": False, "token": "of nobody"})
        value = secrets.token_hex(16)
        with self.lock:
            self.tokens.add(value)
        self.state.record("my_token", "token", {})
        return json_response({"success": True, "token": value})

    def order(self, request: Request) -> Response:
        """Answer every sender's orders of a code."""
        if (instead := self._instead(request)) is not None:
            return instead
        with self.lock:
            if request.headers.get("token") not in self.tokens:
                return Response(401)
        code = request.query.get("code", "")
        found = [one.data for one in self.state.effects("my_order") if self.strays or code in _codes(one.data)]
        answer = {"results": found if request.query.get("type") == "1" else []}
        return json_response(answer if self.form == "object" else [answer])

    def set_order(self, request: Request) -> Response:
        """Set fields of an order; without one of that sender and code, there is one then."""
        wanted = {"senderCode": self.customer, **request.json()}
        name = f"{wanted['senderCode']}/{wanted['saleOrderCode']}"
        if self.state.get("my_order", name) is None:
            self.take(wanted["saleOrderCode"], sender_code=wanted["senderCode"])
        self.state.put("my_order", name, {**(self.state.get("my_order", name) or {}), **wanted})
        return json_response({})

    def set_form(self, request: Request) -> Response:
        """Answer an object, or a list of one."""
        self.form = str(request.json()["form"])
        return json_response({})

    def set_paths(self, request: Request) -> Response:
        """Serve one kind of paths only."""
        self.prefixes = (str(request.json()["prefix"]),)
        return json_response({})

    def stray(self, _request: Request) -> Response:
        """Answer every order to any code."""
        self.strays = True
        return json_response({})

    def be_busy(self, request: Request) -> Response:
        """Answer the next calls 429."""
        wanted = request.json()
        with self.lock:
            self.busy.extend([int(wanted.get("wait_s", 5))] * int(wanted["times"]))
        return json_response({})

    def expire(self, _request: Request) -> Response:
        """End every token."""
        with self.lock:
            self.tokens.clear()
        return json_response({})

    def one_by_one(self, _request: Request) -> Response:
        """Tell how a hub comes to ask here, and which operation its questions are."""
        return json_response({"settings": {"api": "my_vnpost"}, "operation": "my_order"})

    def _instead(self, request: Request) -> Response | None:
        """Return the 404 of a path that is not served, or the 429 that was ordered."""
        if request.path.rpartition("/")[0] not in self.prefixes:
            return Response(404)
        with self.lock:
            return Response(429, headers={"Retry-After": str(self.busy.pop(0))}) if self.busy else None


def connection(url: str) -> dict[str, Any]:
    """Return the settings by which the hub reaches it; `api` says whether it does."""
    return {"my_host": url, "my_login": USERNAME, "my_password": PASSWORD, "my_prefix": PREFIXES[1]}


def _codes(order: dict[str, Any]) -> tuple[Any, ...]:
    return order["saleOrderCode"], order["itemCode"], order["originalItemCode"]
