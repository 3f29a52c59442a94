"""Sends one short message through Viettel's wsCpMt."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from connectors.sms.codes import MEANINGS, code_of
from truc.connections import Connection
from truc.envelope import Outgoing, Receipt
from truc.errors import MalformedError, OutcomeUnknownError, RejectedError, SetupError, TransientError
from truc.manifest import Limits
from truc.transport.soap import Soap
from truc.trust import tls

WSDL = Path(__file__).parents[2] / "schemas" / "sms" / "bulksms.wsdl"
MAPPED_FIELDS = {"UserID", "ReceiverID", "Content", "ContentType"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who sends, under which brand. Printing it shows no secret."""

    user: str
    password: str = field(repr=False)
    cp_code: str
    service_id: str

    def fields(self) -> dict[str, str]:
        """Return the account's part of one wsCpMt."""
        return {
            "User": self.user,
            "Password": self.password,
            "CPCode": self.cp_code,
            "ServiceID": self.service_id,
            "RequestID": "1",
            "CommandCode": "bulksms",
        }


@dataclass(frozen=True, slots=True)
class Client:
    """One account of one brand."""

    soap: Soap
    path: str
    account: Account

    def send_message(self, message: Outgoing) -> Receipt:
        """Hand over one message. The receipt has no name: the partner gives none (domain/partners.md 14)."""
        fields = self.account.fields() | _mapped(message.body)
        reply = self.soap.call("wsCpMt", fields, path=self.path)
        answer = reply.value if isinstance(reply.value, dict) else {}
        _check(str(answer.get("result") or "").strip(), str(answer.get("message") or ""))
        return Receipt(external_id="", body=reply.body, content_type="text/xml")

    def probe(self) -> str:
        """SetupError `unsupported`: wsCpMt sends, and of checkBalance only the name is known (partners.md §14)."""
        raise SetupError("sms: no call is known that only reads: wsCpMt sends a message", reason="unsupported")

    def close(self) -> None:
        """Close the kept connections."""
        self.soap.close()


def open_client(connection: Connection, limits: Limits) -> Client:
    """Return a client for the connection's account, or raise SetupError naming the missing setting."""
    account = Account(
        user=connection.required("login"),
        password=connection.required("password"),
        cp_code=connection.required("cp_code"),
        service_id=connection.required("service_id"),
    )
    soap = Soap(connection.party, WSDL, connection.required("host"), limits, tls=tls.context(connection))
    return Client(soap, connection.optional("path", "/bulkapi"), account)


def _mapped(body: bytes) -> dict[str, str]:
    try:
        fields = json.loads(body)
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or set(fields) != MAPPED_FIELDS:
        raise MalformedError("sms: the body must be what mappings.sms.message writes", reason="not_by_mapping")
    return {name: str(value) for name, value in fields.items()}


def _check(result: str, message: str) -> None:
    """Return for an accepted message (result 1), else raise what the answer means."""
    if result == "1":
        return
    if result != "0":
        raise OutcomeUnknownError("sms: a result that is neither 0 nor 1", reason="unknown_result")
    code = code_of(message)
    match MEANINGS.get(code, "refused"):
        case "already_sent":
            return
        case "setup":
            raise SetupError(f"sms: {code}: correct the account in connection 'sms'", reason="account_refused")
        case "later":
            raise TransientError(f"sms: {code}", reason="partner_failure")
        case _:
            raise RejectedError(f"sms: refused: {code or 'a text nobody has listed'}", code=code or "0")
