"""The probe of a party reads a real server's certificate: trusted, near its end, past it, and of a stranger."""

import importlib
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from tests.truc.trust.tls_servers import kept, nginx
from truc import parties
from truc.connections import Connection
from truc.kit import party_probe
from truc.kit.development import issue, new_authority

NOW = datetime.now(UTC)
AUTHORITY, STRANGER = new_authority("CA of the partner", NOW), new_authority("CA of somebody", NOW)
START = NOW - timedelta(days=300)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An installation without pinned certificates of its own."""
    monkeypatch.setenv("TRUC_HOME", str(tmp_path / "home"))


def looks(folder, url, authority):
    running = importlib.import_module("sandbox.momo.server").start(0, folder / "momo", "https://hub.invalid")
    running.close()
    fields = {**running.connection["extra"], "host": url, "login": "x", "password": "y"}
    connection = Connection("momo", fields | {"ca_file": kept(folder, "ca", authority)[0]})
    return {one.step: one for one in party_probe.probe(parties.manifest("momo"), connection)}


@pytest.mark.parametrize(("days", "verdict"), [(300, "well"), (20, "warning"), (-1, "broken")])
def test_a_certificate_is_well_near_its_end_or_past_it(tmp_path, days, verdict):
    server = issue(AUTHORITY, "server", NOW, valid_from=START, valid_to=NOW + timedelta(days=days))
    with nginx(tmp_path / "server", server) as url:
        assert urlsplit(url).scheme == "https"
        found = looks(tmp_path, url, AUTHORITY)
    assert found["tls"].verdict == verdict
    if verdict != "broken":
        assert f"{NOW + timedelta(days=days):%Y-%m-%d}" in found["tls"].seen
        assert found["clock"].verdict == "well"


def test_a_certificate_of_a_stranger_stops_the_probe(tmp_path):
    with nginx(tmp_path / "server", issue(AUTHORITY, "server", NOW)) as url:
        found = looks(tmp_path, url, STRANGER)
    assert (list(found)[-1], found["tls"].verdict) == ("tls", "broken")
