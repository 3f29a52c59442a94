"""The free-standing form for two lists: reconciles Parquet files that a user gives, without any store."""

import json
import time
from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from truc.errors import MalformedError
from truc.reconcile.engine.pairs import PairList
from truc.reconcile.engine.plan import Dialect
from truc.reconcile.files import Means
from truc.reconcile.pair_inputs import PairGiven, opened
from truc.reconcile.pair_running import PairResult, reconcile_pairs
from truc.reconcile.pair_spec import PairSide, PairSpec

LISTS: tuple[PairList, ...] = ("matches", "breaks")


def named_pair(name: str) -> PairSpec:
    """Return the spec of that name; raise MalformedError where there is none for two lists."""
    folder = Path(__file__).parent / "specs"
    specs = {path.stem: import_module(f"truc.reconcile.specs.{path.stem}").SPEC for path in folder.glob("[a-z]*.py")}
    pairs = {stem: spec for stem, spec in specs.items() if isinstance(spec, PairSpec)}
    if name not in pairs:
        raise MalformedError(
            f"--spec: {name!r} is not declared for two lists; one of {', '.join(sorted(pairs))}", reason="unknown_spec"
        )
    return pairs[name]


def pair_files(
    spec: PairSpec,
    core: Path,
    partner: Path,
    out: Path,
    means: Means,
    *,
    lists: Sequence[PairList] = LISTS,
    as_of: datetime | None = None,
) -> PairResult:
    """Reconcile two Parquet files, write the results into `out`, and return what they come to.

    Besides what pair_running.reconcile_pairs writes, run.json tells engine, SQL and times. `lists` may leave out
    matches.parquet, which holds nearly every row. Raise MalformedError where a file cannot be read.
    """
    started = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    given: dict[PairSide, PairGiven] = {"core": opened(core, spec), "partner": opened(partner, spec)}
    read_s = time.monotonic() - started
    dialect: Dialect = "duckdb" if means.engine == "duckdb" else "pyspark"
    with TemporaryDirectory(prefix="truc-", dir=means.work) as folder:
        engine = _engine(means, Path(folder))
        try:
            result = reconcile_pairs(engine, dialect, spec, given, out, lists=lists, as_of=as_of)
        finally:
            engine.close()
    told = {
        "engine": means.engine,
        "seconds": {"read": round(read_s, 3), "all": round(time.monotonic() - started, 3)},
        "steps": [{"name": one.name, "leg": one.leg, "sql": one.sql} for one in result.plan.steps],
        "told": dict(result.plan.told),
    }
    (out / "run.json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return result


def _engine(means: Means, folder: Path) -> Any:
    if means.engine == "duckdb":
        from truc.reconcile.engine.duck import open_duck

        return open_duck(folder, memory_mb=means.memory_mb, threads=means.threads)
    from truc.reconcile.engine.spark import open_spark

    return open_spark(folder, memory_mb=means.memory_mb, address=means.spark or f"local[{means.threads}]")
