"""Every failure of paramiko has our word, and no half-written file passes."""

import inspect
import io
import socket

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from paramiko import ssh_exception

from sandbox.vietinbank.server import start
from truc.errors import SetupError, TransientError, TrucError
from truc.manifest import Limits
from truc.transport.sftp import (
    MISCONFIGURED,
    UNREACHED,
    Endpoint,
    _translate,
    connected,
    host_key,
    introduced,
    private_key,
)

LIMITS = Limits(timeout_s=5, connect_timeout_s=2)
KNOWN = [
    one
    for one in vars(ssh_exception).values()
    if inspect.isclass(one) and issubclass(one, Exception) and one.__module__ == ssh_exception.__name__
]


@pytest.fixture
def server(tmp_path):
    running = start(0, tmp_path, "http://127.0.0.1:1")
    yield running, tmp_path / "files" / "out"
    running.close()


def endpoint(running, **changed):
    value = running.connection
    fields = {
        "host": value["host"],
        "port": value["port"],
        "login": value["login"],
        "password": value["password"],
        "host_key": value["extra"]["host_key"],
    }
    return Endpoint(**(fields | changed))


def test_paramiko_still_has_the_exceptions_we_counted():
    assert len(KNOWN) >= 14


@pytest.mark.parametrize("kind", KNOWN, ids=lambda kind: kind.__name__)
def test_every_exception_of_paramiko_has_a_row_of_its_own(kind):
    assert (kind in MISCONFIGURED) != (kind in UNREACHED)


@pytest.mark.parametrize("kind", [*KNOWN, paramiko.SFTPError, EOFError, TimeoutError, ConnectionResetError, OSError])
def test_every_exception_translates_to_the_failure_of_its_row(kind):
    error = kind.__new__(kind)  # some want arguments; the table looks at the class only
    failure = _translate("bank", error)
    assert isinstance(failure, TrucError)
    assert isinstance(failure, SetupError) == (kind in MISCONFIGURED)
    assert str(failure).startswith("bank: ")


def test_an_unknown_host_name_is_transient():
    assert _translate("bank", socket.gaierror()).reason == "not_reached"


def test_only_whole_plain_files_of_the_pattern_are_listed(server):
    running, folder = server
    for name in ("A_1.txt", "A_1.txt.ok", "A_2.txt", "A_3.txt.part", "B_1.txt"):
        (folder / name).write_text("x")
    (folder / "A_4.txt").mkdir()
    with connected("bank", endpoint(running), LIMITS) as sftp:
        assert sftp.names("/out", "A_*.txt") == ("A_1.txt", "A_2.txt")
        assert sftp.names("/out", "A_*.txt", end_mark=".ok") == ("A_1.txt",)


def test_a_large_file_arrives_byte_for_byte(server):
    running, folder = server
    body = bytes(range(256)) * 8_192
    (folder / "large.bin").write_bytes(body)
    with connected("bank", endpoint(running), LIMITS) as sftp:
        assert sftp.fetch("/out", "large.bin") == body


def test_a_file_that_does_not_end_in_time_is_given_up(server, monkeypatch):
    running, folder = server
    (folder / "slow.bin").write_bytes(b"x" * 100_000)
    monkeypatch.setattr("truc.transport.sftp.FILE_S_MAX", -1.0)
    with connected("bank", endpoint(running), LIMITS) as sftp, pytest.raises(TransientError) as caught:
        sftp.fetch("/out", "slow.bin")
    assert caught.value.reason == "no_answer"


def test_an_empty_file_is_an_empty_body(server):
    running, folder = server
    (folder / "empty.txt").touch()
    with connected("bank", endpoint(running), LIMITS) as sftp:
        assert sftp.fetch("/out", "empty.txt") == b""


def test_a_file_that_is_not_there_is_asked_for_later(server):
    running, _ = server
    with connected("bank", endpoint(running), LIMITS) as sftp, pytest.raises(TransientError) as caught:
        sftp.fetch("/out", "none.txt")
    assert caught.value.reason == "not_delivered_yet"


def test_a_file_outside_the_folder_is_not_reached(server, tmp_path):
    running, _ = server
    (tmp_path / "secret.txt").write_text("x")
    with connected("bank", endpoint(running), LIMITS) as sftp, pytest.raises(TransientError) as caught:
        sftp.fetch("/out", "../../secret.txt")
    assert caught.value.reason == "not_delivered_yet"


def test_a_host_key_of_another_kind_is_a_changed_host_key(server):
    running, _ = server
    other = paramiko.RSAKey.generate(2048)
    pinned = f"{other.get_name()} {other.get_base64()}"
    with pytest.raises(SetupError) as caught, connected("bank", endpoint(running, host_key=pinned), LIMITS):
        pass
    assert caught.value.reason == "host_key_changed"
    assert other.fingerprint in str(caught.value)


def test_a_server_is_met_without_a_login_and_only_by_its_pinned_key(server):
    running, _ = server
    assert introduced("bank", endpoint(running, login="nobody", password=""), LIMITS).startswith("SSH-2.0-")
    other = paramiko.ECDSAKey.generate()
    with pytest.raises(SetupError) as caught:
        introduced("bank", endpoint(running, host_key=f"{other.get_name()} {other.get_base64()}"), LIMITS)
    assert caught.value.reason == "host_key_changed"
    running.close()
    with pytest.raises(TransientError):
        introduced("bank", endpoint(running), LIMITS)


def test_the_endpoint_shows_no_secret(server):
    running, _ = server
    shown = repr(endpoint(running, private_key="PEM TEXT"))
    assert running.connection["password"] not in shown
    assert "PEM TEXT" not in shown


@pytest.mark.parametrize("text", ["", "ssh-ed25519", "ssh-ed25519 !!!", "ssh-rsa AAAA", "other AAAA"])
def test_a_pinned_key_that_cannot_be_read_is_refused(text):
    with pytest.raises(SetupError, match="host_key") as caught:
        host_key("bank", text)
    assert caught.value.reason == "setting_malformed"


def test_a_comment_after_the_pinned_key_is_read_over(server):
    running, _ = server
    text = running.connection["extra"]["host_key"]
    assert host_key("bank", f"{text} comment\n") == host_key("bank", text)


def rsa_pem(encryption):
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption).decode()


def test_an_rsa_key_is_read_and_an_encrypted_one_is_refused_by_name():
    pem = rsa_pem(NoEncryption())
    assert private_key("bank", pem) == paramiko.RSAKey.from_private_key(io.StringIO(pem))
    with pytest.raises(SetupError, match="private_key"):
        private_key("bank", rsa_pem(BestAvailableEncryption(b"x")))


def test_a_private_key_that_is_none_is_refused_without_showing_it():
    with pytest.raises(SetupError) as caught:
        private_key("bank", "not a key at all")
    assert "not a key at all" not in str(caught.value)
