"""One reconciliation from prepared files to written results; the same on either engine, to the byte."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from truc.domain.calendar import WorkingCalendar
from truc.reconcile.engine import conservation
from truc.reconcile.engine.plan import Plan
from truc.reconcile.row import FAMILIES
from truc.reconcile.spec import EPOCH, Side, Spec

FIRST_DAY, LAST_DAY = date(2010, 1, 1), date(2040, 12, 31)  # of which working days are known
OWN = ("break_id", "our_reference", "partner_reference")  # texts that hardly two rows share: no dictionary helps
SUMMARY = "summary.json"
TEXT, NUMBER, DAY = pa.string(), pa.int64(), pa.date32()
MATCH_SCHEMA = pa.schema(
    [
        ("leg", TEXT),
        ("rule", TEXT),
        ("party", TEXT),
        ("kind", TEXT),
        ("our_reference", TEXT),
        ("partner_reference", TEXT),
        ("agency", TEXT),
        ("core_rows", NUMBER),
        ("partner_rows", NUMBER),
        ("core_vnd", NUMBER),
        ("partner_vnd", NUMBER),
        ("difference_vnd", NUMBER),
        ("business_on", DAY),
        ("core_money_vnd", NUMBER),
        ("partner_money_vnd", NUMBER),
    ]
)
BREAK_SCHEMA = pa.schema([("break_id", TEXT), ("break_class", TEXT), *MATCH_SCHEMA])
VERDICT_SCHEMA = pa.schema(
    [
        ("party", TEXT),
        ("our_reference", TEXT),
        ("business_on", DAY),
        ("amount_vnd", NUMBER),
        *((leg, TEXT) for leg in ("ledger", "partner", "treasury", "receipt", "first_failing")),
    ]
)


# What a break is about, besides the family of its kind, which stands after the party.
SAID = ("leg", "break_class", "party", "our_reference", "partner_reference", "core_vnd", "partner_vnd", "business_on")


ENDED = """
SELECT leg, {place} AS place, party, count(*) AS places,
       sum(core_rows) AS core_rows, sum(partner_rows) AS partner_rows, sum(core_money_vnd) AS core_money_vnd,
       sum(partner_money_vnd) AS partner_money_vnd, sum(difference_vnd) AS difference_vnd
FROM read_parquet(?) GROUP BY leg, place, party
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
        """Return the rows of a query in its order; another may be asked before they are read."""


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
    engine.run(plan)
    with whole_or_none(out) as parts, ThreadPoolExecutor(1) as hand:
        matches, breaks = parts / "matches.parquet", parts / "breaks.parquet"
        # Matches are by far the most: the rest is asked while they are packed.
        matched = hand.submit(write_rows, matches, MATCH_SCHEMA, _as_written(engine.rows(plan.told["matches"])))
        broken = write_rows(breaks, BREAK_SCHEMA, _identified(_as_written(engine.rows(plan.told["breaks"]))))
        if "verdicts" in plan.told:
            verdicts = _as_written(engine.rows(plan.told["verdicts"]))
            write_rows(parts / "verdicts.parquet", VERDICT_SCHEMA, verdicts)
        given, aside = _all(engine, plan.told["given"]), _all(engine, plan.told["aside"])
        counts = matched.result(), broken
        ends = _together([*_ended(matches, "'match'"), *_ended(breaks, "break_class"), *aside])
        conservation.check(given, ends)
        (parts / SUMMARY).write_text(_summary(spec, sides, given, ends), encoding="utf-8")
        digest = _digest(matches, breaks)
        if "verdicts" not in plan.told:  # those of an earlier run into the same folder do not stay beside the rest
            (out / "verdicts.parquet").unlink(missing_ok=True)
    return Result(out, *counts, tuple(given), tuple(ends), digest)


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


def _ended(written: Path, place: str) -> list[dict[str, Any]]:
    """Sum what was written, from the file itself: what is proved is what is handed out."""
    with duckdb.connect() as connection:
        found = connection.execute(ENDED.format(place=place), [str(written)])
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _all(engine: Engine, sql: str) -> list[dict[str, Any]]:
    return [row for batch in engine.rows(sql) for row in batch.to_pylist()]


@contextmanager
def whole_or_none(out: Path) -> Iterator[Path]:
    """Yield a folder to write to; its files go to `out` when all went well, else nothing of them remains.

    The summary goes when the others are there: it speaks for them. What a run that was killed has left is cleared by
    the next.
    """
    folder = out / ".not-proved-yet"
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    try:
        yield folder
        (out / SUMMARY).unlink(missing_ok=True)
        for path in sorted(folder.iterdir(), key=lambda path: path.name == SUMMARY):
            path.replace(out / path.name)
    finally:
        shutil.rmtree(folder)


def write_rows(path: Path, schema: pa.Schema, batches: Iterator[pa.Table]) -> int:
    """Write the rows and return how many; the bytes are the same for the same rows in the same order."""
    rows = 0
    shared = [name for name in schema.names if name not in OWN]
    with (
        pq.ParquetWriter(path, schema, compression="zstd", version="2.6", use_dictionary=shared) as writer,
        ThreadPoolExecutor(1) as hand,
    ):
        written: Future[None] | None = None
        for table in even(batches, schema):  # the next rows are worked out while these are packed
            if written is not None:
                written.result()
            written = hand.submit(writer.write_table, table.cast(schema), row_group_size=len(table))
            rows += len(table)
        if written is not None:
            written.result()
    return rows


def even(batches: Iterator[pa.Table], schema: pa.Schema, *, size: int = 500_000) -> Iterator[pa.Table]:
    """Yield the rows in tables of one size, whatever batches they come in: a file's groups do not tell an engine."""
    held: list[pa.Table] = []
    rows = 0
    for table in batches:
        held.append(table.select(schema.names))
        rows += len(table)
        while rows >= size:
            together = pa.concat_tables(held)
            yield together.slice(0, size)
            held, rows = [together.slice(size)], rows - size
    if rows:
        yield pa.concat_tables(held)


def _as_written(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Give the columns the names and types of the files: a day as a date, an amount of a verdict as such."""
    for batch in batches:
        table = pa.Table.from_batches([batch])
        named = {
            "day": "business_on",
            "place": "break_class",
            **({"money": "amount_vnd"} if "money" in batch.schema.names else {}),
        }
        table = table.rename_columns([named.get(name, name) for name in table.column_names])
        days = table["business_on"].cast(pa.int32()).cast(DAY)
        yield table.set_column(table.column_names.index("business_on"), "business_on", days)


def _identified(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Give each break its id, from what it is about and its number among equals: a second run says the same."""
    times: Counter[tuple[Any, ...]] = Counter()
    for table in tables:
        ids = []
        kinds = [FAMILIES.get(kind, "") for kind in table["kind"].to_pylist()]
        for kind, *values in zip(kinds, *(table[name].to_pylist() for name in SAID), strict=True):
            said = (*values[:3], kind, *values[3:])
            times[said] += 1
            about = "\x1f".join("" if value is None else str(value) for value in (*said, times[said]))
            ids.append(hashlib.sha256(about.encode()).hexdigest()[:16])
        yield table.append_column("break_id", pl.Series(ids, dtype=pl.String).to_arrow())


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
