"""CSV and Parquet: exact for who computes, harmless for who opens them in Excel."""

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.truc.reconcile.report.days import MISCHIEF, a_day, a_match, day_report
from truc.reconcile.report.contents import BREAKS
from truc.reconcile.report.data_files import write_csv, write_parquet
from truc.reconcile.schemas import MATCH_SCHEMA

STEM = "doi-soat_momo_2026-11-20_v2"


def read(path: Path, encoding: str) -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_csv_holds_every_text_as_it_is_and_digits_plain(tmp_path: Path) -> None:
    matches, breaks = write_csv(a_day(), tmp_path)
    assert [matches.name, breaks.name] == [f"{STEM}_matches.csv", f"{STEM}_breaks.csv"]
    rows = read(breaks, "utf-8")
    assert tuple(row["our_reference"] for row in rows[: len(MISCHIEF)]) == MISCHIEF
    assert list(rows[0]) == BREAKS.names
    assert (rows[0]["core_vnd"], rows[0]["business_on"], rows[-1]["business_on"]) == ("50000", "2026-11-20", "")
    assert read(matches, "utf-8")[40]["core_vnd"] == "144886308"


def test_csv_is_rfc_4180(tmp_path: Path) -> None:
    raw = write_csv(a_day(), tmp_path)[1].read_bytes()
    assert raw.startswith(b"break_id,break_class,leg,")
    lines = raw.split(b"\r\n")
    assert lines[-1] == b""
    assert len(lines) == 1 + a_day().breaks.num_rows + 1
    assert b'"a,""b"""' in raw
    assert '"hai\ndòng"'.encode() in raw


def test_csv_for_excel_has_a_mark_and_no_formula(tmp_path: Path) -> None:
    path = write_csv(a_day(), tmp_path, reader="excel")[1]
    assert path.name == f"{STEM}_breaks_excel.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbfbreak_id")
    rows = read(path, "utf-8-sig")
    references = [row["our_reference"] for row in rows[: len(MISCHIEF)]]
    assert [one.removeprefix("'") for one in references] == list(MISCHIEF)
    assert not [one for one in references if one.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert [row["difference_vnd"] for row in rows if row["break_class"] == "missing_in_core"] == ["-71003"]  # a number


@pytest.mark.parametrize("amount", [2**53 + 1, 2**63 - 1])
def test_parquet_is_exact_in_names_types_and_values(amount: int, tmp_path: Path) -> None:
    day = day_report([a_match(1, amount)], [])
    matches, breaks = (pq.read_table(path) for path in write_parquet(day, tmp_path))
    assert matches.schema.equals(MATCH_SCHEMA)
    assert breaks.schema.equals(BREAKS)
    assert matches.equals(day.matches)
    assert read(write_csv(day, tmp_path)[0], "utf-8")[0]["core_vnd"] == str(amount)


def test_the_same_report_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first, second = (
        [path.read_bytes() for path in (*write_csv(a_day(), tmp_path / name), *write_parquet(a_day(), tmp_path / name))]
        for name in ("a", "b")
    )
    assert first == second
