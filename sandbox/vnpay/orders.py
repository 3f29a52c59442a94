"""VNPAY's books: what an opened pay page, a citizen, querydr and refund do to an order."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Literal
from uuid import uuid4
from zoneinfo import ZoneInfo

from sandbox.state import State
from sandbox.vnpay import signature
from sandbox.vnpay.notify import Ipn
from sandbox.vnpay.signature import TERMINAL

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
SAME_REQUEST_FOR = timedelta(minutes=5)  # so long a repeated RequestId is answered 94
PAGE_NEEDS = (
    "Version Command TmnCode Amount CreateDate ExpireDate CurrCode IpAddr Locale OrderInfo OrderType ReturnUrl TxnRef"
)
STATUS_OF = {"00": "00", "07": "07"}  # of a payment by its ResponseCode; any other code is an error (02)
WORD_OF = {"00": "paid", "01": "created", "04": "pending", "07": "pending"}
Lie = Literal["forged", "other_amount", "unknown_order"]


@dataclass(frozen=True, slots=True)
class Act:
    """What one citizen does with an order: the code it ends with, and when (ISO)."""

    reference: str
    code: str
    at: str


class Orders:
    """The orders, by vnp_TxnRef. `insist_on` has the next answers to an operation carry these codes."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._lock = threading.Lock()
        self.insist_on: dict[str, list[str]] = {"create": [], "query": [], "refund": []}

    def open(self, asked: dict[str, str]) -> str:
        """Open the pay page: the order stands from then on. Return "" or the code of the error page."""
        with self._lock:
            code = self._insisted("create") or _page_code(asked)
            known = None if code else self._state.get("payment", asked["vnp_TxnRef"])
            if code or known is not None:  # opening it again is the same order, and changes nothing
                return code if known is None or known["asked"] == asked else "99"
            order = {"asked": asked, "status": "01", "response": "", "transaction": "0", "at": ""}
            self._state.record("payment", asked["vnp_TxnRef"], order, key=asked["vnp_TxnRef"])
        return ""

    def pay(self, act: Act) -> Ipn | None:
        """End an order as the citizen did; the IPN to send, or None when it is unknown or already paid."""
        with self._lock:
            order = self._state.get("payment", act.reference)
            if order is None or order["status"] == "00":
                return None
            order |= {"response": act.code, "status": STATUS_OF.get(act.code, "02"), "at": act.at}
            order["transaction"] = _number(act.reference)
            self._state.put("payment", act.reference, order)
        return _ipn(order)

    def lie(self, act: Act, how: Lie) -> Ipn | None:
        """Return an IPN that is not true of this order, which stays as it is; None when it is unknown."""
        order = self._state.get("payment", act.reference)
        if order is None:
            return None
        said = order | {"response": act.code, "status": STATUS_OF.get(act.code, "02"), "at": act.at}
        said["transaction"] = _number(f"{act.reference}/{how}")
        if how == "other_amount":
            said["asked"] |= {"vnp_Amount": str(int(said["asked"]["vnp_Amount"]) + 100_000)}
        if how == "unknown_order":
            said["asked"] |= {"vnp_TxnRef": f"X{act.reference[1:]}"}
        ipn = _ipn(said)
        return Ipn(ipn.name, f"{ipn.query[:-8]}{'0' * 8}") if how == "forged" else ipn

    def query(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer querydr: how the order stands, or its last refund where it has one."""
        with self._lock:
            code = self._insisted("query") or self._caller_code(asked, signature.QUERY)
        order = None if code else self._state.get("payment", asked["vnp_TxnRef"])
        if order is None or asked["vnp_TransactionDate"] != order["asked"]["vnp_CreateDate"]:
            return _answer(asked, code or "91", {}, signature.QUERY_ANSWER)
        refunds = self._refunds(asked["vnp_TxnRef"])
        told = refunds[-1]["told"] if refunds else _told(order)
        return _answer(asked, "00", told, signature.QUERY_ANSWER)

    def refund(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Give money back, wholly or in part, and answer; a refused refund leaves nothing behind."""
        with self._lock:
            code = self._insisted("refund") or self._caller_code(asked, signature.REFUND) or self._refund_code(asked)
            if code:
                return _answer(asked, code, {}, signature.REFUND_ANSWER)
            request_id = asked["vnp_RequestId"]
            told = {name: asked[f"vnp_{name}"] for name in ("Amount", "TransactionType", "OrderInfo")}
            told |= {"TransactionNo": _number(request_id), "TransactionStatus": "05", "BankCode": "NCB"}
            told["PayDate"] = _clock(datetime.now(UTC))
            made = {"of": asked["vnp_TxnRef"], "amount_vnd": int(asked["vnp_Amount"]) // 100, "told": told}
            self._state.record("refund", request_id, made, key=asked["vnp_TxnRef"])
        return _answer(asked, "00", told, signature.REFUND_ANSWER)

    def payments(self) -> list[dict[str, Any]]:
        """Return every order in the order it was opened, in the words every stand-in uses."""
        return [self._row(one.external_id, one.data, one.times) for one in self._state.effects("payment")]

    def _row(self, reference: str, order: dict[str, Any], times: int) -> dict[str, Any]:
        amount_vnd = int(order["asked"]["vnp_Amount"]) // 100
        word = "expired" if order["response"] == "11" else WORD_OF.get(order["status"], "failed")
        back_vnd = sum(one["amount_vnd"] for one in self._refunds(reference))
        state = "refunded" if back_vnd >= amount_vnd else word
        return {"reference": reference, "amount_vnd": amount_vnd, "state": state, "times": times}

    def _refunds(self, reference: str) -> list[dict[str, Any]]:
        return [one.data for one in self._state.effects("refund") if one.data["of"] == reference]

    def _insisted(self, operation: str) -> str:
        return self.insist_on[operation].pop(0) if self.insist_on[operation] else ""

    def _caller_code(self, asked: dict[str, Any], names: str) -> str:
        if any(not isinstance(asked.get(f"vnp_{name}"), str) for name in names.split()):
            return "03"
        if not signature.body_is_right(asked, names):
            return "97"
        if asked["vnp_TmnCode"] != TERMINAL:
            return "02"
        return self._repeat_code(asked["vnp_RequestId"])

    def _repeat_code(self, request_id: str) -> str:
        now, seen = datetime.now(UTC), self._state.get("request", request_id)
        if len(request_id) > 32:
            return "03"
        if seen is not None and now - datetime.fromisoformat(seen["at"]) < SAME_REQUEST_FOR:
            return "94"
        self._state.put("request", request_id, {"at": now.isoformat()})
        return ""

    def _refund_code(self, asked: dict[str, Any]) -> str:
        order = self._state.get("payment", asked["vnp_TxnRef"])
        if order is None or asked["vnp_TransactionDate"] != order["asked"]["vnp_CreateDate"]:
            return "91"
        if order["status"] != "00":
            return "95"
        whole_vnd, wanted_vnd = int(order["asked"]["vnp_Amount"]) // 100, int(asked["vnp_Amount"]) // 100
        left_vnd = whole_vnd - sum(one["amount_vnd"] for one in self._refunds(asked["vnp_TxnRef"]))
        fits = {"02": wanted_vnd == whole_vnd, "03": wanted_vnd < whole_vnd}.get(asked["vnp_TransactionType"], False)
        return "" if fits and 0 < wanted_vnd <= left_vnd else "03"


def _page_code(asked: dict[str, str]) -> str:
    """70 and 71 are the error pages integrators report; the rest is 03."""
    if any(not asked.get(f"vnp_{name}") for name in PAGE_NEEDS.split()):
        return "03"
    if not signature.query_is_right(asked):
        return "70"
    if asked["vnp_TmnCode"] != TERMINAL:
        return "71"
    fits = asked["vnp_Version"] == "2.1.0" and asked["vnp_Command"] == "pay" and asked["vnp_CurrCode"] == "VND"
    return "" if fits and asked["vnp_Amount"].isdecimal() and len(asked["vnp_TxnRef"]) <= 100 else "03"


def _told(order: dict[str, Any]) -> dict[str, str]:
    ended = {"BankCode": "NCB", "PayDate": _clock(datetime.fromisoformat(order["at"]))} if order["at"] else {}
    return ended | {
        "Amount": order["asked"]["vnp_Amount"],
        "TransactionNo": order["transaction"],
        "TransactionType": "01",
        "TransactionStatus": order["status"],
        "OrderInfo": order["asked"]["vnp_OrderInfo"],
    }


def _answer(asked: dict[str, Any], code: str, told: dict[str, str], names: str) -> dict[str, Any]:
    said = {
        "vnp_ResponseId": uuid4().hex,
        "vnp_Command": asked.get("vnp_Command", ""),
        "vnp_ResponseCode": code,
        "vnp_Message": "Success" if code == "00" else "Refused",
        "vnp_TmnCode": TERMINAL,
        "vnp_TxnRef": asked.get("vnp_TxnRef", ""),
    } | {f"vnp_{name}": value for name, value in told.items()}
    return said | {"vnp_SecureHash": signature.body_hash(said, names)}


def _ipn(order: dict[str, Any]) -> Ipn:
    asked = order["asked"]
    fields = {
        "vnp_Amount": asked["vnp_Amount"],
        "vnp_BankCode": "NCB",
        "vnp_BankTranNo": f"VNP{order['transaction']}" if order["response"] == "00" else "",
        "vnp_CardType": "ATM",
        "vnp_OrderInfo": asked["vnp_OrderInfo"],
        "vnp_PayDate": _clock(datetime.fromisoformat(order["at"])),
        "vnp_ResponseCode": order["response"],
        "vnp_TmnCode": TERMINAL,
        "vnp_TransactionNo": order["transaction"],
        "vnp_TransactionStatus": order["status"],
        "vnp_TxnRef": asked["vnp_TxnRef"],
    }
    return Ipn(f"{fields['vnp_TxnRef']}/{order['transaction']}", signature.query_string(fields))


def _clock(at: datetime) -> str:
    return f"{at.astimezone(VIETNAM):%Y%m%d%H%M%S}"


def _number(name: str) -> str:
    """Return VNPAY's own number for a transaction of that name: always the same."""
    return str(10_000_000 + int(sha256(name.encode()).hexdigest(), 16) % 90_000_000)
