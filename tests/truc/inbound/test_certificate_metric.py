"""The metric of certificates: when each party's first one ends, beside the figures of the exchange."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import requests
from prometheus_client.exposition import generate_latest

from truc.inbound import metrics
from truc.inbound.metrics import CertificateCollector
from truc.kit.development import issue, new_authority
from truc.trust.certificates import entries

LINE = r'truc_certificate_expires_seconds\{party="(\w+)",use="(\w+)"\} (\S+)'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An inventory with two certificates of one use, and a connection that names an old one."""
    (tmp_path / "certs" / "momo").mkdir(parents=True)
    now = datetime.now(UTC)
    authority = new_authority("CA", now)
    written = []
    for name, days in (("signing_1.pem", 100), ("signing_2.pem", 10)):
        issued = issue(authority, "signing", now, valid_to=now + timedelta(days=days))
        (tmp_path / "certs" / "momo" / name).write_bytes(issued.pem)
        written.append(entries(tmp_path / "certs", f"momo/{name}"))
    (tmp_path / "certs" / "inventory.toml").write_text("\n\n".join(written))
    old = issue(authority, "client", now, valid_from=now - timedelta(days=9), valid_to=now - timedelta(days=1))
    monkeypatch.setenv("VNPOST_CERT", old.pem.decode())
    (tmp_path / "connections.json").write_text('{"vnpost": {"extra": {"client_cert": "env:VNPOST_CERT"}}}')
    monkeypatch.setenv("TRUC_CONNECTIONS_FILE", str(tmp_path / "connections.json"))
    monkeypatch.setenv("TRUC_HOME", str(tmp_path))
    return tmp_path / "certs"


def figures(exposition):
    return {(party, use): float(value) for party, use, value in re.findall(LINE, exposition)}


def test_it_says_the_first_end_of_each_party_and_use_and_below_0_what_is_over(folder):
    found = figures(generate_latest(CertificateCollector(folder)).decode())
    assert found == {
        ("momo", "signing"): pytest.approx(10 * 86_400, abs=120),
        ("vnpost", "client"): pytest.approx(-86_400, abs=120),
    }


def test_an_inventory_that_cannot_be_read_is_logged_and_has_no_figure(folder, caplog):
    (folder / "inventory.toml").write_text("[[certificate]")
    assert generate_latest(CertificateCollector(folder)) == b""
    assert "metrics: certificates: " in caplog.text
    assert "inventory.toml" in caplog.text


def test_it_is_read_with_the_other_metrics_by_the_same_key(folder, gateway, server):
    address, key = f"{gateway.url}/metrics", metrics.ensure_key(server.secrets)
    assert requests.get(address, timeout=30).status_code == 401
    answer = requests.get(address, headers={"Authorization": f"Bearer {key}"}, timeout=30)
    assert "truc_exchange_couriers" in answer.text
    assert "# TYPE truc_certificate_expires_seconds gauge" in answer.text
