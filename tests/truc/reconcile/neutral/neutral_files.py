"""Files of neutral rows for the tests: written in each form, read back as the engine gets them."""

import csv
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from truc.errors import MalformedError
from truc.reconcile.neutral import prepare

NEEDED = {"party": "momo", "kind": "payment", "amount_vnd": "50000", "state": "paid"}
AT = datetime(2026, 11, 20, 9, tzinfo=UTC)


def write_csv(path, names, rows, *, delimiter=",", before=""):
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(before)
        csv.writer(file, delimiter=delimiter).writerows([names, *rows])
    return path


def write_xlsx(path, names, rows, *, first=(0, 0), further=()):
    """One sheet «rows» from the cell `first` on; `further` are (name, rows) of other sheets."""
    with xlsxwriter.Workbook(path) as book:
        day, instant = (book.add_format({"num_format": form}) for form in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss.000"))
        for name, cells in [("rows", [names, *rows]), *further]:
            sheet = book.add_worksheet(name)
            for y, row in enumerate(cells, start=first[0]):
                for x, cell in enumerate(row, start=first[1]):
                    match cell:
                        case str():
                            sheet.write_string(y, x, cell)
                        case datetime():
                            sheet.write_datetime(y, x, cell, instant)
                        case date():
                            sheet.write_datetime(y, x, cell, day)
                        case _:
                            sheet.write(y, x, cell)
    return path


def rows_of(prepared):
    return pq.read_table(prepared.path).to_pylist()


def typed_table(**other):
    at = pa.array([datetime(2026, 11, 20, 9, tzinfo=UTC)], pa.timestamp("us", "UTC"))
    return pa.table(
        {"party": ["momo"], "kind": ["payment"], "amount_vnd": [2**53 + 1], "state": ["paid"], "occurred_at": at}
        | {"business_on": [date(2026, 11, 20)], "our_reference": ["P1"]}
        | other
    )


def refused(path, tmp_path, side="core"):
    with pytest.raises(MalformedError) as error:
        prepare(path, side, tmp_path / "out")
    assert path.name in str(error.value)
    assert not list(tmp_path.glob("out/*")), "nothing is left of a file that was refused"
    return error.value.reason, str(error.value)
