"""CSV and Parquet of a day's matches and breaks, for who goes on computing: codes and plain digits."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from truc.reconcile.report.contents import DayReport, rows
from truc.reconcile.report.names import file_name

Reader = Literal["data", "excel"]
# Excel takes a field that begins with one of these for a formula, whatever its quotes.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_csv(report: DayReport, folder: Path, *, reader: Reader = "data") -> list[Path]:
    """Write `…_matches.csv` and `…_breaks.csv` (RFC 4180, UTF-8) and return where they lie.

    For `data` every text is exact. For `excel` (`…_excel.csv`) a byte-order mark says that it is UTF-8, and a text that
    Excel would take for a formula has an apostrophe before it.
    """
    ending = ".csv" if reader == "data" else "_excel.csv"
    return [_csv(table, folder / file_name(report, f"_{name}{ending}"), reader) for name, table in _tables(report)]


def write_parquet(report: DayReport, folder: Path) -> list[Path]:
    """Write `…_matches.parquet` and `…_breaks.parquet` and return where they lie."""
    written = []
    for name, table in _tables(report):
        path = folder / file_name(report, f"_{name}.parquet")
        pq.write_table(table, path)
        written.append(path)
    return written


def _tables(report: DayReport) -> Iterable[tuple[str, pa.Table]]:
    return ("matches", report.matches), ("breaks", report.breaks)


def _csv(table: pa.Table, path: Path, reader: Reader) -> Path:
    with path.open("w", encoding="utf-8-sig" if reader == "excel" else "utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(table.column_names)
        for row in rows(table, table.column_names):
            writer.writerow(map(_harmless, row) if reader == "excel" else row)
    return path


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
