"""The commands: light to load, clear to read."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from truc import cli, secrets_file, settings
from truc.ground import airflow_home, up

ROOT = Path(__file__).parents[3]
HEAVY = {
    *("airflow", "sqlalchemy", "alembic", "psycopg", "pydantic", "fastapi", "uvicorn", "requests", "sandbox", "lxml"),
    *("opentelemetry", "prometheus_client"),
}


def run(*arguments, **environ):
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_loads_nothing_heavy():
    code = (
        "import sys, truc.cli\ntry: truc.cli.main(['--help'])\nexcept SystemExit: pass\nprint('LOADED', *sys.modules)"
    )
    done = run("-c", code)
    assert "Run the whole hub" in done.stdout
    loaded = {name.partition(".")[0] for name in done.stdout.partition("LOADED")[2].split()}
    assert loaded & HEAVY == set()
    assert "click" in loaded


def test_help_has_a_line_for_commands_kept_elsewhere(tmp_path):
    (tmp_path / "guest").mkdir()
    (tmp_path / "guest" / "__init__.py").write_text("raise SystemExit('imported')")
    (tmp_path / "guest" / "commands.py").write_text('def visit():\n    """Come by.\n\n    More."""\n')
    with (tmp_path / "guest" / "commands.py").open("a") as file:
        file.write('@click.command(help="Go away.")\ndef leave():\n    """Not this."""\n')
    where = ("guest.commands:visit", "guest.commands:leave", "nobody.at:home")
    code = f"from truc import cli; print(*map(cli._first_line, {where}))"
    done = run("-c", code, PYTHONPATH=f"{ROOT}{os.pathsep}{tmp_path}")
    assert done.stdout.strip() == "Come by. Go away. (not installed)", done.stderr


def test_help_is_quick():
    begun = time.perf_counter()
    done = run("-m", "truc.cli", "--help")
    assert done.returncode == 0
    # The bound is 0.3 s; this machine may be busy with other tests.
    assert time.perf_counter() - begun < 1.0


@pytest.mark.parametrize("command", ["setup", "serve", "stop", "clean", "db", "gateway", "party", "catalogue"])
def test_every_command_explains_itself(command):
    done = CliRunner().invoke(cli.main, [command, "--help"])
    assert done.exit_code == 0
    assert len(done.output.splitlines()) > 4


def test_an_unknown_command_is_refused():
    assert CliRunner().invoke(cli.main, ["no-such"]).exit_code == 2


def test_a_failure_of_ours_is_one_clear_line(tmp_path):
    done = run("-m", "truc.cli", "db", "url", TRUC_HOME=str(tmp_path))
    assert done.returncode == 1
    assert "truc setup" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_database_address_is_printed_without_its_password(tmp_path):
    address = "postgresql://hub:made-up-word@db.example:5432/hub"
    done = run("-m", "truc.cli", "db", "url", TRUC_HOME=str(tmp_path), TRUC_DATABASE_URL=address)
    assert done.stdout.strip() == "postgresql+psycopg://hub:***@db.example:5432/hub"


@pytest.mark.parametrize("variable", ["TRUC_DATABASE_URL", "TRUC_AIRFLOW_DATABASE_URL"])
@pytest.mark.parametrize(
    "address",
    [
        "postgresql://hub:made-up-word@127.0.0.1:1/hub",
        "postgresql://hub:made-up-word@127.0.0.1:x/hub",
        "postgresql://hub:made-up-word%zz@127.0.0.1:1/hub",
        "mysql://hub:made-up-word@127.0.0.1/hub",
        "made-up-word",
    ],
)
def test_an_external_database_that_does_not_answer_is_one_clear_line(tmp_path, variable, address):
    done = run("-m", "truc.cli", "setup", TRUC_HOME=str(tmp_path), **{variable: address})
    assert done.returncode == 1
    assert variable in done.stderr
    assert len(done.stderr.splitlines()) == 1, "no traceback"
    assert "made-up-word" not in done.stderr
    assert not (tmp_path / "var" / "pg").exists(), "nothing was started for it"


def test_stop_without_a_running_hub_says_so(tmp_path):
    assert run("-m", "truc.cli", "stop", TRUC_HOME=str(tmp_path)).stdout.strip() == "was not running"


def test_clean_keeps_only_the_virtual_environment(tmp_path):
    one = settings.load(tmp_path)
    up.prepare(one)
    (one.var / "venv").mkdir()
    done = run("-m", "truc.cli", "clean", "--yes", TRUC_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert [path.name for path in one.var.iterdir()] == ["venv"]


def test_airflow_gets_no_secret_in_its_environment(tmp_path):
    one = settings.load(tmp_path)
    up.prepare(one)
    values = " ".join(airflow_home.environment(one).values())
    held = [path for path in one.secrets.iterdir() if path.name != "connections.json"]
    assert held
    for path in held:
        assert path.read_text().strip() not in values, path.name


def test_the_operators_own_airflow_option_wins(tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "16")
    monkeypatch.setenv("AIRFLOW__API__PORT", "1")
    found = airflow_home.environment(settings.load(tmp_path))
    assert found["AIRFLOW__CORE__PARALLELISM"] == "16"
    assert found["AIRFLOW__API__PORT"] != "1", "where things are is ours to say"


def test_a_player_of_days_can_switch_schedules_off(tmp_path):
    one = replace(settings.load(tmp_path), airflow_options={"SCHEDULER__USE_JOB_SCHEDULE": "False"})
    assert airflow_home.environment(one)["AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE"] == "False"


def test_the_start_says_where_the_passwords_are_and_none_of_them(tmp_path, capsys):
    here = settings.load(tmp_path, {})
    secrets_file.ensure(here.secrets)
    users = airflow_home.users(here, with_demo=True)
    cli._show(up.Hub(here, up.api(here)))
    said = capsys.readouterr().out
    assert [name for name in users if str(here.secrets / airflow_home.password_file(name)) not in said] == []
    assert [path.name for path in here.secrets.iterdir() if path.read_text().strip() in said] == []
