"""Reconciliation of files: ours beside a DuckDB statement written by hand and beside datacompy, on the same rows.

    python -m bench.reconcile [--rows 20000] [--rounds 3] [--parts duckdb,datacompy,day] [--memory-mb 1600]

Parts: `duckdb` (ours and the statement by hand), `datacompy` (ours and datacompy on Polars), `spark` (ours and
datacompy on Spark local[2]; what ours writes on DuckDB must be the same to the byte), `growth` (ours at --rows and at
--times as many, in --limit-mb), `day` (2,000 payments to a report). Each contestant runs in a process of its own, in
turn, on files that are in the page cache; all must find the same rows in the same classes. The bars are those for
5,000,000 rows:

    python -m bench.reconcile --rows 5000000 --parts duckdb,datacompy,day
    python -m bench.reconcile --rows 5000000 --parts spark --rounds 1
    python -m bench.reconcile --rows 5000000 --parts growth --rounds 1
"""

import argparse
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from bench import reconcile_peers as peers
from bench.reconcile_days import Files, made
from bench.reconcile_results import found
from bench.reconcile_spent import Spent, in_turn, middle, run

HOME = Path("var/bench")
DAY_ROWS = 2_000
DAY_BAR_S = 3.0
BY_HAND_BAR, DATACOMPY_BAR, SPARK_BAR, GROWTH_BAR = 1.5, 2.0, 2.5, 1.3
PEAK_BAR_MB = 2_048
WRITTEN = ("matches.parquet", "breaks.parquet", "summary.json")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a part is measured with; memory in MB."""

    rows: int
    rounds: int
    memory_mb: int = 1_600
    spark_memory_mb: int = 6_000
    limit_mb: int = 4_096
    times: int = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `ratio` says what it is a ratio of, `verdict` whether its bar is met."""

    what: str
    ours: Spent
    peer: str
    theirs: Spent
    ratio: str
    verdict: str


def beside_hand(asked: Asked, folder: Path) -> list[Row]:
    """Ours on DuckDB and the statement by hand: as short as can be, and writing the same columns in the same order."""
    files = _files(asked.rows, folder)
    ours, theirs, alike = folder / "ours", folder / "by_hand", folder / "alike"
    spent = _played(
        {
            "ours": peers.ours(files, ours, memory_mb=asked.memory_mb),
            "by hand": peers.by_hand(files, theirs),
            "by hand, alike": peers.by_hand(files, alike, "alike"),
        },
        asked.rounds,
    )
    _same_found(files, ours, theirs)
    _same_found(files, ours, alike)
    _same_form(ours, alike)
    mine, rows = spent["ours"], []
    for name, peer in (("by hand", "DuckDB by hand"), ("by hand, alike", "the same, all columns, sorted")):
        ratio = mine.wall_s / spent[name].wall_s
        good = ratio <= BY_HAND_BAR and mine.peak_mb <= PEAK_BAR_MB
        verdict = _verdict(good, f"≤ {BY_HAND_BAR}, ≤ {PEAK_BAR_MB} MB")
        what = f"{asked.rows:,} payments, DuckDB"
        rows.append(Row(what, mine, peer, spent[name], _times(ratio, mine, spent[name]), verdict))
    return rows


def beside_datacompy(asked: Asked, folder: Path) -> list[Row]:
    """Ours on DuckDB and datacompy on Polars: as short as can be, and writing the same columns in the same order."""
    files = _files(asked.rows, folder)
    ours, theirs, alike = folder / "ours", folder / "datacompy", folder / "datacompy_alike"
    spent = _played(
        {
            "ours": peers.ours(files, ours, memory_mb=asked.memory_mb),
            "datacompy": peers.datacompy("polars", files, theirs),
            "datacompy, alike": peers.datacompy("polars", files, alike, "alike"),
        },
        asked.rounds,
    )
    _same_found(files, ours, theirs)
    _same_found(files, ours, alike)
    _same_form(ours, alike)
    mine, rows = spent["ours"], []
    what = f"{asked.rows:,} payments, DuckDB"
    for name, peer in (
        ("datacompy", "datacompy 1.1 on Polars"),
        ("datacompy, alike", "the same, all columns, sorted"),
    ):
        faster = spent[name].wall_s / mine.wall_s
        verdict = _verdict(faster >= DATACOMPY_BAR, f"≥ {DATACOMPY_BAR} times as fast")
        rows.append(Row(what, mine, peer, spent[name], _faster(faster, mine, spent[name]), verdict))
    return rows


def on_spark(asked: Asked, folder: Path) -> list[Row]:
    """Ours on Spark and datacompy on Spark; ours on DuckDB must have written the same bytes."""
    files = _files(asked.rows, folder)
    ours, theirs, on_duckdb = folder / "spark", folder / "datacompy_spark", folder / "ours"
    env = peers.spark_env(folder, asked.spark_memory_mb)
    address = ("--spark", "local[2]")
    spent = _played(
        {
            "ours": peers.ours(files, ours, memory_mb=asked.spark_memory_mb, engine="spark", extra=address),
            "datacompy": peers.datacompy("spark", files, theirs),
        },
        asked.rounds,
        env=env,
    )
    run(peers.ours(files, on_duckdb, memory_mb=asked.memory_mb))
    _same_found(files, ours, theirs)
    assert _digests(ours) == _digests(on_duckdb), "Spark and DuckDB have not written the same bytes"
    mine, other = spent["ours"], spent["datacompy"]
    faster = other.wall_s / mine.wall_s
    verdict = _verdict(faster >= SPARK_BAR, f"≥ {SPARK_BAR} times as fast") + "; the same bytes as on DuckDB"
    what = f"{asked.rows:,} payments, Spark local[2]"
    return [Row(what, mine, "datacompy 1.1 on Spark", other, _faster(faster, mine, other), verdict)]


def grown(asked: Asked, folder: Path) -> list[Row]:
    """Ours at two sizes within one limit of memory: what a row takes at the larger, of what it takes at the smaller."""
    memory_mb = asked.limit_mb * 3 // 4  # what DuckDB is told; the process itself must stay below the limit
    few, many = (_files(rows, folder / str(rows)) for rows in (asked.rows, asked.rows * asked.times))
    spent = _played(
        {str(files.rows): peers.ours(files, files.core.parent / "ours", memory_mb=memory_mb) for files in (few, many)},
        asked.rounds,
    )
    for files in (few, many):
        _as_planted(files, files.core.parent / "ours")
    small, large = spent[str(few.rows)], spent[str(many.rows)]
    growth = large.wall_s / small.wall_s / asked.times
    good = growth <= GROWTH_BAR and large.peak_mb <= asked.limit_mb
    verdict = _verdict(good, f"≤ {GROWTH_BAR} × linear, ≤ {asked.limit_mb} MB")
    ratio = f"**{growth:.2f}** × linear"
    what = f"{many.rows:,} payments, DuckDB, --memory-mb {memory_mb}"
    return [Row(what, large, f"the same with {few.rows:,}", small, ratio, verdict)]


def of_a_day(asked: Asked, folder: Path) -> list[Row]:
    """A day of 2,000 payments from files to workbook and minutes; no Java is started."""
    files = _files(DAY_ROWS, folder)
    ours = folder / "ours"
    spent = _played(
        {
            "ours": peers.ours(files, ours, memory_mb=asked.memory_mb, extra=("--report",)),
            "floor": peers.floor(files, folder / "floor"),
        },
        max(asked.rounds, 3),
    )
    _as_planted(files, ours)
    assert {path.suffix for path in ours.iterdir()} >= {".xlsx", ".pdf"}, "no report was written"
    mine, floor = spent["ours"], spent["floor"]
    assert "java" not in mine.programs, "a Java was started"
    ratio = mine.wall_s / floor.wall_s
    what, beside = f"a day of {DAY_ROWS:,}, files to report", "start Python, read both files, write them back"
    verdict = _verdict(mine.wall_s <= DAY_BAR_S, f"≤ {DAY_BAR_S:.0f} s, no Java")
    return [Row(what, mine, beside, floor, _times(ratio, mine, floor), verdict)]


PARTS: Mapping[str, Callable[[Asked, Path], list[Row]]] = {
    "duckdb": beside_hand,
    "datacompy": beside_datacompy,
    "spark": on_spark,
    "growth": grown,
    "day": of_a_day,
}


def _files(rows: int, folder: Path) -> Files:
    files = made(rows, folder)
    for path in (files.core, files.statement):
        path.read_bytes()  # into the page cache, where all contestants find it
    return files


def _played(
    contestants: Mapping[str, list[str]], rounds: int, *, env: Mapping[str, str] | None = None
) -> dict[str, Spent]:
    spent = in_turn(contestants, rounds, {name: env or {} for name in contestants})
    for name, each in spent.items():
        told = "  ".join(f"{one.wall_s:.2f} s ({one.cpu_s:.2f} of processors)" for one in each)
        print(f"{name}: {told}", flush=True)
    return {name: middle(each) for name, each in spent.items()}


def _as_planted(files: Files, out: Path) -> None:
    classes = {name: one.rows for name, one in found(out).items() if name != "match"}
    planted = {name: rows for name, rows in files.planted.items() if rows}
    assert classes == planted, f"planted {planted}, found {classes}"


def _same_form(ours: Path, alike: Path) -> None:
    """Refuse a contestant's matches that have not our columns, or are not sorted by reference."""
    mine, other = (pl.scan_parquet(one / "matches.parquet") for one in (ours, alike))
    assert sorted(mine.collect_schema().names()) == sorted(other.collect_schema().names()), "not our columns"
    assert other.select("our_reference").collect()["our_reference"].is_sorted(), "not sorted by reference"


def _same_found(files: Files, ours: Path, theirs: Path) -> None:
    _as_planted(files, ours)
    assert found(ours) == found(theirs), "the two have not found the same rows"


def _digests(folder: Path) -> list[str]:
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in WRITTEN]


def _times(ratio: float, mine: Spent, other: Spent) -> str:
    return f"**{ratio:.2f}** of its time ({mine.cpu_s / other.cpu_s:.2f} of its processor time)"


def _faster(faster: float, mine: Spent, other: Spent) -> str:
    return f"**{faster:.2f}** times as fast ({other.cpu_s / mine.cpu_s:.2f} in processor time)"


def _verdict(good: bool, bar: str) -> str:  # noqa: FBT001  (what was found, not a switch)
    return f"{bar}: {'met' if good else '**missed**'}"


def show(rows: list[Row]) -> None:
    """Print a Markdown table."""
    print("| What | ours | peak | against | theirs | peak | ratio | bar |\n|---|---|---|---|---|---|---|---|")
    for one in rows:
        mine, theirs = (_told(spent) for spent in (one.ours, one.theirs))
        print(f"| {one.what} | {mine} | {one.peer} | {theirs} | {one.ratio} | {one.verdict} |")


def _told(spent: Spent) -> str:
    return f"{spent.wall_s:.2f} s | {spent.peak_mb:,.0f} MB"


def main() -> None:
    """Run the parts asked for, one after the other, and remove what they wrote."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parts", default="duckdb,datacompy,day", help=", ".join(PARTS))
    parser.add_argument("--memory-mb", type=int, default=1_600, help="of ours on DuckDB")
    parser.add_argument("--spark-memory-mb", type=int, default=6_000, help="of either Spark")
    parser.add_argument("--limit-mb", type=int, default=4_096, help="of the process, in the part growth")
    parser.add_argument("--times", type=int, default=4, help="how many times --rows, in the part growth")
    given = vars(parser.parse_args())
    parts = given.pop("parts").split(",")
    asked, rows = Asked(**given), list[Row]()
    HOME.mkdir(parents=True, exist_ok=True)
    for name in parts:
        with TemporaryDirectory(prefix=f"reconcile-{name}-", dir=HOME) as folder:
            rows += PARTS[name](asked, Path(folder))
    print(f"load {os.getloadavg()[0]:.1f}")
    show(rows)


if __name__ == "__main__":
    main()
