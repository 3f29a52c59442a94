"""Paths, ports and addresses."""

import json
import socket
import stat
import subprocess
import sys

import pytest

from truc import secrets_file, settings
from truc.errors import SetupError


def test_ports_are_chosen_once_and_kept(tmp_path):
    first = settings.load(tmp_path)
    assert settings.load(tmp_path).ports == first.ports
    assert json.loads((tmp_path / "var" / "ports.json").read_text()) == {
        "postgres": first.ports.postgres,
        "airflow": first.ports.airflow,
        "gateway": first.ports.gateway,
    }


def test_only_a_port_that_somebody_took_is_chosen_again(tmp_path):
    before = settings.load(tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", before.ports.airflow))
        other.listen()
        after = settings.with_free_ports(before)
    assert after.ports.airflow != before.ports.airflow
    assert (after.ports.postgres, after.ports.gateway) == (before.ports.postgres, before.ports.gateway)
    assert settings.load(tmp_path).ports == after.ports


def test_a_broken_ports_file_is_made_anew(tmp_path):
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "ports.json").write_text('{"postgres": ')
    assert settings.load(tmp_path).ports.postgres > 1024


def test_an_external_database_wins_and_gets_our_driver(tmp_path):
    url = "postgresql://hub:made-up@db.example:5432/hub"
    found = settings.load(tmp_path, {"TRUC_DATABASE_URL": url})
    assert found.database_url == "postgresql+psycopg://hub:made-up@db.example:5432/hub"
    assert found.needs_embedded, "Airflow's metadata still lives in the embedded server"
    both = settings.load(tmp_path, {"TRUC_DATABASE_URL": url, "TRUC_AIRFLOW_DATABASE_URL": url})
    assert not both.needs_embedded


def test_printing_settings_shows_no_password(tmp_path):
    found = settings.load(tmp_path, {"TRUC_DATABASE_URL": "postgresql://hub:made-up-word@db.example/hub"})
    assert "made-up-word" not in repr(found)


def test_the_embedded_address_needs_its_secret_first(tmp_path):
    with pytest.raises(SetupError, match="truc setup"):
        _ = settings.load(tmp_path).database_url


def test_the_project_is_found_from_a_folder_below_it(tmp_path, monkeypatch):
    (tmp_path / "truc").mkdir()
    (tmp_path / "setup.cfg").touch()
    (tmp_path / "docs" / "vi").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "docs" / "vi")
    assert settings.load(environ={}).root == tmp_path.resolve()


def test_children_find_the_same_installation(tmp_path):
    found = settings.load(tmp_path)
    assert settings.load(environ=found.environment) == found


def test_secrets_are_readable_by_their_owner_only(tmp_path):
    folder = tmp_path / "secrets"
    secrets_file.ensure(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == dict.fromkeys(secrets_file.GENERATED, 0o600)


def test_secrets_are_made_once(tmp_path):
    secrets_file.ensure(tmp_path)
    before = {name: secrets_file.read(tmp_path, name) for name in secrets_file.GENERATED}
    secrets_file.ensure(tmp_path)
    assert {name: secrets_file.read(tmp_path, name) for name in secrets_file.GENERATED} == before


def test_a_secret_made_meanwhile_is_not_overwritten(tmp_path):
    secrets_file.create(tmp_path, "one", "first")
    secrets_file.create(tmp_path, "one", "second")
    assert secrets_file.read(tmp_path, "one") == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["one"], "no draft is left"


def test_keys_are_32_bytes_and_differ(tmp_path):
    secrets_file.ensure(tmp_path)
    keys = [secrets_file.read_key(tmp_path, name) for name in ("sealing.key", "blind_index.key", "airflow_fernet")]
    assert {len(key) for key in keys} == {32}
    assert len(set(keys)) == 3


def test_a_short_key_is_refused(tmp_path):
    secrets_file.create(tmp_path, "sealing.key", "c2hvcnQ=")
    with pytest.raises(SetupError, match="32 bytes"):
        secrets_file.read_key(tmp_path, "sealing.key")


def test_settings_load_only_the_standard_library():
    code = (
        "import sys; before = set(sys.modules); import truc.settings; "
        "print(sorted({m.partition('.')[0] for m in set(sys.modules) - before} - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['truc']"
