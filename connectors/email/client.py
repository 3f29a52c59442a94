"""Hands one e-mail over to the province's mail relay."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256

from connectors.email.result_codes import CODES
from truc.connections import Connection
from truc.envelope import Outgoing, Receipt
from truc.errors import MalformedError, SetupError
from truc.manifest import Limits
from truc.result_codes import Doing
from truc.transport.smtp import Relay, Security, Smtp, is_mailbox
from truc.trust import tls

MAPPED_FIELDS = {"to", "subject", "text"}
HELLO = re.compile(r"[A-Za-z0-9.-]{1,253}|\[[A-Za-z0-9.:]{1,50}\]")  # RFC 5321, 4.1.3
SECURITIES: dict[str, Security] = {"starttls": "starttls", "tls": "tls", "none": "none"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Whom the message is from, and where an answer goes ("" for nowhere else)."""

    address: str
    name: str
    reply_to: str


@dataclass(frozen=True, slots=True)
class Client:
    """One sender at one relay."""

    smtp: Smtp
    sender: Sender

    def send_message(self, outgoing: Outgoing) -> Receipt:
        """Hand over one message. The receipt is the relay's reply, named by our Message-ID.

        Each try of one message carries the same Message-ID, but no relay promises to drop a second one: after
        silence a person decides.
        """
        mapped = _mapped(outgoing.body)
        message = _composed(self.sender, outgoing, mapped)
        content = message.as_bytes(policy=SMTP)
        reply = self.smtp.send(sender=self.sender.address, recipient=mapped["to"], content=content)
        if CODES.doing("send_message", str(reply.code)) is not Doing.ACCEPTED:
            raise CODES.failure("send_message", str(reply.code))
        body = str(reply.code).encode() + b" " + reply.text
        return Receipt(external_id=str(message["Message-ID"]), body=body, content_type="text/plain")

    def probe(self) -> str:
        """Greet the relay, log in, and leave without a message."""
        greeted = self.smtp.greet()
        return f"{greeted.name}, {greeted.tls or 'clear text'}"

    def close(self) -> None:
        """Nothing stays open between messages."""


def open_client(connection: Connection, limits: Limits) -> Client:
    """Return a client for the connection's relay, or raise SetupError naming the missing or wrong setting."""
    address, reply_to = connection.required("sender"), connection.optional("reply_to")
    for name, value in (("sender", address), ("reply_to", reply_to)):
        if value and not is_mailbox(value):
            raise SetupError(f"email: {name} must be one plain address, name@domain", reason="setting_malformed")
    sender = Sender(address=address, name=connection.optional("sender_name"), reply_to=reply_to)
    if any(not one.isprintable() for one in sender.name):
        raise SetupError("email: sender_name must be one line of text", reason="setting_malformed")
    hello = connection.optional("hello_name", address.rpartition("@")[2])
    if HELLO.fullmatch(hello) is None:
        raise SetupError("email: hello_name must be a host name, or an address in []", reason="setting_malformed")
    relay = _relay(connection, hello=hello)
    return Client(Smtp(connection.party, relay, limits, tls=tls.context(connection)), sender)


def _relay(connection: Connection, *, hello: str) -> Relay:
    security = SECURITIES.get(connection.optional("security", "starttls"))
    if security is None:
        raise SetupError("email: security must be starttls, tls or none", reason="setting_malformed")
    port = connection.optional("port", "465" if security == "tls" else "587")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise SetupError("email: port must be a number from 1 to 65535", reason="setting_malformed")
    login = connection.optional("login")
    return Relay(
        host=connection.required("host"),
        port=int(port),
        security=security,
        hello=hello,
        login=login,
        password=connection.required("password") if login else "",
    )


def _mapped(body: bytes) -> dict[str, str]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict) or set(fields) != MAPPED_FIELDS:
        raise MalformedError("email: the body must be what mappings.email.message writes", reason="not_by_mapping")
    if not all(isinstance(value, str) for value in fields.values()) or not is_mailbox(fields["to"]):
        raise MalformedError("email: a field of the body is not what mappings.email.message writes", reason="field")
    return fields


def _composed(sender: Sender, outgoing: Outgoing, mapped: dict[str, str]) -> EmailMessage:
    """Return the message in ASCII bytes only (quoted-printable or base64), so that any relay takes it."""
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = Address(display_name=sender.name, addr_spec=sender.address)
        message["To"] = Address(addr_spec=mapped["to"])
        message["Subject"] = mapped["subject"]
    except ValueError as error:  # a line end in a header: what follows it would be a header of its own
        raise MalformedError("email: subject must be one line of text", reason="subject_malformed") from error
    if sender.reply_to:
        message["Reply-To"] = Address(addr_spec=sender.reply_to)
    message["Date"] = format_datetime(outgoing.published_at or datetime.now(UTC))
    message["Message-ID"] = _message_id(outgoing.external_id, sender.address)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: holiday notes are not sent back
    message.set_content(mapped["text"], cte="base64")
    return message


def _message_id(external_id: str, sender: str) -> str:
    """Ours is unique for the message and tells nothing of it."""
    return f"<{sha256(external_id.encode()).hexdigest()}@{sender.rpartition('@')[2]}>"
