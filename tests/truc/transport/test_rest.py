"""REST: every failure of requests translated, sizes and redirects limited, no clear text beyond this machine."""

import contextlib
import inspect
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
import urllib3

from truc.errors import (
    MalformedError,
    OutcomeUnknownError,
    RejectedError,
    SetupError,
    TransientError,
    TrucError,
)
from truc.manifest import Limits
from truc.transport import rest
from truc.transport.rest import Reply, Rest, refused, translate

TABLE = (*rest.NEVER_SENT, *rest.MISCONFIGURED, *rest.SILENT)
Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve one fixed answer, and return the address."""
    servers = []

    def start(status: int = 200, body: bytes = b"", **headers: str) -> str:
        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                self.send_response(status)
                for name, value in {"Content_Length": str(len(body)), **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

            do_GET = do_POST = _any  # noqa: N815  (http.server finds them by these names)

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_cookie_is_kept_and_a_header_of_one_call_is_not() -> None:
    heard: list[tuple[str, str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            heard.append((self.headers.get("cookie", ""), self.headers.get("x-one", ""), body))
            self.send_response(200)
            if len(heard) == 1:
                self.send_header("Set-Cookie", "session=17")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    client = Rest("momo", f"http://127.0.0.1:{server.server_address[1]}", Limits(timeout_s=5.0))
    try:
        for body, headers in ((b"1", {"x-one": "a"}), (b"22", {"x-one": "a"}), (b"333", None)):
            client.call("POST", "/x", body=body, headers=headers)
    finally:
        client.close()
        server.shutdown()
        server.server_close()
    assert heard == [("", "a", b"1"), ("session=17", "a", b"22"), ("session=17", "", b"333")]


@pytest.fixture
def mute() -> Iterator[str]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def calling(url: str, method: str = "POST", *, reads: bool | None = None, **limits: float | int) -> Reply:
    client = Rest("momo", url, Limits(**({"timeout_s": 5.0} | limits)))
    try:
        return client.call(method, "/x", body=b"{}" if method == "POST" else b"", reads=reads)
    finally:
        client.close()


def errors_of_requests() -> list[type[Exception]]:
    classes = [one for _, one in inspect.getmembers(requests.exceptions, inspect.isclass)]
    return [one for one in classes if issubclass(one, requests.RequestException)]


@pytest.mark.parametrize("error", errors_of_requests(), ids=lambda one: one.__name__)
def test_every_error_of_requests_stands_in_exactly_one_table(error: type[Exception]) -> None:
    assert TABLE.count(error) == 1, f"requests raises {error.__name__}; put it into one table of rest.py"


@pytest.mark.parametrize("error", errors_of_requests(), ids=lambda one: one.__name__)
@pytest.mark.parametrize("harmless", [True, False])
def test_every_error_of_requests_becomes_ours_and_says_nothing_private(error: type[Exception], harmless: bool) -> None:
    raised = error.__new__(error)
    raised.args = ("token=secret",)
    ours = translate("momo", raised, harmless=harmless)
    assert isinstance(ours, TrucError)
    assert "secret" not in str(ours)


def test_the_completeness_test_would_see_a_new_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unheard(requests.RequestException):
        pass

    monkeypatch.setattr(requests.exceptions, "Unheard", Unheard, raising=False)
    assert Unheard in errors_of_requests()
    assert TABLE.count(Unheard) == 0


@pytest.mark.parametrize("error", rest.SILENT, ids=lambda one: one.__name__)
def test_silence_is_transient_after_a_question_and_unknown_after_anything_else(error: type[Exception]) -> None:
    assert isinstance(translate("momo", error.__new__(error), harmless=True), TransientError)
    assert isinstance(translate("momo", error.__new__(error), harmless=False), OutcomeUnknownError)


@pytest.mark.parametrize("error", rest.NEVER_SENT, ids=lambda one: one.__name__)
def test_what_was_never_sent_may_be_tried_again(error: type[Exception]) -> None:
    assert isinstance(translate("momo", error.__new__(error), harmless=False), TransientError)


def test_errors_of_urllib3_become_ours_too() -> None:
    error = urllib3.exceptions.ProtocolError("cut")
    assert isinstance(translate("momo", error, harmless=False), OutcomeUnknownError)


def test_the_whole_answer_comes_back_with_lower_case_headers(serve: Serve) -> None:
    reply = calling(serve(201, b"abc", X_Trace="7"))
    assert (reply.status, reply.body, reply.headers["x-trace"]) == (201, b"abc", "7")


@pytest.mark.parametrize(("method", "ours"), [("GET", MalformedError), ("POST", OutcomeUnknownError)])
def test_an_answer_over_the_limit_is_not_taken_in(serve: Serve, method: str, ours: type[TrucError]) -> None:
    url = serve(200, b"a" * 1001)
    with pytest.raises(ours, match="1,000"):
        calling(url, method, body_bytes_max=1000)


def test_an_answer_of_exactly_the_limit_is_taken(serve: Serve) -> None:
    assert len(calling(serve(200, b"a" * 1000), body_bytes_max=1000).body) == 1000


def test_a_compressed_answer_is_measured_as_it_unfolds(serve: Serve) -> None:
    import gzip

    url = serve(200, gzip.compress(b"a" * 5_000_000), Content_Encoding="gzip")
    with pytest.raises(MalformedError):
        calling(url, "GET", body_bytes_max=1_000_000)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_refused(serve: Serve, status: int) -> None:
    target = serve(200, b"stolen")
    with pytest.raises(SetupError, match="redirects are not followed") as raised:
        calling(serve(status, Location=target), "GET")
    assert raised.value.reason == "redirected"


@pytest.mark.parametrize(
    "url", ["http://sms.example.vn", "http://10.0.0.1", "http://[2001:db8::1]", "ftp://127.0.0.1", "127.0.0.1", ""]
)
def test_addresses_in_clear_text_beyond_this_machine_are_refused(url: str) -> None:
    with pytest.raises(SetupError, match="https") as raised:
        Rest("momo", url, Limits())
    assert raised.value.reason == "clear_text_address"


@pytest.mark.parametrize(
    "url", ["https://sms.example.vn", "http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "http://127.9.9.9"]
)
def test_https_and_the_loopback_are_taken(url: str) -> None:
    Rest("momo", url, Limits()).close()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1.example.vn", "http://localhost.example.vn", "http://127.0.0.1@evil.vn"]
)
def test_a_name_that_only_looks_like_the_loopback_is_refused(url: str) -> None:
    with pytest.raises(SetupError):
        Rest("momo", url, Limits())


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("said", "kept"), [("17", 17), ("0", 0), ("", None), ("soon", None), ("Wed, 21 Oct 2026 07:28:00 GMT", 0)]
)
def test_retry_after_is_kept(serve: Serve, status: int, said: str, kept: int | None) -> None:
    with pytest.raises(TransientError) as raised:
        calling(serve(status, **({"Retry_After": said} if said else {})))
    assert raised.value.retry_after_s == kept


def test_a_date_to_try_again_at_is_read_from_the_answers_own_clock(serve: Serve) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    with pytest.raises(TransientError) as raised:
        calling(serve(503, Retry_After=until))
    assert 90 <= (raised.value.retry_after_s or 0) <= 100


@pytest.mark.parametrize(
    ("status", "on_get", "on_post"),
    [
        (400, RejectedError, RejectedError),
        (401, SetupError, SetupError),
        (403, SetupError, SetupError),
        (404, RejectedError, RejectedError),
        (408, TransientError, OutcomeUnknownError),
        (429, TransientError, TransientError),
        (500, TransientError, OutcomeUnknownError),
        (502, TransientError, OutcomeUnknownError),
        (503, TransientError, TransientError),
        (504, TransientError, OutcomeUnknownError),
    ],
)
def test_each_status_means_one_failure(
    serve: Serve, status: int, on_get: type[TrucError], on_post: type[TrucError]
) -> None:
    url = serve(status, b"private text")
    for method, ours in (("GET", on_get), ("POST", on_post)):
        with pytest.raises(ours) as raised:
            calling(url, method)
        assert "private" not in str(raised.value)


def test_a_refusal_carries_the_partners_status() -> None:
    ours = refused("momo", Reply(422, {}, b""), harmless=False)
    assert isinstance(ours, RejectedError)
    assert ours.code == "422"


def test_silence_ends_after_the_stated_time(mute: str) -> None:
    with pytest.raises(OutcomeUnknownError):
        calling(mute, timeout_s=0.2)
    with pytest.raises(TransientError):
        calling(mute, "GET", timeout_s=0.2)
    with pytest.raises(TransientError):
        calling(mute, reads=True, timeout_s=0.2)


def test_a_port_nobody_listens_on_means_nothing_happened() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(TransientError, match="not reached") as raised:
        calling(f"http://127.0.0.1:{port}")
    assert raised.value.reason == "not_reached"


def test_a_name_that_does_not_resolve_means_nothing_happened() -> None:
    with pytest.raises(TransientError, match="not reached"):
        calling("https://no-such-partner.invalid")


def test_an_answer_cut_short_leaves_the_outcome_unknown(serve: Serve) -> None:
    with pytest.raises(OutcomeUnknownError):
        calling(serve(200, b"half", Content_Length="9"), timeout_s=0.3)


def test_an_answer_that_drips_ends_with_the_stated_time() -> None:
    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            for _ in range(1000):
                connection.sendall(b"a")
                time.sleep(0.05)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=drip, args=(listening,), daemon=True).start()
        with pytest.raises(OutcomeUnknownError, match="did not end in time"):
            calling(f"http://127.0.0.1:{listening.getsockname()[1]}", timeout_s=0.3)


def test_contradicting_lengths_leave_the_outcome_unknown(serve: Serve) -> None:
    with pytest.raises(OutcomeUnknownError):
        calling(serve(200, b"abc", content_length="4"), timeout_s=0.3)


def test_a_status_the_caller_reads_is_an_answer(serve: Serve) -> None:
    url = serve(400, b"{}")
    client = Rest("momo", url, Limits())
    assert client.call("POST", "/x", accept=(400,)).status == 400
    with pytest.raises(RejectedError):
        client.call("POST", "/x")
    client.close()


@pytest.mark.parametrize("secret", ["key-4711\n", "key-4711\r\nx: y", " key-4711", "key-4711-ạ"])
@pytest.mark.parametrize("reads", [True, False])
def test_a_header_that_cannot_be_sent_is_a_setting_to_mend_and_is_not_repeated(
    heard: tuple[str, list[bytes]], secret: str, reads: bool
) -> None:
    url, connections = heard
    client = Rest("momo", url, Limits(timeout_s=5.0))
    with pytest.raises(SetupError) as failed:
        client.call("POST", "/x", body=b"{}", headers={"x-key": secret}, reads=reads)
    client.close()
    assert failed.value.reason == "setting_malformed"
    assert "4711" not in "".join(traceback.format_exception(failed.value))
    assert connections == []


@pytest.fixture
def heard() -> Iterator[tuple[str, list[bytes]]]:
    """A server that keeps the first bytes of every connection, and its address."""
    found: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    wire, _ = listening.accept()
                    found.append(wire.recv(1000))
                    wire.close()

        threading.Thread(target=take, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", found
        listening.shutdown(socket.SHUT_RDWR)


def test_an_address_that_cannot_be_called_is_not_repeated_either() -> None:
    client = Rest("momo", "http://127.0.0.1:port-4711", Limits(timeout_s=5.0))
    with pytest.raises(SetupError) as failed:
        client.call("POST", "/x", body=b"{}")
    client.close()
    assert failed.value.reason == "call_misconfigured"
    assert "4711" not in "".join(traceback.format_exception(failed.value))


def test_proxies_of_the_environment_are_ignored(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert calling(serve(200, b"direct")).body == b"direct"


def test_tls_that_breaks_after_the_request_leaves_the_outcome_unknown() -> None:
    late = requests.exceptions.SSLError(ssl.SSLError("record layer failure"))
    assert isinstance(translate("momo", late, harmless=False), OutcomeUnknownError)


def test_a_certificate_that_is_refused_is_for_a_person_to_mend() -> None:
    refusal = urllib3.exceptions.SSLError(ssl.SSLCertVerificationError("self-signed"))
    wrapped = requests.exceptions.SSLError(urllib3.exceptions.MaxRetryError(None, "/", refusal))  # type: ignore[arg-type]  # no pool
    ours = translate("momo", wrapped, harmless=False)
    assert isinstance(ours, SetupError)
    assert ours.reason == "certificate_refused"
