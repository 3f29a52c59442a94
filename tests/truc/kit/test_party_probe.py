"""`truc party probe` says of each step how it stands, stops where it cannot go on, and writes nothing."""

import importlib
import json
import socket
from dataclasses import dataclass

import pytest
from click.testing import CliRunner

from truc import parties
from truc.connections import Connection, from_airflow_json
from truc.kit import party, party_probe


@dataclass
class Asked:
    """A client that offers a call that only reads."""

    answer: object

    def probe(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def close(self):
        pass


@pytest.fixture
def stand_in(tmp_path):
    """Start the stand-in of a party and return (running, connection)."""
    started = []

    def start(name):
        running = importlib.import_module(f"sandbox.{name}.server").start(0, tmp_path, "https://hub.invalid")
        started.append(running)
        return running, from_airflow_json(name, running.connection)

    yield start
    for one in started:
        one.close()


def looks(name, connection):
    return {one.step: one for one in party_probe.probe(parties.manifest(name), connection)}


@pytest.mark.parametrize("name", ["momo", "sms", "vietinbank"])
def test_a_stand_in_is_reached_step_by_step_and_nothing_happens_there(stand_in, name):
    running, connection = stand_in(name)
    found = looks(name, connection)
    assert [found[step].verdict for step in ("settings", "name", "tcp")] == ["well"] * 3
    assert not [one for one in found.values() if one.verdict == "broken"]
    if parties.manifest(name).transport != "sftp":
        assert found["tls"].verdict == "not_looked_at"
        assert found["clock"].verdict in ("well", "not_looked_at")
    assert running.port


def test_a_missing_setting_stops_it_before_any_call():
    found = looks("momo", Connection("momo", {"host": "https://pay.invalid"}))
    assert list(found) == ["settings"]
    assert (found["settings"].verdict, "access_key" in found["settings"].seen) == ("broken", True)


def changed(connection, **fields):
    return Connection(connection.party, {**connection.fields, **fields})


def test_a_name_nobody_knows_is_said(stand_in):
    _, connection = stand_in("momo")
    found = looks("momo", changed(connection, host="https://no-such-host.invalid"))
    assert list(found)[-1] == "name"
    assert found["name"].verdict == "broken"


def test_a_closed_port_is_said(stand_in):
    _, connection = stand_in("momo")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found = looks("momo", changed(connection, host=f"https://127.0.0.1:{port}"))
    assert (list(found)[-1], found["tcp"].verdict) == ("tcp", "broken")


def test_a_port_that_speaks_no_tls_is_said(stand_in):
    running, connection = stand_in("momo")
    found = looks("momo", changed(connection, host=f"https://127.0.0.1:{running.port}"))
    assert (list(found)[-1], found["tls"].verdict) == ("tls", "broken")


def test_what_the_connectors_own_read_only_call_comes_to(stand_in, monkeypatch):
    from truc.errors import SetupError, TransientError

    _, connection = stand_in("momo")
    for answer, verdict in (
        ("1.0", "well"),
        (SetupError("momo: refused", reason="unauthorised"), "broken"),
        (TransientError("momo: busy", reason="no_answer"), "warning"),
    ):
        monkeypatch.setattr(parties, "open_client", lambda _connection, answer=answer: Asked(answer))
        assert looks("momo", connection)["credentials"].verdict == verdict


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        ("Wed, 04 Mar 2020 02:00:00 GMT", "warning"),
        ("", "not_looked_at"),
        ("yesterday", "not_looked_at"),
    ],
)
def test_clocks_apart_are_a_warning(told, verdict):
    assert party_probe._skew(told).verdict == verdict


@pytest.mark.parametrize(("lang", "word"), [("vi", "kết nối"), ("en", "tcp")])
def test_the_command_tells_each_step_and_shows_no_secret(stand_in, monkeypatch, tmp_path, lang, word):
    running, _ = stand_in("momo")
    known = tmp_path / "connections.json"
    known.write_text(json.dumps({"momo": running.connection}), encoding="utf-8")
    monkeypatch.setenv("TRUC_CONNECTIONS_FILE", str(known))
    done = CliRunner().invoke(party.party, ["probe", "momo", "--lang", lang])
    assert done.exit_code == 0, done.output
    assert word in done.output
    assert running.connection["password"] not in done.output
    running.close()
    assert CliRunner().invoke(party.party, ["probe", "momo"]).exit_code == 1
