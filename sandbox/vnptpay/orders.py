"""The books of VNPT's gateway: what a posted form, an INIT call and a citizen do to an order."""

import threading
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

from sandbox.state import State
from sandbox.vnptpay import signature
from sandbox.vnptpay.signature import MERCHANT, PAID, TAKEN

FORM_NEEDS = (
    "merId currency amount invoiceNo goodsNm payType callBackUrl notiUrl reqDomain description merchantToken"
    " timeStamp merTrxId userLanguage"
)
WRONG_TOKEN, WRONG_FORM = "S_TOKEN", "S_FORM"
Lie = Literal["forged", "other_amount", "unknown_order"]


@dataclass(frozen=True, slots=True)
class Act:
    """What one citizen does with an order: the code it ends with, and when (ISO)."""

    reference: str
    code: str
    at: str


class Orders:
    """The orders, by merTrxId or MERCHANT_ORDER_ID. `insist_on` has the next orders answered with these codes."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._lock = threading.Lock()
        self.insist_on: dict[str, list[str]] = {"create": []}

    def open(self, form: dict[str, str]) -> str:
        """Take a posted form: the order stands from then on. Return "" or the code of the error page."""
        with self._lock:
            code = self._insisted() or _form_code(form)
            return code or self._ordered(form["merTrxId"], form["amount"], form)

    def init(self, asked: dict[str, str]) -> str:
        """Take an INIT call; return its code."""
        with self._lock:
            code = self._insisted() or _init_code(asked)
            return code or self._ordered(asked["MERCHANT_ORDER_ID"], asked["AMOUNT"], asked) or TAKEN

    def pay(self, act: Act) -> dict[str, str] | None:
        """End an order as the citizen did; the notification to send, or None when it is unknown or already paid."""
        with self._lock:
            order = self._state.get("payment", act.reference)
            if order is None or order["code"] == PAID:
                return None
            self._state.put("payment", act.reference, order | {"code": act.code})
        return _notification(act, act.reference, order["amount"])

    def lie(self, act: Act, how: Lie) -> dict[str, str] | None:
        """Return a notification that is not true of this order, which stays as it is; None when it is unknown."""
        order = self._state.get("payment", act.reference)
        if order is None:
            return None
        amount = str(int(order["amount"]) + 1_000) if how == "other_amount" else order["amount"]
        reference = f"X{act.reference[1:]}" if how == "unknown_order" else act.reference
        said = _notification(act, reference, amount)
        return said | {"merchantToken": "0" * 64} if how == "forged" else said

    def payments(self) -> list[dict[str, Any]]:
        """Return every order in the order it was made, in the words every stand-in uses."""
        words = {"": "created", PAID: "paid"}
        return [
            {
                "reference": one.external_id,
                "amount_vnd": int(one.data["amount"]),
                "state": words.get(one.data["code"], "failed"),
                "times": one.times,
            }
            for one in self._state.effects("payment")
        ]

    def _ordered(self, reference: str, amount: str, asked: dict[str, str]) -> str:
        """Book it. The same order again changes nothing, another under its name is refused."""
        known = self._state.get("payment", reference)
        if known is not None:
            return "" if known["asked"] == asked else WRONG_FORM
        self._state.record("payment", reference, {"asked": asked, "amount": amount, "code": ""}, key=reference)
        return ""

    def _insisted(self) -> str:
        return self.insist_on["create"].pop(0) if self.insist_on["create"] else ""


def _form_code(form: dict[str, str]) -> str:
    if any(not form.get(name) for name in FORM_NEEDS.split()) or not form["amount"].isdecimal():
        return WRONG_FORM
    if form["merId"] != MERCHANT or not signature.same(form["merchantToken"], signature.token(form, signature.REQUEST)):
        return WRONG_TOKEN
    lengths = {"invoiceNo": 40, "goodsNm": 100, "merTrxId": 50}
    fits = all(len(form[name]) <= most for name, most in lengths.items()) and len(form["timeStamp"]) == 13
    return "" if fits and form["currency"] == "VND" and form["goodsNm"].isascii() else WRONG_FORM


def _init_code(asked: dict[str, str]) -> str:
    if not asked.get("MERCHANT_ORDER_ID") or not asked.get("AMOUNT", "").isdecimal():
        return WRONG_FORM
    right = signature.same(asked.get("SECURE_CODE", ""), signature.secure_code(asked))
    return "" if right and asked.get("MERCHANT_SERVICE_ID") == MERCHANT else WRONG_TOKEN


def _notification(act: Act, reference: str, amount: str) -> dict[str, str]:
    said = {
        "resultCd": act.code,
        "resultMsg": "SUCCESS" if act.code == PAID else "FAIL",
        "timeStamp": str(round(datetime.fromisoformat(act.at).timestamp() * 1000)),
        "merTrxId": reference,
        "invoiceNo": reference,
        "trxId": f"{MERCHANT}{sha256(reference.encode()).hexdigest()[:12]}",
        "merId": MERCHANT,
        "amount": amount,
        "userFee": "0",
    }
    return said | {"merchantToken": signature.token(said, signature.NOTIFICATION)}
