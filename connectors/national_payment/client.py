"""Talks to the national payment platform: INIT, QUERY and GET_BILL (partners.md §9.1)."""

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from connectors.national_payment import signatures
from connectors.national_payment.receipts import Receipts, of_connection
from connectors.national_payment.result_codes import CODES, INIT
from connectors.national_payment.texts import PARTY, json_object, texts
from truc.connections import Connection
from truc.envelope import Order, Outgoing, Receipt
from truc.errors import MalformedError, OutcomeUnknownError, RejectedError, SetupError
from truc.manifest import Limits
from truc.result_codes import Doing
from truc.transport import unknown_order
from truc.transport.rest import Rest
from truc.trust import tls
from truc.trust.signing import Profile, sign, verify

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
TIME_FORMAT = "%Y%m%d%H%M%S"  # 24 hours: of a 12-hour clock, morning and afternoon are one time
PDF = b"%PDF-"

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Where each message goes."""

    init: str
    query: str
    bill: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One partner code (MaDoiTac) at the platform."""

    rest: Rest
    paths: Paths
    headers: dict[str, str] = field(repr=False)
    partner_code: str
    secret: str = field(repr=False)
    version: str
    of_every_order: Fields  # fields of INIT that the connection gives
    receipts: Receipts
    refusals: frozenset[str]  # error_code of INIT that is confirmed to have taken nothing
    absences: frozenset[str]  # MaLoi of QUERY that is confirmed to mean «no such order»
    query_answer: Profile | None

    def send_payment(self, outgoing: Outgoing) -> Receipt:
        """Create the payment; the receipt holds the platform's answer beside our MaThamChieu.

        MaThamChieu is the platform's key of a payment, so the same may be sent again. OutcomeUnknownError for an
        answer that says neither taken nor refused; RejectedError for a kind the connection does not know.
        """
        order = json_object(outgoing.body)
        named = {name: str(order[name]) for name in ("MaThamChieu", "SoTien", "ThongTinGiaoDich", "ThoiGianGD")}
        asked = {**self._head("INIT"), **named, **self.of_every_order}
        body = self._signed(asked, signatures.INIT, {"ThongTinBienLai": self.receipts.completed(order)})
        reply = self.rest.call("POST", self.paths.init, body=body, headers=self.headers).body
        self._require_taken(reply)
        kept = {"MaThamChieu": named["MaThamChieu"], "answer": reply.decode()}
        return Receipt(named["MaThamChieu"], json.dumps(kept, ensure_ascii=False).encode())

    def get_payment(self, order: Order) -> bytes:
        """Return the platform's word on one order; mappings.national_payment.query reads it.

        RejectedError `not_found` only for a code that the setting absent_codes names: none is published.
        """
        asked = self._question("QUERY", order)
        body = self._signed(asked, signatures.QUESTION)
        reply = self.rest.call("POST", self.paths.query, body=body, headers=self.headers, reads=True).body
        said = texts(reply)
        code = said.get("MaLoi", "")
        absent = code in self.absences
        if not absent and CODES.doing("get_payment", code) is not Doing.ACCEPTED:
            raise CODES.failure("get_payment", code)
        self._require_signed(said)
        if any(said.get(name) != asked[name] for name in ("MaDoiTac", "MaThamChieu")):
            raise MalformedError(f"{PARTY}: QUERY: the answer is about another", reason="answer_of_another")
        if absent:
            raise RejectedError(f"{PARTY}: no such order", reason="not_found", code=code)
        return reply

    def get_bill(self, order: Order) -> bytes:
        """Return the receipt of a payment as PDF; MalformedError `not_a_bill` for any other answer."""
        body = self._signed(self._question("GET_BILL", order), signatures.QUESTION)
        reply = self.rest.call("POST", self.paths.bill, body=body, headers=self.headers, reads=True).body
        if not reply.startswith(PDF):
            raise MalformedError(f"{PARTY}: GET_BILL: the answer is no PDF", reason="not_a_bill")
        return reply

    def probe(self) -> str:
        """Ask QUERY about an order that cannot exist; SetupError `unsupported` while absent_codes is not set."""
        if not self.absences:
            text = f"{PARTY}: set absent_codes: without it no answer tells an unknown order from a wrong MaXacThuc"
            raise SetupError(text, reason="unsupported")
        unknown_order.is_not_found(PARTY, self.get_payment)
        return f"version {self.version}; MaLoi says that there is no such order"

    def close(self) -> None:
        """Close the session."""
        self.rest.close()

    def _head(self, message: str) -> dict[str, str]:
        return {"LoaiBanTin": message, "PhienBan": self.version, "MaDoiTac": self.partner_code}

    def _question(self, message: str, order: Order) -> dict[str, str]:
        """ThoiGianGD of a question is that of INIT."""
        at = f"{order.requested_at.astimezone(VIETNAM):{TIME_FORMAT}}"
        return self._head(message) | {"MaThamChieu": order.our_reference, "ThoiGianGD": at}

    def _signed(self, asked: Fields, profile: Profile, apart: Mapping[str, object] | None = None) -> bytes:
        if signatures.has_bar(profile, asked):
            raise MalformedError(f"{PARTY}: a signed field holds a bar", reason="field_malformed")
        whole = {**asked, signatures.HASH: sign(profile, asked, self.secret), **(apart or {})}
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()

    def _require_taken(self, reply: bytes) -> None:
        try:
            code = texts(reply).get("error_code", "")
        except MalformedError as error:
            # It may well have been taken: only the answer cannot be read.
            raise OutcomeUnknownError(f"{PARTY}: INIT: {error}", reason="answer_unreadable") from error
        if code in self.refusals:
            raise RejectedError(f"{PARTY}: INIT: refused", reason="refused", code=code)
        if INIT.doing("send_payment", code) is not Doing.ACCEPTED:
            raise INIT.failure("send_payment", code)

    def _require_signed(self, said: Fields) -> None:
        """Which fields the answer to QUERY signs is not published: it is verified once the connection says so."""
        if self.query_answer is None:
            return
        right = verify(self.query_answer, said, self.secret, said.get(signatures.HASH, ""))
        if not right or signatures.has_bar(self.query_answer, said):
            raise MalformedError(f"{PARTY}: QUERY: MaXacThuc of the answer is wrong", reason="bad_signature")


def open_client(connection: Connection, limits: Limits) -> Client:
    """Return the client, or raise SetupError for a setting that is missing or cannot be."""
    return Client(
        rest=Rest(PARTY, connection.required("host"), limits, tls=tls.context(connection)),
        paths=Paths(**{name: _path(connection, f"{name}_path") for name in ("init", "query", "bill")}),
        headers=_headers(connection.optional("access_token")),
        partner_code=connection.required("login"),
        secret=connection.required("password"),
        version=connection.optional("version", "1.0.6"),
        of_every_order=_of_every_order(connection),
        receipts=of_connection(connection),
        refusals=_codes(connection, "refusal_codes", INIT.meaning),
        absences=_codes(connection, "absent_codes", CODES.meaning),
        query_answer=signatures.listed(connection.optional("query_answer_signed")),
    )


def _of_every_order(connection: Connection) -> Fields:
    return {
        "LoaiHinhThanhToan": "PAY",
        "MaKenhThanhToan": connection.optional("channel", "1"),
        "MaThietBi": connection.optional("device", "1"),
        "NgonNgu": "vi-VN",
        "MaTienTe": "VND",
        "MaNganHang": connection.required("bank_code"),
        "Ip": _ip_address(connection.required("ip_address")),
    }


def _headers(token: str) -> dict[str, str]:
    known = {"Content-Type": "application/json; charset=UTF-8"}
    return known | ({"Authorization": f"Bearer {token}"} if token else {})


def _path(connection: Connection, name: str) -> str:
    path = connection.required(name)
    if not path.startswith("/"):
        raise SetupError(f"{PARTY}: {name} must begin with /", reason="setting_malformed")
    return path


def _codes(connection: Connection, name: str, published: Mapping[str, Any]) -> frozenset[str]:
    """Return codes given with commas. A published one keeps its meaning, so that none becomes a success or stops it."""
    codes = frozenset(code.strip() for code in connection.optional(name).split(",") if code.strip())
    if taken := sorted(codes & set(published)):
        raise SetupError(f"{PARTY}: {name}: {', '.join(taken)} is published already", reason="setting_malformed")
    return codes


def _ip_address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise SetupError(f"{PARTY}: ip_address must be an IP address", reason="setting_malformed") from error
