"""A planted day as files: typed Parquet, or CSV and XLSX as a partner's system or a clerk's desk writes them."""

import csv
import random
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from bench.planted.planting import Day
from bench.planted.rows import RECEIPT_COLUMNS, Row
from bench.planted.story import Side
from truc.domain.calendar import BUSINESS_ZONE

Form = Literal["parquet", "csv", "xlsx"]
SIDES: tuple[Side, ...] = ("core", "statement", "receipts", "remittance")
TYPES = {
    "business_on": pa.date32(),
    "amount_vnd": pa.int64(),
    "fee_vnd": pa.int64(),
    "occurred_at": pa.timestamp("us", "UTC"),
}
NEEDED = ("party", "amount_vnd")
BEYOND_FLOATS = 2**53  # a cell of a workbook is a float
CREATED_AT = datetime(2026, 1, 1)  # noqa: DTZ001 - the workbook's own date has no zone; fixed, so that bytes are equal


def write(day: Day, folder: Path, form: Form = "parquet") -> dict[Side, Path]:
    """Write a file for each side the day has into `folder`, and return them by side; the same day, the same bytes.

    A column in which no row says anything is left out. Parquet holds the neutral rows as they are. In the others texts
    are spelled loosely, and what cannot be read as an amount may be a word.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sides = {side: rows for side in SIDES if (rows := getattr(day, side)) is not None}
    files = {side: folder / f"{side}.{form}" for side in sides}
    for side, rows in sides.items():
        # A partner's system writes for machines; what comes from a desk is written for people.
        said: Saying = by_machine if side == "statement" or day.seed % 2 else by_hand
        given = rows if form == "parquet" else _spelled(rows, random.Random(f"spelling/{day.seed}/{side}"))
        _WRITERS[form](files[side], given, _columns(rows), said)
    return files


Saying = Callable[[str, Any], str]
Writing = Callable[[Path, list[Row], list[str], Saying], None]


def _spelled(rows: list[Row], source: random.Random) -> list[Row]:
    """The rows with, here and there, white space around a text, or letters and their marks apart."""
    spelled = []
    for row in rows:
        loose = dict(row)
        for name in ("our_reference", "partner_reference", "payer", "agency"):
            if row.get(name) and source.random() < 0.1:
                loose[name] = source.choice((f" {row[name]}  ", unicodedata.normalize("NFD", row[name])))
        spelled.append(loose)
    return spelled


def by_machine(name: str, value: Any) -> str:
    """A cell as a program writes it: ISO days and instants, plain digits."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return _word(name, value)


def by_hand(name: str, value: Any) -> str:
    """A cell as a Vietnamese desk writes it: day/month/year, groups of three digits, the local clock."""
    if isinstance(value, datetime):
        return value.astimezone(BUSINESS_ZONE).isoformat(sep=" ")
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    if isinstance(value, int):
        return f"{value:,}".replace(",", ".")
    return _word(name, value)


def _word(name: str, value: Any) -> str:
    """The value as text; an amount that is not known is said to be so."""
    unknown = "không rõ" if name == "amount_vnd" else ""
    return unknown if value is None else str(value)


def _columns(rows: list[Row]) -> list[str]:
    """The columns in which any row says something."""
    return [name for name in RECEIPT_COLUMNS if name in NEEDED or any(row.get(name) is not None for row in rows)]


def _parquet(path: Path, rows: list[Row], columns: list[str], _: Saying) -> None:
    schema = pa.schema([(name, TYPES.get(name, pa.string())) for name in columns])
    pq.write_table(pa.table({name: [row.get(name) for row in rows] for name in columns}, schema=schema), path)


def _csv(path: Path, rows: list[Row], columns: list[str], said: Saying) -> None:
    delimiter, encoding = (",", "utf-8") if said is by_machine else (";", "utf-8-sig")
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows([said(name, row.get(name)) for name in columns] for row in rows)


def _xlsx(path: Path, rows: list[Row], columns: list[str], said: Saying) -> None:
    with xlsxwriter.Workbook(path) as book:
        book.set_properties({"created": CREATED_AT})
        sheet = book.add_worksheet("Dữ liệu")
        sheet.freeze_panes(1, 0)
        day_format = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_row(0, 0, columns)
        for number, row in enumerate(rows, start=1):
            for place, name in enumerate(columns):
                value = row.get(name)
                if isinstance(value, date) and not isinstance(value, datetime):
                    sheet.write_datetime(number, place, value, day_format)
                elif isinstance(value, int) and abs(value) < BEYOND_FLOATS:
                    sheet.write_number(number, place, value)
                else:
                    sheet.write_string(number, place, said(name, value))


_WRITERS: dict[str, Writing] = {"parquet": _parquet, "csv": _csv, "xlsx": _xlsx}
