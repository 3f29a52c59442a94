"""TLS per party, against `openssl s_server` and nginx: who may answer, who we are, and no check left out."""

import ssl
import traceback
from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.truc.trust.tls_servers import kept, nginx, s_server
from truc.connections import Connection
from truc.errors import OutcomeUnknownError, RejectedError, SetupError, TransientError, TrucError
from truc.kit.development import issue, new_authority
from truc.manifest import Limits
from truc.transport.rest import Rest
from truc.trust import tls

NOW = datetime.now(UTC)
AUTHORITY, STRANGER = new_authority("CA of the partner", NOW), new_authority("CA of somebody", NOW)
SERVER, CLIENT = issue(AUTHORITY, "server", NOW), issue(AUTHORITY, "client", NOW)
OLD = {"valid_from": NOW - timedelta(days=30), "valid_to": NOW - timedelta(days=1)}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An installation without pinned certificates of its own."""
    monkeypatch.setenv("TRUC_HOME", str(tmp_path / "home"))
    yield tmp_path / "home"
    tls._public.cache_clear()


def connection(folder, *, ca=AUTHORITY, client=None, **fields):
    """A connection that pins `ca` and shows `client`."""
    fields |= {"ca_file": kept(folder, "ca", ca)[0]} if ca else {}
    if client is not None:
        certificate, key = kept(folder, "client", client)
        fields |= {"client_cert": certificate, "client_key": f"file:{key}"}
    return Connection("bank", fields)


def call(url, settings, method="GET"):
    client = Rest("bank", url, Limits(timeout_s=5), tls=tls.context(settings))
    try:
        return client.call(method, "/").body
    finally:
        client.close()


def refusal(url, settings, method="POST"):
    """The failure of a call that writes, which must be known to have had no effect."""
    with pytest.raises(TrucError) as caught:
        call(url, settings, method)
    return caught.value


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_the_pinned_authoritys_server_answers(tmp_path, version):
    with s_server(tmp_path / "server", SERVER, version) as url:
        assert b"Cipher" in call(url, connection(tmp_path))


def test_the_servers_own_certificate_can_be_pinned_and_a_reference_names_it(tmp_path, monkeypatch):
    monkeypatch.setenv("BANK_CA", SERVER.pem.decode())
    with s_server(tmp_path / "server", SERVER) as url:
        for reference in (SERVER.pem.decode(), "env:BANK_CA"):
            assert b"Cipher" in call(url, Connection("bank", {"ca_file": reference}))


def test_an_authority_kept_in_certs_is_pinned_and_the_setting_goes_before_it(tmp_path, home):
    kept(home / "certs" / "bank", "ca", AUTHORITY)
    with s_server(tmp_path / "server", SERVER) as url:
        assert b"Cipher" in call(url, connection(tmp_path, ca=None))
        assert refusal(url, connection(tmp_path, ca=STRANGER)).reason == "certificate_refused"


SERVERS_REFUSED = {
    "issued by somebody else": (issue(STRANGER, "server", NOW), "unable to get local issuer"),
    "over": (issue(AUTHORITY, "server", NOW, **OLD), "expired"),
    "not yet valid": (issue(AUTHORITY, "server", NOW, valid_from=NOW + timedelta(days=1)), "not yet valid"),
    "of another address": (issue(AUTHORITY, "server", NOW, names=("bank.example.vn", "127.0.0.2")), "mismatch"),
    "of a client": (issue(AUTHORITY, "client", NOW), "purpose"),
}


@pytest.mark.parametrize(("server", "says"), SERVERS_REFUSED.values(), ids=SERVERS_REFUSED.keys())
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_server_whose_certificate_does_not_hold_hears_nothing_from_us(tmp_path, server, says, version):
    with s_server(tmp_path / "server", server, version) as url:
        ours = refusal(url, connection(tmp_path))
    assert isinstance(ours, SetupError)
    assert ours.reason == "certificate_refused"
    assert says in str(ours)


def test_a_public_authority_is_no_authority_for_who_pins_another(tmp_path, monkeypatch):
    public = kept(tmp_path, "public", STRANGER)[0]
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", public)
    monkeypatch.setattr(tls, "DEFAULT_CA_BUNDLE_PATH", public)
    tls._public.cache_clear()
    with s_server(tmp_path / "server", issue(STRANGER, "server", NOW)) as url:
        assert b"Cipher" in call(url, connection(tmp_path, ca=None))
        assert refusal(url, connection(tmp_path)).reason == "certificate_refused"


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_an_old_tls_is_not_spoken(tmp_path, version):
    with s_server(tmp_path / "server", SERVER, version, "-cipher", "ALL:@SECLEVEL=0") as url:
        ours = refusal(url, connection(tmp_path))
    assert isinstance(ours, SetupError)
    assert ours.reason == "no_common_tls"


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_server_that_asks_who_we_are_is_shown_our_certificate(tmp_path, version):
    authority = kept(tmp_path, "asks_for", AUTHORITY)[0]
    options = (version, "-Verify", "2", "-verify_return_error", "-CAfile", authority)
    with s_server(tmp_path / "server", SERVER, *options) as url:
        assert b"Client certificate" in call(url, connection(tmp_path, client=CLIENT))


CLIENTS_REFUSED = {
    "none": None,
    "of another authority": issue(STRANGER, "client", NOW),
    "over": issue(AUTHORITY, "client", NOW, **OLD),
    "of a server": SERVER,
}


@pytest.mark.parametrize("client", CLIENTS_REFUSED.values(), ids=CLIENTS_REFUSED.keys())
def test_a_server_that_does_not_take_our_certificate_has_done_nothing(tmp_path, client):
    authority = kept(tmp_path, "asks_for", AUTHORITY)[0]
    options = ("-tls1_2", "-Verify", "2", "-verify_return_error", "-CAfile", authority)
    with s_server(tmp_path / "server", SERVER, *options) as url:
        ours = refusal(url, connection(tmp_path, client=client))
    assert isinstance(ours, SetupError)
    assert ours.reason in ("client_certificate_refused", "handshake_refused")


@pytest.mark.parametrize("client", CLIENTS_REFUSED.values(), ids=CLIENTS_REFUSED.keys())
def test_in_tls_1_3_it_may_say_so_after_we_have_written(tmp_path, client):
    authority = kept(tmp_path, "asks_for", AUTHORITY)[0]
    options = ("-tls1_3", "-Verify", "2", "-verify_return_error", "-CAfile", authority)
    with s_server(tmp_path / "server", SERVER, *options) as url:
        ours = refusal(url, connection(tmp_path, client=client))
    # Where the server's word is lost with the connection, nobody knows: then a write is asked about.
    assert isinstance(ours, SetupError | OutcomeUnknownError)
    assert ours.reason in ("client_certificate_refused", "handshake_refused", "no_answer")


def test_nginx_verifies_our_certificate(tmp_path):
    with nginx(tmp_path / "nginx", SERVER, client_ca=AUTHORITY) as url:
        assert call(url, connection(tmp_path, client=CLIENT)) == b"SUCCESS TLSv1.3"
        for client in (None, issue(STRANGER, "client", NOW), issue(AUTHORITY, "client", NOW, **OLD)):
            ours = refusal(url, connection(tmp_path / "other", client=client))
            assert isinstance(ours, RejectedError)  # nginx ends the handshake well and answers 400
            assert ours.code == "400"


def test_one_context_serves_many_calls_over_one_connection(tmp_path):
    with nginx(tmp_path / "nginx", SERVER) as url:
        client = Rest("bank", url, Limits(timeout_s=5), tls=tls.context(connection(tmp_path)))
        for _ in range(3):
            assert client.call("GET", "/").body == b"NONE TLSv1.3"
        assert client._adapter._pool.num_connections == 1
        client.close()


@pytest.mark.parametrize("encrypted", ["", "mật khẩu"])
def test_our_key_may_be_text_or_encrypted_and_never_lies_open_on_a_disk(tmp_path, encrypted, monkeypatch):
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    how = BestAvailableEncryption(encrypted.encode()) if encrypted else None
    text = CLIENT.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how).decode() if how else CLIENT.key_pem
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    fields = {"client_cert": CLIENT.pem.decode(), "client_key": text, "client_key_passphrase": encrypted}
    with nginx(tmp_path / "nginx", SERVER, client_ca=AUTHORITY) as url:
        assert call(url, Connection("bank", fields | {"ca_file": AUTHORITY.pem.decode()})) == b"SUCCESS TLSv1.3"


def test_a_party_that_pins_nobody_has_one_context_of_its_own(tmp_path):
    mine, others = tls.context(Connection("bank", {})), tls.context(Connection("post", {}))
    assert mine is tls.context(Connection("bank", {}))
    assert mine is not others
    shown = tls.context(connection(tmp_path, ca=None, client=CLIENT))
    assert shown is not mine


def test_settings_that_do_not_fit_are_told_before_anybody_is_called(tmp_path):
    other = kept(tmp_path, "other", issue(AUTHORITY, "client", NOW))[1]
    mine = kept(tmp_path, "mine", CLIENT)[0]
    cases = {
        "setting_missing": {"client_cert": mine},
        "key_of_another_certificate": {"client_cert": mine, "client_key": f"file:{other}"},
        "in_token": {"client_cert": mine, "client_key": "pkcs11:token=HUB;object=tls"},
        "key_missing": {"ca_file": str(tmp_path / "none.pem")},
        "certificate_unusable": {"ca_file": other},
    }
    for reason, fields in cases.items():
        with pytest.raises(SetupError) as caught:
            tls.context(Connection("bank", fields))
        assert caught.value.reason == reason
        assert "PRIVATE KEY" not in "".join(traceback.format_exception(caught.value))


def of_a_server(_context):
    return ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)  # verifies nobody: a client may come without


def with_old_tls(context):
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    return context


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
@pytest.mark.parametrize("spoil", [of_a_server, with_old_tls])
def test_a_context_that_leaves_a_check_out_is_not_used(tmp_path, spoil):
    spoiled = spoil(tls.context(connection(tmp_path)))
    with pytest.raises(SetupError) as caught:
        Rest("bank", "https://bank.example.vn", Limits(), tls=spoiled)
    assert caught.value.reason == "tls_unchecked"


def test_a_server_that_is_not_there_or_speaks_no_tls_is_no_refusal(tmp_path):
    ours = refusal("https://127.0.0.1:9", connection(tmp_path))
    assert isinstance(ours, TransientError)
    assert ours.reason == "not_reached"
