"""Mail to one relay by SMTP (RFC 5321): one text to one mailbox, errors translated once, TLS beyond this machine.

The final dot divides a conversation. Before it nothing has happened, whatever goes wrong (RFC 5321, 4.1.1.4); from
the text's first byte on, silence is an unknown outcome, and only the relay's reply says more.
"""

import contextlib
import re
import smtplib
import socket
import ssl
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Literal

from truc import tracing
from truc.errors import MalformedError, OutcomeUnknownError, RejectedError, SetupError, TransientError, TrucError
from truc.manifest import Limits
from truc.transport.rest import TLS_REFUSALS

Security = Literal["starttls", "tls", "none"]

CHUNK_BYTES = 4096
REPLY_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
# One mailbox: no comment, no quoted name, no second line, nothing beyond ASCII (we do not ask for SMTPUTF8).
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
MAILBOX = re.compile(rf"(?=[^@]{{1,64}}@){ATOM}(\.{ATOM})*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
MAILBOX_CHARACTERS_MAX = 254
LOGINS = {"CRAM-MD5", "PLAIN", "LOGIN"}  # what smtplib can do
NOT_LOGGED_IN = (530, 538)  # RFC 4954, 6: the relay wants a login, or TLS before it
OURS = ("EHLO", "STARTTLS", "AUTH", "MAIL")  # a refusal of these is about us; of RCPT and DATA about the message


class UnreadableReplyError(smtplib.SMTPException):
    """The relay said something that is no reply, or did not stop."""


# Every error of smtplib stands in one of two tables, looked through in this order. The values are (reason, text).
MISCONFIGURED: dict[type[Exception], tuple[str, str]] = {
    smtplib.SMTPNotSupportedError: ("not_offered", "the relay offers no such thing: check login and security"),
    smtplib.SMTPAuthenticationError: ("unauthorised", "login refused: check login and password"),
    ssl.SSLCertVerificationError: ("certificate_refused", "check host and ca_file"),
}
UNREACHED: dict[type[Exception], tuple[str, str]] = {
    UnreadableReplyError: ("answer_unreadable", "the reply cannot be read"),
    smtplib.SMTPServerDisconnected: ("no_answer", "the connection ended early"),
    smtplib.SMTPConnectError: ("not_reached", "the relay takes no connection now"),
    smtplib.SMTPHeloError: ("no_answer", "the relay did not greet"),
    smtplib.SMTPSenderRefused: ("no_answer", "the conversation failed"),
    smtplib.SMTPRecipientsRefused: ("no_answer", "the conversation failed"),
    smtplib.SMTPDataError: ("no_answer", "the conversation failed"),
    smtplib.SMTPResponseException: ("no_answer", "the conversation failed"),
    smtplib.SMTPException: ("no_answer", "the conversation failed"),
    ConnectionRefusedError: ("not_reached", "not reached"),
    socket.gaierror: ("not_reached", "the host name is not known"),
    TimeoutError: ("no_answer", "no answer in time"),
    OSError: ("no_answer", "the relay or the network failed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """Where and as whom. `hello` is the name we say EHLO with; `login` is "" where the relay knows us otherwise."""

    host: str
    port: int
    security: Security
    hello: str
    login: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeted:
    """What a relay showed before any message; in clear text `tls` is "" and `ends_at`, of its certificate, None."""

    name: str
    tls: str
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Reply:
    """What the relay said to the text: three digits, and its words without them."""

    code: int
    text: bytes


class Smtp:
    """One relay. Each message has its own connection, so threads need not wait for one another."""

    def __init__(self, party: str, relay: Relay, limits: Limits, *, tls: ssl.SSLContext) -> None:
        """Raise SetupError for clear text beyond this machine, and for a `tls` (truc.trust.tls) without its checks."""
        if relay.security == "none" and not _is_loopback(relay.host):
            text = f"{party}: security 'none' is for the loopback only: set starttls or tls"
            raise SetupError(text, reason="clear_text_address")
        if tls.verify_mode is not ssl.CERT_REQUIRED or not tls.check_hostname:
            raise SetupError(f"{party}: the TLS context leaves checks out", reason="tls_unchecked")
        self._party, self._relay, self._limits, self._tls = party, relay, limits, tls

    def send(self, *, sender: str, recipient: str, content: bytes) -> Reply:
        """Hand over one whole text (headers and body, lines ended by CRLF) and return the reply to its final dot.

        The reply is the caller's to judge: it may be a refusal. MalformedError for an address that is no plain
        mailbox; OutcomeUnknownError when no reply came.
        """
        for address in (sender, recipient):
            if not is_mailbox(address):
                raise MalformedError(f"{self._party}: an address is no plain mailbox", reason="address_malformed")
        with (
            tracing.span(f"call {self._party}", kind="client", attributes={"truc.party": self._party}) as span,
            contextlib.closing(self._connected()) as conversation,
        ):
            self._introduced(conversation)
            self._addressed(conversation, sender, recipient)
            reply = self._handed_over(conversation, content)
            span.set_attribute("truc.smtp_reply", reply.code)
        return reply

    def greet(self) -> Greeted:
        """Greet, encrypt and log in as `send` does, and leave without a message; failures as of `send`."""
        with contextlib.closing(self._connected()) as conversation:
            self._introduced(conversation)
            shown = conversation.shown()
            with contextlib.suppress(smtplib.SMTPException, OSError):  # as after a message
                conversation.docmd("QUIT")
        return shown

    def _connected(self) -> "_Conversation":
        try:
            return _Conversation(self._relay, self._limits, self._tls)
        except (smtplib.SMTPException, OSError) as error:
            raise translate(self._party, error) from error

    def _introduced(self, conversation: "_Conversation") -> None:
        try:
            self._greeted(conversation)
            if self._relay.security == "starttls":
                if not conversation.has_extn("starttls"):
                    raise smtplib.SMTPNotSupportedError("STARTTLS")
                self._expect(conversation, "STARTTLS", 220)
                conversation.encrypt(self._tls)
                self._greeted(conversation)  # what was said in clear text counts no more (RFC 3207, 4.2)
            if self._relay.login:
                if not LOGINS & set(conversation.esmtp_features.get("auth", "").split()):
                    raise smtplib.SMTPNotSupportedError("AUTH")
                conversation.login(self._relay.login, self._relay.password)
        except (smtplib.SMTPException, OSError) as error:
            raise translate(self._party, error) from error

    def _greeted(self, conversation: "_Conversation") -> None:
        code, _ = conversation.ehlo()
        if code != 250:
            raise refused(self._party, "EHLO", code)

    def _addressed(self, conversation: "_Conversation", sender: str, recipient: str) -> None:
        try:
            self._expect(conversation, f"MAIL FROM:<{sender}>", 250)
            self._expect(conversation, f"RCPT TO:<{recipient}>", 250, 251)
            self._expect(conversation, "DATA", 354)
        except (smtplib.SMTPException, OSError) as error:
            raise translate(self._party, error) from error

    def _expect(self, conversation: "_Conversation", command: str, *wanted: int) -> None:
        code, _ = conversation.docmd(command)
        if code not in wanted:
            raise refused(self._party, command.partition(" ")[0], code)

    def _handed_over(self, conversation: "_Conversation", content: bytes) -> Reply:
        try:
            conversation.send(dotted(content))
            reply = Reply(*conversation.getreply())
        except (smtplib.SMTPException, OSError) as error:
            reason = "answer_unreadable" if isinstance(error, UnreadableReplyError) else "no_answer"
            text = f"{self._party}: {type(error).__name__}: no reply to the text"
            raise OutcomeUnknownError(text, reason=reason) from error
        # The relay has spoken: what becomes of the farewell changes nothing.
        with contextlib.suppress(smtplib.SMTPException, OSError):
            conversation.docmd("QUIT")
        return reply


class _Conversation(smtplib.SMTP):
    """smtplib's client, whose replies have an end in bytes and seconds, however slowly they drip."""

    def __init__(self, relay: Relay, limits: Limits, tls: ssl.SSLContext) -> None:
        self._relay, self._limits, self._tls = relay, limits, tls
        self._unread = b""
        try:
            super().__init__(relay.host, relay.port, relay.hello, timeout=limits.connect_timeout_s)
        except BaseException:
            self.close()
            raise

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Connect, and encrypt where TLS goes before the first word; smtplib calls it, as in its SMTP_SSL."""
        plain = socket.create_connection((host, port), timeout)
        plain.settimeout(self._limits.timeout_s)
        return plain if self._relay.security != "tls" else self._tls.wrap_socket(plain, server_hostname=host)

    def encrypt(self, tls: ssl.SSLContext) -> None:
        """Speak TLS from here on. Words that came in clear text behind the reply are somebody else's (RFC 3207, 6)."""
        assert self.sock is not None  # noqa: S101  (a reply came through it)
        if self._unread:
            raise UnreadableReplyError("more than the reply to STARTTLS")
        self.sock = tls.wrap_socket(self.sock, server_hostname=self._relay.host)

    def shown(self) -> Greeted:
        """Return what the relay has shown of itself since its last EHLO."""
        name = (self.ehlo_resp or b"").partition(b"\n")[0].decode("ascii", "replace")
        if not isinstance(self.sock, ssl.SSLSocket):
            return Greeted(name=name, tls="", ends_at=None)
        ends_at = ssl.cert_time_to_seconds(str((self.sock.getpeercert() or {})["notAfter"]))
        return Greeted(name=name, tls=self.sock.version() or "", ends_at=datetime.fromtimestamp(ends_at, UTC))

    def getreply(self) -> tuple[int, bytes]:
        """Return code and words of one reply of any number of lines; raise where it does not end."""
        until, lines, size = time.monotonic() + self._limits.timeout_s, [], 0
        while True:
            line = self._line(until)
            size += len(line)
            found = REPLY_LINE.fullmatch(line.rstrip(b"\r"))
            if found is None or size > self._limits.body_bytes_max:
                raise UnreadableReplyError("no reply of SMTP")
            lines.append(found[3] or b"")
            if found[2] != b"-":
                break
        assert self.sock is not None  # noqa: S101  (a reply came through it)
        self.sock.settimeout(self._limits.timeout_s)
        return int(found[1]), b"\n".join(lines)

    def _line(self, until: float) -> bytes:
        while b"\n" not in self._unread:
            if self.sock is None:
                raise smtplib.SMTPServerDisconnected("closed")
            self.sock.settimeout(max(0.001, until - time.monotonic()))
            more = self.sock.recv(CHUNK_BYTES)
            if not more:
                raise smtplib.SMTPServerDisconnected("closed")
            self._unread += more
            if len(self._unread) > self._limits.body_bytes_max:
                raise UnreadableReplyError("a line without an end")
        line, _, self._unread = self._unread.partition(b"\n")
        return line


def is_mailbox(address: str) -> bool:
    """Say whether this is one plain mailbox, `name@domain` in ASCII, which no header or command can be slipped into."""
    return len(address) <= MAILBOX_CHARACTERS_MAX and MAILBOX.fullmatch(address) is not None


def dotted(content: bytes) -> bytes:
    """Return the text as it goes over the wire: a dot before each leading dot, and the final one (RFC 5321, 4.5.2)."""
    ended = content if content.endswith(b"\r\n") else content + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", ended) + b".\r\n"


def refused(party: str, command: str, code: int) -> TrucError:
    """Return our failure for a reply before the text: 4yz is «later», 5yz is about us or about the message.

    The relay's words are not quoted: they may hold the citizen's address.
    """
    text = f"{party}: {command}: {code}"
    if not 500 <= code < 600:
        return TransientError(f"{text}: not now", reason="asked_to_wait")
    if command in OURS or code in NOT_LOGGED_IN:
        return SetupError(f"{text}: the relay refuses us: check login, security and sender", reason="relay_refused")
    return RejectedError(f"{text}: the relay refuses the message", reason="smtp_refused", code=str(code))


def translate(party: str, error: Exception) -> TrucError:
    """Return our failure for one of smtplib's, ssl's or the socket's before the text: nothing has happened."""
    name = type(error).__name__
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code < 500:
        return TransientError(f"{party}: {name}: {error.smtp_code}: not now", reason="asked_to_wait")
    if isinstance(error, ssl.SSLError) and (met := TLS_REFUSALS.get(getattr(error, "reason", "") or "")):
        return SetupError(f"{party}: {name}: {met[1]}", reason=met[0])
    for kind in type(error).__mro__:
        if kind in MISCONFIGURED:
            reason, text = MISCONFIGURED[kind]
            return SetupError(f"{party}: {name}: {text}", reason=reason)
        if kind in UNREACHED:
            reason, text = UNREACHED[kind]
            return TransientError(f"{party}: {name}: {text}", reason=reason)
    return TransientError(f"{party}: {name}", reason="no_answer")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
