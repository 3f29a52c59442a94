"""What a run keeps on its way: exact types alone, nothing that a stopped run leaves, nothing of the clock's zone."""

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.truc.reconcile.engine.engine_runs import bytes_of, given_in, read, run_on_duckdb, together
from tests.truc.reconcile.engine.random_days import CUT_OFFS, LEG_SIDES, random_days
from truc.reconcile.engine.duck import open_duck
from truc.reconcile.engine.plan import plan
from truc.reconcile.running import reconcile, working_days
from truc.reconcile.schemas import BREAK_SCHEMA, MATCH_SCHEMA, VERDICT_SCHEMA
from truc.reconcile.specs.payments import SPEC

EXACT = {"VARCHAR", "BIGINT", "BOOLEAN", "INTEGER", "HUGEINT", "DECIMAL(38,0)", "UBIGINT"}
IN_FILES = {"string", "int64", "uint64", "bool", "date32[day]"}
ROOT = Path(__file__).parents[4]
WHOLE = plan(SPEC, "duckdb", LEG_SIDES[2:])


@pytest.fixture(scope="module")
def sides():
    return together(random_days(range(5_000, 5_040)))


@pytest.fixture(scope="module")
def given(sides, tmp_path_factory):
    return given_in(tmp_path_factory.mktemp("given"), sides)


@pytest.fixture(scope="module")
def right(sides, tmp_path_factory):
    folder = tmp_path_factory.mktemp("right")
    run_on_duckdb(SPEC, sides, folder)
    return bytes_of(folder / "out")


# I20: no float between what comes in and what is written.


def test_no_table_of_any_step_has_a_float(given, tmp_path):
    engine = open_duck(tmp_path, memory_mb=500, threads=2)
    reconcile(engine, WHOLE, SPEC, given, tmp_path / "out")
    columns = engine.connection.sql(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal"
    ).fetchall()
    engine.close()
    assert {step.name for step in WHOLE.steps} <= {name for name, _, _ in columns}
    assert [one for one in columns if one[2] not in EXACT] == []
    # A HUGEINT becomes a DOUBLE in Parquet.
    large = [tmp_path / f"{step.name}.parquet" for step in WHOLE.steps if step.how == "large"]
    kept = [(path.name, field.name, str(field.type)) for path in large for field in pq.read_schema(path)]
    assert large
    assert [one for one in kept if one[2] not in IN_FILES] == []


def test_what_is_written_has_the_types_of_the_contract(given, tmp_path):
    engine = open_duck(tmp_path, memory_mb=500, threads=2)
    reconcile(engine, WHOLE, SPEC, given, tmp_path / "out")
    engine.close()
    for name, schema in {"matches": MATCH_SCHEMA, "breaks": BREAK_SCHEMA, "verdicts": VERDICT_SCHEMA}.items():
        assert pq.read_schema(tmp_path / "out" / f"{name}.parquet").equals(schema)
        assert {str(field.type) for field in schema} <= IN_FILES


def test_amounts_beyond_a_float_are_summed_exactly(tmp_path):
    """2^53 + 1 and its neighbours, which no double tells apart, through every kind of sum."""
    odd = 2**53 + 1
    row = {"party": "momo", "kind": "payment", "state": "paid", "business_on": CUT_OFFS[0].from_on}
    core = [
        {**row, "our_reference": "R1", "amount_vnd": odd},
        {**row, "our_reference": "R2", "amount_vnd": odd},
        {**row, "our_reference": "B", "partner_reference": "B1", "amount_vnd": odd, "fee_vnd": 1},
        {**row, "our_reference": "C", "partner_reference": "B1", "amount_vnd": odd, "fee_vnd": 1},
    ]
    statement = [
        {**row, "our_reference": "R1", "amount_vnd": odd},
        {**row, "our_reference": "R2", "amount_vnd": odd - 2},
        {**row, "our_reference": "R2", "amount_vnd": 2},
        {**row, "partner_reference": "B1", "kind": "settlement", "amount_vnd": 2 * odd - 3},
    ]
    remittance = [{**row, "kind": "", "amount_vnd": 4 * odd - 1}]
    (tmp_path / "run").mkdir()
    run_on_duckdb(SPEC, {"core": core, "statement": statement, "remittance": remittance}, tmp_path / "run")
    told = read(tmp_path / "run" / "out")
    assert [(one["rule"], one["core_vnd"], one["partner_vnd"]) for one in told.matches] == [
        ("exact_reference", odd, odd),
        ("exact_reference/split", odd, odd),
    ]
    assert {
        (one["break_class"], one["core_vnd"], one["partner_vnd"], one["difference_vnd"]) for one in told.breaks
    } == {
        ("settlement_short", 2 * odd - 2, 2 * odd - 3, 1),
        ("remittance_short", 4 * odd, 4 * odd - 1, 1),
    }


def test_a_sum_beyond_64_bits_is_refused_and_not_wrapped(tmp_path):
    row = {"party": "momo", "kind": "payment", "state": "paid", "business_on": CUT_OFFS[0].from_on}
    core = [{**row, "our_reference": name, "amount_vnd": 2**63 - 1} for name in ("R1", "R2")]
    with pytest.raises(Exception, match="Failed to cast decimal value 18446744073709551614"):
        run_on_duckdb(SPEC, {"core": core, "statement": []}, tmp_path)
    assert not any((tmp_path / "out").iterdir())


# I21: stopped anywhere, and run again.

STOPPED_AFTER = sorted({*range(0, len(WHOLE.steps), 9), len(WHOLE.steps)}) + [
    number + 1 for number, step in enumerate(WHOLE.steps) if step.how == "large"
]


@pytest.mark.parametrize("steps", STOPPED_AFTER)
def test_a_run_stopped_after_every_ninth_step_and_each_that_writes_a_file_leaves_nothing_to_the_next(
    steps, given, right, tmp_path
):
    engine = open_duck(tmp_path, memory_mb=500, threads=2)
    for side, one in given.items():
        engine.give(side, one.paths, one.columns)
    engine.give_days(working_days())
    engine.run(replace(WHOLE, steps=WHOLE.steps[:steps]))
    engine.close()
    for step in WHOLE.steps[: steps + 1]:  # the file that was being written is cut short
        if step.how == "large":
            (tmp_path / f"{step.name}.parquet").write_bytes(b"PAR1 cut short")
    _again(given, tmp_path)
    assert bytes_of(tmp_path / "out") == right


def _again(given, folder):
    engine = open_duck(folder, memory_mb=500, threads=2)
    reconcile(engine, WHOLE, SPEC, given, folder / "out")
    engine.close()


@pytest.mark.parametrize("written", ["matches.parquet", "breaks.parquet", "verdicts.parquet"])
def test_a_run_stopped_while_it_writes_is_written_over(written, given, right, tmp_path):
    (tmp_path / "out").mkdir()
    for name in right:
        (tmp_path / "out" / name).write_bytes(right[name][: 100 if name >= written else None])
    _again(given, tmp_path)
    assert bytes_of(tmp_path / "out") == right


# The process itself says where it is, and waits there to be killed.
KILLED = """
import signal, sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tests.truc.reconcile.engine.engine_runs import SCHEMA
from tests.truc.reconcile.engine.random_days import LEG_SIDES
from truc.reconcile import running
from truc.reconcile.engine.duck import Duck, open_duck
from truc.reconcile.engine.plan import plan
from truc.reconcile.running import Given
from truc.reconcile.specs.payments import SPEC

place, folder = sys.argv[1], Path(sys.argv[2])

def here():
    print(place, flush=True)
    signal.pause()

def stop_after_steps(part):
    def run(self, some):
        last = part * len(whole.steps)
        make(self, replace(some, steps=[one for one in some.steps if whole.steps.index(one) < last]))
        if some.steps[-1] == whole.steps[-1] or not last:
            here()
    make, Duck.run = Duck.run, run

def stop_in_list(name):
    def write_rows(path, schema, lists):
        def told(batches):
            for batch in batches:
                yield batch.slice(0, 1)
                if path.name == name:
                    here()
        return write(path, schema, map(told, lists))
    write, running.write_rows = running.write_rows, write_rows

def stop_before_moving():
    @contextmanager
    def whole_or_none(out):
        with prepare(out) as parts:
            yield parts
            here()
    prepare, running.whole_or_none = running.whole_or_none, whole_or_none

def stop_in_moving():
    def replace_one(self, target):
        moved = move(self, target)
        here()
        return moved
    move, Path.replace = Path.replace, replace_one

{
    "before the first table": lambda: stop_after_steps(0),
    "in the midst of the tables": lambda: stop_after_steps(0.5),
    "while matches are written": lambda: stop_in_list("matches.parquet"),
    "while breaks are written": lambda: stop_in_list("breaks.parquet"),
    "before the files are moved": stop_before_moving,
    "in the midst of moving": stop_in_moving,
}[place]()
given = {side: Given((Path(path),), tuple(SCHEMA.names), "0" * 64) for side, path in zip(LEG_SIDES, sys.argv[3:])}
whole = plan(SPEC, "duckdb", LEG_SIDES[2:])
running.reconcile(open_duck(folder, memory_mb=500, threads=2), whole, SPEC, given, folder / "out")
"""
PLACES = re.findall(r'^    "(.+)": ', KILLED, re.M)


@pytest.mark.parametrize("place", PLACES)
def test_a_process_killed_anywhere_leaves_nothing_to_the_next(place, given, right, tmp_path):
    command = [sys.executable, "-c", KILLED, place, str(tmp_path), *(str(given[side].paths[0]) for side in LEG_SIDES)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().strip() == place
        process.kill()
        assert process.wait() == -signal.SIGKILL
    assert len(bytes_of(tmp_path / "out")) == (1 if place == "in the midst of moving" else 0)
    _again(given, tmp_path)
    assert bytes_of(tmp_path / "out") == right
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(right)


RUN = """
import sys
from pathlib import Path
from tests.truc.reconcile.engine.engine_runs import run_on_duckdb, together
from tests.truc.reconcile.engine.random_days import CUT_OFFS, random_days
from truc.reconcile.specs.payments import SPEC
from dataclasses import replace
spec = replace(SPEC, passes=("exact_reference",), cut_offs=CUT_OFFS)
sides = together(random_days(range(9_000, 9_040)))
print("begun", flush=True)
run_on_duckdb(spec, {side: sides[side] for side in ("core", "statement")}, Path(sys.argv[1]))
"""


def _command(folder, **environment):
    return {"args": [sys.executable, "-c", RUN, str(folder)], "cwd": ROOT, "env": {**os.environ, **environment}}


def _ended(folder, **environment):
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        **_command(folder, **environment), timeout=120, stdout=subprocess.DEVNULL, check=False
    ).returncode


# Session time zones: the environment's, in a process of its own.


def test_the_zone_of_the_environment_has_no_say(tmp_path):
    told = {}
    for zone in ("UTC", "Asia/Ho_Chi_Minh", "America/New_York"):
        folder = tmp_path / zone.replace("/", "-")
        assert _ended(folder, TZ=zone) == 0
        told[zone] = bytes_of(folder / "out")
    assert told["UTC"] == told["Asia/Ho_Chi_Minh"] == told["America/New_York"]
    days = {str(one["business_on"]) for one in read(tmp_path / "UTC" / "out").breaks}
    assert {"2026-03-03", "2026-03-04"} <= days
    assert json.loads(told["UTC"]["summary.json"])["conserves"] is True
