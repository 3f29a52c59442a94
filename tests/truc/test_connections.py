"""A party's settings are read from where Airflow reads them, and never shown."""

import json
from pathlib import Path

import pytest

from truc import connections
from truc.connections import from_airflow_json
from truc.errors import SetupError

MOMO = {
    "conn_type": "truc_momo",
    "host": "https://momo.invalid",
    "port": 8443,
    "login": "MADE_UP",
    "password": "made-up-secret",
    "schema": "",
    "extra": {"access_key": "made-up-key", "statement_path": None},
}


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where connections are kept, and nothing in the environment."""
    path = tmp_path / "connections.json"
    monkeypatch.setenv("TRUC_CONNECTIONS_FILE", str(path))
    monkeypatch.delenv("AIRFLOW_CONN_MOMO", raising=False)
    return path


@pytest.mark.parametrize("extra", [MOMO["extra"], json.dumps(MOMO["extra"])])
def test_fields_and_extra_become_one_table_of_text(extra: object) -> None:
    read = from_airflow_json("momo", {**MOMO, "extra": extra})
    assert read.fields == {
        "host": "https://momo.invalid",
        "port": "8443",
        "login": "MADE_UP",
        "password": "made-up-secret",
        "access_key": "made-up-key",
    }


def test_it_is_read_from_the_file(file: Path) -> None:
    file.write_text(json.dumps({"momo": MOMO}), encoding="utf-8")
    assert connections.read("momo").required("login") == "MADE_UP"


def test_the_file_goes_before_the_environment_as_in_airflow(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_MOMO", json.dumps({**MOMO, "login": "FROM_ENVIRONMENT"}))
    assert connections.read("momo").required("login") == "FROM_ENVIRONMENT"
    file.write_text(json.dumps({"momo": MOMO}), encoding="utf-8")
    assert connections.read("momo").required("login") == "MADE_UP"


def test_a_party_without_connection_says_where_to_put_one(file: Path) -> None:
    with pytest.raises(SetupError, match="AIRFLOW_CONN_MOMO") as caught:
        connections.read("momo")
    assert caught.value.reason == "connection_missing"
    file.write_text(json.dumps({"vnpost": MOMO}), encoding="utf-8")
    with pytest.raises(SetupError, match=r"connections\.json"):
        connections.read("momo")


@pytest.mark.parametrize("text", ['{"momo": ', "[]", '"momo"'])
def test_a_file_that_is_none_says_so_without_showing_it(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SetupError, match=r"connections\.json") as caught:
        connections.read("momo")
    assert caught.value.reason == "setting_malformed"


def test_a_connection_that_is_no_object_says_so_and_is_not_taken_for_a_missing_one(file: Path) -> None:
    file.write_text(json.dumps({"momo": "https://momo.invalid"}), encoding="utf-8")
    with pytest.raises(SetupError, match="'momo'") as caught:
        connections.read("momo")
    assert caught.value.reason == "setting_malformed"


def test_an_extra_that_is_no_object_says_so() -> None:
    with pytest.raises(SetupError, match="extra") as caught:
        from_airflow_json("momo", {**MOMO, "extra": "[1]"})
    assert caught.value.reason == "setting_malformed"


def test_an_extra_that_is_no_json_says_so() -> None:
    with pytest.raises(SetupError, match="extra") as caught:
        from_airflow_json("momo", {**MOMO, "extra": "made-up-secret"})
    assert caught.value.reason == "setting_malformed"
    assert "made-up-secret" not in str(caught.value)


def test_a_missing_setting_is_named() -> None:
    read = from_airflow_json("momo", {"login": "MADE_UP"})
    with pytest.raises(SetupError, match="'password'") as caught:
        read.required("password")
    assert caught.value.reason == "setting_missing"
    assert read.optional("password", "default") == "default"


def test_printing_a_connection_shows_no_value() -> None:
    shown = repr(from_airflow_json("momo", MOMO))
    assert "momo" in shown
    for value in ("made-up-secret", "made-up-key", "MADE_UP"):
        assert value not in shown
