"""One reconciliation from prepared files to written results; the same on either engine, to the byte."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any, Protocol

import duckdb
import polars as pl
import pyarrow as pa

from truc.domain.calendar import WorkingCalendar
from truc.reconcile.engine import conservation
from truc.reconcile.engine.plan import Plan
from truc.reconcile.results import SUMMARY, as_written, clean_pairs, identified, whole_or_none, write_rows
from truc.reconcile.schemas import BREAK_SCHEMA, MATCH_SCHEMA, VERDICT_SCHEMA
from truc.reconcile.spec import EPOCH, Side, Spec

FIRST_DAY, LAST_DAY = date(2010, 1, 1), date(2040, 12, 31)  # of which working days are known
ENDED = """
SELECT leg, place, party, count(*) AS places, sum(core_rows) AS core_rows, sum(partner_rows) AS partner_rows,
       sum(core_money_vnd) AS core_money_vnd, sum(partner_money_vnd) AS partner_money_vnd,
       sum(difference_vnd) AS difference_vnd
FROM (SELECT 'match' AS place, * FROM read_parquet(?)
      UNION ALL BY NAME SELECT break_class AS place, * EXCLUDE (break_id, break_class) FROM read_parquet(?))
GROUP BY leg, place, party
"""


class Engine(Protocol):
    """What a run needs of DuckDB or Spark."""

    def give(self, side: str, paths: Sequence[Path], columns: Sequence[str]) -> None:
        """Hand in the rows of a side: Parquet files with some of the neutral columns."""

    def give_days(self, days: pa.Table) -> None:
        """Hand in the working days."""

    def run(self, plan: Plan) -> None:
        """Make every table of the plan, in order."""

    def rows(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Return the rows of a query in the order of all their columns.

        Before they are read, another may be asked, and further steps made; another thread may read them.
        """


@dataclass(frozen=True, slots=True)
class Given:
    """The rows of one side: typed Parquet, the columns it has, SHA-256 of what was given."""

    paths: tuple[Path, ...]
    columns: tuple[str, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Result:
    """What was written: the files, and the totals they come to, as engine.conservation has them."""

    folder: Path
    matches: int
    breaks: int
    given: tuple[Mapping[str, Any], ...]
    ends: tuple[Mapping[str, Any], ...]
    digest: str


def reconcile(engine: Engine, plan: Plan, spec: Spec, sides: Mapping[Side, Given], out: Path) -> Result:
    """Run the plan and write matches.parquet, breaks.parquet, verdicts.parquet (with further legs), summary.json.

    Raise AssertionError where the run does not conserve; nothing is written then.
    """
    for side, one in sides.items():
        engine.give(side, one.paths, one.columns)
    engine.give_days(working_days())
    first_look, rest = plan.parted("clean")
    engine.run(first_look)
    with whole_or_none(out) as parts, ThreadPoolExecutor(1) as hand, _promised() as others:
        matches, breaks = parts / "matches.parquet", parts / "breaks.parquet"
        # Clean pairs are by far the most: all else is worked out while they are put in order and packed.
        clean = clean_pairs(engine.rows(plan.told["clean"]), "statement")
        matched = hand.submit(write_rows, matches, MATCH_SCHEMA, _in_turn(clean, others))
        engine.run(rest)
        if matched.done():  # only where it has failed: it waits for the others
            matched.result()
        further = [as_written(engine.rows(plan.told["other_matches"]))]
        if "clean_receipts" in plan.told:
            further.insert(0, clean_pairs(engine.rows(plan.told["clean_receipts"]), "receipts"))
        others.set_result(further)
        broken = write_rows(breaks, BREAK_SCHEMA, [identified(as_written(engine.rows(plan.told["breaks"])))])
        if "verdicts" in plan.told:
            verdicts = as_written(engine.rows(plan.told["verdicts"]))
            write_rows(parts / "verdicts.parquet", VERDICT_SCHEMA, [verdicts])
        given, aside = _all(engine, plan.told["given"]), _all(engine, plan.told["aside"])
        counts = matched.result(), broken
        digest = hand.submit(_digest, matches, breaks)
        ends = _together([*_ended(matches, breaks), *aside])
        conservation.check(given, ends)
        (parts / SUMMARY).write_text(_summary(spec, sides, given, ends), encoding="utf-8")
        if "verdicts" not in plan.told:  # those of an earlier run into the same folder do not stay beside the rest
            (out / "verdicts.parquet").unlink(missing_ok=True)
        return Result(out, *counts, tuple(given), tuple(ends), digest.result())


@contextmanager
def _promised() -> Iterator[Future[Any]]:
    """Yield what is set later; who waits for it is let go where that is not to be."""
    later = Future[Any]()
    try:
        yield later
    finally:
        later.cancel()


def _in_turn(clean: Iterator[pa.Table], others: Future[list[Iterator[pa.Table]]]) -> Iterator[Iterator[pa.Table]]:
    yield takewhile(lambda _: not others.cancelled(), clean)
    yield from others.result()


@cache
def working_days() -> pa.Table:
    """Return for each day, in days since 1970-01-01, how many working days there were up to and including it."""
    calendar, day, worked = WorkingCalendar(), FIRST_DAY, 0
    days, counts = [], []
    while day <= LAST_DAY:
        worked += calendar.is_working_day(day)
        days.append((day - EPOCH).days)
        counts.append(worked)
        day += timedelta(days=1)
    return pl.DataFrame({"day": days, "worked": counts}).to_arrow()


def _ended(matches: Path, breaks: Path) -> list[dict[str, Any]]:
    """Sum what was written, from the files themselves: what is proved is what is handed out."""
    with duckdb.connect() as connection:
        found = connection.execute(ENDED, [str(matches), str(breaks)])
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _all(engine: Engine, sql: str) -> list[dict[str, Any]]:
    return [row for batch in engine.rows(sql) for row in batch.to_pylist()]


def _summary(spec: Spec, sides: Mapping[Side, Given], given: list[dict[str, Any]], ends: list[dict[str, Any]]) -> str:
    told = {
        "spec": {"name": spec.name, "version": spec.version, "digest": spec.digest},
        "inputs": {side: one.digest for side, one in sides.items()},
        "given": sorted(given, key=lambda one: (one["leg"], one["side"], one["party"])),
        "ends": ends,
        "conserves": True,  # nothing is written of a run that does not
    }
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def _together(ends: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one line for each leg, place and party, in this order."""
    sums: dict[tuple[str, str, str], dict[str, Any]] = {}
    for one in ends:
        key = (one["leg"], one["place"], one["party"])
        held = sums.setdefault(key, dict.fromkeys(one, 0) | {"leg": key[0], "place": key[1], "party": key[2]})
        for name, value in one.items():
            if name not in ("leg", "place", "party"):
                held[name] += value
    return [sums[key] for key in sorted(sums)]


def _digest(*paths: Path) -> str:
    whole = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()
