"""`truc party probe` says of each step how it stands, stops where it cannot go on, and writes nothing."""

import importlib
import json
import socket
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler

import pytest
from click.testing import CliRunner

from tests.suites.partner import Partner
from truc import parties
from truc.connections import Connection
from truc.errors import MalformedError, RejectedError, SetupError, TransientError
from truc.kit import party, party_probe, party_probe_http

HTTP = [one.party for one in parties.manifests() if one.transport in ("rest", "soap")]
# Of these nobody knows a call that only reads; see their README.
NOT_ASKED = {"vnptpay", "sms"}
ASKED = sorted(set(parties.names()) - NOT_ASKED)
# No list of codes is published, so a wrong secret cannot be told from another trouble: nothing well, nothing sure.
UNSURE = {"viettelpay", "national_payment"}
FROM = "https://hub.invalid"


@pytest.fixture
def there(tmp_path):
    """Start the stand-in of a party."""
    started = []

    def start(name):
        running = importlib.import_module(f"sandbox.{name}.server").start(0, tmp_path / name, FROM)
        started.append(running)
        return Partner(parties.manifest(name), running)

    yield start
    for one in started:
        one.close()


def looks(name, connection):
    return {one.step: one for one in party_probe.probe(parties.manifest(name), connection)}


def changed(connection, **fields):
    return Connection(connection.party, {**connection.fields, **fields})


def at(connection, *, host, port=0):
    """The connection with another address, in the form its transport has."""
    if connection.party in HTTP:
        return changed(connection, host=f"https://{host}:{port}" if port else f"https://{host}")
    return changed(connection, host=host, **({"port": str(port)} if port else {}))


@pytest.mark.parametrize("name", parties.names())
def test_a_stand_in_is_reached_step_by_step_and_nothing_happens_there(there, name):
    partner = there(name)
    found = looks(name, partner.connection)
    assert [found[step].verdict for step in ("settings", "name", "tcp")] == ["well"] * 3
    assert not [one for one in found.values() if one.verdict in ("broken", "warning")], found
    assert found["credentials"].verdict == ("not_looked_at" if name in NOT_ASKED else "well")
    assert found["clock"].verdict == ("well" if name in HTTP else "not_looked_at")
    assert [partner.effects(one.name) for one in partner.manifest.operations] == [0] * len(partner.manifest.operations)


@pytest.mark.parametrize("name", ASKED)
def test_a_secret_that_is_not_ours_is_not_taken_for_well(there, name):
    connection = there(name).connection
    wrong = {"login": "nobody"} if parties.manifest(name).transport == "sftp" else {"password": "not ours"}
    found = looks(name, changed(connection, **wrong))
    assert found["credentials"].verdict == ("warning" if name in UNSURE else "broken"), found["credentials"]
    assert connection.required("password" if "login" in wrong else "login") not in found["credentials"].seen


@pytest.mark.parametrize("name", HTTP)
def test_a_clock_that_is_five_minutes_off_is_a_warning(there, monkeypatch, name):
    late = datetime.now(UTC) - timedelta(minutes=5)
    monkeypatch.setattr(
        BaseHTTPRequestHandler, "date_time_string", lambda _self, _at=None: f"{late:%a, %d %b %Y %H:%M:%S} GMT"
    )
    clock = looks(name, there(name).connection)["clock"]
    assert (clock.verdict, clock.seen.partition(" ")[0]) == ("warning", "+300") or clock.seen.startswith("+301 s")


@pytest.mark.parametrize("name", parties.names())
def test_a_name_nobody_knows_is_said(there, name):
    found = looks(name, at(there(name).connection, host="no-such-host.invalid"))
    assert (list(found)[-1], found["name"].verdict) == ("name", "broken")


@pytest.mark.parametrize("name", parties.names())
def test_a_closed_port_is_said(there, name):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found = looks(name, at(there(name).connection, host="127.0.0.1", port=port))
    assert (list(found)[-1], found["tcp"].verdict) == ("tcp", "broken")


@pytest.mark.parametrize("name", HTTP)
def test_a_port_that_speaks_no_tls_is_said(there, name):
    partner = there(name)
    found = looks(name, at(partner.connection, host="127.0.0.1", port=partner.running.port))
    assert (list(found)[-1], found["tls"].verdict) == ("tls", "broken")


@pytest.mark.parametrize("name", ["vietinbank", "vietcombank"])
def test_another_host_key_stops_it_before_the_login(there, tmp_path, name):
    other = importlib.import_module(f"sandbox.{name}.server").start(0, tmp_path / "other", FROM)
    other.close()
    found = looks(name, changed(there(name).connection, host_key=other.connection["extra"]["host_key"]))
    assert (list(found)[-1], found["host_key"].verdict) == ("host_key", "broken")
    assert "host_key_changed" in found["host_key"].seen


@pytest.mark.parametrize("name", ["vietinbank", "vietcombank"])
def test_a_folder_that_is_not_there_is_broken_and_the_server_says_its_version(there, name):
    found = looks(name, changed(there(name).connection, directory="/nowhere"))
    assert "SSH-2.0-" in found["host_key"].seen
    assert (found["credentials"].verdict, "directory_missing" in found["credentials"].seen) == ("broken", True)


@pytest.mark.parametrize("name", ["viettelpay", "national_payment"])
def test_without_the_code_for_an_unknown_order_nobody_is_asked(there, name):
    partner = there(name)
    setting = {"viettelpay": "absent_code", "national_payment": "absent_codes"}[name]
    look = looks(name, changed(partner.connection, **{setting: ""}))["credentials"]
    assert (look.verdict, setting in look.seen) == ("not_looked_at", True)


def test_a_refresh_token_is_not_spent_while_the_access_token_is_good(there):
    partner = there("zalo")
    assert looks("zalo", partner.connection)["credentials"].verdict == "well"
    assert looks("zalo", partner.connection)["credentials"].verdict == "not_looked_at"
    assert partner.effects("renewal") == 1


def test_the_account_of_my_vnpost_is_asked_too(there):
    connection = changed(there("vnpost").connection, api="my_vnpost")
    assert "MyVNPost" in looks("vnpost", connection)["credentials"].seen
    assert looks("vnpost", changed(connection, my_password="not ours"))["credentials"].verdict == "broken"


def test_a_missing_setting_stops_it_before_any_call():
    found = looks("momo", Connection("momo", {"host": "https://pay.invalid"}))
    assert list(found) == ["settings"]
    assert (found["settings"].verdict, "access_key" in found["settings"].seen) == ("broken", True)


@pytest.mark.parametrize(
    ("name", "fields", "step"),
    [
        ("momo", {"host": "pay.momo.vn"}, "settings"),
        ("vnpost", {"host": "https://:443"}, "name"),
        ("vietinbank", {"port": "ssh"}, "settings"),
        ("vietinbank", {"port": "65536"}, "name"),
        ("email", {"port": "587 "}, "name"),
        ("email", {"security": "ssl"}, "settings"),
    ],
)
def test_an_address_that_is_none_is_said(there, name, fields, step):
    found = looks(name, changed(there(name).connection, **fields))
    assert (list(found)[-1], found[step].verdict) == (step, "broken"), found


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [
        (SetupError("momo: refused", reason="unauthorised"), "broken"),
        (SetupError("momo: nothing to ask", reason="unsupported"), "not_looked_at"),
        (TransientError("momo: busy", reason="no_answer"), "warning"),
        (MalformedError("momo: what", reason="not_json"), "warning"),
        (RejectedError("momo: no", reason="refused", code="99"), "warning"),
    ],
)
def test_what_the_connectors_own_call_comes_to(there, monkeypatch, ends, verdict):
    from connectors.momo.client import Client

    def refuse(_self, _order):
        raise ends

    monkeypatch.setattr(Client, "get_payment", refuse)
    look = looks("momo", there("momo").connection)["credentials"]
    assert (look.verdict, str(ends) in look.seen) == (verdict, True)


def test_an_order_that_cannot_exist_and_does_proves_nothing(there, monkeypatch):
    from connectors.momo.client import Client

    monkeypatch.setattr(Client, "get_payment", lambda _self, _order: b"{}")
    assert looks("momo", there("momo").connection)["credentials"].verdict == "warning"


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        ("Wed, 04 Mar 2020 02:00:00 GMT", "warning"),
        ("", "not_looked_at"),
        ("yesterday", "not_looked_at"),
    ],
)
def test_clocks_apart_are_a_warning(told, verdict):
    assert party_probe_http.skew(told).verdict == verdict


@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_clock_before_ours_counts_as_one_behind(minutes):
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    assert party_probe_http.skew(f"{at:%a, %d %b %Y %H:%M:%S} GMT").verdict == "warning"


@pytest.mark.parametrize(("name", "lang"), [("momo", "vi"), ("vietinbank", "en"), ("email", "vi")])
def test_the_command_tells_each_step_and_shows_no_secret(there, monkeypatch, tmp_path, name, lang):
    running = there(name).running
    known = tmp_path / "connections.json"
    known.write_text(json.dumps({name: running.connection}), encoding="utf-8")
    monkeypatch.setenv("TRUC_CONNECTIONS_FILE", str(known))
    done = CliRunner().invoke(party.party, ["probe", name, "--lang", lang])
    assert done.exit_code == 0, done.output
    assert {"vi": "kết nối", "en": "tcp"}[lang] in done.output
    assert running.connection.get("password", "no password") not in done.output
    running.connection["port" if name != "momo" else "host"] = {"momo": "http://127.0.0.1:1"}.get(name, 1)
    known.write_text(json.dumps({name: running.connection}), encoding="utf-8")
    assert CliRunner().invoke(party.party, ["probe", name]).exit_code == 1
