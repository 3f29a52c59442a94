"""The stand-in for VNPost's public-administration service: takes orders, answers prices, lets parcels move.

Effects: operation `order`, by OrderNumber; a repeated number is counted (times 2) and answered as refused.
Tracking items are kept as operation `tracking`, one per change of state. Control calls of its own:

    POST /_control/advance   {"orders": ["…"] (left out: all), "statusCode": 3}   adds tracking items
    POST /_control/expire    ends every token at once
    POST /_control/clock     {"behind_s": 0}   tracking items are written as so many seconds ago
    POST /_control/plant     {"feed": "tracking", "name": OrderNumber}   a parcel of that number is handed in
    POST /_control/answers   {"body": {…}, "times": 1}   the next orders get this answer without an effect
    POST /_control/prices    {"inside_vnd": 23000, "outside_vnd": 31500}   the tariff from now on

A parcel can be cancelled until a postman has it (statusCode 2); operation `cancel`, by orderNumber. MyVNPost, which
is asked about orders by code, stands in sandbox/vnpost/my_vnpost.py.
"""

import base64
import itertools
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from sandbox.faults import Faults
from sandbox.http import Handle, HttpServer, Request, Response, json_response
from sandbox.serve import Running
from sandbox.state import State
from sandbox.vnpost import my_vnpost
from sandbox.vnpost.my_vnpost import MyDesk

TOKEN, ORDER = "/token", "/apiVNPostNGSP/p1.0/order/post"
TRACKING, PRICE = "/apiVNPostNGSP/p1.0/order/tracking", "/apiVNPostNGSP/p1.0/price/hcc"
CANCEL = "/apiVNPostNGSP/p1.0/order/cancel"
COLLECTING, CANCELLED = 2, 4
# Made up for the sandbox; no account anywhere has these.
CLIENT_ID, CLIENT_SECRET, CUSTOMER = "sandbox-client", "sandbox-secret", "SANDBOX_HCC"
TOKEN_LIFE_S = 3600
MESSAGES = {0: "Chưa thu gom", 1: "Đã đăng ký", 2: "Đang thu gom", 3: "Đã phát", 4: "Đã hủy"}
INSIDE_VND, OUTSIDE_VND = 23_000, 31_500  # per dossier, inside and outside the province
TEXTS = (
    "CustomerCode",
    "OrderNumber",
    "SenderAddress",
    "SenderName",
    "SenderTel",
    "ReceiverName",
    "ReceiverAddress",
    "ReceiverTel",
)
NUMBERS = ("CODAmount", "SenderProvince", "SenderDistrict", "ReceiverProvince", "ReceiverDistrict")


@dataclass(slots=True)
class _Desk:
    """The post office: its books, its tokens, and the answers it was told to give."""

    state: State
    mine: MyDesk
    tokens: dict[str, float] = field(default_factory=dict)
    planned: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    behind_s: float = 0.0
    prices: tuple[int, int] = (INSIDE_VND, OUTSIDE_VND)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def token(self, request: Request) -> Response:
        """Give a token for the right client id and secret."""
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            return json_response({"error": "invalid_client"}, 401)
        if parse_qs(request.body.decode()).get("grant_type") != ["client_credentials"]:
            return json_response({"error": "unsupported_grant_type"}, 400)
        value = secrets.token_hex(16)
        with self.lock:
            self.tokens[value] = time.monotonic() + TOKEN_LIFE_S
        self.state.record("token", "token", {})
        return json_response({"access_token": value, "token_type": "Bearer", "expires_in": TOKEN_LIFE_S})

    def knows(self, request: Request) -> bool:
        """Say whether the call carries a token of ours that has not ended."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        with self.lock:
            return scheme == "Bearer" and self.tokens.get(value, 0.0) > time.monotonic()

    def order(self, request: Request) -> Response:
        """Take one order."""
        with self.lock:
            if self.planned:
                return json_response(self.planned.pop(0))
            order = _object(request.body)
            complaint = _complaint(order)
            if complaint:
                return json_response({"Status": "0", "Message": complaint})
            number = str(order["OrderNumber"])
            kept = {"CODAmount": order["CODAmount"], "Description": order.get("Description", "")}
            if self.state.record("order", number, kept, key=number) > 1:
                return json_response({"Status": "0", "Message": "OrderNumber đã tồn tại"})
            self.move(number, 1)
        return json_response({"Status": "1", "Message": "Thành công"})

    def cancel(self, request: Request) -> Response:
        """Cancel a parcel no postman has yet; one that is cancelled or collected is refused."""
        asked = _object(request.body)
        number = str(asked.get("orderNumber", ""))
        with self.lock:
            stands = self.stands().get(number)
            if asked.get("customerCode") != CUSTOMER or stands is None:
                return json_response({"Status": "0", "Message": "Không tìm thấy đơn"})
            if stands >= COLLECTING:
                return json_response({"Status": "0", "Message": "Không hủy được đơn"})
            self.state.record("cancel", number, {}, key=number)
            self.move(number, CANCELLED)
        return json_response({"Status": "1", "Message": "Thành công"})

    def stands(self) -> dict[str, int]:
        """Return the last code of every parcel."""
        return {one.data["orderNumber"]: one.data["statusCode"] for one in self.state.effects("tracking")}

    def move(self, number: str, code: int) -> None:
        """Add one tracking item. Its id is an ObjectId: time, then a number that only grows."""
        with self.lock:
            identifier = f"{int(time.time() - self.behind_s):08x}{next(self.numbers):016x}"
            item = {"orderNumber": number, "statusCode": code, "statusMessage": MESSAGES.get(code, "Khác")}
            self.state.put("tracking", identifier, {"_id": {"$oid": identifier}, **item})
            self.mine.follow(number, code, datetime.fromtimestamp(time.time() - self.behind_s, my_vnpost.VIETNAM))

    def tracking(self, request: Request) -> Response:
        """Answer the items after lastId, oldest first."""
        size = min(int(request.query.get("pagesize", "20")), 1000)
        last = request.query.get("lastId", "")
        known = sorted(effect.external_id for effect in self.state.effects("tracking"))
        found = [self.state.get("tracking", one) for one in known if one > last][:size]
        return json_response({"_embedded": {"rh:doc": found}, "_returned": len(found)})

    def price(self, request: Request) -> Response:
        """Answer the tariff per dossier."""
        question = _object(request.body)
        sender, receiver = question.get("sender", {}), question.get("receiver", {})
        whole = all(isinstance(end.get(name), int) for end in (sender, receiver) for name in ("provCode", "distCode"))
        if question.get("mainSrv") != "HCC" or not whole:
            return json_response({"content": None, "message": "Sai tham số"}, 400)
        inside_vnd, outside_vnd = self.prices
        inside = sender["provCode"] == receiver["provCode"]
        return json_response({"content": {"price": str(inside_vnd if inside else outside_vnd)}})

    def set_prices(self, request: Request) -> Response:
        """Have another tariff from now on."""
        wanted = request.json()
        self.prices = int(wanted["inside_vnd"]), int(wanted["outside_vnd"])
        return json_response({})

    def advance(self, request: Request) -> Response:
        """Move parcels on to a state, those that are not in it yet."""
        wanted = request.json()
        last = self.stands()
        orders = wanted.get("orders") or [effect.external_id for effect in self.state.effects("order")]
        moved = [number for number in orders if last.get(number) != wanted["statusCode"]]
        for number in moved:
            self.move(number, wanted["statusCode"])
        return json_response({"moved": len(moved)})

    def plant(self, request: Request) -> Response:
        """Have a parcel handed in."""
        self.move(str(request.json()["name"]), 1)
        return json_response({})

    def expire(self, _request: Request) -> Response:
        """End every token."""
        with self.lock:
            self.tokens.clear()
        return json_response({})

    def set_clock(self, request: Request) -> Response:
        """Write the next tracking items as in the past."""
        with self.lock:
            self.behind_s = float(request.json()["behind_s"])
        return json_response({})

    def plan(self, request: Request) -> Response:
        """Keep an ordered answer."""
        wanted = request.json()
        with self.lock:
            self.planned.extend([wanted["body"]] * int(wanted.get("times", 1)))
        return json_response({})


def start(port: int, home: Path, hub_url: str) -> Running:  # noqa: ARG001  (this party never calls the hub)
    """Start the stand-in."""
    state = State(home / "state.sqlite")
    desk = _Desk(state, MyDesk(state, CUSTOMER))
    desk.numbers = itertools.count(len(state.effects("tracking")) + 1)
    routes: dict[tuple[str, str], tuple[str, Handle]] = {
        ("POST", TOKEN): ("token", desk.token),
        ("POST", ORDER): ("order", desk.order),
        ("POST", CANCEL): ("cancel", desk.cancel),
        ("GET", TRACKING): ("tracking", desk.tracking),
        ("POST", PRICE): ("price", desk.price),
    }
    of_mine = desk.mine.routes()

    def handle(request: Request) -> Response:
        called = (request.method, request.path)
        if called in of_mine:
            return of_mine[called][1](request)
        name, answer = routes.get(called, ("", None))
        if answer is None:
            return Response(404)
        return answer(request) if name == "token" or desk.knows(request) else Response(401)

    server = HttpServer(
        "vnpost",
        port,
        handle=handle,
        operation_of=lambda request: (routes | of_mine).get((request.method, request.path), ("", None))[0],
        state=state,
        faults=Faults(),
        control={
            ("POST", "/_control/advance"): desk.advance,
            ("POST", "/_control/plant"): desk.plant,
            ("POST", "/_control/expire"): desk.expire,
            ("POST", "/_control/answers"): desk.plan,
            ("POST", "/_control/clock"): desk.set_clock,
            ("POST", "/_control/prices"): desk.set_prices,
            **desk.mine.control(),
        },
    )

    def close() -> None:
        server.close()
        state.close()

    return Running("vnpost", server.port, server.url, _connection(server.url), close)


def _connection(url: str) -> dict[str, Any]:
    extra = {
        "customer_code": CUSTOMER,
        "centre_phone": "02580000000",
        "token_path": TOKEN,
        "order_path": ORDER,
        "tracking_path": TRACKING,
        "price_path": PRICE,
        "cancel_path": CANCEL,
        **my_vnpost.connection(url),
    }
    return {
        "conn_type": "truc_vnpost",
        "host": url,
        "login": CLIENT_ID,
        "password": CLIENT_SECRET,
        "extra": extra,
    }


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {}


def _complaint(order: dict[str, Any]) -> str:
    """Return the first complaint, or "" for none."""
    for name in TEXTS:
        if not isinstance(order.get(name), str) or not order[name].strip():
            return f"Thiếu {name}"
    for name in NUMBERS:
        if not isinstance(order.get(name), int) or order[name] < 0:
            return f"Sai {name}"
    if order["CustomerCode"] != CUSTOMER:
        return "Sai CustomerCode"
    return "Sai SenderProvince" if 0 in (order["SenderProvince"], order["ReceiverProvince"]) else ""
