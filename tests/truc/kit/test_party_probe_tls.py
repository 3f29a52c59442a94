"""The probe of a party reads a real server's certificate: trusted, near its end, past it, and of a stranger."""

import importlib
from datetime import UTC, datetime, timedelta

import pytest

from tests.truc.trust.tls_servers import kept, nginx
from truc import parties
from truc.connections import Connection, from_airflow_json
from truc.kit import party_probe
from truc.kit.development import issue, new_authority

NOW = datetime.now(UTC)
AUTHORITY, STRANGER = new_authority("CA of the partner", NOW), new_authority("CA of somebody", NOW)
START = NOW - timedelta(days=300)
HTTP = [one.party for one in parties.manifests() if one.transport in ("rest", "soap")]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An installation without pinned certificates of its own."""
    monkeypatch.setenv("TRUC_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def serves(tmp_path_factory):
    """Start an nginx whose certificate ends in so many days; one for all tests of the same number."""
    opened, urls = [], {}

    def start(days):
        if days not in urls:
            server = issue(AUTHORITY, "server", NOW, valid_from=START, valid_to=NOW + timedelta(days=days))
            opened.append(nginx(tmp_path_factory.mktemp("nginx") / "server", server))
            urls[days] = opened[-1].__enter__()
        return urls[days]

    yield start
    for one in opened:
        one.__exit__(None, None, None)


def looks(name, folder, authority, **fields):
    running = importlib.import_module(f"sandbox.{name}.server").start(0, folder / name, "https://hub.invalid")
    running.close()
    known = from_airflow_json(name, running.connection).fields
    connection = Connection(name, {**known, "ca_file": kept(folder, "ca", authority)[0], **fields})
    return {one.step: one for one in party_probe.probe(parties.manifest(name), connection)}


@pytest.mark.parametrize(("days", "verdict"), [(300, "well"), (20, "warning")])
def test_a_certificate_is_well_or_near_its_end(serves, tmp_path, days, verdict):
    found = looks("momo", tmp_path, AUTHORITY, host=serves(days))
    assert found["tls"].verdict == verdict
    assert f"{NOW + timedelta(days=days):%Y-%m-%d}" in found["tls"].seen
    assert found["clock"].verdict == "well"


@pytest.mark.parametrize("name", HTTP)
def test_a_certificate_past_its_end_stops_the_probe(serves, tmp_path, name):
    found = looks(name, tmp_path, AUTHORITY, host=serves(-1))
    assert (list(found)[-1], found["tls"].verdict) == ("tls", "broken")
    assert "expired" in found["tls"].seen


def test_a_certificate_of_a_stranger_stops_the_probe(serves, tmp_path):
    found = looks("momo", tmp_path, STRANGER, host=serves(300))
    assert (list(found)[-1], found["tls"].verdict) == ("tls", "broken")


@pytest.mark.parametrize(
    ("days", "trusted", "verdict"),
    [(300, AUTHORITY, "well"), (20, AUTHORITY, "warning"), (-1, AUTHORITY, "broken"), (300, STRANGER, "broken")],
)
def test_the_certificate_of_a_relay_is_the_one_behind_starttls(tmp_path, days, trusted, verdict):
    server = issue(AUTHORITY, "server", NOW, valid_from=START, valid_to=NOW + timedelta(days=days))
    kept(tmp_path / "relay", "relay", server)  # where the stand-in looks for its own
    running = importlib.import_module("sandbox.email.server").start(0, tmp_path / "relay", "")
    try:
        known = from_airflow_json("email", running.connection).fields
        connection = Connection("email", {**known, "ca_file": kept(tmp_path, "ca", trusted)[0]})
        found = {one.step: one for one in party_probe.probe(parties.manifest("email"), connection)}
    finally:
        running.close()
    assert found["tls"].verdict == verdict
    assert ("credentials" in found) == (verdict != "broken")
    if verdict != "broken":
        assert f"{NOW + timedelta(days=days):%Y-%m-%d}" in found["tls"].seen
