"""The full history: 27.2 million dossiers, their status here against the portal's, coverage and gap list.

    python -m bench.statuses [--rows 27200000] [--engines duckdb,spark] [--rounds 1] [--home DIR]

27.2 million is what the national portal says it synchronised (seed 004). The lists are drawn with a seed, and know
themselves what is wrong in them: each run must find exactly that. Every run is a process of its own, which is killed
above 4 GB of memory; the memory told is the most of it and all it started, as bench.reconcile_spent has it. The floor
is SQL written by hand for DuckDB that classifies the same rows and writes the same gaps and coverage, with the same
memory and threads. A throughput is rows of both sides a second.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from bench.figures import Figure, show
from bench.reconcile_spent import run as watched
from truc.reconcile.files import Means
from truc.reconcile.pairs.files import pair_files
from truc.reconcile.specs import named_pair

ROWS = 27_200_000
SEED = 5
MEMORY_MB = {"floor": 2_400, "duckdb": 2_400, "spark": 2_400}  # what the engine is told it may use
MEMORY_MAX_MB = 4_000  # above it the run is killed
THREADS = 2
LATER = datetime(2027, 1, 1, tzinfo=UTC)  # all that was drawn is long past: nothing is too young to be late

SCATTERED = "(n * 15485863) % {rows}"  # each number once, in no order: a prime that no number of rows is a multiple of
# One dossier is one number; `draw` (0 to 9,999) says what is wrong with it. Keys are as long as real ones.
_DRAWN = """
    SELECT n, CAST(hash(n, {seed}) % 10000 AS INTEGER) AS draw,
        format('H{{:02d}}.{{:02d}}', CAST(hash(n, {seed}, 1) % 84 + 1 AS INTEGER), CAST(hash(n, {seed}, 2) % 4 + 1
            AS INTEGER)) AS agency,
        DATE '2020-01-01' + CAST(n * 2200 // {rows} AS INTEGER) AS received_on,
        CAST(hash(n, {seed}, 3) % 6 AS INTEGER) AS moves
    FROM (SELECT {number} AS n FROM range({rows}) AS one(n))
"""
# The k-th change of a dossier: where it stood then, and when.
_LINE = """
    SELECT agency || '-' || strftime(received_on, '%y%m%d') || '-' || lpad(CAST(n % 1000000 AS VARCHAR), 6, '0')
            AS dossier_code,
        {status} AS status,
        to_timestamp(epoch(CAST(received_on AS TIMESTAMP)) + 3600 * 24 * ({number})) AS changed_at,
        CAST({number} AS BIGINT) AS number, agency, received_on
"""
_STATUS = "list_extract(['2', '4', '5', '4', '9', '10', '10'], CAST({number} AS INTEGER))"
# draw: below 10 twice here, below 20 twice at the portal, below 220 unknown there, below 320 an old status there,
# below 340 another status there, below 350 unknown here.
_SIDES = {
    "core": ("draw < 340 OR draw >= 350", "moves + 1", "draw < 10"),
    "partner": (
        "draw < 20 OR draw >= 220",
        "CASE WHEN draw >= 220 AND draw < 320 AND moves > 0 THEN moves ELSE moves + 1 END",
        "draw >= 10 AND draw < 20",
    ),
}
_OTHER = "CASE WHEN draw >= 320 AND draw < 340 THEN '3' ELSE {status} END"
_TRUTH = """
    SELECT count(*) FILTER (draw < 20 OR draw >= 350 OR (draw >= 220 AND draw < 320 AND moves = 0)) AS match,
        count(*) FILTER (draw < 10) AS duplicate_in_core,
        count(*) FILTER (draw >= 10 AND draw < 20) AS duplicate_at_partner,
        count(*) FILTER (draw >= 20 AND draw < 220) AS missing_at_partner,
        count(*) FILTER (draw >= 220 AND draw < 320 AND moves > 0) AS stale,
        count(*) FILTER (draw >= 320 AND draw < 340) AS state_differs,
        count(*) FILTER (draw >= 340 AND draw < 350) AS missing_in_core
    FROM drawn
"""
# By hand: what stands once on both sides in one join; what stands more often by its latest row; then gaps and coverage.
_FLOOR = """
    CREATE TABLE twice AS
        SELECT dossier_code FROM core GROUP BY 1 HAVING count(*) > 1
        UNION SELECT dossier_code FROM partner GROUP BY 1 HAVING count(*) > 1;
    CREATE VIEW core_first AS SELECT * FROM core WHERE dossier_code NOT IN (FROM twice)
        UNION ALL SELECT * FROM core WHERE dossier_code IN (FROM twice)
            QUALIFY row_number() OVER (PARTITION BY dossier_code ORDER BY number DESC, changed_at DESC, status) = 1;
    CREATE VIEW partner_first AS SELECT * FROM partner WHERE dossier_code NOT IN (FROM twice)
        UNION ALL SELECT * FROM partner WHERE dossier_code IN (FROM twice)
            QUALIFY row_number() OVER (PARTITION BY dossier_code ORDER BY number DESC, changed_at DESC, status) = 1;
    CREATE VIEW judged AS
        SELECT CASE
                WHEN p.dossier_code IS NULL THEN 'missing_at_partner'
                WHEN c.dossier_code IS NULL THEN 'missing_in_core'
                WHEN p.number < c.number AND (c.status <> p.status OR c.status IN ('4', '5', '6')) THEN 'stale'
                WHEN c.status <> p.status THEN 'state_differs'
                ELSE 'match' END AS place,
            coalesce(c.dossier_code, p.dossier_code) AS dossier_code, coalesce(c.agency, p.agency) AS agency,
            strftime(coalesce(c.received_on, p.received_on), '%Y-%m') AS month,
            c.status AS core_status, p.status AS partner_status, c.changed_at AS core_at, p.changed_at AS partner_at,
            c.number AS core_number, p.number AS partner_number
        FROM core_first AS c FULL JOIN partner_first AS p ON c.dossier_code = p.dossier_code
        UNION ALL
        SELECT 'duplicate_in_core', dossier_code, agency, strftime(received_on, '%Y-%m'), status, NULL, changed_at,
            NULL, number, NULL
        FROM core WHERE dossier_code IN (FROM twice)
            QUALIFY row_number() OVER (PARTITION BY dossier_code ORDER BY number DESC, changed_at DESC, status) > 1
        UNION ALL
        SELECT 'duplicate_at_partner', dossier_code, agency, strftime(received_on, '%Y-%m'), NULL, status, NULL,
            changed_at, NULL, number
        FROM partner WHERE dossier_code IN (FROM twice)
            QUALIFY row_number() OVER (PARTITION BY dossier_code ORDER BY number DESC, changed_at DESC, status) > 1;
    CREATE TABLE places AS SELECT place, agency, month, CASE WHEN place <> 'match' THEN struct_pack(dossier_code,
        core_status, partner_status, core_at, partner_at, core_number, partner_number) END AS gap FROM judged;
    COPY (SELECT place, agency, month, gap.* FROM places WHERE place <> 'match' ORDER BY place, gap.dossier_code)
        TO '{out}/breaks.parquet' (FORMAT parquet, COMPRESSION zstd);
    COPY (SELECT agency, month, place, count(*) AS places FROM places GROUP BY ALL ORDER BY ALL)
        TO '{out}/coverage.parquet' (FORMAT parquet, COMPRESSION zstd);
"""
Places = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run took: seconds of the clock, its own without starting, and the highest memory of all its processes."""

    seconds: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Lists:
    """The two files, how many rows both have, and what stands in them."""

    core: Path
    partner: Path
    rows: int
    truth: Places


def drawn(home: Path, rows: int, seed: int = SEED) -> Lists:
    """Write both lists; the portal's is in no order."""
    database = _database(home)
    for name, number in (("drawn", "n"), ("drawn_scattered", SCATTERED.format(rows=rows))):
        database.execute(f"CREATE VIEW {name} AS {_DRAWN.format(rows=rows, seed=seed, number=number)}")
    paths = {side: home / f"{side}.parquet" for side in _SIDES}
    for side, path in paths.items():
        which, number, twice = _SIDES[side]
        status = _STATUS.format(number=number)
        line = _LINE.format(number=number, status=_OTHER.format(status=status) if side == "partner" else status)
        view = "drawn" if side == "core" else "drawn_scattered"
        query = f"{line} FROM {view} WHERE {which} UNION ALL {line} FROM {view} WHERE {twice}"
        database.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    told = database.execute(_TRUTH)
    names = [column[0] for column in told.description]
    truth = dict(zip(names, told.fetchall()[0], strict=True))
    return Lists(*paths.values(), sum(pq.read_metadata(path).num_rows for path in paths.values()), truth)


def run(rows: int, engines: Sequence[str], *, rounds: int, home: Path) -> list[Figure]:
    """Measure the floor and each engine in turn, on the same lists."""
    began = time.perf_counter()
    lists = drawn(home, rows)
    print(f"… {lists.rows:,} rows drawn in {time.perf_counter() - began:.0f} s: {dict(lists.truth)}", flush=True)
    spent: dict[str, list[Spent]] = {engine: [] for engine in ("floor", *engines)}
    for _ in range(rounds):
        for engine, taken in spent.items():
            taken.append(_measured(engine, lists, home))
            print(f"… {engine}: {taken[-1]}", flush=True)
    floor_s = statistics.median(one.seconds for one in spent["floor"])
    return [_figure(engine, spent[engine], floor_s, lists) for engine in engines]


def _figure(engine: str, taken: Sequence[Spent], floor_s: float, lists: Lists) -> Figure:
    ours_s, peak_mb = statistics.median(one.seconds for one in taken), max(one.peak_mb for one in taken)
    speed = f"{lists.rows / ours_s / 1e6:.2f} against {lists.rows / floor_s / 1e6:.2f} million rows/s"
    what = f"{lists.rows:,} statuses here and on the portal, {engine}"
    note = f"{speed}; peak memory {peak_mb:.0f} MB (bar {MEMORY_MAX_MB})"
    return Figure(what, ours_s, "hand-written DuckDB SQL", floor_s, note)


def _measured(engine: str, lists: Lists, home: Path) -> Spent:
    """Run once in a process of its own, hold what it found against the truth."""
    with tempfile.TemporaryDirectory(prefix=f"{engine}-", dir=home) as folder:
        told = Path(folder) / "told.json"
        command = [
            sys.executable,
            "-m",
            "bench.statuses",
            "--child",
            engine,
            str(lists.core),
            str(lists.partner),
            folder,
        ]
        peak_mb = watched(command, memory_max_mb=MEMORY_MAX_MB).peak_mb
        said = json.loads(told.read_text(encoding="utf-8"))
    assert said["places"] == lists.truth, f"{engine}: found {said['places']}, in it are {lists.truth}"
    return Spent(said["seconds"], peak_mb)


def _child(engine: str, core: Path, partner: Path, folder: Path) -> None:
    """Classify, and tell in told.json how long it took and what it found."""
    ways: Mapping[str, Callable[[Path, Path, Path], Places]] = {
        "floor": _by_hand,
        "duckdb": _by_duckdb,
        "spark": _by_spark,
    }
    began = time.perf_counter()
    places = ways[engine](core, partner, folder)
    seconds = time.perf_counter() - began
    (folder / "told.json").write_text(json.dumps({"seconds": seconds, "places": places}), encoding="utf-8")


def _by_hand(core: Path, partner: Path, folder: Path) -> Places:
    database = _database(folder)
    for side, path in (("core", core), ("partner", partner)):
        database.execute(f"CREATE VIEW {side} AS FROM read_parquet('{path}')")
    database.execute(_FLOOR.format(out=folder))
    told = database.execute(
        "SELECT place, CAST(sum(places) AS BIGINT) FROM read_parquet(?) GROUP BY 1", [str(folder / "coverage.parquet")]
    )
    return dict(told.fetchall())


def _by_duckdb(core: Path, partner: Path, folder: Path) -> Places:
    return _by_rules(core, partner, folder, Means(memory_mb=MEMORY_MB["duckdb"], threads=THREADS, work=folder))


def _by_spark(core: Path, partner: Path, folder: Path) -> Places:
    means = Means(engine="spark", memory_mb=MEMORY_MB["spark"], threads=THREADS, work=folder)
    return _by_rules(core, partner, folder, means)


def _by_rules(core: Path, partner: Path, folder: Path, means: Means) -> Places:
    spec = named_pair("dossier_statuses")
    pair_files(spec, core, partner, folder / "out", means, lists=("breaks",), as_of=LATER)
    summary = json.loads((folder / "out" / "summary.json").read_text(encoding="utf-8"))
    return {one["place"]: one["places"] for one in summary["ends"]}


def _database(folder: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(
        config={
            "memory_limit": f"{MEMORY_MB['floor']}MB",
            "threads": THREADS,
            "preserve_insertion_order": False,
            "temp_directory": str(folder / "spill"),
        }
    )


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description="the full history of dossier statuses")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--engines", default="duckdb,spark", help="comma between")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--home", type=Path, help="where the lists are drawn and spilt to; a temporary place else")
    parser.add_argument("--child", nargs=4, metavar=("ENGINE", "CORE", "PARTNER", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        engine, *paths = given.child
        _child(engine, *map(Path, paths))
        return
    with ExitStack() as stack:
        home = given.home or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="truc-statuses-")))
        show(run(given.rows, given.engines.split(","), rounds=given.rounds, home=home))


if __name__ == "__main__":
    main()
