"""The bench of reconciliation: what it plants is there, a seed is the same rows, and the contestants find the same."""

import fcntl
import os
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from bench import reconcile, reconcile_profile, reconcile_spent
from bench.figures import python
from bench.reconcile_by_hand import classify
from bench.reconcile_days import KINDS, STRETCH, Files, made
from bench.reconcile_results import Found, found
from bench.reconcile_spent import in_turn, middle, run
from truc.reconcile.engine.plan import plan
from truc.reconcile.files import Means, reconcile_files
from truc.reconcile.schemas import MATCH_SCHEMA
from truc.reconcile.specs import named

ROWS = 12_500  # ten stretches, and some that hold no break
PAIRS = """
SELECT core.our_reference AS ours, line.our_reference AS theirs, core.state AS core_state, line.state AS line_state,
    core.amount_vnd AS core_vnd, line.amount_vnd AS line_vnd, core.business_on AS core_on, line.business_on AS line_on
FROM core FULL JOIN line USING (our_reference)
"""
# Each kind told apart from the files alone.
TOLD = {
    "missing_at_partner": "SELECT count(*) FROM pairs WHERE theirs IS NULL",
    "missing_in_core": "SELECT count(*) FROM pairs WHERE ours IS NULL",
    "amount_differs": "SELECT count(*) FROM pairs WHERE core_vnd <> line_vnd",
    "duplicate_at_partner": "SELECT count(*) - count(DISTINCT our_reference) FROM line",
    "state_differs": "SELECT count(*) FROM pairs WHERE core_state <> line_state",
    "timing": "SELECT count(*) FROM pairs WHERE core_on <> line_on",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return made(ROWS, tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def opened(files: Files) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1})
    connection.execute(f"CREATE VIEW core AS FROM '{files.core}'")
    connection.execute(f"CREATE VIEW line AS FROM '{files.statement}'")
    connection.execute(f"CREATE VIEW pairs AS {PAIRS}")
    return connection


@pytest.fixture(scope="module")
def ours(files: Files, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Found]:
    out = tmp_path_factory.mktemp("ours")
    reconcile_files(named("payments"), {"core": files.core, "statement": files.statement}, out, Means(work=out))
    return found(out)


@pytest.mark.parametrize("kind", KINDS)
def test_as_many_breaks_of_a_kind_stand_in_the_files_as_are_said(
    kind: str, files: Files, opened: duckdb.DuckDBPyConnection
) -> None:
    assert files.planted[kind] == ROWS // (STRETCH - 1) == 10
    assert opened.execute(TOLD[kind]).fetchall() == [(10,)]


def test_our_ledger_has_the_rows_asked_for_each_once_and_about_2_percent_of_them_failed(
    opened: duckdb.DuckDBPyConnection,
) -> None:
    told = "SELECT count(*), count(DISTINCT our_reference), count(*) FILTER (state = 'failed') FROM core"
    rows, references, failed = opened.execute(told).fetchall()[0]
    assert rows == references == ROWS
    assert 0.015 < failed / rows < 0.025
    assert opened.execute("SELECT count(*) FROM line").fetchall() == [(ROWS + 10,)]


def test_half_of_the_repeated_lines_have_a_transaction_of_their_own(opened: duckdb.DuckDBPyConnection) -> None:
    told = """
        SELECT count(DISTINCT partner_reference) FROM line GROUP BY our_reference HAVING count(*) > 1 ORDER BY 1
    """
    assert [one for (one,) in opened.execute(told).fetchall()] == [1] * 5 + [2] * 5


def test_a_seed_is_the_same_bytes_and_another_is_not(files: Files, tmp_path: Path) -> None:
    again, other = made(ROWS, tmp_path / "again"), made(ROWS, tmp_path / "other", seed=6)
    assert again.core.read_bytes() == files.core.read_bytes()
    assert again.statement.read_bytes() == files.statement.read_bytes()
    assert other.core.read_bytes() != files.core.read_bytes()


def test_the_engine_takes_the_files_as_they_are(files: Files, tmp_path: Path) -> None:
    from truc.reconcile.neutral import prepare

    assert prepare(files.core, "core", tmp_path).path == files.core
    assert prepare(files.statement, "statement", tmp_path).path == files.statement


def test_ours_finds_what_was_planted(files: Files, ours: dict[str, Found]) -> None:
    assert {name: one.rows for name, one in ours.items() if name != "match"} == files.planted
    assert ours["amount_differs"].partner_vnd - ours["amount_differs"].core_vnd == 10 * 1_000


@pytest.mark.parametrize("alike", [False, True])
def test_the_statement_by_hand_finds_the_same_rows(
    files: Files, ours: dict[str, Found], tmp_path: Path, *, alike: bool
) -> None:
    classify(files.core, files.statement, tmp_path, alike=alike)
    assert found(tmp_path) == ours
    matches = pq.read_table(tmp_path / "matches.parquet")
    assert (set(matches.schema.names) == set(MATCH_SCHEMA.names)) == alike
    if alike:
        assert matches["our_reference"].to_pylist() == sorted(matches["our_reference"].to_pylist())


def test_another_row_is_another_finding(files: Files, ours: dict[str, Found], tmp_path: Path) -> None:
    classify(files.core, files.statement, tmp_path, alike=False)
    breaks = tmp_path / "breaks.parquet"
    table = pq.read_table(breaks)
    days = pc.add(table["business_on"].cast(pa.int32()), pa.scalar(1, pa.int32())).cast(pa.date32())
    pq.write_table(table.set_column(table.column_names.index("business_on"), "business_on", days), breaks)
    other = found(tmp_path)
    assert {name for name in ours if other[name] != ours[name]} == set(KINDS)


HOLDS = "held = bytearray(60_000_000); held[::4096] = b'x' * len(held[::4096])"
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"


@pytest.fixture
def pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pipe: who opens it to read is looked at once more, and let go then."""
    path, look = tmp_path / "pipe", reconcile_spent._held
    os.mkfifo(path)

    def held(pid: int) -> tuple[int, set[str]]:
        try:
            gate = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody waits yet
            return look(pid)
        try:
            return look(pid)
        finally:
            os.close(gate)

    monkeypatch.setattr(reconcile_spent, "_held", held)
    return path


def test_what_a_child_and_its_children_hold_is_counted_and_they_are_named(pipe: Path) -> None:
    wait = f"open({str(pipe)!r}).read()"
    alone, spent = run(python(wait)), run(python(PARENT.format(child=f"{HOLDS}; {wait}")))
    assert spent.peak_mb > alone.peak_mb + 60
    assert spent.wall_s > 0
    assert any(name.startswith("python") for name in spent.programs)


def test_a_child_that_only_begins_holds_nothing_of_its_own(pipe: Path) -> None:
    """A copy of its parent, until it becomes another program: twice the parent's memory would be seen."""
    forks = f"{HOLDS}; import os; child = os.fork(); child or open({str(pipe)!r}).read(); child and os.wait()"
    alone, spent = run(python(f"{HOLDS}; open({str(pipe)!r}).read()")), run(python(forks))
    assert spent.peak_mb < alone.peak_mb + 30


def test_who_takes_too_much_memory_is_killed_with_its_children(pipe: Path, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    child = f"import fcntl, time; file = open({str(locked)!r}, 'w'); fcntl.flock(file, fcntl.LOCK_EX); {HOLDS}; "
    child += f"open({str(pipe)!r}).read(); time.sleep(1_000)"
    with pytest.raises(MemoryError, match="more than 60"):
        run(python(PARENT.format(child=child)), memory_max_mb=60)
    with locked.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # waits until nobody has it any more


def test_a_contestant_that_fails_is_no_figure() -> None:
    with pytest.raises(RuntimeError, match="no such row"):
        run(python("raise SystemExit('no such row')"))


def test_contestants_take_turns(tmp_path: Path) -> None:
    told = tmp_path / "told"
    told.touch()
    write = f"from pathlib import Path; p = Path({str(told)!r}); p.write_text(p.read_text() + "
    spent = in_turn({one: python(f"{write}'{one}')") for one in "ab"}, 2)
    assert told.read_text() == "abab"
    assert middle(spent["a"]).peak_mb == max(one.peak_mb for one in spent["a"])


def test_ours_and_by_hand_are_timed_beside_each_other(tmp_path: Path) -> None:
    rows = reconcile.beside_hand(reconcile.Asked(rows=2_400, rounds=1), tmp_path)
    assert len({row.peer for row in rows}) == 2
    for row in rows:
        assert min(row.ours.wall_s, row.theirs.wall_s, row.ours.cpu_s, row.theirs.cpu_s) > 0
        assert f"{row.ours.wall_s / row.theirs.wall_s:.2f}" in row.ratio


def test_a_day_ends_in_a_report_without_java(tmp_path: Path) -> None:
    (row,) = reconcile.of_a_day(reconcile.Asked(rows=0, rounds=1), tmp_path)
    assert "java" not in row.ours.programs
    assert row.ours.peak_mb > row.theirs.peak_mb


def test_two_sizes_are_set_beside_each_other(tmp_path: Path) -> None:
    (row,) = reconcile.grown(reconcile.Asked(rows=1_200, rounds=1, times=2), tmp_path)
    assert f"{row.ours.wall_s / row.theirs.wall_s / 2:.2f}" in row.ratio


def test_every_step_of_the_plan_is_clocked(files: Files, tmp_path: Path) -> None:
    took = reconcile_profile.profile(files.core, files.statement, tmp_path, memory_mb=800)
    steps = [f"{one.name} ({one.how})" for one in plan(named("payments"), "duckdb", ()).steps]
    lists = ["clean", "clean, packed", "other_matches", "breaks", "aside", "given"]
    assert [one.name for one in took] == ["read and digest", "plan", *steps, *(f"told: {one}" for one in lists)]
    assert all((one.rows >= 0) == (not one.name.endswith("(view)")) for one in took if one.name in steps)


CORE_TWICE = "SELECT * FROM '{core}' UNION ALL SELECT * FROM '{core}' WHERE state = 'paid' AND our_reference LIKE '%77'"


def test_by_hand_a_second_row_of_ours_is_one_too(files: Files, tmp_path: Path) -> None:
    core = tmp_path / "core.parquet"
    duckdb.execute(f"COPY ({CORE_TWICE.format(core=files.core)}) TO '{core}'")
    theirs, ours = tmp_path / "by_hand", tmp_path / "ours"
    classify(core, files.statement, theirs, alike=False)
    reconcile_files(named("payments"), {"core": core, "statement": files.statement}, ours, Means(work=tmp_path))
    assert found(theirs)["duplicate_in_core"].rows > 100
    assert found(theirs) == found(ours)
