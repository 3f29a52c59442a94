"""Computes the formulas of a workbook anew, from its cells alone: a spreadsheet as small as the formulas we write."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.workbook import Workbook

_CALL = re.compile(r"(SUMIFS|COUNTIFS|SUM)\(([^()]*)\)")


def opened(path: Path) -> tuple[Workbook, Workbook]:
    """Return the workbook with its formulas, and with the values that stand beside them."""
    return load_workbook(path), load_workbook(path, data_only=True)


def formulas(book: Workbook) -> Iterator[tuple[str, str, str]]:
    """Yield sheet, cell and formula of every formula."""
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    yield sheet.title, cell.coordinate, str(cell.value)


def computed(book: Workbook, sheet: str, formula: str) -> int:
    """Return what a formula gives; sums and differences of SUM, SUMIFS and COUNTIFS."""
    text = formula.removeprefix("=")
    assert re.sub(r"[+-]", "", _CALL.sub("", text)) == "", f"not a formula this reader knows: {formula}"
    signs = [-1 if sign == "-" else 1 for sign in re.findall(r"[+-]", _CALL.sub("", text))]
    calls = [_called(book, sheet, name, arguments) for name, arguments in _CALL.findall(text)]
    return sum(sign * value for sign, value in zip([1, *signs], calls, strict=True))


def _called(book: Workbook, sheet: str, name: str, arguments: str) -> int:
    given = [_values(book, sheet, one) for one in arguments.split(",")]
    if name == "SUM":
        return sum(_computed_value(book, sheet, value) for cells in given for value in cells)
    summed = given.pop(0) if name == "SUMIFS" else [1] * len(given[0])
    columns, wanted = given[0::2], [one[0] for one in given[1::2]]
    kept = [all(a == b for a, b in zip(row, wanted, strict=True)) for row in zip(*columns, strict=True)]
    return sum(value for value, keep in zip(summed, kept, strict=True) if keep and isinstance(value, int))


def _computed_value(book: Workbook, sheet: str, value: Any) -> int:
    if isinstance(value, str) and value.startswith("="):
        return computed(book, sheet, value)
    return value if isinstance(value, int) else 0


def _values(book: Workbook, sheet: str, cells: str) -> list[Any]:
    named, _, area = cells.rpartition("!")
    found = book[named.strip("'") if named else sheet][area.replace("$", "")]
    rows = found if isinstance(found, tuple) else ((found,),)
    return [cell.value for row in rows for cell in (row if isinstance(row, tuple) else (row,))]
