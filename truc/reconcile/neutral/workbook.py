"""XLSX workbooks of neutral rows: the values that stand in the cells of one sheet."""

import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path

import polars as pl
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum

from truc.errors import MalformedError
from truc.reconcile.neutral.cells import FIXES, FLOAT_FIX, ROW_PROBLEM
from truc.reconcile.neutral.columns import COLUMNS, REQUIRED, SOURCE_ROW, Header, Side, Type, header, our_name
from truc.reconcile.neutral.source import BATCH_ROWS, Source

UNPACKED_BYTES_MAX = 1 << 30
WHOLE_MAX = 2**53  # a sheet keeps numbers as floats: from here on digits are lost (recon.md §5)
Cell = int | float | str | bool | time | date | datetime | timedelta
Row = tuple[int, Sequence[Cell]]  # its number in the sheet, from 1


class _NoTextError(Exception):
    """The cell has no spelling that could be read as its column."""


def source(path: Path, side: Side) -> Source:
    """Return the cells as text; `source_row` is the number that the sheet shows beside the row.

    The one sheet whose first row that is not empty holds the columns the side needs; rows that are empty are passed
    over. A cell with an Excel error (#N/A) is empty to the reader of sheets, and so it is here.

    MalformedError `not_a_workbook`, `too_large`, `several_sheets`; `missing_column` and `double_column` as `header`.
    """
    _refuse_bombs(path)
    try:
        with CalamineWorkbook.from_path(path) as book:
            kinds = {one.name: one.typ for one in book.sheets_metadata}
            sheets = [book.get_sheet_by_name(name) for name, typ in kinds.items() if typ == SheetTypeEnum.WorkSheet]
    except (CalamineError, OSError, ValueError) as error:
        raise _no_workbook(path) from error
    sheet, notes = _chosen(sheets, side, path.name)
    rows = _rows(sheet)
    names = [str(cell) for cell in next(rows)[1]]
    found = header(names, side=side, file=path.name)
    return Source(found, _batches(rows, found), notes)


def _refuse_bombs(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(part.file_size for part in packed.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _no_workbook(path) from error
    if size > UNPACKED_BYTES_MAX:
        text = f"{path.name}: the workbook unpacks to {size:,} bytes; save the sheet as CSV UTF-8 or Parquet"
        raise MalformedError(text, reason="too_large")


def _no_workbook(path: Path) -> MalformedError:
    text = f"{path.name}: no whole XLSX workbook without a password; save it again as «Excel Workbook (.xlsx)»"
    return MalformedError(text, reason="not_a_workbook")


def _chosen(sheets: list[CalamineSheet], side: Side, file: str) -> tuple[CalamineSheet, tuple[str, ...]]:
    """Return the sheet with the rows, and a note for each other one that is not empty."""
    filled = [sheet for sheet in sheets if next(_rows(sheet), None)]
    fitting = [sheet for sheet in filled if set(REQUIRED[side]) <= _known(sheet)] or filled[:1]
    if not fitting:
        raise MalformedError(f"{file}: no sheet holds a row; write the header and the rows", reason="empty_file")
    if len(fitting) > 1:
        names = ", ".join(repr(sheet.name) for sheet in fitting)
        text = f"{file}: the sheets {names} all hold rows; give each as a file of its own, or put them on one"
        raise MalformedError(text, reason="several_sheets")
    return fitting[0], tuple(f"sheet not read: {one.name!r}" for one in filled if one is not fitting[0])


def _known(sheet: CalamineSheet) -> set[str | None]:
    return {our_name(str(cell)) for cell in next(_rows(sheet))[1]}


def _rows(sheet: CalamineSheet) -> Iterator[Row]:
    """Yield the rows that are not empty."""
    numbered = enumerate(sheet.iter_rows(), start=1)
    return ((number, row) for number, row in numbered if any(not _empty(cell) for cell in row))


def _empty(cell: Cell) -> bool:
    return isinstance(cell, str) and not cell.strip()


def _batches(rows: Iterator[Row], found: Header) -> Iterator[pl.DataFrame]:
    schema = {name: pl.String() for name in found.places} | {SOURCE_ROW: pl.Int64(), ROW_PROBLEM: pl.String()}
    while batch := list(islice(rows, BATCH_ROWS)):
        spelled = [
            (*texts, number, problem) for number, (texts, problem) in ((n, _spelled(r, found)) for n, r in batch)
        ]
        yield pl.DataFrame(spelled, schema=schema, orient="row")


def _spelled(row: Sequence[Cell], found: Header) -> tuple[list[str | None], str | None]:
    """Return the cells as text and what is wrong with those that have none."""
    texts: list[str | None] = []
    problems: list[str] = []
    for name, place in found.places.items():
        try:
            texts.append(_text(row[place], COLUMNS[name]))
        except _NoTextError as error:
            texts.append(None)
            problems.append(f"{name}: {error}")
    return texts, "; ".join(problems) or None


def _text(cell: Cell, kind: Type) -> str:
    match cell:
        case str():
            return cell
        case datetime() | date() if kind in (Type.DAY, Type.INSTANT):
            return cell.isoformat()
        case bool() | datetime() | date() | time() | timedelta() if kind is Type.TEXT:
            raise _NoTextError("the sheet holds a date, a time or true/false; keep this column as text")
        case int() | float() if not isinstance(cell, bool) and abs(cell) < WHOLE_MAX and cell == cell // 1:
            return str(int(cell))
        case int() | float() if kind is Type.TEXT:
            raise _NoTextError(FIXES[kind])
    fix = FLOAT_FIX if isinstance(cell, float) and kind is Type.AMOUNT else FIXES[kind]
    raise _NoTextError(f"'{cell}' {fix}")
