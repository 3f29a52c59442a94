"""MoMo's books: what create, query, refund and a citizen's payment do to an order."""

import json
import re
import threading
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

from sandbox.momo import signature
from sandbox.momo.notify import Ipn
from sandbox.momo.signature import PARTNER_CODE, signature_of
from sandbox.state import State

ORDER_ID = re.compile(r"[0-9a-zA-Z](?:[-_.0-9a-zA-Z]*[0-9a-zA-Z])?")
LIVES_FOR = timedelta(minutes=15)
REQUIRED = ("partnerCode", "requestId", "orderId", "amount", "orderInfo", "extraData", "requestType", "ipnUrl")
REFUND_REQUIRED = ("partnerCode", "requestId", "orderId", "amount", "transId", "description", "signature")
STATES = {
    0: "paid",
    1000: "pending",
    7000: "pending",
    7002: "pending",
    8000: "pending",
    9000: "pending",
    1005: "expired",
}
Lie = Literal["forged", "other_amount", "unknown_order"]
MESSAGES = {0: "Successful.", 1000: "Waiting for the user.", 1005: "Expired.", 1006: "Refused by the user."}


class Books:
    """The orders, by orderId. `insist_on` has the next answers to an operation carry these codes."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._lock = threading.Lock()
        self.insist_on: dict[str, list[int]] = {"create": [], "query": [], "refund": []}

    def create(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Make an order and answer as MoMo does; a refused one leaves nothing behind."""
        with self._lock:
            code = self._insisted("create") or _create_code(asked) or self._duplicate_code(asked)
            if code:
                return _answer(asked, code)
            order = {name: asked[name] for name in (*REQUIRED, "redirectUrl")}
            order |= {"resultCode": 1000, "transId": 0, "at": "", "created": datetime.now(UTC).isoformat()}
            self._state.put("request", asked["requestId"], {"orderId": asked["orderId"]})
            self._state.record("payment", asked["orderId"], order, key=asked["orderId"])
        token = sha256(asked["orderId"].encode()).hexdigest()[:24]
        url = f"https://momo.sandbox.invalid/v2/gateway/pay?t={token}"
        return _answer(asked, 0) | {"payUrl": url, "deeplink": f"momo://?t={token}", "qrCodeUrl": f"{url}&qr=1"}

    def query(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer the state of an order, 42 for one that is not there."""
        code = self._insisted("query") or _caller_code(asked, signature.QUERY)
        if code:
            return _answer(asked, code)
        order = self._state.get("payment", str(asked["orderId"]))
        if order is None:
            return _answer(asked, 42)
        answer = _answer(asked, _state_now(order)) | {
            "amount": order["amount"],
            "transId": order["transId"],
            "extraData": order["extraData"],
            "payType": "qr" if order["at"] else "",
            "refundTrans": [],
        }
        return answer | ({"responseTime": _milliseconds(order["at"])} if order["at"] else {})

    def refund(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Give money back once, and answer; a refused refund leaves nothing behind."""
        with self._lock:
            code = self._insisted("refund") or self._refund_code(asked)
            if code:
                return _answer(asked, code)
            trans_id = _number(asked["orderId"])
            made = {"amount": asked["amount"], "transId": trans_id, "of": asked["transId"]}
            self._state.put("request", asked["requestId"], {"orderId": asked["orderId"]})
            self._state.record("refund", asked["orderId"], made, key=asked["orderId"])
        return _answer(asked, 0) | {"transId": trans_id}

    def refund_query(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer what became of a refund, 42 for one that is not there."""
        code = self._insisted("query") or _caller_code(asked, signature.QUERY)
        made = self._state.get("refund", str(asked.get("orderId", "")))
        if made is None:
            return _answer(asked, code or 42)
        return _answer(asked, code) | {"amount": made["amount"], "transId": made["transId"]}

    def pay(self, order_id: str, code: int, at: str) -> Ipn | None:
        """End an order as the citizen did, and return the IPN to send; None when it is unknown or already paid."""
        with self._lock:
            order = self._state.get("payment", order_id)
            if order is None or order["resultCode"] == 0:
                return None
            trans_id = _number(order_id)
            order |= {"resultCode": code, "transId": trans_id, "at": at}
            self._state.put("payment", order_id, order)
        return Ipn(f"{order_id}/{trans_id}", order["ipnUrl"], _ipn_body(order))

    def lie(self, order_id: str, how: Lie, code: int, at: str) -> Ipn | None:
        """Return an IPN that is not true of this order, which stays as it is; None when it is unknown."""
        order = self._state.get("payment", order_id)
        if order is None:
            return None
        said = order | {"resultCode": code, "transId": _number(f"{order_id}/{how}"), "at": at}
        if how == "other_amount":
            said["amount"] += 1_000
        if how == "unknown_order":
            said["orderId"] = f"X{order_id[1:]}"
        body = _ipn_body(said)
        if how == "forged":
            body = json.dumps(json.loads(body) | {"signature": "0" * 64}, ensure_ascii=False).encode()
        return Ipn(f"{said['orderId']}/{said['transId']}", order["ipnUrl"], body)

    def payments(self) -> list[dict[str, Any]]:
        """Return every order in the order it was made, its state in the words every stand-in uses."""
        refunded = {one.data["of"] for one in self._state.effects("refund")}
        return [
            effect.data
            | {
                "reference": effect.external_id,
                "amount_vnd": effect.data["amount"],
                "state": "refunded" if effect.data["transId"] in refunded else _state_word(effect.data),
                "times": effect.times,
            }
            for effect in self._state.effects("payment")
        ]

    def paid(self) -> list[dict[str, Any]]:
        """Return the orders that were paid."""
        return [one.data for one in self._state.effects("payment") if one.data["resultCode"] == 0]

    def _insisted(self, operation: str) -> int:
        return self.insist_on[operation].pop(0) if self.insist_on[operation] else 0

    def _refund_code(self, asked: dict[str, Any]) -> int:
        if any(name not in asked for name in REFUND_REQUIRED):
            return 20
        if code := _caller_code(asked, signature.REFUND):
            return code
        if self._state.get("refund", asked["orderId"]) is not None:
            return 41
        paid = [one for one in self.paid() if one["transId"] == asked["transId"]]
        if not paid:
            return 1088
        back = sum(one.data["amount"] for one in self._state.effects("refund") if one.data["of"] == asked["transId"])
        return 0 if 0 < asked["amount"] <= paid[0]["amount"] - back else 1081

    def _duplicate_code(self, asked: dict[str, Any]) -> int:
        if self._state.get("request", asked["requestId"]) is not None:
            return 40
        return 41 if self._state.get("payment", asked["orderId"]) is not None else 0


def _caller_code(asked: dict[str, Any], names: str) -> int:
    try:
        right = signature.is_right(asked, names, asked["signature"])
    except KeyError:
        return 20
    return 0 if right and asked["partnerCode"] == PARTNER_CODE else 13


def _create_code(asked: dict[str, Any]) -> int:
    if any(name not in asked for name in (*REQUIRED, "redirectUrl", "signature")):
        return 20
    if code := _caller_code(asked, signature.CREATE):
        return code
    if not isinstance(asked["amount"], int) or isinstance(asked["amount"], bool):
        return 21
    if not 1_000 <= asked["amount"] <= 20_000_000:
        return 22
    names_fit = ORDER_ID.fullmatch(asked["orderId"]) and len(asked["orderId"]) <= 50 >= len(asked["requestId"])
    texts_fit = 1 <= len(asked["orderInfo"]) <= 200 and len(asked["ipnUrl"]) <= 200 >= len(asked["redirectUrl"])
    known = asked["requestType"] in ("captureWallet", "payWithMethod")
    return 0 if names_fit and texts_fit and known else 20


def _number(name: str) -> int:
    """Return MoMo's own number for a transaction of that name: always the same."""
    return 1_000_000_000 + int(sha256(name.encode()).hexdigest(), 16) % 9_000_000_000


def _state_word(order: dict[str, Any]) -> str:
    return STATES.get(_state_now(order), "failed")


def _answer(asked: dict[str, Any], code: int) -> dict[str, Any]:
    return {
        "partnerCode": asked.get("partnerCode", ""),
        "requestId": asked.get("requestId", ""),
        "orderId": asked.get("orderId", ""),
        "amount": asked.get("amount", 0),
        "responseTime": _milliseconds(datetime.now(UTC).isoformat()),
        "message": MESSAGES.get(code, "Refused."),
        "resultCode": code,
    }


def _state_now(order: dict[str, Any]) -> int:
    over = datetime.now(UTC) - datetime.fromisoformat(order["created"]) > LIVES_FOR
    return 1005 if order["resultCode"] == 1000 and over else int(order["resultCode"])


def _ipn_body(order: dict[str, Any]) -> bytes:
    fields = {
        "partnerCode": order["partnerCode"],
        "orderId": order["orderId"],
        "requestId": order["requestId"],
        "amount": order["amount"],
        "orderInfo": order["orderInfo"],
        "orderType": "momo_wallet",
        "transId": order["transId"],
        "resultCode": order["resultCode"],
        "message": MESSAGES.get(order["resultCode"], "Refused."),
        "payType": "qr",
        "responseTime": _milliseconds(order["at"]),
        "extraData": order["extraData"],
    }
    signed = fields | {"signature": signature_of(fields, signature.IPN)}
    return json.dumps(signed, ensure_ascii=False).encode()


def _milliseconds(at: str) -> int:
    return (datetime.fromisoformat(at) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
