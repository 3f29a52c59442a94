"""Every number of a day is the same in the workbook, on the minutes, in CSV and in Parquet."""

import csv
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pypdf import PdfReader

from tests.truc.reconcile.report import spreadsheet
from tests.truc.reconcile.report.days import a_day
from truc.reconcile.report.contents import DayReport
from truc.reconcile.report.data_files import write_csv, write_parquet
from truc.reconcile.report.headings import COLUMNS, grouped
from truc.reconcile.report.minutes import minutes
from truc.reconcile.report.workbook import BREAK_COLUMNS, MATCHED_COLUMNS, write_xlsx
from truc.reconcile.words import BREAK_CLASSES, TOTALS

LISTS = {"matches": ("Đã khớp", MATCHED_COLUMNS), "breaks": ("Chênh lệch", BREAK_COLUMNS)}
NUMBERS = (
    "core_rows",
    "partner_rows",
    "core_vnd",
    "partner_vnd",
    "difference_vnd",
    "core_money_vnd",
    "partner_money_vnd",
)


@pytest.fixture(scope="module")
def day() -> DayReport:
    return a_day()


@pytest.fixture(scope="module")
def folder(day: DayReport, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("day")
    for write in (write_xlsx, write_csv, write_parquet):
        write(day, folder)
    return folder


@pytest.mark.parametrize("name", LISTS)
def test_every_row_of_the_lists(name: str, day: DayReport, folder: Path) -> None:
    (parquet,) = folder.glob(f"*_{name}.parquet")
    table = pq.read_table(parquet)
    (path,) = folder.glob(f"*_{name}.csv")
    with path.open(encoding="utf-8", newline="") as file:
        in_csv = list(csv.DictReader(file))
    in_book = list(book_rows(folder, *LISTS[name]))
    assert len(in_csv) == len(in_book) == table.num_rows == getattr(day, name).num_rows
    columns = (*NUMBERS, "business_on", *(["at_risk_vnd", "age_days"] if name == "breaks" else []))
    for column in columns:
        told = table[column].to_pylist()
        assert ["" if one is None else str(one) for one in told] == [row[column] for row in in_csv], column
        assert told == [row[column] for row in in_book], column


def test_every_total_of_the_workbook_is_that_of_the_parquet_files(folder: Path) -> None:
    for name, (sheet, columns) in LISTS.items():
        (parquet,) = folder.glob(f"*_{name}.parquet")
        table = pq.read_table(parquet)
        totals = dict(zip(columns, next(sheet_rows(folder, sheet, 3)), strict=True))
        for column in (*NUMBERS, *(["at_risk_vnd"] if name == "breaks" else [])):
            assert totals[column] == sum(table[column].to_pylist()), (name, column)


def test_every_number_of_the_minutes_is_that_of_workbook_and_parquet(day: DayReport, folder: Path) -> None:
    text = "\n".join(page.extract_text() for page in PdfReader(BytesIO(minutes(day))).pages)
    lines = text.splitlines()
    summary = [row for row in sheet_rows(folder, "Tổng hợp", 1) if row[0]]
    for words in (
        TOTALS[what].vi for what in ("carried_in", "new", "matched", "no_money", "written_off", "carried_out")
    ):
        (figures,) = [row[1:5] for row in summary if row[0] == words]
        assert told(words, figures) in lines
    breaks = parquet_rows(folder, "breaks")
    for break_class in {row["break_class"] for row in breaks}:
        of_class = [row for row in breaks if row["break_class"] == break_class]
        amounts = [
            sum(row[name] for row in of_class) for name in ("core_vnd", "partner_vnd", "difference_vnd", "at_risk_vnd")
        ]
        words = BREAK_CLASSES[break_class].vi
        assert told(words, [len(of_class), *amounts]) in lines
        assert [words, len(of_class), *amounts] in [list(row[:6]) for row in summary]
    for number, row in enumerate(breaks, start=1):
        assert any(
            line.startswith(f"{number} ")
            and line.endswith(told("", [row[name] for name in ("core_vnd", "partner_vnd", "difference_vnd")]))
            for line in lines
        ), row
    matched = sum(row["core_money_vnd"] for row in parquet_rows(folder, "matches"))
    assert f"Số tiền của ta đã khớp: {grouped(matched, 'vi')} đ" in lines
    assert f"Số tiền cần làm rõ: {grouped(sum(row['at_risk_vnd'] for row in breaks), 'vi')} đ" in lines


def test_what_is_carried_and_how_old_is_the_same_on_both_sheets(day: DayReport, folder: Path) -> None:
    carried = [row for row in parquet_rows(folder, "breaks") if row["state"] != "resolved"]
    *_, last = sheet_rows(folder, "Tuổi chênh lệch", 5)
    assert last[0] == "Tổng cộng"
    assert last[11:13] == (len(carried), sum(row["at_risk_vnd"] for row in carried))
    assert sum(last[1:11:2]) == len(carried)
    assert sum(last[2:11:2]) == last[12]


def told(words: str, figures: Any) -> str:
    return " ".join([words, *(grouped(one, "vi") for one in figures)])


def book_rows(folder: Path, sheet: str, columns: tuple[str, ...]) -> Any:
    heads = next(sheet_rows(folder, sheet, 4))
    assert heads == tuple(COLUMNS[name].vi for name in columns)
    for row in sheet_rows(folder, sheet, 5):
        values = (one.date() if isinstance(one, datetime) else one for one in row)
        yield dict(zip(columns, values, strict=True))


def sheet_rows(folder: Path, sheet: str, first: int) -> Any:
    (path,) = folder.glob("*.xlsx")
    return spreadsheet.opened(path)[1][sheet].iter_rows(min_row=first, values_only=True)


def parquet_rows(folder: Path, name: str) -> list[dict[str, Any]]:
    (path,) = folder.glob(f"*_{name}.parquet")
    table: pa.Table = pq.read_table(path)
    return table.to_pylist()  # type: ignore[no-any-return]
