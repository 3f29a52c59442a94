"""Neutral rows in delimited text: every spelling that is read, every one that is not, and nothing lost."""

import hashlib
import unicodedata
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.truc.reconcile.neutral.neutral_files import NEEDED, rows_of, write_csv, write_xlsx
from truc.reconcile.neutral import prepare


def read_text(tmp_path, side="core", **cells):
    """What one CSV row with these cells is made into."""
    row = NEEDED | cells
    [made] = rows_of(prepare(write_csv(tmp_path / "f.csv", row, [row.values()]), side, tmp_path))
    return made


@pytest.mark.parametrize(
    ("written", "amount_vnd"),
    [
        ("50000", 50_000),
        (" 50000 ", 50_000),
        ("0050000", 50_000),
        ("0", 0),
        ("1.234.567", 1_234_567),
        ("1,234,567", 1_234_567),
        ("1 234 567", 1_234_567),
        ("1\u00a0234\u00a0567", 1_234_567),
        ("1\u202f234", 1_234),
        ("1.234", 1_234),
        ("1,234", 1_234),
        ("50000.0", 50_000),
        ("50000,00", 50_000),
        ("1,234.00", 1_234),
        ("1.234,0", 1_234),
        ("-50.000", -50_000),
        ("+50000", 50_000),
        (str(2**53 + 1), 2**53 + 1),
        (str(2**63 - 1), 2**63 - 1),
        (str(-(2**63)), -(2**63)),
        ("9.007.199.254.740.993", 2**53 + 1),
        ("", None),
        ("  ", None),
    ],
)
def test_an_amount_as_text_is_read(written, amount_vnd, tmp_path):
    for name in ("amount_vnd", "fee_vnd"):
        made = read_text(tmp_path, **{name: written})
        assert (made[name], made["unreadable"]) == (amount_vnd, None)


@pytest.mark.parametrize(
    "written",
    [
        "1.234,5", "1,234.50", "1234.5", "0.5", "0.500", "1,234.567", "1.234.56", "12.34.567", "1 234,567", "1.,234",
        "50000.000", "1e5", "5 đ", "50.000 VND", "--5", "5-", "(5)", "1_000", ".5", "5.", "NaN", "x", "١٢٣", "−5",
        "1'234", str(2**63), "1.234.5678",
    ],
)  # fmt: skip
def test_an_amount_that_is_not_clearly_whole_is_unreadable(written, tmp_path):
    made = read_text(tmp_path, amount_vnd=written, our_reference="P1")
    expected = f"amount_vnd: '{written}' is no whole number of đồng; write digits only"
    assert (made["amount_vnd"], made["unreadable"]) == (None, expected)
    assert (made["party"], made["our_reference"], made["state"]) == ("momo", "P1", "paid"), "the rest is kept"


@pytest.mark.parametrize(
    ("written", "business_on"),
    [
        ("2026-11-20", date(2026, 11, 20)),
        ("20/11/2026", date(2026, 11, 20)),
        ("3/4/2026", date(2026, 4, 3)),
        ("20261120", date(2026, 11, 20)),
        ("2026-11-20 00:00:00", date(2026, 11, 20)),
        ("2026-11-20T00:00:00.000", date(2026, 11, 20)),
        ("2028-02-29", date(2028, 2, 29)),
        ("", None),
    ],
)
def test_a_day_as_text_is_read(written, business_on, tmp_path):
    made = read_text(tmp_path, business_on=written)
    assert (made["business_on"], made["unreadable"]) == (business_on, None)


@pytest.mark.parametrize(
    "written",
    ["2026-02-29", "31/04/2026", "11/20/2026", "20-11-2026", "20/11/26", "2026-11-20T10:00:00", "46346", "0026-01-01",
     "2026-11-20 00:00:00Z", "hôm nay", "20112026"],
)  # fmt: skip
def test_what_is_no_day_is_unreadable(written, tmp_path):
    made = read_text(tmp_path, business_on=written)
    expected = f"business_on: '{written}' is no day; write it as 2026-11-20 or 20/11/2026"
    assert (made["business_on"], made["unreadable"], made["amount_vnd"]) == (None, expected, 50_000)


@pytest.mark.parametrize(
    ("written", "occurred_at"),
    [
        ("2026-11-20T09:00:00Z", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ("2026-11-20t09:00:00z", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ("2026-11-20 09:00:00+00", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ("2026-11-20T16:00:00+07:00", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ("2026-11-20T03:30:00.000000-0530", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ("2026-11-21T01:00+14:00", datetime(2026, 11, 20, 11, tzinfo=UTC)),
        ("2026-11-20T09:00:00", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ("2026-11-20 09:00", datetime(2026, 11, 20, 9, tzinfo=UTC)),
        ("2026-11-20T09:00:00.1Z", datetime(2026, 11, 20, 9, 0, 0, 100_000, tzinfo=UTC)),
        ("2026-11-20T09:00:00,123456789Z", datetime(2026, 11, 20, 9, 0, 0, 123_456, tzinfo=UTC)),
        ("1969-12-31T23:59:59.999999Z", datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("", None),
    ],
)
def test_an_instant_as_text_is_read(written, occurred_at, tmp_path):
    made = read_text(tmp_path, occurred_at=written)
    assert (made["occurred_at"], made["unreadable"]) == (occurred_at, None)


@pytest.mark.parametrize(
    "written",
    ["2026-11-20T24:00:00Z", "2026-11-20T09:60Z", "2026-11-20T09:00:60Z", "2026-02-30T09:00:00Z", "20/11/2026 09:00",
     "2026-11-20T09:00:00+15:00", "2026-11-20T09Z", "2026-11-20Z", "1763629200", "2026-11-20T09:00:00 ICT"],
)  # fmt: skip
def test_what_is_no_instant_is_unreadable(written, tmp_path):
    made = read_text(tmp_path, occurred_at=written)
    expected = f"occurred_at: '{written}' is no instant; write it as 2026-11-20T09:00:00Z"
    assert (made["occurred_at"], made["unreadable"]) == (None, expected)


def test_all_that_is_wrong_with_a_row_is_said(tmp_path):
    made = read_text(tmp_path, amount_vnd="x" * 60, fee_vnd="1,5", business_on="?")
    parts = made["unreadable"].split("; ")
    assert [part.split(":")[0] for part in parts if ":" in part] == ["business_on", "amount_vnd", "fee_vnd"]
    assert "x" * 41 not in made["unreadable"], "a long cell is not repeated whole"


def test_texts_are_composed_stripped_and_never_numbers(tmp_path):
    name = "Nguyễn Thị Ước"
    made = read_text(tmp_path, payer=unicodedata.normalize("NFD", f" {name}\u00a0"), our_reference="0012", agency=" ")
    assert (made["payer"], made["our_reference"], made["agency"]) == (name, "0012", None)
    assert read_text(tmp_path, kind="Payment")["kind"] == "Payment", "whether a word is known, the engine says"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("before", ["", "\ufeff", "\n\r\n"])
def test_header_and_delimiter_are_found(delimiter, before, tmp_path):
    names = [" Party ", "KIND", "Amount VND", "State", "Our-Reference", "business_on"]
    row = ["momo", "payment", "1.234.567", "paid", f'a{delimiter}"b"', "20/11/2026"]
    file = write_csv(tmp_path / "f.csv", names, [row], delimiter=delimiter, before=before)
    prepared = prepare(file, "core", tmp_path)
    [made] = rows_of(prepared)
    assert (made["our_reference"], made["amount_vnd"]) == (f'a{delimiter}"b"', 1_234_567)
    assert prepared.columns == (
        "party", "business_on", "our_reference", "kind", "amount_vnd", "state", "unreadable", "source_row"
    )  # fmt: skip


def test_a_byte_order_mark_before_a_quoted_name_is_no_part_of_it(tmp_path):
    (tmp_path / "f.csv").write_text('\ufeff"party","amount_vnd"\nmomo,5\n', encoding="utf-8")
    [made] = rows_of(prepare(tmp_path / "f.csv", "receipts", tmp_path))
    assert (made["party"], made["amount_vnd"]) == ("momo", 5)


def test_what_the_file_is_its_content_says(tmp_path):
    file = write_xlsx(tmp_path / "f.csv", list(NEEDED), [list(NEEDED.values())])
    other = write_csv(tmp_path / "f.parquet", NEEDED, [NEEDED.values()])
    assert rows_of(prepare(file, "core", tmp_path)) == rows_of(prepare(other, "core", tmp_path))


def test_what_was_prepared_is_told(tmp_path):
    rows = [["momo", "1", "x", ""], ["momo", "?", "y", ""]]
    file = write_csv(tmp_path / "f.csv", ["party", "amount_vnd", "Ghi chú", ""], rows)
    prepared = prepare(file, "receipts", tmp_path / "deep" / "out")
    assert prepared.digest == hashlib.sha256(file.read_bytes()).hexdigest()
    assert prepared.rows == 2
    assert prepared.notes == ("not read: 'Ghi chú'", "1 of 2 rows cannot be read")
    assert [one.name for one in (tmp_path / "deep" / "out").iterdir()] == [prepared.path.name]


@pytest.mark.parametrize(("side", "kind"), [("receipts", "payment"), ("remittance", "settlement")])
def test_defaults_stand_where_a_column_is_absent_or_empty(side, kind, tmp_path):
    absent = prepare(write_csv(tmp_path / "f.csv", ["party", "amount_vnd"], [["momo", "5"]]), side, tmp_path)
    assert {(row["kind"], row["state"]) for row in rows_of(absent)} == {(kind, "paid")}
    made = read_text(tmp_path, side=side, kind="", state=" ")
    assert (made["kind"], made["state"]) == (kind, "paid")
    made = read_text(tmp_path, side=side, kind="fee", state="failed")
    assert (made["kind"], made["state"]) == ("fee", "failed")
    made = read_text(tmp_path, kind="", state="")
    assert (made["kind"], made["state"]) == (None, None), "the other sides have none"


def test_rows_of_another_length_are_kept_and_say_so(tmp_path):
    lines = [
        "party,our_reference,kind,amount_vnd,state",
        "momo,P1,payment,5,paid",
        "",
        " , ,, ,",
        "momo,P2,payment,5",
        "momo,P3,payment,5,000,paid",
        "momo,P4,payment,5,paid,,",
        '"momo","P\n5",payment,5,paid',
        "momo,P6,payment,5,paid",
    ]
    (tmp_path / "f.csv").write_text("\r\n".join(lines), encoding="utf-8", newline="")
    made = rows_of(prepare(tmp_path / "f.csv", "core", tmp_path))
    found = [(row["our_reference"], row["amount_vnd"], row["unreadable"] is None, row["source_row"]) for row in made]
    assert found == [
        ("P1", 5, True, 2),
        ("P2", None, False, 5),
        ("P3", None, False, 6),
        ("P4", 5, True, 7),
        ("P\n5", 5, True, 8),
        ("P6", 5, True, 10),
    ]
    fix = "quote cells that hold a separator, write empty ones too"
    assert made[1]["unreadable"] == f"the row has 4 cells, the header 5; {fix}"


def test_a_file_without_rows_is_a_day_without_rows(tmp_path):
    for file in (write_csv(tmp_path / "f.csv", NEEDED, []), write_xlsx(tmp_path / "f.xlsx", list(NEEDED), [])):
        prepared = prepare(file, "core", tmp_path)
        assert (prepared.rows, rows_of(prepared)) == (0, [])
        assert pq.read_schema(prepared.path).field("amount_vnd").type == pa.int64()
