"""Runs two lists of rows in memory through the engine, and draws such lists at random."""

import random
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.truc.reconcile.pairs.pair_oracle import Outcome
from truc.reconcile.files import EngineName, Means
from truc.reconcile.pairs.files import pair_files
from truc.reconcile.pairs.inputs import kinds
from truc.reconcile.pairs.sources import TYPES
from truc.reconcile.pairs.spec import PairSpec

Line = dict[str, Any]
MORNING = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
FILES = ("matches.parquet", "breaks.parquet", "coverage.parquet", "summary.json")
NAMES = ("H1.01-260304-0001", "H1.01-260304-0002", "Hồ sơ số 3", "hồ sơ số 3", "Ho so", "Ắ", "z", "Z", "0", "🂡")


def written(spec: PairSpec, rows: Iterable[Mapping[str, Any]], path: Path, absent: Iterable[str] = ()) -> Path:
    """Write rows as the Parquet file of a side."""
    schema = pa.schema([(name, TYPES[kind]) for name, kind in kinds(spec).items() if name not in absent])
    pq.write_table(pa.Table.from_pylist([dict(one) for one in rows], schema), path)
    return path


def told(
    spec: PairSpec,
    core: Iterable[Mapping[str, Any]],
    partner: Iterable[Mapping[str, Any]],
    folder: Path,
    *,
    absent: tuple[set[str], set[str]] = (set(), set()),
    as_of: datetime | None = None,
    engine: EngineName = "duckdb",
) -> Outcome:
    """Run, and read what was written into `folder`/out."""
    folder.mkdir(parents=True, exist_ok=True)
    given = [
        written(spec, rows, folder / f"{side}.parquet", lacks)
        for side, rows, lacks in zip(("core", "partner"), (core, partner), absent, strict=True)
    ]
    out = folder / "out"
    pair_files(spec, *given, out, Means(engine=engine, memory_mb=700), as_of=as_of)
    return read(out)


def read(out: Path) -> Outcome:
    """Read the three files of a run."""
    return Outcome(*(pq.read_table(out / name).to_pylist() for name in FILES[:3]))


def drawn(spec: PairSpec, seed: int, rows: int = 60) -> tuple[list[Line], list[Line]]:
    """Draw two lists that are near each other: mostly equal, with everything that can go wrong."""
    chance = random.Random(seed)
    keys = [tuple(f"{chance.choice(NAMES)}{chance.randrange(rows)}" for _ in spec.key) for _ in range(rows)]
    core = [_line(spec, chance, key) for key in keys]
    partner = [_changed(spec, chance, line) for line in core if chance.random() < 0.85]
    core += [_changed(spec, chance, line) for line in core if chance.random() < 0.1]
    partner += [_changed(spec, chance, line) for line in partner if chance.random() < 0.1]
    partner += [_line(spec, chance, tuple(f"only {number}" for _ in spec.key)) for number in range(3)]
    for side in (core, partner):
        for line in side:
            if chance.random() < 0.04:
                line.update(_spoilt(spec, chance))
        chance.shuffle(side)
    return core, partner


def _line(spec: PairSpec, chance: random.Random, key: tuple[str, ...]) -> Line:
    line: Line = dict(zip(spec.key, key, strict=True))
    for name, kind in kinds(spec).items():
        if name not in line:
            line[name] = _value(spec, chance, name, kind)
    return line


def _value(spec: PairSpec, chance: random.Random, name: str, kind: str) -> Any:
    if spec.state and name == spec.state.column:
        return chance.choice(spec.state.states)
    if kind == "instant":
        after = timedelta(hours=chance.randrange(200), microseconds=chance.randrange(3))
        return None if chance.random() < 0.1 else MORNING + after
    if kind == "day":
        return chance.choice((None, date(2026, 2, 28), date(2026, 3, 1), date(1969, 12, 31)))
    if kind == "whole":
        money = spec.fee is not None and name == spec.fee.column
        return chance.choice((23_000, 31_500, 0, None, 2**53 + 1) if money else (None, 0, 1, 2, 3, -1))
    return chance.choice(("H1.01", "H1.02", "Đà Nẵng", "", None))


def _changed(spec: PairSpec, chance: random.Random, line: Line) -> Line:
    """Return the same row, one whose state is of another change, or one with a column or two drawn anew."""
    way = chance.random()
    if way < 0.4:
        return dict(line)
    if way < 0.7 and spec.state is not None:
        names = [name for name in (spec.state.column, spec.state.changed_at, spec.state.number) if name]
    else:
        names = chance.sample([name for name in line if name not in spec.key], k=chance.randint(1, 2))
    return line | {name: _value(spec, chance, name, kinds(spec)[name]) for name in names}


def _spoilt(spec: PairSpec, chance: random.Random) -> Line:
    ways: list[Line] = [{spec.key[0]: None}, {spec.key[-1]: ""}]
    ways += [{spec.state.column: chance.choice(("", None, "unheard of"))}] if spec.state else []
    ways += [{spec.fee.column: -23_000}] if spec.fee else []
    return chance.choice(ways)
