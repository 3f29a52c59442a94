"""The free-standing form: reconciles files that a user gives, without any store."""

import csv
import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, Protocol

import duckdb
import pyarrow.parquet as pq

from truc.errors import MalformedError
from truc.reconcile import neutral
from truc.reconcile.checks import Check, check_declared, failing
from truc.reconcile.engine.plan import Dialect, Plan, plan
from truc.reconcile.running import Engine, Given, Result, reconcile, working_days
from truc.reconcile.spec import Side, Spec

EngineName = Literal["duckdb", "spark"]
DIALECTS: Mapping[EngineName, Dialect] = {"duckdb": "duckdb", "spark": "pyspark"}
MEMORY_MB = 1_600
THREADS = 2
UNREADABLE = """
SELECT ? AS side, source_row, unreadable AS reason FROM read_parquet(?) WHERE unreadable <> '' ORDER BY source_row
"""
# The last is what came in less what went out: the movement between two balances.
TOTALS = """
SELECT count(*), coalesce(sum(amount_vnd), 0)::HUGEINT,
       coalesce(sum(CASE WHEN kind = 'payment' THEN amount_vnd ELSE -amount_vnd END)
                FILTER (state IN ('paid', 'refunded')), 0)::HUGEINT
FROM read_parquet(?)
"""


class Closing(Engine, Protocol):
    """An engine that is ended after the run."""

    def close(self) -> None:
        """End it, and what it started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """With what a run is made: the engine, its memory and threads, where it may spill.

    `spark` is the address of a Spark: local[2], spark://…, sc://…; "" for one on this machine.
    """

    engine: EngineName = "duckdb"
    memory_mb: int = MEMORY_MB
    threads: int = THREADS
    spark: str = ""
    work: Path | None = None


def reconcile_files(
    spec: Spec,
    files: Mapping[Side, Path],
    out: Path,
    means: Means,
    *,
    declared: Mapping[str, object] | None = None,
) -> Result:
    """Reconcile the files, write the results into `out`, and return their totals.

    `files` has core and statement, and may have receipts and remittance. Besides what running.reconcile writes,
    run.json tells engine, SQL and times, and unreadable.csv the rows with a cell that could not be read. `declared` is
    what the statement should come to (truc.reconcile.checks). Raise MalformedError where a file cannot be read, or
    the statement is not whole; nothing is matched then.
    """
    started = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="truc-reconcile-", dir=means.work) as folder:
        further = tuple(side for side in ("receipts", "remittance") if side in files)
        with ThreadPoolExecutor(1) as hand:
            read = {side: hand.submit(_given, path, side, Path(folder)) for side, path in files.items()}
            steps = plan(spec, DIALECTS[means.engine], further)
            working_days()  # counted once, here while the files are read
            try:
                given = {side: one.result() for side, one in read.items()}
            finally:
                hand.shutdown(cancel_futures=True)  # where one cannot be read, nobody waits for the others
        _tell_unreadable(given, out / "unreadable.csv")
        checks = [] if declared is None else _pass_gate(given["statement"], declared)
        read_s = time.monotonic() - started
        with closing(open_engine(means, Path(folder))) as engine:
            result = reconcile(engine, steps, spec, given, out)
    seconds = {"read": round(read_s, 3), "all": round(time.monotonic() - started, 3)}
    (out / "run.json").write_text(_told(means, steps, seconds, checks), encoding="utf-8")
    return result


def open_engine(means: Means, folder: Path) -> Closing:
    """Return the engine, ready; `folder` is its own for what does not fit in memory."""
    if means.engine == "duckdb":
        from truc.reconcile.engine.duck import open_duck

        return open_duck(folder, memory_mb=means.memory_mb, threads=means.threads)
    from truc.reconcile.engine.spark import open_spark

    return open_spark(folder, memory_mb=means.memory_mb, address=means.spark or f"local[{means.threads}]")


def _tell_unreadable(given: Mapping[Side, Given], target: Path) -> None:
    """Write which row of which file could not be read, and how to mend it; no file where all could."""
    target.unlink(missing_ok=True)
    told = {side: one for side, one in given.items() if "unreadable" in one.columns and _numbers_rows(one)}
    if not told:
        return
    with duckdb.connect() as connection:
        found = [
            row
            for side, one in told.items()
            for row in connection.execute(UNREADABLE, [side, [str(path) for path in one.paths]]).fetchall()
        ]
    if found:
        with target.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("side", "row", "reason"), *found])


def _numbers_rows(one: Given) -> bool:
    return "source_row" in pq.read_schema(one.paths[0]).names


def _given(path: Path, side: Side, folder: Path) -> Given:
    found = neutral.prepare(path, side, folder)
    return Given((found.path,), found.columns, found.digest)


def _pass_gate(statement: Given, declared: Mapping[str, object]) -> list[Check]:
    paths = [str(path) for path in statement.paths]
    with duckdb.connect() as connection:
        rows, amount_vnd, movement_vnd = connection.execute(TOTALS, [paths]).fetchall()[0]
    checks = check_declared(declared, rows, amount_vnd, movement_vnd)
    wrong = failing(checks)
    if wrong is not None:
        raise MalformedError(f"statement: {wrong.text}", reason=wrong.reason)
    return checks


def _told(means: Means, steps: Plan, seconds: Mapping[str, float], checks: list[Check]) -> str:
    told = {
        "engine": means.engine,
        "seconds": seconds,
        "gate": [{"check": one.name, "state": one.state} for one in checks],
        "steps": [{"name": one.name, "leg": one.leg, "how": one.how, "sql": one.sql} for one in steps.steps],
        "told": dict(steps.told),
    }
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"
