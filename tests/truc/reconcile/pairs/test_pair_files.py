"""The free-standing form for two lists: what is written, what is told of the run, and files that cannot be read."""

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.truc.reconcile.pairs import pair_runs
from tests.truc.reconcile.pairs.pair_runs import MORNING
from truc.errors import MalformedError
from truc.reconcile.engine import conservation
from truc.reconcile.files import Means
from truc.reconcile.pairs.files import pair_files
from truc.reconcile.specs import named_pair

SPEC = named_pair("dossier_statuses")
MEANS = Means(memory_mb=500)
ROW = {"dossier_code": "A", "status": "4"}


def written(path: Path, columns: dict[str, pa.Array]) -> Path:
    """Write columns as they are."""
    pq.write_table(pa.table(columns), path)
    return path


@pytest.fixture
def lists(tmp_path: Path) -> tuple[Path, Path]:
    """Two lists of one dossier that agree."""
    return pair_runs.written(SPEC, [ROW], tmp_path / "core.parquet"), pair_runs.written(
        SPEC, [ROW], tmp_path / "p.parquet"
    )


def test_what_is_told_of_a_run(tmp_path: Path, lists: tuple[Path, Path]) -> None:
    core, partner = lists
    result = pair_files(SPEC, core, partner, tmp_path / "out", MEANS, as_of=MORNING)
    assert (result.owed, result.agreed) == (1, 1)
    summary = json.loads((tmp_path / "out/summary.json").read_text(encoding="utf-8"))
    assert summary["spec"] == {"name": "dossier_statuses", "version": 1, "digest": SPEC.digest}
    assert summary["inputs"] == {
        side: hashlib.sha256(path.read_bytes()).hexdigest() for side, path in (("core", core), ("partner", partner))
    }
    assert summary["as_of"] == "2026-03-04T02:00:00+00:00"
    assert summary["compared"] == ["dossier_code", "status", "procedure_code"]
    assert [(one["side"], one["rows"]) for one in summary["given"]] == [("core", 1), ("partner", 1)]
    assert [(one["place"], one["core_rows"], one["partner_rows"]) for one in summary["ends"]] == [("match", 1, 1)]
    assert (summary["coverage"]["agreed"], summary["coverage"]["agreed_percent"]) == (1, "100.00")
    run = json.loads((tmp_path / "out/run.json").read_text(encoding="utf-8"))
    assert run["engine"] == "duckdb"
    assert [one["name"] for one in run["steps"]][:2] == ["pairs_twice", "pairs_single"]
    assert all(one["sql"].startswith("SELECT") for one in run["steps"])


def test_the_list_of_matches_may_be_left_out(tmp_path: Path) -> None:
    core, partner = pair_runs.drawn(SPEC, 41, rows=100)
    whole = pair_runs.told(SPEC, core, partner, tmp_path)
    given = [tmp_path / f"{side}.parquet" for side in ("core", "partner")]
    pair_files(SPEC, *given, tmp_path / "gaps", MEANS, lists=("breaks",))
    assert not (tmp_path / "gaps/matches.parquet").exists()
    for name in pair_runs.FILES[1:]:
        assert (tmp_path / "gaps" / name).read_bytes() == (tmp_path / "out" / name).read_bytes(), name
    assert whole.matches


@pytest.mark.parametrize(
    "column",
    [
        pa.array([4], pa.int16()),
        pa.array(["4"], pa.large_string()),
        pa.array(["4"]).dictionary_encode(),
    ],
)
def test_a_code_of_digits_may_stand_as_a_number_and_a_text_in_any_form(
    column: pa.Array, tmp_path: Path, lists: tuple[Path, Path]
) -> None:
    core = written(
        tmp_path / "other.parquet", {"dossier_code": pa.array(["A"]), "status": column, "beside": pa.array([1.5])}
    )
    assert pair_files(SPEC, core, lists[1], tmp_path / "out", MEANS).agreed == 1


def test_a_timestamp_in_milliseconds_is_read(tmp_path: Path) -> None:
    columns = {"dossier_code": pa.array(["A"]), "status": pa.array(["4"])}
    core = written(tmp_path / "c.parquet", columns | {"changed_at": pa.array([MORNING], pa.timestamp("ms", "UTC"))})
    old = pa.array([MORNING - timedelta(hours=1)], pa.timestamp("us", "UTC"))
    partner = written(tmp_path / "p.parquet", columns | {"changed_at": old})
    pair_files(SPEC, core, partner, tmp_path / "out", MEANS, as_of=MORNING + timedelta(days=2))
    assert pair_runs.read(tmp_path / "out").breaks[0]["break_class"] == "stale"


NAIVE = pa.array([MORNING.replace(tzinfo=None)], pa.timestamp("us"))


@pytest.mark.parametrize(
    ("columns", "reason", "names"),
    [
        ({"status": pa.array(["4"])}, "missing_column", "'dossier_code'"),
        ({"dossier_code": pa.array(["A"])}, "missing_column", "'status'"),
        ({"dossier_code": pa.array(["A"]), "status": pa.array([4.0])}, "wrong_type", "'status' is of type double"),
        ({"dossier_code": pa.array(["A"]), "status": pa.array(["4"]), "changed_at": NAIVE}, "wrong_type", "in UTC"),
        (
            {"dossier_code": pa.array(["A"]), "status": pa.array(["4"]), "number": pa.array([1.0])},
            "wrong_type",
            "int64",
        ),
        ({"dossier_code": pa.array(["A"]), "status": pa.array(["4"]), "received_on": NAIVE}, "wrong_type", "date32"),
    ],
)
def test_a_list_that_cannot_be_read_says_what_to_mend(
    columns: dict[str, pa.Array], reason: str, names: str, tmp_path: Path, lists: tuple[Path, Path]
) -> None:
    bad = written(tmp_path / "bad.parquet", columns)
    with pytest.raises(MalformedError, match=r"bad\.parquet") as caught:
        pair_files(SPEC, lists[0], bad, tmp_path / "out", MEANS)
    assert caught.value.reason == reason
    assert names in str(caught.value)


def test_what_is_no_file_and_no_parquet_is_named(tmp_path: Path, lists: tuple[Path, Path]) -> None:
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(lists[0].read_bytes()[:-3])
    for path, reason in ((tmp_path / "absent.parquet", "no_file"), (cut, "damaged")):
        with pytest.raises(MalformedError, match=path.name) as caught:
            pair_files(SPEC, path, lists[1], tmp_path / "out", MEANS)
        assert caught.value.reason == reason


def test_an_unknown_spec_and_one_of_money_are_refused_by_name() -> None:
    for name in ("payments", "nothing"):
        with pytest.raises(MalformedError, match="dossier_statuses, procedures, shipments") as caught:
            named_pair(name)
        assert caught.value.reason == "unknown_spec"


def test_a_run_that_does_not_conserve_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lists: tuple[Path, Path]
) -> None:
    real = conservation.check

    def one_short(given: Any, ends: Any) -> None:
        real([one | {"rows": one["rows"] + 1} for one in given], ends)

    monkeypatch.setattr(conservation, "check", one_short)
    with pytest.raises(AssertionError, match="does not conserve: pairs core"):
        pair_files(SPEC, *lists, tmp_path / "out", MEANS)
    assert not list((tmp_path / "out").iterdir())
