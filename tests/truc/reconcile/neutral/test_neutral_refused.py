"""Files that cannot be read as a whole: each is refused with its name and what to do, and leaves nothing behind."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from tests.truc.reconcile.neutral.neutral_files import NEEDED, refused, typed_table, write_csv, write_xlsx


@pytest.mark.parametrize(
    ("content", "reason", "told"),
    [
        (b"", "empty_file", "empty"),
        (b"\n \n", "missing_column", "'party', 'kind', 'amount_vnd', 'state'"),
        (b"party,kind,state\nm,payment,paid\n", "missing_column", "no column 'amount_vnd'"),
        (b"party,kind,amount_vnd,state,Amount VND\n", "double_column", "'amount_vnd' stands there twice"),
        (b"party,kind,amount_vnd,state,x, X\n", "double_column", "'X' stands there twice".replace("'X'", "' X'")),
        ("party,kind,amount_vnd,state\nnguyễn,".encode("cp1258", "replace") + b"\xea\n", "not_utf8", "line 2"),
        ("party,kind".encode("utf-16"), "unknown_kind", "CSV UTF-8"),
        (b"\x1f\x8b\x08\x00", "unknown_kind", "unpack"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "unknown_kind", ".xlsx"),
        (b'party,kind,amount_vnd,state\nm,"payment,5,paid\nm,payment,5,paid\n', "bad_quotes", "line 2"),
        (b'party,kind,amount_vnd,state\nm,payment,5,paid\nm,"a"b,5,paid\n', "bad_quotes", "line 3"),
        (b'"party,kind,amount_vnd,state\n', "bad_quotes", "line 1"),
        (b"party,kind,amount_vnd,state\n" + b"x" * (1 << 20), "long_line", "line 2"),
        (b"PAR1", "damaged", "write it again"),
        (b"PAR1" + b"\0" * 100 + b"PAR1", "damaged", "write it again"),
        (b"PK\x03\x04 and no more", "not_a_workbook", ".xlsx"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_fix(content, reason, told, tmp_path):
    (tmp_path / "given").write_bytes(content)
    found, text = refused(tmp_path / "given", tmp_path)
    assert (found, told in text) == (reason, True), text


@pytest.mark.parametrize("side", ["receipts", "remittance"])
def test_fewer_columns_are_needed_of_the_other_legs(side, tmp_path):
    file = write_csv(tmp_path / "f.csv", ["party", "our_reference"], [])
    assert refused(file, tmp_path, side)[0] == "missing_column"
    assert "'kind'" not in refused(file, tmp_path, side)[1]


def test_a_directory_and_a_missing_file_are_refused(tmp_path):
    (tmp_path / "day.parquet").mkdir()
    assert refused(tmp_path / "day.parquet", tmp_path)[0] == "no_file"
    assert refused(tmp_path / "none.csv", tmp_path)[0] == "no_file"


def test_parquet_cut_short_is_refused(tmp_path):
    pq.write_table(typed_table(), tmp_path / "whole.parquet")
    (tmp_path / "f.parquet").write_bytes((tmp_path / "whole.parquet").read_bytes()[:-30])
    assert refused(tmp_path / "f.parquet", tmp_path)[0] == "damaged"


def test_parquet_with_a_broken_page_is_refused(tmp_path):
    file = tmp_path / "f.parquet"
    pq.write_table(pa.table({name: [word] * 500 for name, word in NEEDED.items()}), file, compression="zstd")
    body = bytearray(file.read_bytes())
    body[4:200] = b"\xff" * 196
    file.write_bytes(body)
    assert refused(file, tmp_path)[0] == "damaged"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("our_reference", pa.bool_()),
        ("our_reference", pa.list_(pa.string())),
        ("amount_vnd", pa.bool_()),
        ("amount_vnd", pa.timestamp("us")),
        ("business_on", pa.float64()),
        ("occurred_at", pa.int64()),
        ("occurred_at", pa.time64("us")),
        ("party", pa.binary(4)),
        ("payer", pa.date32()),
    ],
)
def test_a_parquet_column_of_a_type_that_can_mean_nothing_is_refused(name, kind, tmp_path):
    pq.write_table(typed_table(**{name: pa.nulls(1, kind)}), tmp_path / "f.parquet")
    reason, text = refused(tmp_path / "f.parquet", tmp_path)
    assert reason == "wrong_type"
    assert f"column {name!r} is of type" in text


def test_two_parquet_columns_of_one_name_are_refused(tmp_path):
    table = typed_table()
    pq.write_table(table.append_column("Party", table["party"]), tmp_path / "f.parquet")
    assert refused(tmp_path / "f.parquet", tmp_path)[0] == "double_column"


def test_rows_on_two_sheets_are_refused(tmp_path):
    rows = [list(NEEDED), list(NEEDED.values())]
    file = write_xlsx(tmp_path / "f.xlsx", rows[0], rows[1:], further=[("more", rows)])
    reason, text = refused(file, tmp_path)
    assert (reason, "'rows', 'more'" in text) == ("several_sheets", True)


def test_a_workbook_without_rows_is_refused(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "f.xlsx") as book:
        book.add_worksheet()
    assert refused(tmp_path / "f.xlsx", tmp_path)[0] == "empty_file"


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("truc.reconcile.neutral.workbook.UNPACKED_BYTES_MAX", 100)
    file = write_xlsx(tmp_path / "f.xlsx", list(NEEDED), [])
    assert refused(file, tmp_path)[0] == "too_large"


def test_a_fault_behind_many_rows_leaves_nothing_behind(tmp_path):
    file = tmp_path / "f.csv"
    line = b"momo,payment,5,paid\n"
    file.write_bytes(b"party,kind,amount_vnd,state\n" + line * 70_000 + b"mo\xffmo,payment,5,paid\n")
    reason, text = refused(file, tmp_path)
    assert (reason, "line 70002 " in text) == ("not_utf8", True)
