"""Orders parcels from VNPost's public-administration service, asks prices, follows parcels (partners.md 10)."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from connectors.vnpost import my_vnpost
from connectors.vnpost.my_vnpost import MyVnpost
from connectors.vnpost.token import Token
from truc.connections import Connection
from truc.envelope import Answer, Arrival, Envelope, Outgoing, Page, Receipt, digest_of
from truc.errors import MalformedError, OutcomeUnknownError, RejectedError, SetupError
from truc.manifest import Limits
from truc.transport.rest import Reply, Rest
from truc.trust import tls

PAGE_ITEMS = 100
PAGES_MAX = 1000
ASK_BACK_S = 7 * 86_400  # how far back an order is looked for in tracking when nobody says when it was sent
CLOCKS_APART_S = 3_600  # how far VNPost's clock may be behind ours
STATUS_CANCELLED = "4"  # collection state of tracking (partners.md 10.2)
OBJECT_ID = re.compile(r"[0-9a-f]{24}")


@dataclass(frozen=True, slots=True)
class Client:
    """One customer account. `asks`: the account of MyVNPost where parcels are followed and asked about, if it is so."""

    rest: Rest
    token: Token
    settings: dict[str, str]
    asks: MyVnpost | None = None

    def send_order(self, order: Outgoing) -> Receipt:
        """Order one parcel; the receipt has no name, as the answer is {Status, Message} only."""
        district = int(self.settings["district_code"])
        mapped = _object(order.body)
        ours = {
            "SenderTel": mapped.get("SenderTel") or self.settings["centre_phone"],
            "CustomerCode": self.settings["customer_code"],
            "SenderDistrict": district,
            "ReceiverDistrict": district,
        }
        body = json.dumps(mapped | ours, ensure_ascii=False).encode()
        try:
            reply = self._call("POST", self.settings["order_path"], body=body)
        except MalformedError as error:  # an answer over the limit: the order did arrive
            raise OutcomeUnknownError(f"{error}; ask by OrderNumber", reason="answer_unreadable") from error
        self._check(reply.body)
        return Receipt(external_id="", body=reply.body)

    def send_cancel(self, cancel: Outgoing) -> Receipt:
        """Cancel one order that is not collected yet; RejectedError where the post does not, or not any more."""
        asked = _object(cancel.body) | {"customerCode": self.settings["customer_code"]}
        try:
            reply = self._call("POST", self.settings["cancel_path"], body=json.dumps(asked).encode())
        except MalformedError as error:  # an answer over the limit: the wish did arrive
            raise OutcomeUnknownError(f"{error}; ask by orderNumber", reason="answer_unreadable") from error
        self._check(reply.body)
        return Receipt(external_id="", body=reply.body)

    def ask_cancel(self, cancel: Outgoing) -> Answer:
        """Say whether the order is cancelled: MyVNPost is asked by its number, or tracking since the send is read."""
        wanted = str(_object(cancel.body).get("orderNumber", ""))
        if self.asks is None:
            return self._found_in_tracking(cancel, wanted, STATUS_CANCELLED)
        return _cancelled_at(self.asks, wanted)

    def ask_order(self, order: Outgoing) -> Answer:
        """Say whether VNPost has the order's number: MyVNPost is asked by it, or tracking is read.

        Tracking is read from an hour before the send, seven days back where `published_at` is not given; NOT_SAID
        when that is more than PAGES_MAX pages.
        """
        wanted = str(_object(order.body).get("OrderNumber", ""))
        return self._found_in_tracking(order, wanted) if self.asks is None else _found_at(self.asks, wanted)

    @property
    def one_by_one(self) -> bool:
        """Whether parcels are asked about one by one, and not followed in tracking."""
        return self.asks is not None

    def get_parcel(self, order_number: str) -> bytes:
        """Return what MyVNPost says of an order beside whose it is; mappings.vnpost.parcel reads it.

        RejectedError ("not_found") where it has none of this code and our account; SetupError ("not_in_use") where
        the connection's `api` is not my_vnpost.
        """
        if self.asks is None:
            raise SetupError("vnpost: parcels are asked about with api = my_vnpost only", reason="not_in_use")
        answer = my_vnpost.text_of(self.asks.get_order(order_number))
        ours = {"order_number": order_number, "sender_code": self.asks.customer_code}
        return json.dumps({**ours, "answer": answer}, ensure_ascii=False).encode()

    def _found_in_tracking(self, order: Outgoing, wanted: str, status: str = "") -> Answer:
        """Look for an item of this number; of this status, where one is given."""
        for number, (body, items) in enumerate(self._pages(_object_id(_asked_from_s(order))), start=1):
            if any(_is_about(item, wanted, status) for item in items):
                return Answer(Arrival.ARRIVED, Receipt(external_id="", body=body))
            if number == PAGES_MAX:
                return Answer(Arrival.NOT_SAID)
        return Answer(Arrival.ABSENT)

    def get_price(self, question: bytes) -> bytes:
        """Return the answer to what mappings.vnpost.price writes."""
        question = json.dumps(_with_district(_object(question), int(self.settings["district_code"]))).encode()
        return self._call("POST", self.settings["price_path"], body=question, reads=True).body

    def fetch_tracking(self, cursor: str) -> Iterator[Page]:
        """Yield pages of tracking after `cursor` (the last `_id.$oid` seen), at most PAGES_MAX.

        A page that cannot be read is yielded too, so that it is kept, with the cursor it was asked by; it is the last.
        SetupError ("not_in_use") where the connection's `api` is my_vnpost.
        """
        if self.asks is not None:
            raise SetupError("vnpost: with api = my_vnpost parcels are asked about by code", reason="not_in_use")
        try:
            for body, items in self._pages(cursor):
                cursor = _last_id(items)
                yield _page(body, cursor)
        except _UnreadablePageError as error:
            yield _page(error.body, cursor)

    def probe(self) -> str:
        """Get a token for our account; ask MyVNPost, where it is set, about an order that cannot exist."""
        self.token.value()
        return "a token" if self.asks is None else f"a token; MyVNPost: {self.asks.probe()}"

    def close(self) -> None:
        """Close the kept connections."""
        self.rest.close()
        if self.asks is not None:
            self.asks.close()

    def _pages(self, cursor: str) -> Iterator[tuple[bytes, list[Any]]]:
        for _ in range(PAGES_MAX):
            query = urlencode({"pagesize": PAGE_ITEMS, "lastId": cursor})
            reply = self._call("GET", f"{self.settings['tracking_path']}?{query}")
            items = _items(reply.body)
            if not items:
                return
            yield reply.body, items
            if len(items) < PAGE_ITEMS:
                return
            if _last_id(items) == cursor:
                raise MalformedError("vnpost: tracking repeats a page; lastId is not honoured", reason="cursor_stuck")
            cursor = _last_id(items)

    def _call(self, method: str, path: str, *, body: bytes = b"", reads: bool | None = None) -> Reply:
        """Make one call with the token; once with a new one when it is refused, which means nothing was done."""
        token = self.token.value()
        try:
            return self.rest.call(method, path, body=body, headers=_headers(token), reads=reads)
        except SetupError as error:
            if error.reason != "unauthorised":
                raise
        token = self.token.value(refused=token)
        return self.rest.call(method, path, body=body, headers=_headers(token), reads=reads)

    def _check(self, body: bytes) -> None:
        """Return for an accepted order or cancel. A Status nobody told us of is not guessed at: tracking is asked."""
        try:
            status = str(_object(body).get("Status", ""))
        except MalformedError as error:
            text = "vnpost: the answer to the order cannot be read; ask by OrderNumber"
            raise OutcomeUnknownError(text, reason="answer_unreadable") from error
        if status == self.settings["status_accepted"]:
            return
        if status == self.settings["status_refused"]:
            raise RejectedError("vnpost: refused", code=status)
        text = f"vnpost: Status {status[:20]!r} is neither status_accepted nor status_refused of the connection"
        raise OutcomeUnknownError(text, reason="unknown_status")


class _UnreadablePageError(MalformedError):
    """A page of tracking of another shape, with its bytes."""

    def __init__(self, body: bytes) -> None:
        super().__init__("vnpost: a page of tracking cannot be read", reason="page_unreadable")
        self.body = body


def open_client(connection: Connection, limits: Limits) -> Client:
    """Return a client for the connection's account, or raise SetupError naming the missing or wrong setting."""
    rest = Rest(connection.party, connection.required("host"), limits, tls=tls.context(connection))
    token_path = connection.optional("token_path", "/token")
    token = Token(rest, token_path, connection.required("login"), connection.required("password"))
    settings = {
        "customer_code": connection.required("customer_code"),
        "centre_phone": connection.required("centre_phone"),
        "district_code": connection.optional("district_code", "0"),
        "status_accepted": connection.optional("status_accepted", "1"),
        "status_refused": connection.optional("status_refused", "0"),
        "order_path": connection.optional("order_path", "/apiVNPostNGSP/p1.0/order/post"),
        "cancel_path": connection.optional("cancel_path", "/apiVNPostNGSP/p1.0/order/cancel"),
        "tracking_path": connection.optional("tracking_path", "/apiVNPostNGSP/p1.0/order/tracking"),
        "price_path": connection.optional("price_path", "/apiVNPostNGSP/p1.0/price/hcc"),
    }
    if not settings["district_code"].isdecimal():
        raise SetupError(
            "vnpost: district_code must be digits; 0 where there is no district", reason="setting_malformed"
        )
    return Client(rest, token, settings, _account_asked(connection, limits))


def _account_asked(connection: Connection, limits: Limits) -> MyVnpost | None:
    api = connection.optional("api", "ngsp")
    if api not in ("ngsp", "my_vnpost"):
        raise SetupError("vnpost: api must be ngsp or my_vnpost", reason="setting_malformed")
    return my_vnpost.opened(connection, limits) if api == "my_vnpost" else None


def _cancelled_at(asks: MyVnpost, code: str) -> Answer:
    """An order of which MyVNPost knows nothing is not a cancelled one."""
    found = _found_at(asks, code)
    if found.receipt is None or asks.is_cancelled(found.receipt.body, code):
        return found
    return Answer(Arrival.ABSENT)


def _found_at(asks: MyVnpost, code: str) -> Answer:
    try:
        body = asks.get_order(code)
    except RejectedError as error:
        if error.reason != "not_found":
            raise
        return Answer(Arrival.ABSENT)
    return Answer(Arrival.ARRIVED, Receipt(external_id="", body=body))


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json"}


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise MalformedError("vnpost: not a JSON object", reason="not_json")
    return value


def _with_district(question: dict[str, Any], district: int) -> dict[str, Any]:
    ends = {name: {**question.get(name, {}), "distCode": district} for name in ("sender", "receiver")}
    return question | ends


def _items(body: bytes) -> list[Any]:
    """Return the list of a page, in either of the two forms mappings.vnpost.tracking reads."""
    try:
        value = json.loads(body)
        items = value if isinstance(value, list) else value["_embedded"]["rh:doc"]
    except (ValueError, KeyError, TypeError, RecursionError):
        items = None
    if not isinstance(items, list) or (items and not _last_id(items)):
        raise _UnreadablePageError(body)
    return items


def _is_about(item: Any, order_number: str, status: str) -> bool:
    if not isinstance(item, dict) or item.get("orderNumber") != order_number:
        return False
    return not status or str(item.get("statusCode")) == status


def _last_id(items: list[Any]) -> str:
    """Return the ObjectId of the last item that has one, so that one bad item does not stop the feed; "" for none."""
    for item in reversed(items):
        holder = item.get("_id") if isinstance(item, dict) else None
        found = holder.get("$oid") if isinstance(holder, dict) else None
        if isinstance(found, str) and OBJECT_ID.fullmatch(found):
            return found
    return ""


def _page(body: bytes, cursor: str) -> Page:
    return Page(Envelope(party="vnpost", kind="tracking", external_id=digest_of(body), body=body), cursor)


def _asked_from_s(order: Outgoing) -> float:
    return time.time() - ASK_BACK_S if order.published_at is None else order.published_at.timestamp() - CLOCKS_APART_S


def _object_id(at_s: float) -> str:
    """Return the smallest MongoDB ObjectId of a second: four bytes of Unix time, then nothing (MongoDB manual)."""
    return f"{int(at_s):08x}" + "0" * 16
