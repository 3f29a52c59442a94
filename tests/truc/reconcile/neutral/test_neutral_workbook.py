"""Neutral rows in XLSX: what a cell of a sheet is made into, and where the sheet has lost something."""

from datetime import UTC, date, datetime, time

import pytest

from tests.truc.reconcile.neutral.neutral_files import AT, NEEDED, rows_of, write_xlsx
from truc.reconcile.neutral import prepare


def read_sheet(tmp_path, **cells):
    row = NEEDED | cells
    [made] = rows_of(prepare(write_xlsx(tmp_path / "f.xlsx", list(row), [list(row.values())]), "core", tmp_path))
    return made


@pytest.mark.parametrize(
    ("name", "cell", "made"),
    [
        ("amount_vnd", 50_000, 50_000),
        ("amount_vnd", 2**53 - 1, 2**53 - 1),
        ("amount_vnd", str(2**53 + 1), 2**53 + 1),
        ("amount_vnd", "1.234", 1_234),
        ("our_reference", "00123", "00123"),
        ("our_reference", 123, "123"),
        ("business_on", date(2026, 11, 20), AT.date()),
        ("business_on", datetime(2026, 11, 20), AT.date()),  # noqa: DTZ001
        ("business_on", "20/11/2026", AT.date()),
        ("business_on", 20261120, AT.date()),
        ("occurred_at", datetime(2026, 11, 20, 9), AT),  # noqa: DTZ001
        ("occurred_at", datetime(2026, 11, 20), datetime(2026, 11, 20, tzinfo=UTC)),  # noqa: DTZ001
        ("occurred_at", "2026-11-20T16:00:00+07:00", AT),
        ("payer", None, None),
    ],
)
def test_a_cell_of_a_sheet_is_read(name, cell, made, tmp_path):
    row = read_sheet(tmp_path, **{name: cell})
    assert (row[name], row["unreadable"]) == (made, None)


@pytest.mark.parametrize(
    ("name", "cell", "told"),
    [
        ("amount_vnd", 1.5, "'1.5' is no whole number"),
        ("amount_vnd", 1.234, "'1.234' is no whole number"),
        ("amount_vnd", 2**53, "below 2^53"),
        ("amount_vnd", date(2026, 11, 20), "is no whole number"),
        ("amount_vnd", True, "'True' is no whole number"),
        ("our_reference", 1234567890123456789, "lost digits"),
        ("our_reference", 0.5, "lost digits"),
        ("our_reference", date(2026, 11, 20), "keep this column as text"),
        ("our_reference", True, "keep this column as text"),
        ("business_on", datetime(2026, 11, 20, 9), "is no day"),  # noqa: DTZ001
        ("business_on", 46346, "is no day"),
        ("business_on", 46346.5, "is no day"),
        ("occurred_at", 46346, "is no instant"),
        ("occurred_at", time(9), "is no instant"),
    ],
)
def test_a_cell_of_a_sheet_that_is_not_what_it_should_be_is_unreadable(name, cell, told, tmp_path):
    row = read_sheet(tmp_path, **{name: cell}, partner_reference="T1")
    assert row[name] is None
    assert row["unreadable"].startswith(f"{name}: ")
    assert told in row["unreadable"]
    assert row["partner_reference"] == "T1"


def test_the_sheet_with_the_columns_is_read_wherever_it_begins(tmp_path):
    rows = [["momo", "payment", 5, "paid"], ["", " ", "", ""], ["momo", "payment", 6, "paid"]]
    file = write_xlsx(tmp_path / "f.xlsx", list(NEEDED), rows, first=(3, 2), further=[("Bìa", [["Sao kê"]]), ("e", [])])
    prepared = prepare(file, "core", tmp_path)
    assert [(row["amount_vnd"], row["source_row"]) for row in rows_of(prepared)] == [(5, 5), (6, 7)]
    assert prepared.notes == ("sheet not read: 'Bìa'",)
