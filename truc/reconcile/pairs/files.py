"""The free-standing form for two lists: reconciles Parquet files that a user gives, without any store."""

import json
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from truc.reconcile.engine.pairs import PairList
from truc.reconcile.files import DIALECTS, Means, open_engine
from truc.reconcile.pairs.inputs import PairGiven, opened
from truc.reconcile.pairs.running import PairResult, reconcile_pairs
from truc.reconcile.pairs.spec import PairSide, PairSpec

LISTS: tuple[PairList, ...] = ("matches", "breaks")


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

    Besides what running.reconcile_pairs writes, run.json tells engine, SQL and times. `lists` may leave out
    matches.parquet, which holds nearly every row. Raise MalformedError where a file cannot be read.
    """
    started = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    given: dict[PairSide, PairGiven] = {"core": opened(core, spec), "partner": opened(partner, spec)}
    read_s = time.monotonic() - started
    with (
        TemporaryDirectory(prefix="truc-reconcile-", dir=means.work) as folder,
        closing(open_engine(means, Path(folder))) as engine,
    ):
        result = reconcile_pairs(engine, DIALECTS[means.engine], spec, given, out, lists=lists, as_of=as_of)
    told = {
        "engine": means.engine,
        "seconds": {"read": round(read_s, 3), "all": round(time.monotonic() - started, 3)},
        "steps": [{"name": one.name, "leg": one.leg, "sql": one.sql} for one in result.plan.steps],
        "told": dict(result.plan.told),
    }
    (out / "run.json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return result
