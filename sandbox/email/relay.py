"""The relay itself: a real SMTP server (aiosmtpd) with STARTTLS and login, which misbehaves when it is told to."""

import asyncio
import hmac
import logging
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from hashlib import sha256
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sandbox.faults import Fault, Faults
from sandbox.state import State

# Made up for the sandbox; no account anywhere has these.
LOGIN, PASSWORD, SENDER = "motcua", "sandbox-email", "motcua@khanhhoa.example"
SHUT = ("refuse", "unavailable", "silent_before")  # before the first word
TEXT_BYTES_MAX = 1024 * 1024
ENDLESS_BYTES = 64 * 1024 * 1024
FOR_EVER_S = 3600


@dataclass(slots=True)
class Mailroom:
    """What was taken over, and the replies that are ordered for the next texts."""

    state: State
    faults: Faults
    _codes: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def insist(self, codes: list[Any]) -> None:
        """Have the next texts answered with these codes, and nothing taken."""
        with self._lock:
            self._codes.extend(str(one) for one in codes)

    def insisted(self) -> str:
        """Return the code ordered for this text, "" for none."""
        with self._lock:
            return self._codes.pop(0) if self._codes else ""

    def take(self, envelope: Envelope) -> None:
        """Count one text under its Message-ID; neither address nor text is kept."""
        message = message_from_bytes(_bytes(envelope))
        receivers = sha256(",".join(sorted(envelope.rcpt_tos)).encode()).hexdigest()
        name = str(message.get("Message-ID") or "").strip()
        self.state.record("message", name, {"receivers": receivers, "text": _digest(message)}, key=receivers)


class Hooks:
    """What aiosmtpd asks at each step of a conversation (its names and arguments)."""

    def __init__(self, mailroom: Mailroom) -> None:
        self._mailroom = mailroom

    async def handle_MAIL(  # noqa: N802  (aiosmtpd finds it by this name)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._mailroom.faults.take("message", "error_before"):
            return "451 4.3.0 said by the stand-in"
        if address.lower() != SENDER:
            return "553 5.7.1 not an address of this account"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802  (as above)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "@" not in address or address.lower().endswith("@unknown.example"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  (as above)
        if code := self._mailroom.insisted():
            return f"{code} said by the stand-in"
        fault = self._mailroom.faults.take("message")
        if fault is not None and fault.mode == "late_after":
            # A copy: aiosmtpd empties the envelope once the conversation is over.
            late = Envelope()
            late.rcpt_tos, late.content = list(envelope.rcpt_tos), _bytes(envelope)
            threading.Timer(fault.wait_s, self._mailroom.take, (late,)).start()
            await _leave(server)
        self._mailroom.take(envelope)
        if fault is not None:
            return await _misbehave(fault, server)
        return "250 2.0.0 Ok: queued"


def login_right(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: object) -> AuthResult:
    """Say whether the login is the one of the sandbox."""
    right = isinstance(given, LoginPassword) and (
        hmac.compare_digest(given.login, LOGIN.encode()) and hmac.compare_digest(given.password, PASSWORD.encode())
    )
    return AuthResult(success=right, handled=False)


class Relay:
    """Listens on 127.0.0.1 in a thread of its own."""

    def __init__(self, port: int, mailroom: Mailroom, *, certificate: Path, key: Path) -> None:
        """Raise OSError when the port is taken."""
        logging.getLogger("mail.log").setLevel(logging.ERROR)  # at DEBUG aiosmtpd writes whole messages
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate, key)
        self._mailroom, self._loop = mailroom, asyncio.new_event_loop()
        try:
            self._server = self._loop.run_until_complete(self._loop.create_server(self._door, "127.0.0.1", port))
        except OSError:
            self._loop.close()
            raise
        self.port = int(self._server.sockets[0].getsockname()[1])
        self._thread = threading.Thread(target=self._loop.run_forever, name="email", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; open conversations end."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)
        self._loop.close()

    def _door(self) -> asyncio.BaseProtocol:
        fault = self._mailroom.faults.take("message", *SHUT)
        if fault is not None:
            return _ShutDoor(fault, self._loop)
        return SMTP(
            Hooks(self._mailroom),
            hostname="relay.example",
            ident="sandbox",
            data_size_limit=TEXT_BYTES_MAX,
            tls_context=self._tls,
            require_starttls=True,
            auth_required=True,
            authenticator=login_right,
            loop=self._loop,
        )

    async def _end(self) -> None:
        self._server.close()
        others = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
        for one in others:
            one.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class _ShutDoor(asyncio.Protocol):
    """A connection that hears no word of SMTP, or one."""

    def __init__(self, fault: Fault, loop: asyncio.AbstractEventLoop) -> None:
        self._fault, self._loop = fault, loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101  (TCP)
        if self._fault.mode == "unavailable":
            transport.write(b"421 4.3.2 said by the stand-in\r\n")
        if self._fault.mode == "silent_before":
            self._loop.call_later(self._fault.wait_s, transport.close)
        else:
            transport.close()


async def _misbehave(fault: Fault, server: SMTP) -> str:
    """The text is taken; its reply is not what it should be."""
    write: Callable[[bytes], None] = server.transport.write
    match fault.mode:
        case "error_after":
            return "421 4.3.2 said by the stand-in"
        case "silent_after":
            await asyncio.sleep(fault.wait_s)
        case "garbage":
            write(b"\x00\xff<not what you expect\r\n")
        case "truncated":
            write(b"25")
        case "huge":
            for _ in range(ENDLESS_BYTES // 65536):
                write(b"250-" + b" " * 65530 + b"\r\n")
                await asyncio.sleep(0)
        case "slow":
            for byte in b"250 2.0.0 Ok: queued\r\n":
                write(bytes([byte]))
                await asyncio.sleep(fault.wait_s / 20)
        case "twice":
            return "250 2.0.0 Ok: queued"
    await _leave(server)
    raise AssertionError("the connection has ended")


async def _leave(server: SMTP) -> None:
    """Close without a reply; aiosmtpd cancels the conversation once the connection is gone."""
    server.transport.close()
    await asyncio.sleep(FOR_EVER_S)


def _bytes(envelope: Envelope) -> bytes:
    content = envelope.content
    return content.encode() if isinstance(content, str) else bytes(content or b"")


def _digest(message: Message) -> str:
    content = message.get_payload(decode=True)
    return sha256(content if isinstance(content, bytes) else b"").hexdigest()
