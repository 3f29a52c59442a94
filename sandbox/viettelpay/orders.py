"""ViettelPay's books: what an opened pay page, a citizen, TRANS_INQUIRY and REFUND_PAYMENT do to an order.

ViettelPay's own codes (V0x) and statuses but 1 are not published. So the stand-in has codes of its own, which begin
with S, and statuses 0 (open), 2 (failed): nothing may be built on them.
"""

import threading
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from sandbox.state import State
from sandbox.viettelpay import signature
from sandbox.viettelpay.signature import MERCHANT

NO_SUCH_ORDER, BAD_CHECKSUM, WRONG_FORM, NOT_REFUNDABLE = "S1", "S2", "S3", "S4"
PAGE_NEEDS = "version command billcode merchant_code order_id trans_amount locale desc return_url cancel_url check_sum"
WORD_OF = {"0": "created", "1": "paid", "2": "failed"}
Lie = Literal["forged", "other_amount", "unknown_order"]


@dataclass(frozen=True, slots=True)
class Act:
    """What one citizen does with an order: the error_code it ends with ("00" pays)."""

    reference: str
    code: str


class Orders:
    """The orders, by order_id. `insist_on` has the next answers to an operation carry these codes."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._lock = threading.Lock()
        self.insist_on: dict[str, list[str]] = {"create": [], "query": [], "refund": []}

    def open(self, asked: dict[str, str]) -> str:
        """Open the pay page: the order stands from then on. Return "" or the code of the error page."""
        with self._lock:
            code = self._insisted("create") or _page_code(asked)
            known = None if code else self._state.get("payment", asked["order_id"])
            if code or known is not None:  # opening it again is the same order, and changes nothing
                return code if known is None or known["asked"] == asked else WRONG_FORM
            order = {"asked": asked, "status": "0", "code": "00", "transaction": "", "refunded": False}
            self._state.record("payment", asked["order_id"], order, key=asked["order_id"])
        return ""

    def payable(self, reference: str) -> dict[str, str] | None:
        """Return what was asked of an order that waits to be paid."""
        order = self._state.get("payment", reference)
        return None if order is None or order["status"] == "1" else order["asked"]

    def pay(self, act: Act) -> dict[str, str] | None:
        """End an order as the citizen did; the result to call with, or None when it is unknown or already paid."""
        with self._lock:
            order = self._state.get("payment", act.reference)
            if order is None or order["status"] == "1":
                return None
            order |= {"code": act.code, "status": "1" if act.code == "00" else "2"}
            order["transaction"] = _number(act.reference)
            self._state.put("payment", act.reference, order)
        return _result(order)

    def lie(self, act: Act, how: Lie) -> dict[str, str] | None:
        """Return a result that is not true of this order, which stays as it is; None when it is unknown."""
        order = self._state.get("payment", act.reference)
        if order is None:
            return None
        said = order | {"code": act.code, "status": "1", "transaction": _number(f"{act.reference}/{how}")}
        if how == "other_amount":
            said["asked"] |= {"trans_amount": str(int(said["asked"]["trans_amount"]) + 1_000)}
        if how == "unknown_order":
            said["asked"] |= {"order_id": f"X{act.reference[1:]}"}
        result = _result(said)
        return result | {"check_sum": "0" * 40} if how == "forged" else result

    def query(self, asked: dict[str, str]) -> dict[str, str]:
        """Answer TRANS_INQUIRY: how the order stands."""
        with self._lock:
            code = self._insisted("query") or _caller_code(asked, signature.INQUIRY)
        order = self._state.get("payment", asked.get("order_id", ""))
        if code not in ("", "00") or order is None:
            return {"error_code": code if code not in ("", "00") else NO_SUCH_ORDER, "error_msg": "refused"}
        return {
            "error_code": "00",
            "error_msg": "",
            "merchant_code": MERCHANT,
            "order_id": order["asked"]["order_id"],
            "trans_amount": order["asked"]["trans_amount"],
            "payment_status": order["status"],
            "vt_transaction_id": order["transaction"],
        }

    def refund(self, asked: dict[str, str]) -> dict[str, str]:
        """Give a payment back and answer; a refused refund leaves nothing behind."""
        with self._lock:
            code = self._insisted("refund") or _caller_code(asked, signature.REFUND) or self._refund_code(asked)
            if code:
                return {"error_code": code, "error_msg": "refused"}
            order = self._state.get("payment", asked["order_id"]) or {}
            self._state.put("payment", asked["order_id"], order | {"refunded": True})
            reference = asked["trans_content"].partition(" ")[0]
            self._state.record("refund", reference, {"of": asked["order_id"]}, key=asked["order_id"])
        return {"error_code": "00", "error_msg": "", "order_id": asked["order_id"]}

    def payments(self) -> list[dict[str, Any]]:
        """Return every order in the order it was opened, in the words every stand-in uses."""
        return [
            {
                "reference": one.external_id,
                "amount_vnd": int(one.data["asked"]["trans_amount"]),
                "state": "refunded" if one.data["refunded"] else WORD_OF[one.data["status"]],
                "times": one.times,
            }
            for one in self._state.effects("payment")
        ]

    def _insisted(self, operation: str) -> str:
        return self.insist_on[operation].pop(0) if self.insist_on[operation] else ""

    def _refund_code(self, asked: dict[str, str]) -> str:
        order = self._state.get("payment", asked["order_id"])
        if order is None:
            return NO_SUCH_ORDER
        fits = (asked["originalRequestId"], asked["trans_amount"], asked["refundType"]) == (
            order["transaction"],
            order["asked"]["trans_amount"],
            "1",
        )
        return "" if order["status"] == "1" and fits and not order["refunded"] else NOT_REFUNDABLE


def _page_code(asked: dict[str, str]) -> str:
    if any(not asked.get(name) for name in PAGE_NEEDS.split()) or not asked["desc"].isascii():
        return WRONG_FORM
    if not signature.is_right(asked, signature.PAYMENT) or asked["merchant_code"] != MERCHANT:
        return BAD_CHECKSUM
    short = len(asked["billcode"]) <= 20 and len(asked["order_id"]) <= 20
    fits = (asked["version"], asked["command"]) == ("2.0", "PAYMENT") and asked["trans_amount"].isdecimal()
    return "" if short and fits else WRONG_FORM


def _caller_code(asked: dict[str, str], names: str) -> str:
    if any(not asked.get(name) for name in names.split()) or not asked.get("trans_content", "").isascii():
        return WRONG_FORM
    right = signature.is_right(asked, names) and asked["merchant_code"] == MERCHANT
    return "" if right else BAD_CHECKSUM


def _result(order: dict[str, Any]) -> dict[str, str]:
    said = {
        "billcode": order["asked"]["billcode"],
        "cust_msisdn": "84900000000",
        "error_code": order["code"],
        "merchant_code": MERCHANT,
        "order_id": order["asked"]["order_id"],
        "payment_status": order["status"],
        "trans_amount": order["asked"]["trans_amount"],
        "vt_transaction_id": order["transaction"],
    }
    return said | {"check_sum": signature.of_call(said, signature.RESULT)}


def _number(name: str) -> str:
    """Return ViettelPay's own number for a transaction of that name: always the same."""
    return str(10_000_000 + int(sha256(name.encode()).hexdigest(), 16) % 90_000_000)
