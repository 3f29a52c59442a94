"""Where our time goes: every step of the plan on DuckDB with what it takes, then what is written.

    python -m bench.reconcile_profile CORE STATEMENT [--memory-mb 1600] [--top 12] [--explain PART]

Processor time is the figure to read on a shared machine. `--explain` prints DuckDB's own profile of one step, or of
one list that is told.
"""

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from truc.reconcile import neutral
from truc.reconcile.engine.duck import Duck, open_duck
from truc.reconcile.engine.plan import Plan, Step, plan
from truc.reconcile.results import clean_pairs, write_rows
from truc.reconcile.running import working_days
from truc.reconcile.schemas import MATCH_SCHEMA
from truc.reconcile.specs import named


@dataclass(slots=True)
class Took:
    """One step: wall and processor seconds, and the rows of what it made (-1 for a view)."""

    name: str
    wall_s: float
    cpu_s: float
    rows: int = -1


def profile(core: Path, statement: Path, folder: Path, *, memory_mb: int, explained: str = "") -> list[Took]:
    """Reconcile the two files and return what each part took; `explained` names a part whose profile is printed.

    A run packs the clean pairs while it makes the steps after the first look; here one part waits for the other.
    """
    took: list[Took] = []
    with _clocked(took, "read and digest"):
        prepared = {
            side: neutral.prepare(path, side, folder) for side, path in (("core", core), ("statement", statement))
        }
    with _clocked(took, "plan"):
        steps = plan(named("payments"), "duckdb", ())
    duck = open_duck(folder, memory_mb=memory_mb, threads=2)
    try:
        for side, one in prepared.items():
            duck.give(side, (one.path,), one.columns)
        duck.give_days(working_days())
        for step in steps.steps:
            _explain(duck, step.sql, asked=step.name == explained)
            with _clocked(took, f"{step.name} ({step.how})"):
                duck.run(Plan((step,), {}))
            took[-1].rows = _rows(duck, step)
        for name, sql in steps.told.items():
            _explain(duck, sql, asked=name == explained)
            with _clocked(took, f"told: {name}"):
                told = list(duck.rows(sql))
            if name == "clean":
                with _clocked(took, "told: clean, packed"):
                    write_rows(folder / "matches.parquet", MATCH_SCHEMA, [clean_pairs(iter(told), "statement")])
    finally:
        duck.close()
    return took


@contextmanager
def _clocked(took: list[Took], name: str) -> Iterator[None]:
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    yield
    took.append(Took(name, time.perf_counter() - wall_s, time.process_time() - cpu_s))


def _rows(duck: Duck, step: Step) -> int:
    if step.how == "view":
        return -1
    return int(duck.connection.execute(f"SELECT count(*) FROM {step.name}").fetchall()[0][0])  # noqa: S608  (a name of the plan)


def _explain(duck: Duck, sql: str, *, asked: bool) -> None:
    if asked:
        print(duck.connection.execute(f"EXPLAIN ANALYZE {sql}").fetchall()[0][1])


def main() -> None:
    """Print the dearest parts and their share."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("core", type=Path)
    parser.add_argument("statement", type=Path)
    parser.add_argument("--memory-mb", type=int, default=1_600)
    parser.add_argument("--top", type=int, default=12)
    parser.add_argument("--explain", default="", metavar="PART")
    given = parser.parse_args()
    with TemporaryDirectory(prefix="profile-", dir=given.core.parent) as folder:
        took = profile(given.core, given.statement, Path(folder), memory_mb=given.memory_mb, explained=given.explain)
    whole_wall_s, whole_s = sum(one.wall_s for one in took), sum(one.cpu_s for one in took)
    print(f"{len(took)} parts, {whole_wall_s:.2f} s, {whole_s:.2f} s of processors; load {os.getloadavg()[0]:.1f}")
    print("| part | rows | s | processor s | share |\n|---|---|---|---|---|")
    for one in sorted(took, key=lambda one: -one.cpu_s)[: given.top]:
        rows = "" if one.rows < 0 else f"{one.rows:,}"
        print(f"| {one.name} | {rows} | {one.wall_s:.2f} | {one.cpu_s:.2f} | {one.cpu_s / whole_s:.0%} |")


if __name__ == "__main__":
    main()
