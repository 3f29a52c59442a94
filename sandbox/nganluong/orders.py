"""Ngân Lượng's books: what SetExpressCheckout, a citizen and GetTransactionDetail do to an order."""

import hashlib
import threading
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from sandbox.state import State

# The merchant and its password are dummies of the stand-in.
MERCHANT, PASSWORD, RECEIVER = "36680", "sandbox-nganluong-password", "thu-phi@khanhhoa.invalid"
PASSWORD_MD5 = hashlib.md5(PASSWORD.encode()).hexdigest()  # noqa: S324  (the partner's interface)
METHODS = [
    "NL",
    "QRCODE",
    "NH_OFFLINE",
    "CREDIT_CARD_PREPAID",
    "VISA",
    "ATM_ONLINE",
    "ATM_OFFLINE",
    "IB_ONLINE",
    "CASH_IN_SHOP",
]
WORDS = {"": "created", "00": "paid", "01": "pending", "02": "failed"}
AMOUNT_MIN_VND = 2_000

Fields = dict[str, str]


class Orders:
    """The orders, by order_code. `insist_on` has the next answers to an operation carry these codes.

    Whether Ngân Lượng takes an order_code twice is not known. Here it does, so that a repeat is seen as a double.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._lock = threading.Lock()
        self.insist_on: dict[str, list[str]] = {"create": [], "query": [], "refund": []}

    def create(self, asked: Fields) -> Fields:
        """Make an order and answer; a refused one leaves nothing behind."""
        with self._lock:
            code = self._insisted("create") or _caller_code(asked) or _order_code(asked)
            if code:
                return {"error_code": code}
            token = uuid4().hex
            order = {"order_code": asked["order_code"], "total_amount": asked["total_amount"]}
            self._state.put("token", token, {"order_code": asked["order_code"]})
            self._state.record("payment", asked["order_code"], order | {"status": ""}, key=asked["order_code"])
        return {"error_code": "00", "token": token, "checkout_url": f"https://nganluong.sandbox.invalid/?token={token}"}

    def query(self, asked: Fields) -> Fields:
        """Answer how the order of a token stands, 29 where there is none."""
        with self._lock:
            insisted = self._insisted("query")
        code = insisted or _caller_code(asked)
        known = self._state.get("token", asked.get("token", ""))
        if known is None:
            return {"error_code": code or "29"}
        order = self._state.get("payment", known["order_code"]) or {}
        told = {name: str(order[name]) for name in ("order_code", "total_amount")}
        status = str(order["status"]) or "01"
        return {"error_code": code or "00", "token": asked["token"], **told, "transaction_status": status}

    def pay(self, order_code: str, status: str) -> bool:
        """End an order as the citizen did; False when it is unknown or already paid."""
        with self._lock:
            order = self._state.get("payment", order_code)
            if order is None or order["status"] == "00":
                return False
            self._state.put("payment", order_code, order | {"status": status})
        return True

    def payments(self) -> list[dict[str, Any]]:
        """Return every order in the order it was made, in the words every stand-in uses."""
        return [
            {
                "reference": one.external_id,
                "amount_vnd": int(one.data["total_amount"]),
                "state": WORDS[one.data["status"]],
                "times": one.times,
            }
            for one in self._state.effects("payment")
        ]

    def _insisted(self, operation: str) -> str:
        return self.insist_on[operation].pop(0) if self.insist_on[operation] else ""


def _caller_code(asked: Fields) -> str:
    if asked.get("version") not in ("3.1", "3.2"):
        return "05"
    if asked.get("merchant_id") != MERCHANT:
        return "06"
    return "" if asked.get("merchant_password") == PASSWORD_MD5 else "07"


def _order_code(asked: Fields) -> str:
    amount = asked.get("total_amount", "")
    checks = {
        "08": asked.get("receiver_email") == RECEIVER,
        "10": bool(asked.get("order_code")),
        "11": amount.isdecimal() and int(amount or 0) >= AMOUNT_MIN_VND,
        "121": urlsplit(asked.get("return_url", "")).scheme in ("http", "https"),
        "122": urlsplit(asked.get("cancel_url", "")).scheme in ("http", "https"),
        "129": bool(asked.get("buyer_fullname")),
        "130": "@" in asked.get("buyer_email", ""),
        "131": bool(asked.get("buyer_mobile")),
        "134": asked.get("payment_method") in METHODS,
    }
    return next((code for code, right in checks.items() if not right), "")
