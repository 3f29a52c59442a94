"""`truc reconcile run` says what was found, and why a day waits or is not run again."""

from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from tests.truc.reconcile.daily.day_office import day, desk, line
from truc.operating import reconcile_run
from truc.operating.reconcile import reconcile

__all__ = ["desk"]


@pytest.fixture
def typed(desk, monkeypatch):
    """Type the command against the desk's store."""

    @contextmanager
    def its_store():
        yield desk.store

    monkeypatch.setattr(reconcile_run, "hub_store", its_store)
    return lambda *words: CliRunner().invoke(reconcile, ["run", "--party", "momo", "--day", str(day(1)), *words])


def test_it_says_what_was_found_in_either_language(desk, typed):
    desk.pay(day(1), "P1", "P2")
    desk.state(day(1), line("P1"))
    first, again = typed(), typed("--lang", "en")
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert first.output.splitlines() == [
        "momo 02/03/2026, phiên bản 1",
        "  Khớp: 1",
        "  Chênh lệch: 1",
        "    Đối tác không có [missing_at_partner]: 1",
        "  Sổ của ta trừ sao kê: 50.000 ₫",
    ]
    assert again.output.splitlines() == [
        "momo 02/03/2026, version 1, nothing new came",
        "  Matched: 1",
        "  Breaks: 1",
        "    Missing at partner [missing_at_partner]: 1",
        "  Our books less the statement: 50.000 ₫",
    ]


def test_a_day_without_its_statement_waits_with_the_reason_that_is_kept(desk, typed):
    done = typed()
    assert (done.exit_code, "[statement_missing]" in done.output) == (1, True)
    assert desk.sql("SELECT reason FROM statement_gates") == [("statement_missing",)]


def test_a_signed_day_is_not_run_again(desk, typed):
    desk.state(day(1))
    assert typed().output.splitlines()[2] == "  Chênh lệch: không có"
    desk.sign(day(1))
    done = typed("--lang", "en")
    assert (done.exit_code, "[day_signed]" in done.output) == (1, True)
