"""Makes VNPAY's signed pay address, and calls querydr and refund (partners.md §2)."""

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import uuid4
from zoneinfo import ZoneInfo

from connectors.vnpay import signatures
from connectors.vnpay.manifest import TERMS
from connectors.vnpay.result_codes import CODES
from truc.connections import Connection
from truc.envelope import Order, Outgoing, Receipt
from truc.errors import MalformedError, OutcomeUnknownError, RejectedError, SetupError
from truc.manifest import Limits
from truc.result_codes import Doing
from truc.transport import unknown_order
from truc.transport.rest import Rest
from truc.trust import tls
from truc.trust.signing import Profile, sign, sign_bytes, text_to_sign, verify

PARTY = "vnpay"
VERSION = "2.1.0"
API_PATH = "/merchant_webapi/api/transaction"
JSON_HEADERS = {"Content-Type": "application/json"}
VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
TIME_FORMAT = "%Y%m%d%H%M%S"

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Client:
    """One terminal (vnp_TmnCode) at VNPAY."""

    rest: Rest
    terminal: str
    secret: str = field(repr=False)
    pay_url: str
    of_every_order: Fields  # vnp_ fields that the connection gives
    ip_address: str

    def send_payment(self, outgoing: Outgoing) -> Receipt:
        """Return {"payUrl": …}, the signed address of the pay page; VNPAY hears of it when the citizen opens it."""
        order = _texts(outgoing.body)
        asked = {
            **self._head("pay"),
            **self.of_every_order,
            **order,
            "vnp_ExpireDate": _expires(order["vnp_CreateDate"]),
            "vnp_IpAddr": self.ip_address,
        }
        query = text_to_sign(signatures.QUERY_STRING, asked)  # what is signed is what is sent
        signature = sign_bytes(signatures.QUERY_STRING, query, self.secret)
        pay_url = f"{self.pay_url}?{query.decode()}&{signatures.HASH}={signature}"
        return Receipt(order["vnp_TxnRef"], json.dumps({"payUrl": pay_url}).encode())

    def get_payment(self, order: Order) -> bytes:
        """Return VNPAY's word on one order; mappings.vnpay.query reads it.

        RejectedError `not_found` when VNPAY has none: the citizen has not opened the pay page (yet).
        """
        asked = self._question(order.our_reference, f"{order.requested_at.astimezone(VIETNAM):{TIME_FORMAT}}")
        body = self._signed(asked, signatures.QUERY)
        reply = self.rest.call("POST", API_PATH, body=body, headers=JSON_HEADERS, reads=True).body
        said = self._query_answer(reply)
        code = said["vnp_ResponseCode"]
        doing = CODES.doing("get_payment", code)
        if doing is Doing.ABSENT:
            raise RejectedError(f"{PARTY}: no such order", reason="not_found", code=code)
        if doing is not Doing.ACCEPTED:
            raise CODES.failure("get_payment", code)
        if not self._is_about(said, asked):
            raise MalformedError(f"{PARTY}: querydr: the answer is about another", reason="answer_of_another")
        return _kept(asked, reply)

    def send_refund(self, outgoing: Outgoing) -> Receipt:
        """Ask VNPAY to give money back; the receipt holds its answer, and our own name of the refund.

        OutcomeUnknownError when it may have been taken: an answer that nobody signed says nothing. querydr names a
        payment and no refund, so nobody can be asked: a person decides.
        """
        asked = {**self._head("refund"), **_texts(outgoing.body), "vnp_IpAddr": self.ip_address}
        body = self._signed(asked, signatures.REFUND)
        reply = self.rest.call("POST", API_PATH, body=body, headers=JSON_HEADERS).body
        try:
            said = self._verified(reply, signatures.REFUND_ANSWER)
        except MalformedError as error:
            raise OutcomeUnknownError(f"{PARTY}: refund: {error}", reason=error.reason) from error
        code = said["vnp_ResponseCode"]
        if CODES.doing("send_refund", code) is not Doing.ACCEPTED:
            raise CODES.failure("send_refund", code)
        if not self._is_about(said, asked):
            text = f"{PARTY}: refund: the answer is about another"
            raise OutcomeUnknownError(text, reason="answer_of_another")
        return Receipt(said.get("vnp_TransactionNo", ""), _kept(asked, reply))

    def probe(self) -> str:
        """Ask querydr about an order that cannot exist; a wrong terminal or secret hears 02 or 97 (SetupError)."""
        unknown_order.is_not_found(PARTY, self.get_payment)
        return f"version {VERSION}; 91 for an order that cannot exist, signed with our secret"

    def close(self) -> None:
        """Close the session."""
        self.rest.close()

    def _head(self, command: str) -> dict[str, str]:
        return {"vnp_Version": VERSION, "vnp_Command": command, "vnp_TmnCode": self.terminal}

    def _question(self, our_reference: str, created: str) -> dict[str, str]:
        """Return the fields of querydr; `created` is vnp_CreateDate of the order, which VNPAY finds it by."""
        return {
            "vnp_RequestId": uuid4().hex,
            **self._head("querydr"),
            "vnp_TxnRef": our_reference,
            "vnp_OrderInfo": f"Hoi ket qua {our_reference}",
            "vnp_TransactionDate": created,
            "vnp_CreateDate": f"{datetime.now(UTC).astimezone(VIETNAM):{TIME_FORMAT}}",
            "vnp_IpAddr": self.ip_address,
        }

    def _query_answer(self, reply: bytes) -> Fields:
        try:
            return self._verified(reply, signatures.QUERY_ANSWER)
        except _UnsignedError as error:
            # With a wrong secret the answer that says so cannot be verified either: a person must look, all the same.
            if CODES.on["get_payment"].get(error.code) is Doing.SETUP:
                raise CODES.failure("get_payment", error.code) from error
            raise

    def _verified(self, body: bytes, profile: Profile) -> Fields:
        """Return the fields of an answer that VNPAY signed, each value as it came; _UnsignedError for another."""
        said = _texts(body)
        code = said.get("vnp_ResponseCode", "")
        if not verify(profile, said, self.secret, said.get(signatures.HASH, "")):
            raise _UnsignedError(code)
        return {**said, "vnp_ResponseCode": code}

    def _is_about(self, said: Fields, asked: Fields) -> bool:
        return all(said.get(name) == asked[name] for name in ("vnp_Command", "vnp_TmnCode", "vnp_TxnRef"))

    def _signed(self, asked: Fields, profile: Profile) -> bytes:
        return json.dumps({**asked, signatures.HASH: sign(profile, asked, self.secret)}).encode()


class _UnsignedError(MalformedError):
    """An answer whose checksum is not VNPAY's, with the code it claims."""

    def __init__(self, code: str) -> None:
        super().__init__(f"{PARTY}: the checksum of the answer is wrong", reason="bad_signature")
        self.code = code


def open_client(connection: Connection, limits: Limits) -> Client:
    """Return the client, or raise SetupError for a setting that is missing or cannot be."""
    return Client(
        rest=Rest(PARTY, connection.required("host"), limits, tls=tls.context(connection)),
        terminal=connection.required("login"),
        secret=connection.required("password"),
        pay_url=_pay_url(connection.required("pay_url")),
        of_every_order={
            "vnp_Locale": connection.optional("locale", "vn"),
            "vnp_OrderType": connection.optional("order_type", "other"),
            "vnp_ReturnUrl": connection.required("return_url"),
        },
        ip_address=_ip_address(connection.required("ip_address")),
    )


def _pay_url(url: str) -> str:
    parts = urlsplit(url)
    in_clear = parts.scheme != "https" and (parts.scheme, parts.hostname) != ("http", "127.0.0.1")
    if in_clear or parts.query or parts.fragment:
        text = f"{PARTY}: pay_url must be https (http only on 127.0.0.1), without ? and #"
        raise SetupError(text, reason="setting_malformed")
    return url


def _ip_address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise SetupError(f"{PARTY}: ip_address must be an IP address", reason="setting_malformed") from error


def _expires(created: str) -> str:
    try:
        at = datetime.strptime(created, TIME_FORMAT)  # noqa: DTZ007  (Vietnam's clock in, Vietnam's clock out: no zone)
    except ValueError as error:
        raise MalformedError("vnp_CreateDate must be yyyyMMddHHmmss", reason="field_malformed") from error
    return f"{at + timedelta(seconds=TERMS.lives_s):{TIME_FORMAT}}"


def _kept(asked: Fields, reply: bytes) -> bytes:
    """Return VNPAY's answer, unchanged, beside what it leaves out: our name of the request."""
    ours = {"vnp_RequestId": asked["vnp_RequestId"]}
    return json.dumps({**ours, "answer": reply.decode()}, ensure_ascii=False).encode()


def _texts(body: bytes) -> dict[str, str]:
    """Return a JSON object's values as text, every number in the digits it came with; null is an empty text."""
    try:
        found = json.loads(body.decode(), parse_int=str, parse_float=str, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"{PARTY}: not JSON, or a name appears twice", reason="not_json") from error
    if not isinstance(found, dict) or not all(value is None or isinstance(value, str) for value in found.values()):
        raise MalformedError(f"{PARTY}: not a JSON object of texts and numbers", reason="not_an_object")
    return {name: value or "" for name, value in found.items()}


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A name given twice could be verified with one value and read with the other."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name appears twice")
    return found
