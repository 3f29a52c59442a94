"""A list of rows on a sheet, under totals and frozen headings with filters; and formulas that speak of such a list."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
from xlsxwriter.utility import quote_sheetname, xl_col_to_name

from truc.reconcile import words
from truc.reconcile.report.book import Book, Form
from truc.reconcile.report.contents import magnitude, rows, total
from truc.reconcile.report.headings import COLUMNS, KINDS, PHRASES, day_said, say
from truc.reconcile.words import Lang, Words, rule_said, said

ROWS_MAX = 1_000_000  # on one sheet; Excel's own limit is 1,048,576. A longer list goes on on a sheet more.
TITLE, OF_WHAT, TOTALS, HEADINGS, FIRST = range(5)
FROZEN_COLUMNS = 1
CODES: Mapping[str, Mapping[str, Words]] = {
    "break_class": words.BREAK_CLASSES,
    "bucket": words.AGES,
    "kind": KINDS,
    "leg": words.LEGS,
    "reason_code": words.REASONS,
    "resolution": words.RESOLUTIONS,
    "state": words.STATES,
}
WIDTHS: Mapping[str, int] = {
    "age_days": 9,
    "agency": 14,
    "assignee": 16,
    "break_class": 26,
    "break_id": 19,
    "business_on": 12,
    "kind": 14,
    "leg": 14,
    "our_reference": 30,
    "partner_reference": 26,
    "party": 14,
    "reason_code": 26,
    "resolution": 22,
    "rule": 30,
    "state": 12,
}
MONEY_WIDTH, OTHER_WIDTH = 20, 13
_FIRST_EXCEL_YEAR = 1900


@dataclass(frozen=True, slots=True)
class Listed:
    """Where a list lies, so that formulas can speak of its columns. `parts`: name of each sheet, and its last row."""

    parts: tuple[tuple[str, int], ...]
    columns: tuple[str, ...]
    table: pa.Table

    def ranges(self, column: str) -> list[str]:
        """Return the cells of a column on each sheet, e.g. `'Đã khớp'!$K$5:$K$2004`."""
        letter = xl_col_to_name(self.columns.index(column))
        return [f"{quote_sheetname(name)}!${letter}${FIRST + 1}:${letter}${last + 1}" for name, last in self.parts]

    def counted(self, **where: str) -> str:
        """Return the formula that counts the rows in which columns are what the given cells say."""
        return "+".join(f"COUNTIFS({','.join(pairs)})" for pairs in self._criteria(where))

    def summed(self, column: str, **where: str) -> str:
        """Return the formula that sums a column over the rows in which columns are what the given cells say."""
        found = zip(self.ranges(column), self._criteria(where), strict=True)
        return "+".join(f"SUMIFS({','.join([cells, *pairs])})" for cells, pairs in found)

    def largest(self, column: str) -> int:
        """Return what no sum over the column exceeds."""
        return magnitude(self.table, column)

    def _criteria(self, where: Mapping[str, str]) -> list[list[str]]:
        each = [[[cells, cell] for cells in self.ranges(column)] for column, cell in where.items()]
        return [[one for pair in part for one in pair] for part in zip(*each, strict=True)]


def write_list(book: Book, name: str, table: pa.Table, columns: Sequence[str]) -> Listed:
    """Write the list on as many sheets as it needs, and return where it lies."""
    parts = []
    for part, start in enumerate(range(0, max(table.num_rows, 1), ROWS_MAX), start=1):
        sheet, held = book.add_sheet(name, part), table.slice(start, ROWS_MAX)
        last = FIRST + max(held.num_rows, 1) - 1
        _set_up(sheet, columns, last)
        write_top(book, sheet)
        _write_totals(book, sheet, held, columns, last)
        for column, heading in enumerate(columns):
            book.put_text(sheet, HEADINGS, column, say(COLUMNS, heading, book.lang), "heading")
        _write_rows(book, sheet, held, columns)
        parts.append((sheet.get_name(), last))
    return Listed(tuple(parts), tuple(columns), table)


def write_top(book: Book, sheet: Any) -> None:
    """Write the title of a sheet and what it is of."""
    book.put_text(sheet, TITLE, 0, f"{say(PHRASES, 'book', book.lang)}: {sheet.get_name()}", "title")
    book.put_text(sheet, OF_WHAT, 0, book.of_what(), "label")


def _set_up(sheet: Any, columns: Sequence[str], last: int) -> None:
    for number, name in enumerate(columns):
        width = MONEY_WIDTH if name.endswith("_vnd") else WIDTHS.get(name, OTHER_WIDTH)
        sheet.set_column(number, number, width)
    sheet.set_row(HEADINGS, 32)
    sheet.freeze_panes(FIRST, FROZEN_COLUMNS)
    sheet.autofilter(HEADINGS, 0, last, len(columns) - 1)
    sheet.repeat_rows(HEADINGS)
    edge = xl_col_to_name(len(columns) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A{FIRST + 1}:{edge}{last + 1}"})


def _write_totals(book: Book, sheet: Any, held: pa.Table, columns: Sequence[str], last: int) -> None:
    book.put_text(sheet, TOTALS, 0, say(PHRASES, "total", book.lang), "label")
    for number, name in enumerate(columns):
        if _form(name) in ("money", "count") and name != "age_days":
            form: Form = "total_money" if name.endswith("_vnd") else "total_count"
            formula = f"SUM({cells(FIRST, last, number)})"
            value, largest = total(held, name), magnitude(held, name)
            book.put_formula(sheet, TOTALS, number, formula, value, largest=largest, form=form)


def _write_rows(book: Book, sheet: Any, held: pa.Table, columns: Sequence[str]) -> None:
    writers = [_writer(book, name) for name in columns]
    for number, row in enumerate(rows(held, columns), start=FIRST):
        for column, (write, value) in enumerate(zip(writers, row, strict=True)):
            if value is not None:
                write(sheet, number, column, value)


def _form(name: str) -> Form:
    if name.endswith("_vnd"):
        return "money"
    if name.endswith("_on"):
        return "day"
    return "count" if name.endswith(("_rows", "_days")) else "text"


def _writer(book: Book, name: str) -> Callable[[Any, int, int, Any], None]:
    form = _form(name)
    if form == "day":
        return lambda sheet, row, column, day: _put_day(book, sheet, row, column, day)
    if form in ("money", "count"):
        return lambda sheet, row, column, number: book.put_number(sheet, row, column, number, form)
    word = _word(name, book.lang)
    return lambda sheet, row, column, text: book.put_text(sheet, row, column, word(text))


def _word(name: str, lang: Lang) -> Callable[[str], str]:
    """Return what a code of the column is called; a text that is no code stays as it is."""
    if name == "rule":
        return lambda code: rule_said(code, lang)
    table = CODES.get(name)
    return (lambda text: text) if table is None else (lambda code: said(table, code, lang))


def _put_day(book: Book, sheet: Any, row: int, column: int, day: date) -> None:
    if day.year < _FIRST_EXCEL_YEAR:  # a spreadsheet has no such day
        book.put_text(sheet, row, column, day_said(day))
    else:
        sheet.write_datetime(row, column, day, book.format("day"))


def cells(first: int, last: int, column: int) -> str:
    """Return the cells of one column of the same sheet, rows counted from 0."""
    letter = xl_col_to_name(column)
    return f"{letter}{first + 1}:{letter}{last + 1}"
