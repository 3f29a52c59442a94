"""A party's connection is read once, and anew soon after it was changed."""

import json

import pytest

from truc import connections
from truc.errors import SetupError
from truc.inbound import known
from truc.inbound.known import Known


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "connections.json"
    monkeypatch.setenv("TRUC_CONNECTIONS_FILE", str(path))
    monkeypatch.delenv("AIRFLOW_CONN_MOMO", raising=False)
    return path


def write(path, login):
    path.write_text(json.dumps({"momo": {"login": login}}))


def test_it_is_read_once_while_nothing_changes(file, monkeypatch):
    write(file, "A")
    ours, read, times = Known(), connections.read, []
    monkeypatch.setattr(known, "LOOKS_EVERY_S", 0.0)
    monkeypatch.setattr(connections, "read", lambda party: times.append(party) or read(party))
    assert [ours.connection("momo").required("login") for _ in range(3)] == ["A"] * 3
    assert times == ["momo"]


def test_a_change_is_seen_when_it_is_looked_at_again(file, monkeypatch):
    write(file, "A")
    ours = Known()
    monkeypatch.setattr(known, "LOOKS_EVERY_S", 1000.0)
    ours.connection("momo")
    write(file, "another")
    assert ours.connection("momo").required("login") == "A"
    monkeypatch.setattr(known, "LOOKS_EVERY_S", 0.0)
    assert ours.connection("momo").required("login") == "another"
    file.unlink()
    with pytest.raises(SetupError):
        ours.connection("momo")
    monkeypatch.setenv("AIRFLOW_CONN_MOMO", '{"login": "E"}')
    assert ours.connection("momo").required("login") == "E"


def test_printing_it_shows_no_value(file):
    write(file, "so-secret-a-thing")
    ours = Known()
    ours.connection("momo")
    assert "so-secret-a-thing" not in repr(ours)
