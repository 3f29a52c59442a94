"""The inventory: what it must say, what differs from the files, and when an end is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from truc.connections import Connection
from truc.errors import SetupError
from truc.kit.development import Issued, _builder, issue, new_authority
from truc.trust import certificates
from truc.trust.certificates import Item, ending, entries, inventory, of_connections, of_files, soonest, use_of

NOW = datetime.now(UTC)
AUTHORITY = new_authority("CA of the partner", NOW)
SERVER = issue(AUTHORITY, "server", NOW)
SOON = issue(AUTHORITY, "signing", NOW, valid_to=NOW + timedelta(days=20))
ITEM = Item(owner="momo", use="ca", where="x", fingerprint="0" * 64, valid_from=NOW - timedelta(days=1), valid_to=NOW)


@pytest.fixture
def folder(tmp_path):
    """A folder with one file that is listed as it is."""
    (tmp_path / "momo").mkdir()
    (tmp_path / "momo" / "ca.pem").write_bytes(AUTHORITY.pem)
    (tmp_path / "inventory.toml").write_text(entries(tmp_path, "momo/ca.pem"))
    return tmp_path


def problems(folder):
    return [(one.where, one.problem) for one in of_files(folder)[1]]


def test_what_it_says_of_a_file_is_what_it_wants_to_read(folder):
    (item,), found = of_files(folder)
    assert found == ()
    assert (item.owner, item.use, item.where) == ("momo", "ca", "momo/ca.pem")
    assert item.fingerprint == AUTHORITY.certificate.fingerprint(hashes.SHA256()).hex()
    assert item.valid_to == AUTHORITY.certificate.not_valid_after_utc


def test_no_inventory_is_an_empty_one(tmp_path):
    assert of_files(tmp_path) == ((), ())


def test_the_inventory_of_this_house_agrees_with_its_files(repository):
    assert of_files(repository / "certs")[1] == ()


def test_a_file_that_changed_is_gone_or_is_not_listed_is_found(folder):
    (folder / "momo" / "ca.pem").write_bytes(SERVER.pem)
    assert problems(folder) == [("momo/ca.pem", "differs"), ("momo/ca.pem", "not_listed")]
    (folder / "momo" / "ca.pem").write_text("no certificate")
    assert problems(folder) == [("momo/ca.pem", "unreadable")]
    (folder / "momo" / "ca.pem").unlink()
    assert problems(folder) == [("momo/ca.pem", "missing")]
    (folder / "momo" / "signing.cer").write_bytes(SOON.pem)
    assert problems(folder) == [("momo/ca.pem", "missing"), ("momo/signing.cer", "not_listed")]
    told = of_files(folder)[1][1].detail
    (folder / "inventory.toml").write_text(told)
    assert problems(folder) == []


def test_a_file_may_hold_several_and_each_is_listed(folder):
    (folder / "momo" / "ca.pem").write_bytes(AUTHORITY.pem + SERVER.pem)
    assert problems(folder) == [("momo/ca.pem", "not_listed")]
    (folder / "inventory.toml").write_text(entries(folder, "momo/ca.pem"))
    assert len(of_files(folder)[0]) == 2
    assert problems(folder) == []


def test_a_period_that_is_not_the_certificates_own_is_found(folder):
    text = (folder / "inventory.toml").read_text()
    end = f"{AUTHORITY.certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"
    (folder / "inventory.toml").write_text(text.replace(end, "2099-01-01T00:00:00Z"))
    assert problems(folder) == [("momo/ca.pem", "differs")]


def test_a_weak_key_is_a_warning(folder):
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505  (what must be told)
    certificate = _builder("old", "old", key, NOW, NOW + timedelta(days=300)).sign(key, hashes.SHA256())
    (folder / "momo" / "ca.pem").write_bytes(Issued(certificate, key).pem)
    (folder / "inventory.toml").write_text(entries(folder, "momo/ca.pem"))
    (found,) = of_files(folder)[1]
    assert (found.problem, found.is_harmless) == ("weak", True)


BROKEN = {
    "no TOML": "[[certificate]",
    "another table": "[other]\n",
    "no table": 'certificate = "x"\n',
    "a field missing": '[[certificate]]\nowner = "momo"\n',
    "an unknown use": ('use = "ca"', 'use = "cakes"'),
    "a time without offset": ("Z\nvalid_to", "\nvalid_to"),
    "a time as text": ("valid_to = ", 'valid_to = "soon" #'),
    "a file outside": ('"momo/ca.pem"', '"../ca.pem"'),
    "an unknown field": ('use = "ca"', 'use = "ca"\ncolour = "red"'),
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN.keys())
def test_an_inventory_that_cannot_be_read_stops(folder, change):
    path = folder / "inventory.toml"
    path.write_text(path.read_text().replace(*change) if isinstance(change, tuple) else change)
    with pytest.raises(SetupError) as caught:
        inventory(folder)
    assert caught.value.reason == "inventory_malformed"


@pytest.mark.parametrize(
    ("days", "problem", "mark"),
    [
        (-1, "expired", ""),
        (0.5, "ends_soon", "7"),
        (6.9, "ends_soon", "7"),
        (7.1, "ends_soon", "30"),
        (29.9, "ends_soon", "30"),
        (59.9, "ends_soon", "60"),
    ],
)
def test_an_end_is_told_60_30_and_7_days_before(days, problem, mark):
    (found,) = ending([replace(ITEM, valid_to=NOW + timedelta(days=days))], NOW)
    assert (found.problem, found.detail, found.is_harmless) == (problem, mark, problem == "ends_soon")


def test_what_holds_for_long_is_no_finding_and_what_has_not_begun_is_one():
    long = replace(ITEM, valid_to=NOW + timedelta(days=60.1))
    assert ending([long], NOW) == ()
    (found,) = ending([replace(long, valid_from=NOW + timedelta(seconds=1))], NOW)
    assert (found.problem, found.is_harmless) == ("not_yet_valid", True)


def test_the_first_end_counts_for_a_party_and_a_use():
    later = replace(ITEM, valid_to=NOW + timedelta(hours=1))
    other = replace(ITEM, use="client", valid_to=NOW - timedelta(hours=1))
    assert soonest([later, ITEM, other, later], NOW) == {("momo", "ca"): 0.0, ("momo", "client"): -3600.0}


@pytest.mark.parametrize(
    ("setting", "use"),
    [
        ("ca_file", "ca"),
        ("next_ca_file", "ca"),
        ("client_cert", "client"),
        ("next_client_cert", "client"),
        ("signing_cert", "signing"),
        ("partner_certificate", "signing"),
        ("encryption_cert", "encryption"),
        ("client_key", None),
        ("password", None),
        ("certify", None),
    ],
)
def test_the_name_of_a_setting_says_what_its_certificate_is_for(setting, use):
    assert use_of(setting) == use


def test_certificates_that_connections_name_are_looked_at_and_secrets_are_not(tmp_path):
    fields = {"client_cert": SOON.pem.decode(), "ca_file": str(tmp_path / "none.pem"), "password": SERVER.pem.decode()}
    (item,), (missing,) = of_connections([Connection("momo", fields)])
    assert (item.owner, item.use, item.where) == ("momo", "client", "momo.client_cert")
    assert (missing.where, missing.problem, missing.is_harmless) == ("momo.ca_file", "unreadable", False)
    assert [one.days for one in ending([item], NOW)] == [19]


def test_all_of_an_installation_is_one_picture(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("TRUC_CONNECTIONS_FILE", str(tmp_path / "connections.json"))
    named = '{"momo": {"extra": {"signing_cert": "env:MOMO_CERT"}}, "vnpost": {"extra": {}}}'
    (tmp_path / "connections.json").write_text(named)
    monkeypatch.setenv("MOMO_CERT", SOON.pem.decode())
    found = list(certificates.readable(["momo", "sms", "vnpost"]))
    assert [one.party for one in found] == ["momo", "vnpost"]
    items, told = certificates.state(folder, found, NOW)
    assert {one.where for one in items} == {"momo/ca.pem", "momo.signing_cert"}
    assert [(one.where, one.problem, one.detail) for one in told] == [("momo.signing_cert", "ends_soon", "30")]
    (tmp_path / "connections.json").write_text("[")
    with pytest.raises(SetupError, match="JSON"):
        list(certificates.readable(["momo"]))
