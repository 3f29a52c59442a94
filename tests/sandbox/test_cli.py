"""`truc sandbox …` and `truc day …`: light to load, clear when something is not there."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from sandbox.cli import day, sandbox


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("TRUC_VAR", str(tmp_path / "var"))
    return lambda command, *words: CliRunner().invoke(command, words)


def test_loading_the_commands_loads_nothing_heavy():
    heavy = ("requests", "rich", "sqlalchemy", "pydantic", "paramiko", "fastapi")
    code = f"import sys, sandbox.cli; print([one for one in {heavy!r} if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_party_with_a_stand_in_is_listed(run):
    listed = run(sandbox, "parties").output
    assert {line.split()[0] for line in listed.splitlines()} >= {
        "momo",
        "national_portal",
        "sms",
        "vietinbank",
        "vnpost",
    }
    assert "not running" in listed


def test_a_fault_of_an_unknown_mode_names_the_known_ones(run):
    done = run(sandbox, "fault", "momo", "create", "explode")
    assert done.exit_code == 2
    assert "drop_after" in done.output


def test_a_fault_without_a_running_stand_in_says_how_to_start_one(run):
    done = run(sandbox, "fault", "momo", "create", "refuse")
    assert done.exit_code == 1
    assert "truc serve --with-sandbox" in done.output


def test_a_day_that_is_not_over_is_refused(run):
    done = run(day, "play", "--day", "2099-12-31")
    assert done.exit_code == 2
    assert "is not over" in done.output


def test_showing_a_day_that_was_never_played_says_what_to_do(run):
    done = run(day, "show")
    assert done.exit_code == 1
    assert "make demo" in done.output


def test_every_command_explains_itself(run):
    for group in (sandbox, day):
        for name, command in group.commands.items():
            assert command.get_short_help_str(), name
