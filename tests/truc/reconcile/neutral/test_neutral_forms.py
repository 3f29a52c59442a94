"""The same rows in text, sheet and Parquet are the same to the engine, in memory that the file's size does not grow."""

import subprocess
import sys
import unicodedata
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.truc.reconcile.neutral.neutral_files import NEEDED, rows_of, write_csv, write_xlsx
from truc.reconcile.neutral import prepare

ROOT = Path(__file__).parents[4]

# No control characters: no sheet holds them. «_x0041_» is how a sheet spells an A, so no underscores.
WORDS = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"], exclude_characters="_"), max_size=12)
AMOUNTS = st.integers(-(2**63), 2**63 - 1) | st.integers(-5, 10**12) | st.sampled_from([2**53 + 1, 2**53, 2**53 - 1])
DAYS = st.dates(date(1950, 1, 1), date(2100, 1, 1))
INSTANTS = st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=UTC)  # a sheet keeps thousandths
)
ROW = st.fixed_dictionaries(
    {
        "party": st.sampled_from(["momo", "kho bạc"]),
        "business_on": st.none() | DAYS,
        "our_reference": WORDS,
        "partner_reference": st.integers(0, 10**20).map(lambda number: f"0{number}"),
        "kind": st.sampled_from(["payment", "refund", "hoàn tiền"]),
        "amount_vnd": st.none() | AMOUNTS,
        "fee_vnd": st.none() | AMOUNTS,
        "state": st.sampled_from(["paid", "failed"]),
        "occurred_at": st.none() | INSTANTS,
        "payer": WORDS.map(lambda text: unicodedata.normalize("NFD", text)),
    }
)


def expected(row):
    plain = {
        name: (unicodedata.normalize("NFC", value).strip() or None) if isinstance(value, str) else value
        for name, value in row.items()
    }
    return plain | {"unreadable": None}


def as_text(value):
    return "" if value is None else value.isoformat() if isinstance(value, date) else str(value)


def as_cell(value):
    match value:
        case datetime():
            return value.replace(tzinfo=None)
        case int():
            return value if abs(value) < 2**53 else str(value)
    return value


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, min_size=1, max_size=8), delimiter=st.sampled_from(",;\t|"))
def test_csv_xlsx_and_parquet_give_equal_rows(rows, delimiter, tmp_path):
    names = list(rows[0])
    rows = [{name: row[name] for name in names} for row in rows]  # they come in any order
    table = {name: [row[name] for row in rows] for name in names}
    other = {name: pa.array(table.pop(name), pa.decimal128(19, 0)) for name in ("amount_vnd", "fee_vnd")}
    other["occurred_at"] = pa.array(table.pop("occurred_at"), pa.timestamp("ms", "Asia/Ho_Chi_Minh"))
    other["business_on"] = pa.array(table.pop("business_on"), pa.date32())
    texts = {name: pa.array(values, pa.string()) for name, values in table.items()}
    pq.write_table(pa.table(texts | other), tmp_path / "f.parquet")
    files = [
        write_csv(tmp_path / "f.csv", names, [map(as_text, row.values()) for row in rows], delimiter=delimiter),
        write_xlsx(tmp_path / "f.xlsx", names, [list(map(as_cell, row.values())) for row in rows]),
        tmp_path / "f.parquet",
    ]
    for file in files:
        prepared = prepare(file, "core", tmp_path)
        made = rows_of(prepared)
        assert [{key: value for key, value in row.items() if key != "source_row"} for row in made] == [
            expected(row) for row in rows
        ]
        assert prepared.rows == len(rows)


def test_rows_are_numbered_on_from_batch_to_batch(tmp_path, monkeypatch):
    for form in ("delimited", "workbook", "parquet"):
        monkeypatch.setattr(f"truc.reconcile.neutral.{form}.BATCH_ROWS", 2)
    names, rows = list(NEEDED), [list(NEEDED.values())] * 5
    pq.write_table(pa.table({name: [word] * 5 for name, word in NEEDED.items()}), tmp_path / "f.parquet")
    files = {write_csv(tmp_path / "f.csv", names, rows): 2, write_xlsx(tmp_path / "f.xlsx", names, rows): 2}
    for file, first in (files | {tmp_path / "f.parquet": 1}).items():
        made = rows_of(prepare(file, "core", tmp_path))
        assert [row["source_row"] for row in made] == list(range(first, first + 5))


PEAK = """
import re, sys
from pathlib import Path
from truc.reconcile.neutral import prepare
prepared = prepare(Path(sys.argv[1]), "core", Path(sys.argv[2]))
# Not getrusage: its peak is that of the process we were forked from, if that is larger.
peak_kb = re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]
print(prepared.rows, int(peak_kb) // 1024)
"""


def peak_mb(file, tmp_path, rows):
    run = subprocess.run(
        [sys.executable, "-c", PEAK, file, tmp_path / "out"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found, peak = map(int, run.stdout.split())
    assert found == rows
    return peak


def many_csv(path, rows):
    with path.open("w", encoding="utf-8") as file:
        file.write("party,kind,amount_vnd,state,our_reference,payer\n")
        file.writelines(f"momo,payment,50.000,paid,P{number},{number:0>300}\n" for number in range(rows))
    return path


def many_parquet(path, rows):
    payers = pa.array([f"{number:0>300}" for number in range(rows)])
    words = {name: pa.array([word] * rows) for name, word in NEEDED.items()}
    pq.write_table(pa.table(words | {"payer": payers}), path, row_group_size=50_000)
    return path


@pytest.mark.parametrize("write", [many_csv, many_parquet])
def test_memory_does_not_grow_with_the_file(write, tmp_path):
    few, many = 140_000, 420_000  # the first batches warm the allocators up
    small = peak_mb(write(tmp_path / "small", few), tmp_path, few)
    large = peak_mb(write(tmp_path / "large", many), tmp_path, many)
    grown = (many - few) * 300 // 2**20  # what the further cells of `payer` alone are
    assert large - small < grown * 0.75, f"{small} MiB for {few} rows, {large} MiB for {many}"
