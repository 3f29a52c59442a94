"""The engine against the planted truth: `truc reconcile files` finds all of it and nothing else, on over 200 seeds."""

from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import get_args

import pytest

from bench.planted import alike, apart, plant, together
from bench.planted.files import Form
from bench.planted.running import run
from bench.planted.score import Score, Tally
from bench.planted.truth import BREAK_COLUMNS
from truc.reconcile.schemas import BREAK_SCHEMA
from truc.reconcile.spec import BreakClass

SEEDS = range(280)
ORDINARY = 5  # payments of a day besides what is planted; the test is of the planted


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> list[Score]:
    """A score for each run; the seeds that are reconciled alike share one.

    Most days are of the declared spec as it stands. Those with cut-offs or a tolerance of their own have it compiled
    anew: here of all four sides, the few of fewer are left to `python -m bench.planted`.
    """
    days = apart(SEEDS, payments=ORDINARY)
    declared = [day for day in days if not (day.settings.cut_offs or day.settings.tolerance_vnd)]
    own = [day for day in days if day not in declared and day.receipts is not None and day.remittance is not None]
    groups = [*alike(declared), *alike(own)]
    assert sum(map(len, groups)) >= 200
    assert (len(alike(declared)), len(alike(own))) == (4, 2)
    return [run(together(group), tmp_path_factory.mktemp("planted")) for group in groups]


def tallies(scores: list[Score]) -> Iterator[tuple[str, Tally]]:
    for name in sorted({name for one in scores for name in one.tallies}):
        yield name, reduce(Tally.__add__, (one.tallies[name] for one in scores if name in one.tallies))


@pytest.mark.timeout(900)  # a shared machine may take minutes for what an idle one does in half of one
def test_precision_and_recall_of_every_class_are_1(scores: list[Score]) -> None:
    assert [told for one in scores for told in one.differences] == []
    found = dict(tallies(scores))
    assert {name: (one.precision, one.recall) for name, one in found.items()} == dict.fromkeys(found, (1.0, 1.0))
    assert all(one.is_perfect for one in scores)
    assert {name for name in get_args(BreakClass) if found[name].expected} == set(get_args(BreakClass))


def test_what_is_scored_is_every_column_that_is_written() -> None:
    assert list(BREAK_COLUMNS) == BREAK_SCHEMA.names


@pytest.mark.parametrize(("form", "seed"), [("csv", 13), ("csv", 14), ("xlsx", 8)])
def test_a_day_as_csv_and_as_a_workbook_is_found_too(form: Form, seed: int, tmp_path: Path) -> None:
    """As a program writes it (odd seeds) and as a desk does (even ones), with all four sides."""
    day = plant(seed)
    assert day.receipts
    assert day.remittance
    found = run(day, tmp_path, form=form)
    assert found.differences == ()
    assert found.is_perfect
    assert sum(name in found.tallies for name in get_args(BreakClass)) > 10
