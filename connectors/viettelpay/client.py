"""Makes ViettelPay's signed pay address, and calls TRANS_INQUIRY and REFUND_PAYMENT (partners.md §4)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from connectors.viettelpay import signatures
from connectors.viettelpay.result_codes import CODES
from connectors.viettelpay.signatures import Agreed, agreed
from truc.connections import Connection
from truc.envelope import Order, Outgoing, Receipt
from truc.errors import MalformedError, OutcomeUnknownError, RejectedError, SetupError
from truc.manifest import Limits
from truc.result_codes import Doing
from truc.transport import unknown_order
from truc.transport.rest import Rest
from truc.trust import tls

PARTY = "viettelpay"
VERSION, LOCALE = "2.0", "Vi"
PAY_PATH, API_PATH = "/PaymentGateway/payment", "/PaymentAPI/webresources/postData"
FORM_HEADERS = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Client:
    """One merchant at ViettelPay."""

    rest: Rest
    agreed: Agreed
    pay_url: str
    return_url: str
    cancel_url: str
    absent_code: str  # how the gateway says that it has no such order; "" while nobody told us

    def send_payment(self, outgoing: Outgoing) -> Receipt:
        """Return {"payUrl": …}, the signed address of the pay page. ViettelPay hears of it when it is opened."""
        order = _texts(outgoing.body)
        asked = {
            "version": VERSION,
            "command": "PAYMENT",
            "merchant_code": self.agreed.merchant_code,
            "locale": LOCALE,
            "return_url": self.return_url,
            "cancel_url": self.cancel_url,
            **order,
        }
        asked["check_sum"] = self.agreed.check_sum(signatures.PAYMENT, asked)
        pay_url = f"{self.pay_url}?{urlencode(asked)}"
        return Receipt(order["order_id"], json.dumps({"payUrl": pay_url}).encode())

    def get_payment(self, order: Order) -> bytes:
        """Return ViettelPay's word on one order as it came; mappings.viettelpay.query reads it.

        RejectedError `not_found` on the code that the connection names for it: the code is not published.
        """
        asked = self._asked("TRANS_INQUIRY", {"order_id": order.our_reference})
        asked["check_sum"] = self.agreed.check_sum(signatures.INQUIRY, asked)
        body = urlencode(asked).encode()
        reply = self.rest.call("POST", API_PATH, body=body, headers=FORM_HEADERS, reads=True).body
        said = _texts(reply)
        code = said.get("error_code", "")
        if code and code == self.absent_code:
            raise RejectedError(f"{PARTY}: no such order", reason="not_found", code=code)
        if CODES.doing("get_payment", code) is not Doing.ACCEPTED:
            raise CODES.failure("get_payment", code)
        if not _is_about(said, asked):
            raise MalformedError(f"{PARTY}: TRANS_INQUIRY: the answer is about another", reason="answer_of_another")
        return reply

    def send_refund(self, outgoing: Outgoing) -> Receipt:
        """Ask ViettelPay to give a payment back; the receipt holds its answer, and our own name and sum of the refund.

        OutcomeUnknownError when it may have been taken: the request has no name of its own that a repeat could be
        recognised by, and nobody can be asked about it, so a person decides.
        """
        asked = self._asked("REFUND_PAYMENT", _texts(outgoing.body))
        asked["check_sum"] = self.agreed.check_sum(signatures.REFUND, asked)
        reply = self.rest.call("POST", API_PATH, body=urlencode(asked).encode(), headers=FORM_HEADERS).body
        try:
            said = _texts(reply)
        except MalformedError as error:
            raise OutcomeUnknownError(f"{PARTY}: refund: {error}", reason=error.reason) from error
        code = said.get("error_code", "")
        if CODES.doing("send_refund", code) is not Doing.ACCEPTED:
            raise CODES.failure("send_refund", code)
        if not _is_about(said, asked):
            text = f"{PARTY}: refund: the answer is about another"
            raise OutcomeUnknownError(text, reason="answer_of_another")
        # A correction, or a copy, is the same refund: its name in the exchange has ~2 behind it, the books have not.
        refund_reference = outgoing.external_id.partition("~")[0]
        ours = {"refund_reference": refund_reference, "trans_amount": asked["trans_amount"]}
        return Receipt(said.get("vt_transaction_id", ""), _kept(ours, reply))

    def probe(self) -> str:
        """Ask TRANS_INQUIRY about an order that cannot exist; SetupError `unsupported` while absent_code is not set."""
        if not self.absent_code:
            text = f"{PARTY}: set absent_code: without it no answer tells an unknown order from a wrong check_sum"
            raise SetupError(text, reason="unsupported")
        unknown_order.is_not_found(PARTY, self.get_payment)
        return f"version {VERSION}; {self.absent_code} for an order that cannot exist"

    def close(self) -> None:
        """Close the session."""
        self.rest.close()

    def _asked(self, command: str, fields: Fields) -> dict[str, str]:
        return {"cmd": command, "merchant_code": self.agreed.merchant_code, "version": VERSION, **fields}


def open_client(connection: Connection, limits: Limits) -> Client:
    """Return the client, or raise SetupError for a setting that is missing or cannot be."""
    host = connection.required("host")
    return_url = connection.required("return_url")
    return Client(
        rest=Rest(PARTY, host, limits, tls=tls.context(connection)),
        agreed=agreed(connection),
        pay_url=f"{host.rstrip('/')}{PAY_PATH}",
        return_url=return_url,
        cancel_url=connection.optional("cancel_url", return_url),
        absent_code=connection.optional("absent_code"),
    )


def _is_about(said: Fields, asked: Fields) -> bool:
    """Say whether an answer names no other merchant and no other order; it need not repeat them."""
    return all(said.get(name) in (None, "", asked[name]) for name in ("merchant_code", "order_id"))


def _kept(ours: Fields, reply: bytes) -> bytes:
    """Return the answer, unchanged, beside what it leaves out: what we asked."""
    return json.dumps({**ours, "answer": reply.decode()}, ensure_ascii=False).encode()


def _texts(body: bytes) -> dict[str, str]:
    """Return a JSON object's texts and numbers, every number in the digits it came with; null is an empty text."""
    try:
        found = json.loads(body.decode(), parse_int=str, parse_float=str, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"{PARTY}: not JSON, or a name appears twice", reason="not_json") from error
    if not isinstance(found, dict):
        raise MalformedError(f"{PARTY}: not a JSON object", reason="not_an_object")
    return {name: value or "" for name, value in found.items() if value is None or isinstance(value, str)}


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Of a name given twice nobody knows which value holds."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name appears twice")
    return found
