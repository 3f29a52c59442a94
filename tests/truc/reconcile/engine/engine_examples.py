"""The hand-written days as the engine is given them: many in one run, each with parties of its own."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.truc.reconcile.engine.days_by_hand import DAYS
from tests.truc.reconcile.engine.engine_runs import Told, told_by_duckdb
from tests.truc.reconcile.engine.oracle_examples import Day
from tests.truc.reconcile.engine.random_days import LEG_SIDES, Sides
from truc.reconcile.spec import Side, Spec

Line = dict[str, Any]


def _apart(number: int, day: Day) -> Day:
    """Return the day with parties that no other day has; where the spec names parties, as it is."""
    if day.spec.cut_offs:
        return day

    def renamed(lines: Iterable[Line]) -> list[Line]:
        return [{**line, "party": f"{number:03}/{line['party']}" if line["party"] else ""} for line in lines]

    return replace(
        day,
        core=renamed(day.core),
        statement=renamed(day.statement),
        receipts=None if day.receipts is None else renamed(day.receipts),
        remittance=None if day.remittance is None else renamed(day.remittance),
        matches=renamed(day.matches),
        breaks=renamed(day.breaks),
    )


APART: dict[str, Day] = {name: _apart(number, day) for number, (name, day) in enumerate(DAYS.items())}


def run_of(day: Day) -> tuple[Spec, tuple[Side, ...]]:
    """Return what must be alike for days to share a run: the spec, and which sides there are."""
    sides = (day.core, day.statement, day.receipts, day.remittance)
    return day.spec, tuple(side for side, rows in zip(LEG_SIDES, sides, strict=True) if rows is not None)


def rows_of(day: Day) -> list[Line]:
    """Return every row that comes in on a day."""
    return [*day.core, *day.statement, *(day.receipts or ()), *(day.remittance or ())]


def sides_of(days: Iterable[Day]) -> Sides:
    """Return the rows of the days, side by side."""
    sides: Sides = {side: [] for side in LEG_SIDES}
    for day in days:
        for side, rows in zip(LEG_SIDES, (day.core, day.statement, day.receipts, day.remittance), strict=True):
            sides[side] += rows or ()
    return sides


@cache
def told_together(spec: Spec, sides: tuple[Side, ...]) -> Told:
    """Run all days of a spec that have these sides, once."""
    rows = sides_of(day for day in APART.values() if run_of(day) == (spec, sides))
    with TemporaryDirectory() as folder:
        return told_by_duckdb(spec, {side: rows[side] for side in sides}, Path(folder))
