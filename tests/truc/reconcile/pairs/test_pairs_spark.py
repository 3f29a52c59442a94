"""Spark says what DuckDB says of two lists, to the byte; one session for all, since a Java takes its time to start."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.truc.reconcile.pairs import pair_runs
from truc.reconcile.engine.spark import Spark, open_spark
from truc.reconcile.pairs.files import LISTS
from truc.reconcile.pairs.inputs import opened
from truc.reconcile.pairs.running import reconcile_pairs
from truc.reconcile.specs import named_pair


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Spark in this process."""
    engine = open_spark(tmp_path_factory.mktemp("spark"), memory_mb=700, address="local[2]")
    yield engine.session
    engine.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["dossier_statuses", "shipments", "procedures"])
def test_spark_writes_the_same_bytes(name: str, session: Any, tmp_path: Path) -> None:
    spec = named_pair(name)
    core, partner = pair_runs.drawn(spec, 31, rows=200)
    pair_runs.told(spec, core, partner, tmp_path)
    given = {side: opened(tmp_path / f"{side}.parquet", spec) for side in ("core", "partner")}
    out = tmp_path / "spark"
    reconcile_pairs(Spark(session, tmp_path / "steps"), "pyspark", spec, given, out, lists=LISTS)
    for file in pair_runs.FILES:
        assert (out / file).read_bytes() == (tmp_path / "out" / file).read_bytes(), file
