"""Where our time goes: every step of the plan on DuckDB with what it takes, then what is written.

    python -m bench.reconcile_profile CORE STATEMENT [--memory-mb 1600] [--top 12] [--explain STEP]

Processor time is the figure to read on a shared machine. `--explain` prints DuckDB's own profile of one step.
"""

import argparse
import dataclasses
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from truc.reconcile import neutral
from truc.reconcile.engine.duck import Duck, open_duck
from truc.reconcile.engine.plan import Plan, Step, plan
from truc.reconcile.running import Given, reconcile
from truc.reconcile.spec import Side
from truc.reconcile.specs import named


@dataclasses.dataclass(frozen=True, slots=True)
class Took:
    """One step: wall and processor seconds, and the rows of what it made (-1 for a view)."""

    name: str
    wall_s: float
    cpu_s: float
    rows: int = -1


@dataclasses.dataclass(slots=True)
class Watched:
    """The engine with a clock beside every call; `explained` names a step whose profile is printed."""

    duck: Duck
    explained: str
    took: list[Took] = dataclasses.field(default_factory=list)
    told: int = 0

    def give(self, side: str, paths: list[Path], columns: list[str]) -> None:
        """Hand in the rows of a side."""
        self.duck.give(side, paths, columns)

    def give_days(self, days: object) -> None:
        """Hand in the working days."""
        self.duck.give_days(days)

    def run(self, steps: Plan) -> None:
        """Make every table of the plan, each by itself."""
        for step in steps.steps:
            self._explain(step.name, step.sql)
            with self._clocked(f"{step.name} ({step.how})", lambda step=step: self._rows(step)):
                self.duck.run(Plan((step,), {}))

    def rows(self, sql: str) -> Iterator[object]:
        """Yield the rows of a query; what is done with them, and beside them, counts as its own time."""
        self.told += 1
        number = f"told {self.told}"
        self._explain(number, sql)
        with self._clocked(f"{number}: {sql[:40]}…"):
            yield from self.duck.rows(sql)

    @contextmanager
    def _clocked(self, name: str, rows: Callable[[], int] = lambda: -1) -> Iterator[None]:
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        yield
        wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
        self.took.append(Took(name, wall_s, cpu_s, rows()))

    def _rows(self, step: Step) -> int:
        if step.how == "view":
            return -1
        return int(self.duck.connection.execute(f"SELECT count(*) FROM {step.name}").fetchall()[0][0])  # noqa: S608  (a name of the plan)

    def _explain(self, name: str, sql: str) -> None:
        if name == self.explained:
            print(self.duck.connection.execute(f"EXPLAIN ANALYZE {sql}").fetchall()[0][1])


def profile(core: Path, statement: Path, folder: Path, *, memory_mb: int, explained: str = "") -> list[Took]:
    """Reconcile the two files into `folder` and return what each part took."""
    began, cpu_s = time.perf_counter(), time.process_time()
    files: dict[Side, Path] = {"core": core, "statement": statement}
    prepared = {side: neutral.prepare(path, side, folder) for side, path in files.items()}
    read = Took("read and digest", time.perf_counter() - began, time.process_time() - cpu_s)
    began, cpu_s = time.perf_counter(), time.process_time()
    spec = named("payments")
    steps = plan(spec, "duckdb", ())
    planned = Took("plan", time.perf_counter() - began, time.process_time() - cpu_s)
    given = {side: Given((one.path,), one.columns, one.digest) for side, one in prepared.items()}
    watched = Watched(open_duck(folder, memory_mb=memory_mb, threads=2), explained)
    try:
        reconcile(watched, steps, spec, given, folder / "out")
    finally:
        watched.duck.close()
    return [read, planned, *watched.took]


def main() -> None:
    """Print the dearest parts and their share."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("core", type=Path)
    parser.add_argument("statement", type=Path)
    parser.add_argument("--memory-mb", type=int, default=1_600)
    parser.add_argument("--top", type=int, default=12)
    parser.add_argument("--explain", default="", metavar="STEP")
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
