"""SFTP against OpenSSH's own sshd: logins, host keys, listing and fetching."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.truc.transport import openssh
from tests.truc.transport.openssh import PASSWORD
from truc.errors import MalformedError, SetupError, TransientError
from truc.manifest import Limits
from truc.transport.sftp import Endpoint, connected

LIMITS = Limits(timeout_s=5, connect_timeout_s=2)


@pytest.fixture(scope="module")
def sshd(tmp_path_factory):
    with openssh.sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


def endpoint(sshd, **changed):
    fields = {"host": "127.0.0.1", "port": sshd.port, "login": sshd.login, "host_key": sshd.host_key("ed25519")}
    return Endpoint(**(fields | changed))


@pytest.fixture
def known(sshd):
    """An endpoint with a key that may log in."""
    return endpoint(sshd, private_key=sshd.client_key("ed25519"))


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("form", [(), ("-m", "PEM")], ids=["OpenSSH form", "PEM form"])
def test_a_key_that_ssh_keygen_wrote_logs_in(sshd, kind, form):
    key = sshd.client_key(kind, *form)
    with connected("bank", endpoint(sshd, private_key=key), LIMITS) as sftp:
        assert sftp.names(str(sshd.files), "none-*") == ()


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_an_encrypted_key_logs_in_with_its_passphrase_only(sshd, kind):
    key = sshd.client_key(kind, "-N", "mot cum mat khau")
    with connected("bank", endpoint(sshd, private_key=key, passphrase="mot cum mat khau"), LIMITS) as sftp:
        assert sftp.names(str(sshd.files), "none-*") == ()
    for wrong, says in (("", "give its passphrase"), ("mot cum khac", "another passphrase")):
        with (
            pytest.raises(SetupError, match=says) as caught,
            connected("bank", endpoint(sshd, private_key=key, passphrase=wrong), LIMITS),
        ):
            pass
        assert caught.value.reason == "setting_malformed"


def test_a_password_logs_in_and_a_wrong_one_does_not(sshd):
    openssh.needs_passwords()
    with connected("bank", endpoint(sshd, password=PASSWORD), LIMITS) as sftp:
        assert sftp.names(str(sshd.files), "none-*") == ()
    with pytest.raises(SetupError) as caught, connected("bank", endpoint(sshd, password="mat-khau-sai"), LIMITS):
        pass
    assert caught.value.reason == "unauthorised"
    assert "mat-khau-sai" not in str(caught.value)


def test_a_key_or_a_login_that_the_server_does_not_know_is_refused(sshd, known):
    stranger = ed25519.Ed25519PrivateKey.generate()
    text = stranger.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    for wrong in (endpoint(sshd, private_key=text), endpoint(sshd, private_key=known.private_key, login="nobody-here")):
        with pytest.raises(SetupError) as caught, connected("bank", wrong, LIMITS):
            pass
        assert caught.value.reason == "unauthorised"


def test_a_server_that_wants_key_and_password_gets_both_or_a_person_hears_of_it(tmp_path):
    openssh.needs_passwords()
    with openssh.sshd(tmp_path / "sshd", more="AuthenticationMethods publickey,password") as strict:
        key = strict.client_key("ed25519")
        with connected("bank", endpoint(strict, private_key=key, password=PASSWORD), LIMITS) as sftp:
            assert sftp.names(str(strict.files), "*") == ()
        for rest in ({"private_key": key}, {"private_key": key, "password": "mat-khau-sai"}, {"password": PASSWORD}):
            with pytest.raises(SetupError) as caught, connected("bank", endpoint(strict, **rest), LIMITS):
                pass
            assert caught.value.reason == "unauthorised"


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_the_pinned_key_is_asked_for_whichever_the_server_would_show_first(sshd, known, kind):
    pinned = endpoint(sshd, private_key=known.private_key, host_key=sshd.host_key(kind))
    with connected("bank", pinned, LIMITS) as sftp:
        assert sftp.names(str(sshd.files), "none-*") == ()


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_server_that_shows_another_host_key_hears_no_login(sshd, known, kind, tmp_path):
    openssh.make_key(tmp_path / "other", kind)
    pinned = " ".join((tmp_path / "other.pub").read_text().split()[:2])
    before = (sshd.folder / "log").read_text().count("Accepted")
    with (
        pytest.raises(SetupError) as caught,
        connected("bank", endpoint(sshd, private_key=known.private_key, host_key=pinned), LIMITS),
    ):
        pass
    assert caught.value.reason == "host_key_changed"
    assert (sshd.folder / "log").read_text().count("Accepted") == before


def test_files_are_listed_and_arrive_byte_for_byte(sshd, known):
    body = bytes(range(256)) * 20_000
    for name, content in (("SAOKE_1.txt", body), ("SAOKE_2.txt", b""), ("SAOKE_2.txt.ok", b""), ("Khác.txt", b"x")):
        (sshd.files / name).write_bytes(content)
    (sshd.files / "SAOKE_3.txt").mkdir(exist_ok=True)
    with connected("bank", known, LIMITS) as sftp:
        assert sftp.names(str(sshd.files), "SAOKE_*.txt") == ("SAOKE_1.txt", "SAOKE_2.txt")
        assert sftp.names(str(sshd.files), "SAOKE_*.txt", end_mark=".ok") == ("SAOKE_2.txt",)
        assert sftp.names(str(sshd.files), "Kh*") == ("Khác.txt",)
        assert sftp.fetch(str(sshd.files), "SAOKE_1.txt") == body
        assert sftp.fetch(str(sshd.files), "SAOKE_2.txt") == b""


def test_what_is_not_there_or_too_large_is_told(sshd, known):
    (sshd.files / "large.txt").write_bytes(b"x" * 2000)
    with connected("bank", known, Limits(timeout_s=5, body_bytes_max=1000)) as sftp:
        with pytest.raises(TransientError) as missing:
            sftp.fetch(str(sshd.files), "none.txt")
        with pytest.raises(SetupError) as nowhere:
            sftp.names(str(sshd.files / "none"), "*")
        with pytest.raises(MalformedError) as large:
            sftp.fetch(str(sshd.files), "large.txt")
    reasons = (missing.value.reason, nowhere.value.reason, large.value.reason)
    assert reasons == ("not_delivered_yet", "directory_missing", "body_too_large")
