"""WS-Security through our Soap, against the npm package `soap` (and its xml-crypto), which we did not write."""

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import counterparts
from tests.truc.trust.holders import Holder, holder
from truc.errors import MalformedError, OutcomeUnknownError, SetupError, TrucError
from truc.manifest import Limits
from truc.transport.soap import Soap, SoapReply
from truc.trust.signers import Trust
from truc.trust.username_tokens import UsernameToken
from truc.trust.ws_security import Expected, Signer, WsSecurity

WSDL = Path(__file__).parents[3] / "schemas" / "sms" / "bulksms.wsdl"
NAMES = ("User", "Password", "CPCode", "RequestID", "UserID", "ReceiverID", "ServiceID", "CommandCode")
FIELDS = dict.fromkeys(NAMES, "x") | {"Content": "Hồ sơ", "ContentType": "1"}
RIGHT = UsernameToken(username="hub", password="mật khẩu")
DIGEST = UsernameToken(username="hub", password="mật khẩu", form="digest", weak_because="the counterpart has no other")
Start = Callable[[str, str], str]


@pytest.fixture(scope="module")
def client() -> Holder:
    return holder("client")


@pytest.fixture(scope="module")
def partner() -> Holder:
    return holder("partner")


@pytest.fixture
def start(tmp_path: Path, client: Holder, partner: Holder) -> Iterator[Start]:
    """Start the counterpart, and return its address."""
    modules = counterparts.node_package("soap", "1.1.11").parent
    partner.write(tmp_path)
    (tmp_path / "client.pem").write_text(client.certificate_pem)
    running = []

    def start(request: str, reply: str) -> str:
        script = Path(__file__).with_name("npm_soap.js")
        words = [counterparts.program("node"), script, modules, WSDL, tmp_path]
        process = subprocess.Popen(
            [*map(str, words), json.dumps({"request": request, "reply": reply})], stdout=subprocess.PIPE, text=True
        )
        running.append(process)
        assert process.stdout is not None
        return f"http://127.0.0.1:{int(process.stdout.readline())}"

    yield start
    for process in running:
        process.terminate()
        process.communicate(timeout=10)


def called(url: str, security: WsSecurity | None, *, reads: bool = False) -> SoapReply:
    soap = Soap("sms", WSDL, url, Limits(timeout_s=10), security=security)
    try:
        return soap.call("wsCpMt", FIELDS, path="/bulkapi", reads=reads)
    finally:
        soap.close()


def signing(client: Holder, partner: Holder) -> WsSecurity:
    return WsSecurity(
        signer=Signer(key=client.key, certificate=client.certificate),
        reply=Expected(trust=Trust(signers=(partner.certificate,))),
    )


@pytest.mark.parametrize("token", [RIGHT, DIGEST], ids=["text", "digest"])
def test_the_counterpart_takes_our_username_token_and_no_other(start: Start, token: UsernameToken) -> None:
    url = start(token.form, "plain")
    reply = called(url, WsSecurity(username=token))
    assert reply.value["result"] == "1"
    assert reply.believed == reply.body
    wrong = UsernameToken(username="hub", password="other", form=token.form, weak_because="see above")
    with pytest.raises(SetupError):
        called(url, WsSecurity(username=wrong))
    with pytest.raises(TrucError):
        called(url, None)


def test_both_sides_sign_and_verify(start: Start, client: Holder, partner: Holder) -> None:
    reply = called(start("signed", "signed"), signing(client, partner))
    assert reply.value == {"message": "Nguyễn", "result": "1"}
    assert b"BinarySecurityToken" in reply.body
    assert b"Security" not in reply.believed
    assert "Nguyễn".encode() in reply.believed


def test_the_counterpart_refuses_what_another_signed_or_nobody(start: Start, partner: Holder) -> None:
    url, other = start("signed", "plain"), holder("other")
    for security in (WsSecurity(signer=Signer(key=other.key, certificate=other.certificate)), WsSecurity(), None):
        with pytest.raises(SetupError):
            called(url, security)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("plain", "not_signed"),
        ("fault", "not_signed"),
        ("sha1", "algorithm_refused"),
        ("wrapped", "not_covered"),
    ],
)
def test_an_answer_that_is_not_signed_as_it_must_be_leaves_a_write_unknown(
    start: Start, client: Holder, partner: Holder, reply: str, reason: str
) -> None:
    url = start("signed", reply)
    for reads, ours in ((False, OutcomeUnknownError), (True, MalformedError)):
        with pytest.raises(ours) as raised:
            called(url, signing(client, partner), reads=reads)
        assert raised.value.reason == reason
        assert "Nguyễn" not in str(raised.value)


def test_an_answer_signed_by_another_or_long_ago_leaves_a_write_unknown(
    start: Start, client: Holder, partner: Holder
) -> None:
    url = start("signed", "signed")
    with pytest.raises(OutcomeUnknownError) as raised:
        called(url, signing(client, client))
    assert raised.value.reason == "signer_unknown"
    late = WsSecurity(
        signer=Signer(key=client.key, certificate=client.certificate),
        reply=Expected(trust=Trust(signers=(partner.certificate,))),
        clock=lambda: datetime.now(UTC) + timedelta(minutes=7),
    )
    with pytest.raises(OutcomeUnknownError) as raised:
        called(url, late)
    assert raised.value.reason == "not_fresh"


def test_a_password_as_text_does_not_leave_in_clear() -> None:
    with pytest.raises(SetupError, match="https"):
        called("http://sms.example.vn", WsSecurity(username=RIGHT))
