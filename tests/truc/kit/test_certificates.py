"""`truc certs …` and the daily check: what is printed, in which language, and what the exit says."""

import json
import logging
import stat
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from tests.truc.trust.tls_servers import kept
from truc.cli import main
from truc.errors import SetupError
from truc.kit import certificates, development
from truc.kit.development import issue, new_authority
from truc.trust.certificates import entries
from truc.trust.keys import certificates as read
from truc.trust.keys import pem_key

NOW = datetime.now(UTC)
AUTHORITY = new_authority("CA", NOW)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An installation with an empty inventory and no connection."""
    (tmp_path / "certs").mkdir()
    monkeypatch.setenv("TRUC_HOME", str(tmp_path))
    monkeypatch.delenv("TRUC_VAR", raising=False)
    monkeypatch.setenv("TRUC_CONNECTIONS_FILE", str(tmp_path / "connections.json"))
    return tmp_path


def keep(home, name, *, days):
    """Keep a certificate that ends in so many days, listed as it is."""
    begun = NOW + timedelta(days=min(0, days) - 1)
    issued = issue(AUTHORITY, "signing", NOW, valid_from=begun, valid_to=NOW + timedelta(days=days, hours=1))
    path = home / "certs" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(issued.pem)
    with (home / "certs" / "inventory.toml").open("a") as file:
        file.write(entries(home / "certs", name) + "\n\n")


def run(*words):
    return CliRunner().invoke(main, ["certs", *words])


def test_an_installation_without_certificates_is_well(home):
    assert run("list").output == "không có chứng thư nào\n"
    assert run("list", "--lang", "en").output == "no certificate\n"
    assert (run("check").exit_code, run("check").output) == (0, "0 chứng thư, không có gì sai\n")


def test_the_list_begins_with_what_ends_first(home):
    keep(home, "momo/signing.pem", days=300)
    keep(home, "vnpost/signing.pem", days=20)
    lines = run("list").output.splitlines()
    assert [line.split()[0] for line in lines] == ["vnpost", "momo"]
    assert [line.split()[3] for line in lines] == ["20", "300"]


def test_a_warning_is_told_in_vietnamese_first_and_lets_work_go_on(home):
    keep(home, "momo/signing.pem", days=20)
    found = run("check")
    assert (found.exit_code, found.output) == (
        0,
        "momo signing momo/signing.pem: còn 20 ngày (dưới 30 ngày): xin cấp mới\n",
    )
    assert "20 days left (under 30)" in run("check", "--lang", "en").output


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda home: keep(home, "momo/old.pem", days=-1), "ĐÃ HẾT HẠN"),
        (lambda home: (home / "certs" / "momo" / "signing.pem").write_bytes(AUTHORITY.pem), "khác với danh mục"),
        (lambda home: (home / "certs" / "momo" / "signing.pem").unlink(), "không có tệp"),
        (lambda home: (home / "certs" / "new.pem").write_bytes(AUTHORITY.pem), "[[certificate]]"),
        (lambda home: (home / "certs" / "inventory.toml").write_text("["), "inventory.toml"),
    ],
    ids=["over", "differs", "missing", "not listed", "broken"],
)
def test_what_stops_work_exits_with_1_and_fails_the_daily_run(home, spoil, says):
    keep(home, "momo/signing.pem", days=300)
    assert run("check").exit_code == 0
    spoil(home)
    found = run("check")
    assert found.exit_code == 1
    assert says in found.output
    with pytest.raises(SetupError):
        certificates.check_today()


def test_the_daily_run_logs_warnings_and_counts(home, caplog):
    keep(home, "momo/signing.pem", days=5)
    with caplog.at_level(logging.INFO):
        assert certificates.check_today() == {"certificates": 1, "ends_soon": 1}
    assert [one.levelname for one in caplog.records] == ["WARNING"]
    assert "5 days left (under 7)" in caplog.text


def test_certificates_that_connections_name_are_checked_too(home):
    over = issue(AUTHORITY, "client", NOW, valid_from=NOW - timedelta(days=9), valid_to=NOW - timedelta(days=1))
    certificate, _ = kept(home, "client", over)
    (home / "connections.json").write_text(json.dumps({"momo": {"extra": {"client_cert": certificate}}}))
    found = run("check")
    assert found.exit_code == 1
    assert "momo client momo.client_cert: ĐÃ HẾT HẠN" in found.output


def test_dev_makes_certificates_whose_keys_are_for_their_owner_alone_and_keeps_them(home):
    found = run("dev")
    assert found.exit_code == 0, found.output
    folder = home / "var" / "certs"
    made = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(made) == {f"{name}.{kind}" for name in ("ca", "server", "client", "signing") for kind in ("pem", "key")}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.glob("*.key")} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("ca", "server", "client", "signing"):
        public = read(str(folder / f"{name}.pem"))[0].public_key()
        assert pem_key(f"file:{folder}/{name}.key").public_key() == public
    assert "PRIVATE KEY" not in found.output
    run("dev")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == made


def test_dev_renews_what_ends_soon_and_everything_with_the_authority(tmp_path):
    development.make(tmp_path, NOW)
    first = (tmp_path / "client.pem").read_bytes()
    (tmp_path / "server.key").unlink()
    development.make(tmp_path, NOW)
    assert (tmp_path / "client.pem").read_bytes() == first
    (tmp_path / "ca.key").unlink()
    development.make(tmp_path, NOW)
    second = (tmp_path / "client.pem").read_bytes()
    assert second != first
    development.make(tmp_path, NOW + timedelta(days=340))
    assert (tmp_path / "client.pem").read_bytes() != second


def test_rehearse_says_what_failed_and_exits_with_1(home):
    old, key = kept(home, "old", issue(AUTHORITY, "client", NOW, valid_to=NOW - timedelta(minutes=1)))
    (home / "connections.json").write_text(json.dumps({"sms": {"host": "http://127.0.0.1:9", "login": "x"}}))
    words = ("rehearse", "sms", "--next", f"client_cert={old}", "--next", f"client_key=file:{key}")
    found = run(*words)
    assert found.exit_code == 1
    assert "HỎNG         client_cert: ngoài thời hạn" in found.output
    assert "đã chứng tỏ  client_key: chữ ký khớp với client_cert" in found.output
    assert "FAILED" in run(*words, "--lang", "en").output


def test_rehearse_wants_a_party_a_connection_and_something_next(home):
    assert "no connectors.nobody" in run("rehearse", "nobody").output
    assert "no connection 'sms'" in run("rehearse", "sms").output
    assert "NAME=REFERENCE" in run("rehearse", "sms", "--next", "client_cert").output
    (home / "connections.json").write_text(json.dumps({"sms": {"host": "http://127.0.0.1:9"}}))
    assert "nothing is next" in run("rehearse", "sms").output
