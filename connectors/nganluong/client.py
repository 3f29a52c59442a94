"""Calls Ngân Lượng's NVP interface 3.x: SetExpressCheckout and GetTransactionDetail (partners.md §6)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

from connectors.nganluong import signatures
from connectors.nganluong.manifest import TERMS
from connectors.nganluong.result_codes import CODES
from truc.connections import Connection
from truc.envelope import Order, Outgoing, Receipt
from truc.errors import MalformedError, OutcomeUnknownError, RejectedError
from truc.manifest import Limits
from truc.result_codes import Doing
from truc.transport import unknown_order
from truc.transport.rest import Rest
from truc.trust import signed_xml, tls
from truc.trust.signing import sign_bytes

PARTY = "nganluong"
API_PATH = "/checkout.api.nganluong.post.php"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Client:
    """One merchant at Ngân Lượng."""

    rest: Rest
    api_path: str
    merchant_id: str
    merchant_password: str = field(repr=False)  # the MD5 that the interface takes
    version: str
    of_every_order: Fields  # what the connection gives

    def send_payment(self, outgoing: Outgoing) -> Receipt:
        """Make the order; the receipt holds Ngân Lượng's answer beside our order_code, which the answer leaves out.

        OutcomeUnknownError when it may have been made: it is asked about by a token, which only the answer gives, so
        a person decides. Nobody can pay such an order: its address was in that answer too.
        """
        order = dict(parse_qsl(outgoing.body.decode(), strict_parsing=True))
        try:
            reply = self._called("SetExpressCheckout", {**self.of_every_order, **order}, reads=False)
            said = _fields(reply)
            kept = _kept({"order_code": order["order_code"]}, reply)
        except MalformedError as error:
            raise OutcomeUnknownError(f"{PARTY}: create: {error}", reason="answer_unreadable") from error
        code = said.get("error_code", "")
        if CODES.doing("send_payment", code) is not Doing.ACCEPTED:
            raise CODES.failure("send_payment", code)
        if not said.get("token"):
            raise OutcomeUnknownError(f"{PARTY}: create: no token in the answer", reason="answer_unreadable")
        return Receipt(said["token"], kept)

    def get_payment(self, order: Order) -> bytes:
        """Return Ngân Lượng's word on one order with the time we asked; mappings.nganluong.query reads it.

        RejectedError `not_found` when it knows no such token. An order whose answer was lost has none; it is asked
        about with an empty one all the same, so that it is Ngân Lượng who says that there is nothing.
        """
        asked_at = datetime.now(UTC)
        reply = self._called("GetTransactionDetail", {"token": order.partner_token}, reads=True)
        said = _fields(reply)
        code = said.get("error_code", "")
        doing = CODES.doing("get_payment", code)
        if doing is Doing.ABSENT:
            raise RejectedError(f"{PARTY}: no such order", reason="not_found", code=code)
        if doing not in (Doing.ACCEPTED, Doing.PENDING):
            raise CODES.failure("get_payment", code)
        if not _is_about(said, order):
            raise MalformedError(f"{PARTY}: query: the answer is about another", reason="answer_of_another")
        ends_at = order.requested_at + timedelta(seconds=TERMS.lives_s)
        about = {"token": order.partner_token, "asked_at": asked_at.isoformat(), "ends_at": ends_at.isoformat()}
        return _kept(about, reply)

    def probe(self) -> str:
        """Ask about a token that cannot exist; a wrong merchant or password hears 06 or 07, a wrong version 05."""
        unknown_order.is_not_found(PARTY, self.get_payment)
        return f"version {self.version}; 29 for a token that cannot exist"

    def close(self) -> None:
        """Close the session."""
        self.rest.close()

    def _called(self, function: str, fields: Fields, *, reads: bool) -> bytes:
        head = {
            "function": function,
            "version": self.version,
            "merchant_id": self.merchant_id,
            "merchant_password": self.merchant_password,
        }
        body = urlencode({**head, **fields}).encode()
        return self.rest.call("POST", self.api_path, body=body, headers=FORM, reads=reads).body


def open_client(connection: Connection, limits: Limits) -> Client:
    """Return the client, or raise SetupError for a setting that is missing or cannot be."""
    password = connection.required("password")
    return Client(
        rest=Rest(PARTY, connection.required("host"), limits, tls=tls.context(connection)),
        api_path=connection.optional("api_path", API_PATH),
        merchant_id=connection.required("login"),
        merchant_password=sign_bytes(signatures.MERCHANT_PASSWORD, password.encode(), password),
        version=connection.optional("version", "3.1"),
        of_every_order=_of_every_order(connection),
    )


def _of_every_order(connection: Connection) -> Fields:
    fields = {
        "receiver_email": connection.required("receiver_email"),
        "payment_method": connection.optional("payment_method", "NL"),
        "bank_code": connection.optional("bank_code"),
        "payment_type": connection.optional("payment_type", "1"),
        "return_url": connection.required("return_url"),
        "cancel_url": connection.required("cancel_url"),
        "time_limit": connection.optional("time_limit"),
        "buyer_fullname": connection.required("buyer_fullname"),
        "buyer_email": connection.required("buyer_email"),
        "buyer_mobile": connection.required("buyer_mobile"),
    }
    return {name: value for name, value in fields.items() if value}


def _is_about(said: Fields, order: Order) -> bool:
    """Say whether nothing in the answer names another order. To a question without a token, no word is about ours."""
    names = {"order_code": order.our_reference, "token": order.partner_token}
    return bool(order.partner_token) and all(said.get(name, value) == value for name, value in names.items())


def _kept(ours: Fields, reply: bytes) -> bytes:
    """Return Ngân Lượng's answer, unchanged, beside what it leaves out."""
    return json.dumps({**ours, "answer": reply.decode()}, ensure_ascii=False).encode()


def _fields(reply: bytes) -> dict[str, str]:
    """Return the values that stand right under the root; MalformedError for what is no such XML in UTF-8."""
    try:
        reply.decode()
    except UnicodeDecodeError as error:
        raise MalformedError(f"{PARTY}: the answer is not UTF-8", reason="not_utf8") from error
    root = signed_xml.read(reply)
    found = {str(one.tag): (one.text or "").strip() for one in root}
    if len(found) != len(root):
        raise MalformedError(f"{PARTY}: a name appears twice in the answer", reason="name_twice")
    return found
