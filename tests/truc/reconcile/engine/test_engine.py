"""The engine on DuckDB against the hand-written days and the oracle: whole rows, ids of breaks included."""

from collections import Counter
from typing import get_args

import pytest

from tests.truc.reconcile.engine import oracle
from tests.truc.reconcile.engine.engine_examples import APART, rows_of, run_of, told_together
from tests.truc.reconcile.engine.engine_runs import disagreements, together, told_by_duckdb
from tests.truc.reconcile.engine.random_days import random_days, varied_specs
from truc.reconcile.spec import BreakClass


def of_parties(lines, day):
    """The lines of a day's parties; those of no party are of the one day that has such rows."""
    parties = {row["party"] for row in rows_of(day)}
    return as_rows(line for line in lines if line["party"] in parties)


def as_rows(lines, *, without=()):
    return Counter(tuple((name, value) for name, value in sorted(one.items()) if name not in without) for one in lines)


@pytest.mark.parametrize("day", APART.values(), ids=APART.keys())
def test_a_day_ends_as_written_and_as_the_rules_say(day):
    told = told_together(*run_of(day))
    right = oracle.reconcile(day.spec, day.core, day.statement, day.receipts, day.remittance)
    matches, breaks = of_parties(told.matches, day), of_parties(told.breaks, day)
    assert matches == as_rows(day.matches) == as_rows(right.matches)
    assert Counter(map(_without_id, breaks.elements())) == as_rows(day.breaks)
    assert breaks == as_rows(right.breaks)
    if told.verdicts is not None:
        assert of_parties(told.verdicts, day) == as_rows(right.verdicts)


def _without_id(line):
    return tuple(cell for cell in line if cell[0] != "break_id")


def test_days_that_share_a_run_share_no_party():
    seen = Counter()
    for day in APART.values():
        seen.update({(*run_of(day), row["party"] or "") for row in rows_of(day)})
    assert set(seen.values()) == {1}


@pytest.mark.parametrize("number", [2, 3, 6])
def test_random_days_end_as_the_rules_say(number, tmp_path):
    spec, days = varied_specs()[number], random_days(range(number * 1_000, number * 1_000 + 100))
    assert disagreements(spec, days, told_by_duckdb(spec, together(days), tmp_path)) == []


def test_random_days_end_as_the_rules_say_and_come_to_every_class_and_rule_there_is(tmp_path):
    """Guards the days too: an alphabet that lets a rule rest proves nothing about it."""
    days, spec = random_days(range(400)), varied_specs()[1]
    told = told_by_duckdb(spec, together(days), tmp_path)
    assert disagreements(spec, days, told) == []
    by_rule = {(one["leg"], one["rule"]) for one in told.matches}
    parts = {("statement", f"{rule}/{how}") for rule in RULES[:2] for how in ("split", "joined")}
    assert {("statement", rule) for rule in (*RULES, "amount_day", "batch")} | parts <= by_rule
    assert {("settlement", "settlement"), ("return", "original"), *LATER_LEGS} <= by_rule
    assert {one["break_class"] for one in told.breaks} == set(get_args(BreakClass))


RULES = ("exact_reference", "partner_reference", "normalised_reference")
LATER_LEGS = {
    ("receipts", "exact_reference"),
    ("receipts", "partner_reference"),
    ("remittance", "exact_reference"),
    ("remittance", "agency_day"),
    ("remittance", "agency_day/later"),
}
