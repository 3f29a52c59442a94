"""The report of a folder that `truc reconcile files` wrote: the run's own figures, whatever the files held."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.truc.reconcile.report.days import a_break
from truc.errors import MalformedError, SetupError
from truc.reconcile import files, running, specs
from truc.reconcile.report.commands import write
from truc.reconcile.report.contents import ACCOUNT_IN, ACCOUNT_OUT, BREAKS, SIDES
from truc.reconcile.report.folder import _at_risk, from_folder
from truc.store.break_lives import at_risk_vnd

DAY, EARLIER = date(2026, 11, 20), date(2026, 11, 16)
PAYMENTS, WRONG_EVERY = 400, 50


def side(wrong_vnd: int) -> dict[str, list[Any]]:
    """The rows of a side of two parties; one in WRONG_EVERY is less by so much, and the first is of an earlier day."""
    numbers = range(PAYMENTS)
    return {
        "party": ["momo" if number % 2 else "vnpay" for number in numbers],
        "business_on": [EARLIER if number == 0 else DAY for number in numbers],
        "our_reference": [f"TRUC{number:08}" for number in numbers],
        "kind": ["payment"] * PAYMENTS,
        "amount_vnd": [20_000 + number - (0 if number % WRONG_EVERY else wrong_vnd) for number in numbers],
        "state": ["failed" if number == 7 else "paid" for number in numbers],
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> running.Result:
    folder = tmp_path_factory.mktemp("given")
    for name, rows in (("core", side(0)), ("statement", side(1_000))):
        pq.write_table(pa.table(rows), folder / f"{name}.parquet")
    given: Mapping[Any, Path] = {name: folder / f"{name}.parquet" for name in ("core", "statement")}
    return files.reconcile_files(specs.named("payments"), given, folder / "out", files.Means())


def test_it_says_what_the_run_says(run: running.Result) -> None:
    report = from_folder(run.folder)
    assert (report.parties, report.first_on, report.last_on) == (("momo", "vnpay"), EARLIER, DAY)
    assert (report.matches.num_rows, report.breaks.num_rows) == (run.matches, run.breaks)
    assert report.result_digest == run.digest
    assert [(line.break_class, line.breaks, line.difference_vnd) for line in report.classes()] == [
        ("amount_differs", 8, 8_000)
    ]
    assert report.account_of("statement", "core", "new") == (PAYMENTS, sum(side(0)["amount_vnd"]) - 20_007)
    assert report.matched_vnd() == report.account_of("statement", "core", "matched")[1]


def test_the_account_adds_up(run: running.Result) -> None:
    report = from_folder(run.folder)
    for leg in report.legs():
        for of in SIDES:
            came, went = (
                [sum(one) for one in zip(*(report.account_of(leg, of, what) for what in whats), strict=True)]
                for whats in (ACCOUNT_IN, ACCOUNT_OUT)
            )
            assert came == went
            assert came[0] == PAYMENTS


def test_every_break_is_open_and_as_old_as_the_newest_day_makes_it(run: running.Result) -> None:
    report = from_folder(run.folder)
    ages = {row["our_reference"]: (row["age_days"], row["bucket"], row["state"]) for row in report.carried.to_pylist()}
    assert ages["TRUC00000000"] == (4, "4-7", "open")
    assert ages["TRUC00000050"] == (0, "0-1", "open")


def test_the_same_folder_gives_the_same_bytes_in_every_form(run: running.Result, tmp_path: Path) -> None:
    forms = ("xlsx", "pdf", "csv", "csv-excel", "parquet")
    first, second = (
        [path.read_bytes() for path in write(from_folder(run.folder), tmp_path / name, forms)] for name in "ab"
    )
    assert len(first) == 8
    assert first == second


VND = st.integers(0, 2**62)


@given(core=VND, partner=VND, difference=st.integers(-(2**62), 2**62) | st.just(0))
def test_what_is_at_risk_is_what_the_store_says(core: int, partner: int, difference: int) -> None:
    row = a_break(1, "amount_differs", core, partner) | {"difference_vnd": difference}
    table = pa.Table.from_pylist([row], BREAKS)
    assert _at_risk(table).to_pylist() == [at_risk_vnd(row)]


@pytest.mark.parametrize("name", ["summary.json", "matches.parquet", "breaks.parquet"])
def test_a_folder_without_a_file_is_told(name: str, run: running.Result, tmp_path: Path) -> None:
    copied(run.folder, tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(SetupError, match=name) as caught:
        from_folder(tmp_path)
    assert caught.value.reason == "no_result"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("summary.json", b"{"),
        ("summary.json", json.dumps({"spec": {}, "inputs": {}}).encode()),
        ("matches.parquet", b"no parquet"),
    ],
)
def test_a_file_that_no_run_wrote_is_refused(name: str, body: bytes, run: running.Result, tmp_path: Path) -> None:
    copied(run.folder, tmp_path)
    (tmp_path / name).write_bytes(body)
    with pytest.raises(MalformedError, match=name) as caught:
        from_folder(tmp_path)
    assert caught.value.reason == "bad_result"


def test_a_file_with_other_columns_is_refused(run: running.Result, tmp_path: Path) -> None:
    copied(run.folder, tmp_path)
    pq.write_table(pa.table({"leg": ["statement"]}), tmp_path / "breaks.parquet")
    with pytest.raises(MalformedError, match=r"breaks\.parquet"):
        from_folder(tmp_path)


def copied(source: Path, into: Path) -> None:
    for name in ("summary.json", "matches.parquet", "breaks.parquet"):
        (into / name).write_bytes((source / name).read_bytes())
