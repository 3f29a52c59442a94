"""Runs the engine on rows in memory, and tells its outcome in the words of the oracle."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.truc.reconcile.engine import oracle
from tests.truc.reconcile.engine.random_days import LEG_SIDES, LOST, Sides
from truc.reconcile.engine.duck import open_duck
from truc.reconcile.engine.plan import plan
from truc.reconcile.engine.steps import Dialect
from truc.reconcile.running import Engine, Given, Result, reconcile
from truc.reconcile.spec import Side, Spec

SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("party", "our_reference", "partner_reference", "kind", "state")),
        ("amount_vnd", pa.int64()),
        ("fee_vnd", pa.int64()),
        ("business_on", pa.date32()),
        ("occurred_at", pa.timestamp("us", "UTC")),
        *((name, pa.string()) for name in ("payer", "agency", "receipt_number", "unreadable")),
    ]
)
WRITTEN = ("matches.parquet", "breaks.parquet", "verdicts.parquet", "summary.json")
Line = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """What the engine wrote, as rows."""

    matches: list[Line]
    breaks: list[Line]
    verdicts: list[Line] | None


def told_by_duckdb(spec: Spec, sides: Mapping[Side, Iterable[Line] | None], folder: Path) -> Told:
    """Run on DuckDB."""
    run_on_duckdb(spec, sides, folder)
    return read(folder / "out")


def run_on_duckdb(
    spec: Spec,
    sides: Mapping[Side, Iterable[Line] | None],
    folder: Path,
    *,
    memory_mb: int = 500,
    threads: int = 2,
    files: int = 1,
) -> Result:
    """Run on DuckDB, with each side's rows in so many files."""
    engine = open_duck(folder, memory_mb=memory_mb, threads=threads)
    try:
        return run(engine, "duckdb", spec, sides, folder, files=files)
    finally:
        engine.close()


def run(
    engine: Engine,
    dialect: Dialect,
    spec: Spec,
    sides: Mapping[Side, Iterable[Line] | None],
    folder: Path,
    *,
    files: int = 1,
) -> Result:
    """Run on an engine, into `out` of the folder."""
    given = given_in(folder, sides, files=files)
    return reconcile(engine, plan(spec, dialect, further(given)), spec, given, folder / "out")


def further(sides: Iterable[Side]) -> tuple[Side, ...]:
    """The sides besides core and statement, as a plan asks for them."""
    return tuple(side for side in LEG_SIDES[2:] if side in sides)


def given_in(folder: Path, sides: Mapping[Side, Iterable[Line] | None], *, files: int = 1) -> dict[Side, Given]:
    """Write the rows of each side into so many files."""
    given: dict[Side, Given] = {}
    for side, rows in sides.items():
        if rows is not None:
            every = list(rows)
            parts = tuple(written(every[at::files], folder / f"{side}_{at}.parquet") for at in range(files))
            given[side] = Given(parts, tuple(SCHEMA.names), "0" * 64)
    return given


def written(rows: Iterable[Line], path: Path) -> Path:
    """Write rows as the readers of files do: what is no whole number of đồng is left out, with the reason."""
    pq.write_table(pa.Table.from_pylist([_readable(row) for row in rows], SCHEMA), path)
    return path


def _readable(row: Line) -> Line:
    cells = {name: row.get(name) for name in SCHEMA.names}
    for name in ("amount_vnd", "fee_vnd"):
        value = cells[name]
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**63):
            cells |= {name: None, "unreadable": f"{name}: no whole number"}
    return cells


def read(out: Path) -> Told:
    """Return what a run wrote."""
    verdicts = out / "verdicts.parquet"
    return Told(
        pq.read_table(out / "matches.parquet").to_pylist(),
        pq.read_table(out / "breaks.parquet").to_pylist(),
        pq.read_table(verdicts).to_pylist() if verdicts.exists() else None,
    )


def bytes_of(out: Path) -> dict[str, bytes]:
    """Return the files of an outcome, which say nothing of engine or time."""
    return {name: (out / name).read_bytes() for name in WRITTEN if (out / name).exists()}


def together(days: Mapping[str, Sides]) -> Sides:
    """Return the rows of all days, side by side."""
    return {side: [row for day in days.values() for row in day.get(side) or ()] for side in LEG_SIDES}


def by_party(lines: Iterable[Line]) -> dict[str, list[Line]]:
    """Return the lines of each party; what has none says in its reference whose day it is from."""
    told: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        told[line["party"] or line["our_reference"].removeprefix(LOST)].append(line)
    return told


def disagreements(spec: Spec, days: Mapping[str, Sides], told: Told) -> list[str]:
    """Say where an outcome with all four sides is not the oracle's, party by party, in whole rows."""
    found = {
        "matches": by_party(told.matches),
        "breaks": by_party(told.breaks),
        "verdicts": by_party(told.verdicts or ()),
    }
    wrong = [
        f"{name}: {sorted(set(by_name) - set(days))} are no party of these days"
        for name, by_name in found.items()
        if set(by_name) - set(days)
    ]
    for party, day in days.items():
        right = oracle.reconcile(spec, *(day[side] for side in LEG_SIDES))
        for name, by_name in found.items():
            wrong += _apart(f"{party} {name}", by_name.get(party, []), getattr(right, name))
    return wrong


def _apart(what: str, found: list[Line], right: list[Line]) -> list[str]:
    mine, yours = sorted(map(_cells, found)), sorted(map(_cells, right))
    if mine == yours:
        return []
    return [f"{what}: the engine has {one}" for one in mine if one not in yours] + [
        f"{what}: the rules have {one}" for one in yours if one not in mine
    ] or [f"{what}: {len(mine)} rows, not {len(yours)}"]


def _cells(line: Line) -> str:
    return str(sorted((name, str(value)) for name, value in line.items()))
