"""SOAP: every failure of zeep translated, nothing loaded from outside, nothing read that could hurt."""

import inspect
import threading
import traceback
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from zeep import exceptions

from truc.errors import (
    MalformedError,
    OutcomeUnknownError,
    RejectedError,
    SetupError,
    TransientError,
    TrucError,
)
from truc.manifest import Limits
from truc.transport import soap
from truc.transport.soap import Soap, translate
from truc.trust.username_tokens import UsernameToken
from truc.trust.ws_security import WsSecurity

WSDL = Path(__file__).parents[3] / "schemas" / "sms" / "bulksms.wsdl"
FIELDS = dict.fromkeys(
    ("User", "Password", "CPCode", "RequestID", "UserID", "ReceiverID", "ServiceID", "CommandCode"), "x"
) | {"Content": "c", "ContentType": "0"}
ENVELOPE = (
    '<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body>'
    '<b:wsCpMtResponse xmlns:b="http://impl.bulkSms.ws/"><return><message>{}</message><result>1</result></return>'
    "</b:wsCpMtResponse></S:Body></S:Envelope>"
)
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE lol [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
    + ENVELOPE.format("&i;")
)
FILE_READER = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>' + ENVELOPE.format("&f;")
Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve one fixed answer, and return the address."""
    servers = []

    def start(body: bytes, *, status: int = 200, content_type: str = "text/xml") -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def called(url: str, *, reads: bool = False, limits: Limits | None = None) -> soap.SoapReply:
    client = Soap("sms", WSDL, url, limits or Limits(timeout_s=5))
    try:
        return client.call("wsCpMt", FIELDS, reads=reads)
    finally:
        client.close()


def errors_of_zeep() -> list[type[Exception]]:
    found = [one for _, one in inspect.getmembers(exceptions, inspect.isclass) if issubclass(one, Exception)]
    return [one for one in found if not issubclass(one, Warning)]


@pytest.mark.parametrize("error", errors_of_zeep(), ids=lambda one: one.__name__)
def test_every_error_of_zeep_has_its_own_row(error: type[Exception]) -> None:
    assert error in soap.TRANSLATIONS, f"zeep raises {error.__name__}; give it a row in TRANSLATIONS"


def test_the_completeness_test_would_see_a_new_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unheard(exceptions.Error):
        pass

    monkeypatch.setattr(exceptions, "Unheard", Unheard, raising=False)
    assert Unheard in errors_of_zeep()
    assert Unheard not in soap.TRANSLATIONS


@pytest.mark.parametrize("error", [*soap.TRANSLATIONS, *soap.OTHERS], ids=lambda one: one.__name__)
@pytest.mark.parametrize("phase", ["writing", "answered"])
def test_no_translation_leaks_the_text_of_the_library(error: type[Exception], phase: soap.Phase) -> None:
    raised = error.__new__(error)
    raised.args = ("Nguyễn Văn A, 0912345678",)
    ours = translate("sms", raised, phase=phase)
    assert isinstance(ours, TrucError)
    assert "0912345678" not in str(ours)


@pytest.mark.parametrize("error", [*soap.TRANSLATIONS, *soap.OTHERS], ids=lambda one: one.__name__)
def test_after_the_answer_a_write_is_never_called_transient_or_malformed(error: type[Exception]) -> None:
    ours = translate("sms", error.__new__(error), phase="answered", harmless=False)
    assert isinstance(ours, OutcomeUnknownError)


def test_an_answer_is_given_as_received_and_as_values(serve: Serve) -> None:
    body = ENVELOPE.format("được").encode()
    reply = called(serve(body))
    assert reply.body == body
    assert reply.value == {"message": "được", "result": "1"}


@pytest.mark.parametrize("text", [BOMB, FILE_READER], ids=["entity expansion", "local file"])
def test_an_answer_with_entities_is_not_read(serve: Serve, text: str) -> None:
    url = serve(text.encode())
    with pytest.raises(MalformedError, match="cannot be read"):
        called(url, reads=True)
    with pytest.raises(OutcomeUnknownError, match="ask sms"):
        called(url, reads=False)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"\x00\xff", b"<a/>", b"<S:Envelope xmlns:S='http://schemas.xmlsoap.org/soap/envelope/'/>"]
)
def test_an_answer_of_another_shape_leaves_the_outcome_unknown(serve: Serve, body: bytes) -> None:
    url = serve(body)
    with pytest.raises(OutcomeUnknownError):
        called(url)
    with pytest.raises(MalformedError):
        called(url, reads=True)


def test_an_answer_over_the_limit_is_not_taken_in(serve: Serve) -> None:
    url = serve(ENVELOPE.format("a" * 200_000).encode())
    with pytest.raises(OutcomeUnknownError, match="100,000"):
        called(url, limits=Limits(body_bytes_max=100_000))


def test_no_trace_of_a_failure_shows_what_was_received(serve: Serve) -> None:
    private = "".join(("09123", "45678"))  # in parts: a trace quotes source lines
    url = serve(f"<broken>{private}".encode())
    with pytest.raises(OutcomeUnknownError) as raised:
        called(url)
    assert private not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        ("S:Client", RejectedError),
        ("S:Client.Authentication", RejectedError),
        ("S:VersionMismatch", SetupError),
        ("S:MustUnderstand", SetupError),
        ("S:Server", OutcomeUnknownError),
        ("S:Strange", OutcomeUnknownError),
    ],
)
def test_a_fault_is_read_though_it_comes_with_http_500(serve: Serve, code: str, ours: type[TrucError]) -> None:
    private = "Nguyễn"
    fault = (
        '<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><S:Fault>'
        f"<faultcode>{code}</faultcode><faultstring>{private} Văn A</faultstring></S:Fault></S:Body></S:Envelope>"
    )
    with pytest.raises(ours) as raised:
        called(serve(fault.encode(), status=500))
    assert private not in "".join(traceback.format_exception(raised.value))


def test_a_fault_of_the_partner_after_a_question_is_transient(serve: Serve) -> None:
    fault = (
        '<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><S:Fault>'
        "<faultcode>S:Server</faultcode></S:Fault></S:Body></S:Envelope>"
    )
    with pytest.raises(TransientError):
        called(serve(fault.encode(), status=500), reads=True)


def test_a_500_that_is_no_fault_stays_a_500(serve: Serve) -> None:
    with pytest.raises(OutcomeUnknownError, match="HTTP 500"):
        called(serve(b"<html>", status=500, content_type="text/html"))


def test_a_field_the_wsdl_does_not_know_stops_before_anything_leaves() -> None:
    client = Soap("sms", WSDL, "http://127.0.0.1:9", Limits())
    with pytest.raises(MalformedError, match="WSDL"):
        client.call("wsCpMt", FIELDS | {"Cc": "x"})
    with pytest.raises(MalformedError):
        client.call("wsCpMt", {"User": "x"})
    with pytest.raises(MalformedError):
        client.call("wsCpMt", FIELDS | {"Content": "\x00"})
    with pytest.raises(SetupError, match="no operation"):
        client.call("wsCpMt2", FIELDS)


@pytest.mark.parametrize("wrong", ["key-4711\x00", "key-4711\x1f", "key-4711\ud800"])
def test_a_password_that_xml_cannot_carry_is_a_setting_to_mend_and_is_not_repeated(wrong: str) -> None:
    security = WsSecurity(username=UsernameToken(username="hub", password=wrong))
    client = Soap("sms", WSDL, "http://127.0.0.1:9", Limits(), security=security)
    with pytest.raises(SetupError) as failed:
        client.call("wsCpMt", FIELDS)
    client.close()
    assert failed.value.reason == "setting_malformed"
    assert "4711" not in "".join(traceback.format_exception(failed.value))


def test_an_address_in_clear_text_is_refused() -> None:
    with pytest.raises(SetupError, match="https"):
        Soap("sms", WSDL, "http://sms.example.vn", Limits())


def test_the_wsdl_is_read_once_per_process() -> None:
    before = soap._document.cache_info().misses
    for _ in range(3):
        Soap("once", WSDL, "http://127.0.0.1:9", Limits())
    assert soap._document.cache_info().misses == before + 1


def changed(folder: Path, old: str, new: str) -> Path:
    text = WSDL.read_text(encoding="utf-8")
    assert old in text
    path = folder / "changed.wsdl"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


READERS = {
    "absolute path": '<wsdl:import namespace="urn:x" location="/etc/hostname"/>',
    "file address": '<wsdl:import namespace="urn:x" location="file:///etc/hostname"/>',
    "out of the folder": '<wsdl:import namespace="urn:x" location="../secret.wsdl"/>',
}


@pytest.mark.parametrize("line", READERS.values(), ids=READERS.keys())
def test_a_wsdl_that_reads_a_local_file_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "secret.wsdl").write_text("<secret/>")
    (tmp_path / "in").mkdir()
    wsdl = changed(tmp_path / "in", "<wsdl:types>", f"{line}<wsdl:types>")
    with pytest.raises(SetupError, match="reads outside its folder") as raised:
        Soap("sms", wsdl, "http://127.0.0.1:9", Limits())
    assert raised.value.reason == "wsdl_reads_outside"


def test_a_wsdl_that_reads_a_local_file_by_its_schema_or_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "inside.xsd").symlink_to("/etc/hostname")
    for place in ("/etc/hostname", "inside.xsd"):
        head = '<xs:schema targetNamespace="http://impl.bulkSms.ws/" elementFormDefault="unqualified">'
        line = f'{head}<xs:import namespace="urn:x" schemaLocation="{place}"/>'
        wsdl = changed(tmp_path / "in", head, line)
        with pytest.raises(SetupError, match="reads outside its folder"):
            Soap(f"sms-{place}", wsdl, "http://127.0.0.1:9", Limits())


def test_a_wsdl_that_reads_from_the_network_is_refused(tmp_path: Path) -> None:
    line = '<wsdl:import namespace="urn:x" location="http://127.0.0.1:9/x.wsdl"/>'
    with pytest.raises(SetupError):
        Soap("sms", changed(tmp_path, "<wsdl:types>", f"{line}<wsdl:types>"), "http://127.0.0.1:9", Limits())


@pytest.mark.parametrize("entity", ['"aaaa"', 'SYSTEM "file:///etc/hostname"'], ids=["entity expansion", "local file"])
def test_a_wsdl_with_entities_is_refused(tmp_path: Path, entity: str) -> None:
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    wsdl = changed(tmp_path, head, f"{head}<!DOCTYPE x [<!ENTITY e {entity}>]>")
    with pytest.raises(SetupError, match="Forbidden"):
        Soap("sms", wsdl, "http://127.0.0.1:9", Limits())


def test_a_wsdl_that_is_missing_broken_or_without_a_port_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="missing"):
        Soap("sms", tmp_path / "none.wsdl", "http://127.0.0.1:9", Limits())
    broken = tmp_path / "broken.wsdl"
    broken.write_text("<wsdl")
    with pytest.raises(SetupError, match="XMLSyntaxError"):
        Soap("sms", broken, "http://127.0.0.1:9", Limits())
    empty = tmp_path / "empty.wsdl"
    empty.write_text('<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:x"/>')
    with pytest.raises(SetupError, match=r"no SOAP 1\.1 port"):
        Soap("sms", empty, "http://127.0.0.1:9", Limits())
