"""SMTP: every failure of smtplib has our word, the final dot divides, and nothing goes in clear text by mistake."""

import contextlib
import inspect
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.truc.trust.tls_servers import kept
from truc.connections import Connection
from truc.errors import MalformedError, OutcomeUnknownError, RejectedError, SetupError, TransientError, TrucError
from truc.kit.development import issue, new_authority
from truc.manifest import Limits
from truc.transport import smtp
from truc.transport.smtp import Relay, Smtp, dotted, is_mailbox, refused, translate
from truc.trust import tls

LIMITS = Limits(timeout_s=0.4, connect_timeout_s=0.4, body_bytes_max=4096)
NOW = datetime.now(UTC)
AUTHORITY, STRANGER = new_authority("CA of the relay", NOW), new_authority("CA of somebody", NOW)
SERVER = issue(AUTHORITY, "server", NOW)
KNOWN = [
    one
    for one in vars(smtplib).values()
    if inspect.isclass(one) and issubclass(one, Exception) and one.__module__ == "smtplib"
]
TEXT = b"Subject: x\r\n\r\nbody\r\n"
USUAL = {"EHLO": b"250 here\r\n", "DATA": b"354 go on\r\n", ".": b"250 taken\r\n", "QUIT": b"221 bye\r\n"}


class Scripted:
    """A relay that says what it is told, command by command, and remembers what it heard."""

    def __init__(self, says: dict[str, bytes], greeting: bytes, context: ssl.SSLContext | None, *, wrap: bool) -> None:
        self.heard: list[bytes] = []
        self._says, self._greeting, self._context, self._wrap = USUAL | says, greeting, context, wrap
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        with contextlib.suppress(OSError):  # closed before
            self._listening.shutdown(socket.SHUT_RDWR)  # ends accept
        self._listening.close()
        self._thread.join(timeout=5)

    def _serve(self) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as opened:
            connection = opened.enter_context(self._listening.accept()[0])
            connection.settimeout(5)
            if self._wrap and self._context is not None:
                connection = opened.enter_context(self._context.wrap_socket(connection, server_side=True))
            self._talk(connection, opened)

    def _talk(self, connection: socket.socket, opened: contextlib.ExitStack) -> None:
        connection.sendall(self._greeting)
        file, in_text = connection.makefile("rb"), False
        while line := file.readline():
            self.heard.append(line)
            word = "." if line == b".\r\n" else line[:-2].partition(b" ")[0].decode("latin-1").upper()
            if in_text and word != ".":
                continue
            connection.sendall(self._says.get(word, b"250 fine\r\n"))
            in_text = word == "DATA" and self._says["DATA"].startswith(b"354")
            if word == "STARTTLS" and self._context is not None:
                connection = opened.enter_context(self._context.wrap_socket(connection, server_side=True))
                file = connection.makefile("rb")
                self._says = self._says | {"EHLO": b"250-here\r\n250 AUTH PLAIN\r\n"}


Start = Callable[..., Scripted]


@pytest.fixture
def relay() -> Iterator[Start]:
    started: list[Scripted] = []

    def start(
        says: dict[str, bytes] | None = None,
        *,
        greeting: bytes = b"220-hello\r\n220 relay\r\n",
        context: ssl.SSLContext | None = None,
        wrap: bool = False,
    ) -> Scripted:
        started.append(Scripted(says or {}, greeting, context, wrap=wrap))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def server_tls(tmp_path: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*kept(tmp_path, "server", SERVER))
    return made


def trusting(folder: Path, authority: Any = AUTHORITY) -> ssl.SSLContext:
    return tls.context(Connection("mail", {"ca_file": kept(folder, "ca", authority)[0]}))


def send(
    port: int, folder: Path, *, authority: Any = AUTHORITY, recipient: str = "b@there.vn", **how: Any
) -> smtp.Reply:
    settings: dict[str, Any] = {"host": "127.0.0.1", "port": port, "security": "none", "hello": "us.vn"} | how
    made = Smtp("mail", Relay(**settings), LIMITS, tls=trusting(folder, authority))
    return made.send(sender="a@here.vn", recipient=recipient, content=TEXT)


def failure(port: int, folder: Path, **how: Any) -> TrucError:
    with pytest.raises(TrucError) as caught:
        send(port, folder, **how)
    return caught.value


def test_smtplib_still_has_the_exceptions_we_counted() -> None:
    assert len(KNOWN) >= 10


@pytest.mark.parametrize("kind", KNOWN, ids=lambda kind: kind.__name__)
def test_every_exception_of_smtplib_has_a_row_of_its_own(kind: type[Exception]) -> None:
    assert (kind in smtp.MISCONFIGURED) != (kind in smtp.UNREACHED)


@pytest.mark.parametrize("kind", [*KNOWN, TimeoutError, ConnectionResetError, socket.gaierror, ssl.SSLError, OSError])
def test_every_exception_translates_to_the_failure_of_its_row(kind: type[Exception]) -> None:
    error = kind.__new__(kind)  # some want arguments; the table looks at the class only
    if isinstance(error, smtplib.SMTPResponseException):
        error.smtp_code = 550
    ours = translate("mail", error)
    assert isinstance(ours, SetupError if kind in smtp.MISCONFIGURED else TransientError)
    assert str(ours).startswith("mail: ")


def test_a_login_that_is_refused_for_now_is_tried_later() -> None:
    assert isinstance(translate("mail", smtplib.SMTPAuthenticationError(454, b"later")), TransientError)
    assert isinstance(translate("mail", smtplib.SMTPAuthenticationError(535, b"no")), SetupError)


def test_a_text_is_handed_over_whole_and_the_farewell_is_said(relay: Start, tmp_path: Path) -> None:
    running = relay()
    assert send(running.port, tmp_path) == smtp.Reply(250, b"taken")
    running.close()
    assert running.heard == [
        b"ehlo us.vn\r\n",
        b"MAIL FROM:<a@here.vn>\r\n",
        b"RCPT TO:<b@there.vn>\r\n",
        b"DATA\r\n",
        *TEXT.splitlines(keepends=True),
        b".\r\n",
        b"QUIT\r\n",
    ]


@pytest.mark.parametrize(
    ("says", "ours"),
    [
        ({"EHLO": b"550 not you\r\n"}, SetupError),
        ({"MAIL": b"553 not you\r\n"}, SetupError),
        ({"RCPT": b"550 nobody\r\n"}, RejectedError),
        ({"RCPT": b"530 log in\r\n"}, SetupError),
        ({"DATA": b"554 no\r\n"}, RejectedError),
        ({"EHLO": b"421 later\r\n"}, TransientError),
        ({"MAIL": b"451 later\r\n"}, TransientError),
        ({"RCPT": b"450 later\r\n"}, TransientError),
        ({"DATA": b"421 later\r\n"}, TransientError),
        ({"DATA": b"250 what\r\n"}, TransientError),
        ({"RCPT": b"hello\r\n"}, TransientError),
        ({"RCPT": b""}, TransientError),
    ],
)
def test_before_the_text_nothing_has_happened(
    relay: Start, tmp_path: Path, says: dict[str, bytes], ours: type[TrucError]
) -> None:
    running = relay(says)
    assert type(failure(running.port, tmp_path)) is ours
    running.close()
    assert b".\r\n" not in running.heard


@pytest.mark.parametrize(
    "says", [b"", b"hello\r\n", b"2500 x\r\n", b"150 x\r\n", b"250" + b" " * 9000, b"250-x\r\n" * 900]
)
def test_after_the_text_silence_and_noise_are_an_unknown_outcome(relay: Start, tmp_path: Path, says: bytes) -> None:
    assert isinstance(failure(relay({".": says}).port, tmp_path), OutcomeUnknownError)


def test_a_reply_of_too_many_lines_is_not_read_on(relay: Start, tmp_path: Path) -> None:
    assert failure(relay({".": b"250-x\r\n" * 900}).port, tmp_path).reason == "answer_unreadable"


@pytest.mark.parametrize(("said", "code"), [(b"451 later\r\n", 451), (b"250-a\r\n250 b\r\n", 250), (b"554\r\n", 554)])
def test_the_reply_to_the_text_is_the_callers_to_judge(relay: Start, tmp_path: Path, said: bytes, code: int) -> None:
    assert send(relay({".": said}).port, tmp_path).code == code


def test_a_reply_without_an_end_is_given_up(relay: Start, tmp_path: Path) -> None:
    began = time.monotonic()
    assert isinstance(failure(relay(greeting=b"220-x\r\n").port, tmp_path), TransientError)
    assert time.monotonic() - began < 3


def test_a_relay_that_is_not_there_is_tried_later(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    ours = failure(port, tmp_path)
    assert (type(ours), ours.reason) == (TransientError, "not_reached")


def test_tls_from_the_first_byte(relay: Start, tmp_path: Path, server_tls: ssl.SSLContext) -> None:
    running = relay(context=server_tls, wrap=True)
    assert send(running.port, tmp_path, security="tls").code == 250


def test_starttls_and_then_the_login(relay: Start, tmp_path: Path, server_tls: ssl.SSLContext) -> None:
    offers = {"EHLO": b"250-here\r\n250 STARTTLS\r\n", "STARTTLS": b"220 go\r\n", "AUTH": b"235 in\r\n"}
    running = relay(offers, context=server_tls)
    assert send(running.port, tmp_path, security="starttls", login="us", password="secret").code == 250
    running.close()
    words = [line.strip().partition(b" ")[0].upper() for line in running.heard]
    assert words[:4] == [b"EHLO", b"STARTTLS", b"EHLO", b"AUTH"]


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_another_authoritys_relay_hears_nothing(
    relay: Start, tmp_path: Path, server_tls: ssl.SSLContext, security: str
) -> None:
    offers = {"EHLO": b"250-here\r\n250 STARTTLS\r\n", "STARTTLS": b"220 go\r\n"}
    running = relay(offers, context=server_tls, wrap=security == "tls")
    ours = failure(running.port, tmp_path, security=security, authority=STRANGER)
    assert (type(ours), ours.reason) == (SetupError, "certificate_refused")
    assert not [line for line in running.heard if line.upper().startswith((b"AUTH", b"MAIL"))]


@pytest.mark.parametrize(
    "says",
    [{}, {"EHLO": b"250-here\r\n250 STARTTLS\r\n", "STARTTLS": b"502 no\r\n"}],
)
def test_a_relay_without_starttls_is_told_nothing(relay: Start, tmp_path: Path, says: dict[str, bytes]) -> None:
    running = relay(says)
    assert isinstance(failure(running.port, tmp_path, security="starttls", login="us", password="secret"), SetupError)
    assert not [line for line in running.heard if line.upper().startswith((b"AUTH", b"MAIL"))]


def test_words_behind_the_reply_to_starttls_end_the_try(
    relay: Start, tmp_path: Path, server_tls: ssl.SSLContext
) -> None:
    says = {"EHLO": b"250-here\r\n250 STARTTLS\r\n", "STARTTLS": b"220 go\r\n250 injected\r\n"}
    ours = failure(relay(says, context=server_tls).port, tmp_path, security="starttls")
    assert (type(ours), ours.reason) == (TransientError, "answer_unreadable")


@pytest.mark.parametrize("offered", [b"250 here\r\n", b"250-here\r\n250 AUTH XOAUTH2\r\n"])
def test_a_login_the_relay_does_not_take_is_a_matter_of_setup(relay: Start, tmp_path: Path, offered: bytes) -> None:
    ours = failure(relay({"EHLO": offered}).port, tmp_path, login="us", password="secret")
    assert (type(ours), ours.reason) == (SetupError, "not_offered")


@pytest.mark.parametrize("host", ["mail.example.vn", "192.0.2.1", "localhost.example.vn"])
def test_clear_text_is_for_this_machine_only(tmp_path: Path, host: str) -> None:
    assert failure(25, tmp_path, host=host).reason == "clear_text_address"


def test_a_context_without_its_checks_is_refused() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # made for the other side: it checks nobody
    with pytest.raises(SetupError) as caught:
        Smtp("mail", Relay(host="127.0.0.1", port=25, security="tls", hello="us"), LIMITS, tls=context)
    assert caught.value.reason == "tls_unchecked"


@pytest.mark.parametrize(
    "address", ["", "a", "a@b\r\nDATA", "a@b> SIZE=1", "a b@c", "ấ@b", "a@@b", "a@b,c@d", "a" * 65 + "@b"]
)
def test_an_address_that_is_no_plain_mailbox_is_not_said(relay: Start, tmp_path: Path, address: str) -> None:
    running = relay()
    assert isinstance(failure(running.port, tmp_path, recipient=address), MalformedError)
    assert running.heard == []


@given(st.text())
def test_a_mailbox_is_one_word_of_ascii(text: str) -> None:
    assert not is_mailbox(text) or (text.isascii() and text.isprintable() and not set(text) & set(' <>,;"()[]\\:'))


@given(st.lists(st.sampled_from([b".", b"..", b"", b"a", b".a", b"a.b"])))
def test_dots_are_read_back_as_they_were(lines: list[bytes]) -> None:
    content = b"".join(line + b"\r\n" for line in lines) or b"x\r\n"
    *sent, last = dotted(content).splitlines(keepends=True)
    assert last == b".\r\n"
    assert b".\r\n" not in sent
    assert b"".join(line.removeprefix(b".") for line in sent) == content


def test_a_refusal_does_not_quote_the_relay() -> None:
    assert str(refused("mail", "RCPT", 550)) == "mail: RCPT: 550: the relay refuses the message"


def test_the_relay_shows_no_secret() -> None:
    assert "secret" not in repr(Relay(host="h", port=25, security="tls", hello="us", login="l", password="secret"))


def test_a_greeting_ends_before_any_mail(relay: Start, server_tls: ssl.SSLContext, tmp_path: Path) -> None:
    says = {"EHLO": b"250-here\r\n250 STARTTLS\r\n", "STARTTLS": b"220 go on\r\n", "AUTH": b"235 in\r\n"}
    there = relay(says, context=server_tls)
    known: dict[str, Any] = {"host": "127.0.0.1", "port": there.port, "security": "starttls", "hello": "us.vn"}
    made = Smtp("mail", Relay(**known, login="me", password="secret"), LIMITS, tls=trusting(tmp_path))
    shown = made.greet()
    there.close()
    assert [line.split()[0].upper() for line in there.heard] == [b"EHLO", b"STARTTLS", b"EHLO", b"AUTH", b"QUIT"]
    assert (shown.name, shown.tls.startswith("TLSv1.")) == ("here", True)
    assert shown.ends_at == SERVER.certificate.not_valid_after_utc


def test_a_greeting_in_clear_text_shows_no_certificate(relay: Start, tmp_path: Path) -> None:
    there = relay({"EHLO": b"250 here\r\n"})
    made = Smtp("mail", Relay(host="127.0.0.1", port=there.port, security="none", hello="us.vn"), LIMITS,
                tls=trusting(tmp_path))  # fmt: skip
    assert made.greet() == smtp.Greeted(name="here", tls="", ends_at=None)


def test_a_greeting_that_is_refused_fails_as_a_send_does(relay: Start, tmp_path: Path) -> None:
    there = relay({"EHLO": b"554 go away\r\n"})
    made = Smtp("mail", Relay(host="127.0.0.1", port=there.port, security="none", hello="us.vn"), LIMITS,
                tls=trusting(tmp_path))  # fmt: skip
    with pytest.raises(SetupError):
        made.greet()
