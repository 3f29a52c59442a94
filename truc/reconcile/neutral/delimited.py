"""Delimited text of neutral rows: UTF-8, a header line, cells parted by comma, semicolon, tab or bar."""

import csv
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

import polars as pl

from truc.errors import MalformedError
from truc.reconcile.neutral.cells import ROW_PROBLEM
from truc.reconcile.neutral.columns import COLUMNS, SOURCE_ROW, Header, Side, Type, header, our_name
from truc.reconcile.neutral.source import BATCH_ROWS, Source

DELIMITERS = ",;\t|"
LINE_BYTES_MAX = 1 << 20
QUOTES = 'a quote is not closed, or text stands behind one; write quotes inside a cell twice ("")'
Row = tuple[int, list[str]]  # the line a record begins on, and its cells


def source(path: Path, side: Side) -> Source:
    """Return the cells as text; `source_row` is the line a record begins on, the header's line being counted too.

    Empty lines are passed over. Quotes are RFC 4180's. A record with fewer or more cells than the header is a row
    with a problem: a separator too few or too many may have moved its cells, so of them only texts are kept.

    MalformedError `not_utf8`, `long_line` and `bad_quotes` name the line; `missing_column` and `double_column` as
    `header` says. Those behind the header's line are raised by the batches.
    """
    lines = _lines(path)
    begins, titles = next(((number, line) for number, line in enumerate(lines, start=1) if line.strip()), (1, ""))
    delimiter = max(DELIMITERS, key=lambda one: _known(titles, one))
    names = _names(titles, delimiter, f"{path.name}: line {begins}")
    found = header(names, side=side, file=path.name)
    rows = _rows(lines, delimiter, before=begins, file=path.name)
    return Source(found, _batches(rows, found, len(names)))


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines with their ends; a byte-order mark is no part of the first."""
    with path.open("rb") as file:
        first = file.readline(LINE_BYTES_MAX).removeprefix(b"\xef\xbb\xbf")
        for number, line in enumerate(chain([first], _further(file)), start=1):
            if len(line) >= LINE_BYTES_MAX:
                text = (
                    f"{path.name}: line {number} has more than {LINE_BYTES_MAX:,} bytes; end each row with a line end"
                )
                raise MalformedError(text, reason="long_line")
            try:
                yield line.decode()
            except UnicodeDecodeError:
                text = f"{path.name}: line {number} is no UTF-8 text; save the file as «CSV UTF-8»"
                raise MalformedError(text, reason="not_utf8") from None


def _further(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.readline(LINE_BYTES_MAX), b"")


def _known(titles: str, delimiter: str) -> int:
    """Count our columns in the header line when it is cut at this delimiter."""
    return sum(our_name(name.strip(' "\r\n')) is not None for name in titles.split(delimiter))


def _names(titles: str, delimiter: str, place: str) -> list[str]:
    try:
        return next(csv.reader([titles], delimiter=delimiter, strict=True), [])
    except csv.Error:
        raise MalformedError(f"{place}: {QUOTES}", reason="bad_quotes") from None


def _rows(lines: Iterator[str], delimiter: str, *, before: int, file: str) -> Iterator[Row]:
    """Yield the records that are not empty; `before` lines stand before them."""
    records = csv.reader(lines, delimiter=delimiter, strict=True)
    begins = before + 1
    try:
        for cells in records:
            if "".join(cells).strip():
                yield begins, cells
            begins = before + records.line_num + 1
    except csv.Error:
        # Where a quote is left open, any number of rows may have gone into one cell: the whole file is in doubt.
        raise MalformedError(f"{file}: line {begins}: {QUOTES}", reason="bad_quotes") from None


def _batches(rows: Iterator[Row], found: Header, width: int) -> Iterator[pl.DataFrame]:
    schema = {name: pl.String() for name in found.places} | {SOURCE_ROW: pl.Int64(), ROW_PROBLEM: pl.String()}
    while batch := list(islice(rows, BATCH_ROWS)):
        numbers, problems = [number for number, _ in batch], [_problem(cells, width) for _, cells in batch]
        even = [
            cells if problem is None else _texts_of(cells, found, width)
            for (_, cells), problem in zip(batch, problems, strict=True)
        ]
        columns = {name: [cells[place] for cells in even] for name, place in found.places.items()}
        yield pl.DataFrame(columns | {SOURCE_ROW: numbers, ROW_PROBLEM: problems}, schema=schema)


def _problem(cells: list[str], width: int) -> str | None:
    if len(cells) == width or (len(cells) > width and not any(cells[width:])):
        return None
    return (
        f"the row has {len(cells)} cells, the header {width}; quote cells that hold a separator, write empty ones too"
    )


def _texts_of(cells: list[str], found: Header, width: int) -> list[str]:
    texts = {place for name, place in found.places.items() if COLUMNS[name] is Type.TEXT and place < len(cells)}
    return [cells[place] if place in texts else "" for place in range(width)]
