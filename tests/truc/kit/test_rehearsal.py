"""A rehearsal end to end: a party of this test, its stand-in, nginx, a token; and what it says it proved."""

import contextlib
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import connectors
from sandbox.email import server as relay
from sandbox.national_portal import server as portal
from sandbox.sms import server as texts
from sandbox.vietinbank import server as bank
from sandbox.vnpost import server as post
from tests.truc.trust import softhsm
from tests.truc.trust.tls_servers import kept, nginx
from truc import parties
from truc.connections import Connection, from_airflow_json
from truc.errors import SetupError
from truc.kit.development import issue, new_authority
from truc.kit.rehearsal import rehearse

NOW = datetime.now(UTC)
AUTHORITY, STRANGER = new_authority("CA of the partner", NOW), new_authority("CA of somebody", NOW)
SERVER = issue(AUTHORITY, "server", NOW)
NEXT, OTHER = issue(AUTHORITY, "client", NOW), issue(STRANGER, "client", NOW)
SIGNING = issue(AUTHORITY, "signing", NOW)
OVER = issue(AUTHORITY, "client", NOW, valid_from=NOW - timedelta(days=9), valid_to=NOW - timedelta(days=1))
MANIFEST = """
from truc.manifest import Capability, Limits, Manifest

MANIFEST = Manifest(
    party="rehearsed", title="x", title_vi="x", transport="rest", settings=(),
    capabilities=frozenset({Capability.SAY_PAYMENT}), limits=Limits(timeout_s=5),
)
"""
CLIENT = """
from truc.errors import RejectedError
from truc.transport.rest import Rest
from truc.trust import tls

class Client:
    def __init__(self, connection, limits):
        self.rest = Rest("rehearsed", connection.required("host"), limits, tls=tls.context(connection))
        self.key = connection.optional("access_key")

    def get_payment(self, order):
        headers = {"x-key": self.key}
        reply = self.rest.call("GET", f"/orders/{order.our_reference}", headers=headers, accept=(404,))
        if reply.status == 404:
            raise RejectedError("rehearsed: no such order", reason="not_found")
        return reply.body

    def close(self):
        self.rest.close()

def open_client(connection, limits):
    return Client(connection, limits)
"""


@pytest.fixture(autouse=True)
def party(tmp_path, monkeypatch):
    """The party `rehearsed`, found by the convention of folders as any other."""
    folder = tmp_path / "connectors" / "rehearsed"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "manifest.py").write_text(MANIFEST)
    (folder / "client.py").write_text(CLIENT)
    monkeypatch.setenv("TRUC_HOME", str(tmp_path))
    monkeypatch.setattr(connectors, "__path__", [*connectors.__path__, str(folder.parent)])
    parties.manifest.cache_clear()
    yield
    parties.manifest.cache_clear()
    for name in [name for name in sys.modules if name.startswith("connectors.rehearsed")]:
        del sys.modules[name]


@pytest.fixture
def stand_in():
    """A stand-in without TLS that knows no order, and refuses another key than `next`."""
    heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            heard.append((self.path, self.headers.get("x-key", "")))
            self.send_response(401 if self.headers.get("x-key") == "wrong" else 404)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    server.heard = heard
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield server
    server.shutdown()
    server.server_close()


def told(fields, **given):
    """What the rehearsal says, in English, by verdict."""
    found = list(rehearse(Connection("rehearsed", fields), given, NOW))
    assert all(line.vi for line in found)
    return {word: [line.en for line in found if line.verdict == word] for word in ("proved", "not_proved", "failed")}


def has(lines, text):
    return any(text in line for line in lines)


def next_client(folder, issued):
    certificate, key = kept(folder, "next", issued)
    return {"next_client_cert": certificate, "next_client_key": f"file:{key}"}


def test_the_next_client_certificate_works_before_the_stand_in_and_its_question_goes_through_it(tmp_path, stand_in):
    said = told({"host": stand_in.url, "access_key": "k"} | next_client(tmp_path, NEXT))
    assert said["failed"] == []
    assert has(said["proved"], "client_cert: is in its period")
    assert has(said["proved"], "client_key: its signature verifies with client_cert")
    assert has(said["proved"], "before the stand-in, verified client_cert")
    assert has(said["proved"], "the partner knows us")
    assert has(said["not_proved"], "whether the real partner takes client_cert")
    assert [path for path, _ in stand_in.heard][-1].startswith("/orders/TRUC")


def test_a_client_that_does_not_show_the_certificate_is_found_before_the_stand_in(tmp_path, stand_in):
    bare = "type(connection)('x', {'ca_file': connection.required('ca_file')})"
    forgetful = CLIENT.replace("tls.context(connection)", f"tls.context({bare})")
    (tmp_path / "connectors" / "rehearsed" / "client.py").write_text(forgetful)
    said = told({"host": stand_in.url} | next_client(tmp_path, NEXT))
    assert has(said["proved"], "verified client_cert")
    assert not has(said["proved"], "the partner knows us")
    assert said["failed"] != []


@pytest.mark.parametrize("how", ["over", "of another key", "of a server"])
def test_a_client_certificate_that_does_not_work_fails_before_it_is_current(tmp_path, stand_in, how):
    fields = next_client(tmp_path, {"over": OVER, "of another key": NEXT, "of a server": SERVER}[how])
    if how == "of another key":
        fields["next_client_key"] = f"file:{kept(tmp_path, 'other', OTHER)[1]}"
    said = told({"host": stand_in.url} | fields)
    assert has(said["failed"], "TLS: ")
    assert has(said["failed"], "outside its period") == (how == "over")
    assert has(said["failed"], "does not belong to client_cert") == (how == "of another key")
    assert not has(said["proved"], "verified client_cert")
    assert stand_in.heard == []


def test_at_a_real_endpoint_it_shows_whether_the_server_takes_the_certificate(tmp_path):
    with nginx(tmp_path / "nginx", SERVER, client_ca=AUTHORITY) as url:
        fields = {"host": url, "ca_file": kept(tmp_path, "ca", AUTHORITY)[0]}
        good = told(fields | next_client(tmp_path, NEXT))
        bad = told(fields | next_client(tmp_path, OTHER))
    assert good["failed"] == []
    assert has(good["proved"], "takes client_cert, and refuses who has none")
    assert has(good["proved"], "get_payment: the partner answered")
    assert has(bad["not_proved"], "does not show (with it HTTP 400, without it HTTP 400)")


def test_a_server_that_asks_for_none_proves_nothing_of_ours(tmp_path):
    with nginx(tmp_path / "nginx", SERVER) as url:
        fields = {"host": url, "ca_file": kept(tmp_path, "ca", AUTHORITY)[0]}
        said = told(fields | next_client(tmp_path, NEXT))
    assert has(said["not_proved"], "whether the server takes client_cert does not show")


def test_a_certificate_that_the_server_refuses_is_not_proved_by_taking_who_has_none(tmp_path):
    with nginx(tmp_path / "nginx", SERVER, client_ca=AUTHORITY, asks="optional") as url:
        said = told({"host": url, "ca_file": kept(tmp_path, "ca", AUTHORITY)[0]} | next_client(tmp_path, OTHER))
    assert has(said["not_proved"], "does not show (with it HTTP 400, without it HTTP 200)")


def test_the_next_authority_must_be_the_servers(tmp_path):
    with nginx(tmp_path / "nginx", SERVER) as url:
        right, wrong = kept(tmp_path, "right", AUTHORITY)[0], kept(tmp_path, "wrong", STRANGER)[0]
        good = told({"host": url, "ca_file": wrong, "next_ca_file": right})
        bad = told({"host": url, "ca_file": right}, ca_file=wrong)
        same = told({"host": url, "ca_file": right}, ca_file=right)
    assert good["failed"] == []
    assert has(good["proved"], "its name and its authority (ca_file)")
    assert has(bad["failed"], "unable to get local issuer certificate")
    assert has(same["not_proved"], "ca_file: is the one in use")


def test_the_next_signing_key_verifies_with_its_certificate(tmp_path, stand_in):
    certificate, key = kept(tmp_path, "signing", SIGNING)
    fields = {"host": stand_in.url, "next_private_key": f"file:{key}", "next_private_cert": certificate}
    assert has(told(fields)["proved"], "private_key: its signature verifies with private_cert")
    alone = {name: value for name, value in fields.items() if name != "next_private_cert"}
    assert has(told(alone)["not_proved"], "no certificate stands beside it")
    other = kept(tmp_path, "other", OTHER)[0]
    assert has(told(fields | {"next_private_cert": other})["failed"], "private_key: does not sign")


def test_the_next_key_may_be_in_a_token(tmp_path, stand_in):
    hsm = softhsm.start(tmp_path / "hsm")
    fields = {"host": stand_in.url, "next_private_key": hsm.reference("object=rsa")}
    certificate = kept(tmp_path, "signing", SIGNING)[0]
    fields |= {"next_private_key_passphrase": softhsm.PIN, "next_private_cert": certificate}
    assert has(told(fields)["failed"], "does not belong to private_cert")  # it is a certificate of another key
    wrong = told(fields | {"next_private_key_passphrase": "24680"})
    assert has(wrong["failed"], "private_key: does not sign")
    assert not has(wrong["failed"], "24680")


def test_a_shared_secret_is_proved_by_the_call_only(stand_in):
    said = told({"host": stand_in.url, "access_key": "old"}, access_key="new")
    assert has(said["not_proved"], "access_key: only a call can tell")
    assert has(said["proved"], "the partner knows us")
    assert ("new" in {key for _, key in stand_in.heard}) is True
    assert has(told({"host": stand_in.url}, access_key="wrong")["failed"], "refused: ")


def test_a_partner_that_does_not_answer_proves_nothing():
    said = told({"host": "http://127.0.0.1:9"}, access_key="new")
    assert has(said["failed"], "no answer")


def test_nothing_next_is_told(stand_in):
    with pytest.raises(SetupError) as caught:
        told({"host": stand_in.url})
    assert caught.value.reason == "nothing_next"


def test_next_key_is_short_for_the_next_client_key(tmp_path, stand_in):
    certificate, key = kept(tmp_path, "next", NEXT)
    said = told({"host": stand_in.url, "next_client_cert": certificate, "next_key": f"file:{key}"})
    assert has(said["proved"], "client_key: its signature verifies")


def rehearsed(running, **given):
    """The lines about a connection that a stand-in handed out, with something next."""
    return list(rehearse(from_airflow_json(running.party, running.connection), given, NOW))


@pytest.mark.parametrize("stand_in_of", [portal, post, relay], ids=lambda one: one.__name__.split(".")[1])
def test_a_password_is_proved_by_the_probe_where_there_is_no_payment_and_no_file(tmp_path, stand_in_of):
    with contextlib.closing(stand_in_of.start(0, tmp_path, "http://127.0.0.1:1")) as running:
        good = rehearsed(running, password=running.connection["password"])
        bad = rehearsed(running, password="sai")
    assert (good[-1].verdict, "the partner knows us" in good[-1].en) == ("proved", True)
    assert (bad[-1].verdict, "refused" in bad[-1].en) == ("failed", True)
    assert has([line.en for line in good], "TLS: this address does not use it") == (stand_in_of is not relay)


def test_where_no_question_is_known_nothing_is_proved(tmp_path):
    with contextlib.closing(texts.start(0, tmp_path, "http://127.0.0.1:1")) as running:
        said = rehearsed(running, password="sai")
    assert said[-1].verdict == "not_proved"
    assert "no question to try: sms: no call is known that only reads" in said[-1].en


def test_a_login_over_ssh_is_rehearsed_by_a_question_too(tmp_path):
    with contextlib.closing(bank.start(0, tmp_path, "http://127.0.0.1:1")) as running:
        good = rehearsed(running, password=running.connection["password"])
        bad = rehearsed(running, password="sai")
    assert [line.verdict for line in good] == ["not_proved", "proved"]
    assert "knows us" in good[-1].en
    assert [line.verdict for line in bad] == ["not_proved", "failed"]


def test_what_the_second_contract_of_a_bank_needs_is_proved_by_asking_it(tmp_path):
    fresh = kept(tmp_path, "fresh", SIGNING)[1]
    with contextlib.closing(bank.start(0, tmp_path / "bank", "http://127.0.0.1:1")) as running:
        secret = rehearsed(running, client_secret="sai")
        key = rehearsed(running, wallet_private_key=f"file:{fresh}")
        login = rehearsed(running, private_key="file:/nowhere")
    assert secret[-1].verdict == "failed"
    assert "wallet_private_key: can be read, but no certificate stands beside it" in key[0].en
    assert key[-1].verdict == "failed"
    assert "private_key: only a call can tell" in login[0].en
