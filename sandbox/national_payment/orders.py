"""The platform's books: what INIT, a citizen and QUERY do to a payment.

Codes of refusal are the stand-in's own, as none is published: error_code -1 to INIT, MaLoi 14 to QUERY for a payment
that it does not have. The connection it hands out names both.
"""

import json
import re
import threading
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sandbox.national_payment import signature
from sandbox.national_payment.notify import Result
from sandbox.national_payment.signature import PARTNER
from sandbox.state import State

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
REFUSED, ABSENT, OTHER_ERROR = "-1", "14", "99"
# MaDichVu → the fields that must not be empty. 1 and 2 are published; S3 to S8 are the stand-in's names of the rest.
SERVICES = {
    "1": ("SoQD", "NgayQD", "MaCoQuanQD", "KhoBac", "TenNguoiViPham", "HoTenNguoiNop"),
    "2": ("MaHoSo", "NoiDungThanhToan"),
    "S3": ("MaHoSo", "HoTenNguoiNop"),
    "S4": ("MaHoSo", "HoTenNguoiNop"),
    "S5": ("MaHoSo", "HoTenNguoiNop"),
    "S6": ("MaHoSo", "HoTenNguoiNop"),
    "S7": ("MaHoSo", "HoTenNguoiNop"),
    "S8": ("MaHoSo", "HoTenNguoiNop"),
}
WORDS = {"1": "paid", "3": "created", "4": "failed"}
Lie = Literal["forged", "other_amount", "unknown_order"]


@dataclass(frozen=True, slots=True)
class Act:
    """What one citizen does with a payment: the MaLoi it ends with, and when (ISO)."""

    reference: str
    code: str
    at: str


class Orders:
    """The payments, by MaThamChieu. `insist_on` has the next answers to an operation carry these codes."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._lock = threading.Lock()
        self.insist_on: dict[str, list[str]] = {"create": [], "query": []}

    def init(self, asked: dict[str, Any]) -> dict[str, str]:
        """Create a payment and answer with its address; the same INIT again is the same payment."""
        with self._lock:
            code = self._insisted("create") or _init_code(asked)
            known = None if code else self._state.get("payment", asked["MaThamChieu"])
            if not code and known is not None and known["asked"] != asked:
                code = REFUSED
            if code:
                return {"error_code": code, "message": "refused"}
            if known is None:
                order = {"asked": asked, "state": "3", "transaction": "", "at": ""}
                self._state.record("payment", asked["MaThamChieu"], order, key=asked["MaThamChieu"])
        address = {
            "MaThamChieu": asked["MaThamChieu"],
            "UrlThanhToan": f"https://thanhtoan.invalid/{asked['MaThamChieu']}",
        }
        return {"error_code": "0", "message": json.dumps(address)}

    def pay(self, act: Act) -> Result | None:
        """End a payment as the citizen did; the call to make, or None when it is unknown or already paid."""
        with self._lock:
            order = self._state.get("payment", act.reference)
            if order is None or order["state"] == "1":
                return None
            order |= {"state": "1" if act.code == "00" else "4", "at": act.at, "transaction": _number(act.reference)}
            self._state.put("payment", act.reference, order)
        return _result(order, act.code)

    def lie(self, act: Act, how: Lie) -> Result | None:
        """Return a call that is not true of this payment, which stays as it is; None when it is unknown."""
        order = self._state.get("payment", act.reference)
        if order is None:
            return None
        order |= {"at": act.at, "transaction": _number(f"{act.reference}/{how}")}
        if how == "other_amount":
            order["asked"] |= {"SoTien": str(int(order["asked"]["SoTien"]) + 1_000)}
        if how == "unknown_order":
            order["asked"] |= {"MaThamChieu": f"X{act.reference[1:]}"}
        result = _result(order, act.code)
        if how == "forged":
            result.fields["MaXacThuc"] = result.fields["MaXacThuc"][:-8] + "0" * 8
        return result

    def query(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer QUERY."""
        with self._lock:
            code = self._insisted("query") or _question_code(asked)
        order = self._state.get("payment", str(asked.get("MaThamChieu")))
        if not code and (order is None or order["asked"]["ThoiGianGD"] != asked["ThoiGianGD"]):
            code = ABSENT
        return _told(asked, code, order if not code else None)

    def bill(self, asked: dict[str, Any]) -> bytes | None:
        """Return the bill of a payment that was paid."""
        order = self._state.get("payment", str(asked.get("MaThamChieu")))
        if _question_code(asked) or order is None or order["state"] != "1":
            return None
        return b"%PDF-1.4\n% a bill of the stand-in\n" + asked["MaThamChieu"].encode() + b"\n%%EOF\n"

    def payments(self) -> list[dict[str, Any]]:
        """Return every payment in the order it was created, in the words every stand-in uses, with its MaDichVu."""
        return [
            {
                "reference": one.external_id,
                "amount_vnd": int(one.data["asked"]["SoTien"]),
                "state": WORDS[one.data["state"]],
                "times": one.times,
                "service": _receipt(one.data["asked"])["MaDichVu"],
            }
            for one in self._state.effects("payment")
        ]

    def _insisted(self, operation: str) -> str:
        return self.insist_on[operation].pop(0) if self.insist_on[operation] else ""


def _init_code(asked: dict[str, Any]) -> str:
    """Return "" for an INIT that can be taken."""
    if not signature.is_right(asked, signature.INIT) or asked["MaDoiTac"] != PARTNER or asked["LoaiBanTin"] != "INIT":
        return REFUSED
    named = re.fullmatch(r"[0-9A-Za-z]{1,20}", asked["MaThamChieu"]) and re.fullmatch(r"[0-9]{14}", asked["ThoiGianGD"])
    receipt = _receipt(asked)
    needed = SERVICES.get(receipt.get("MaDichVu", ""))
    if not named or needed is None or not all(receipt.get(name) for name in needed):
        return REFUSED
    sums = [[int(line["SoTien"]) for line in receipt[name]] for name in ("DSKhoanNop", "PhiLePhi") if receipt[name]]
    return "" if all(sum(one) == int(asked["SoTien"]) for one in sums) else REFUSED


def _receipt(asked: dict[str, Any]) -> dict[str, Any]:
    """ThongTinBienLai is taken as an object and as a text."""
    given = asked.get("ThongTinBienLai")
    return dict(json.loads(given) if isinstance(given, str) else given or {})


def _question_code(asked: dict[str, Any]) -> str:
    right = signature.is_right(asked, signature.QUESTION) and asked["MaDoiTac"] == PARTNER
    return "" if right else OTHER_ERROR


def _told(asked: dict[str, Any], code: str, order: dict[str, Any] | None) -> dict[str, Any]:
    at = order["at"] if order else ""
    said = {
        "LoaiBanTin": "QUERY",
        "MaLoi": code or "00",
        "MoTaLoi": "",
        "MaDoiTac": PARTNER,
        "MaThamChieu": asked.get("MaThamChieu", ""),
        "SoTien": int(order["asked"]["SoTien"]) if order else 0,
        "MaTienTe": "VND",
        "MaGiaoDich": order["transaction"] if order else "",
        "MaNganHang": "SANDBOX" if at else "",
        "ThongTinGiaoDich": order["asked"]["ThongTinGiaoDich"] if order else "",
        "ThoiGianGD": _clock(at) if at else asked.get("ThoiGianGD", ""),
        "TrangThaiGD": order["state"] if order else "",
    }
    return said | {"MaXacThuc": signature.hash_of(said, signature.QUERY_ANSWER)}


def _result(order: dict[str, Any], code: str) -> Result:
    asked = order["asked"]
    fields = {
        "LoaiBanTin": "CONFIRM",
        "MaLoi": code,
        "MaDoiTac": PARTNER,
        "MaThamChieu": asked["MaThamChieu"],
        "SoTien": int(asked["SoTien"]),
        "MaTienTe": "VND",
        "MaGiaoDich": order["transaction"],
        "MaNganHang": "SANDBOX",
        "ThoiGianGD": _clock(order["at"]),
        "ThongTinGiaoDich": asked["ThongTinGiaoDich"],
    }
    signed = fields | {"MaXacThuc": signature.hash_of(fields, signature.RESULT)}
    return Result(f"{asked['MaThamChieu']}/{order['transaction']}", signed)


def _clock(at: str) -> str:
    return f"{datetime.fromisoformat(at).astimezone(VIETNAM):%Y%m%d%H%M%S}"


def _number(name: str) -> str:
    """Return the platform's own number for a transaction of that name: always the same."""
    return str(10_000_000 + int(sha256(name.encode()).hexdigest(), 16) % 90_000_000)
