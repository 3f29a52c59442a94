"""Neutral rows in Parquet: what stays where it is, what is written anew, and what its types make of the cells."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.truc.reconcile.neutral.neutral_files import AT, NEEDED, rows_of, typed_table
from truc.reconcile.neutral import prepare

HANOI = timezone(timedelta(hours=7))


def read_column(tmp_path, name, values):
    """What a Parquet column of this type is made into, with the reasons."""
    size = len(values)
    columns = {key: pa.array([word] * size) for key, word in NEEDED.items()} | {name: values}
    pq.write_table(pa.table(columns), tmp_path / "f.parquet")
    made = rows_of(prepare(tmp_path / "f.parquet", "core", tmp_path))
    return [row[name] for row in made], [row["unreadable"] for row in made]


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"our_reference": pa.array(["P1"], pa.large_string())},
        {"our_reference": pa.array(["P1"]).dictionary_encode()},
        {"unreadable": pa.array([None], pa.string()), "source_row": [7]},
        {"note": [[{"a": 1}]]},
    ],
)
def test_parquet_of_the_engines_types_stays_where_it_is(other, tmp_path):
    file = tmp_path / "given.parquet"
    pq.write_table(typed_table(**other), file)
    prepared = prepare(file, "core", tmp_path / "out")
    assert (prepared.path, prepared.rows) == (file, 1)
    assert prepared.digest == hashlib.sha256(file.read_bytes()).hexdigest()
    assert prepared.notes == (("not read: 'note'",) if "note" in other else ())
    assert set(prepared.columns) == set(typed_table(**other).column_names) - {"note", "source_row"}
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "other",
    [
        {"amount_vnd": pa.array([5], pa.int32())},
        {"amount_vnd": pa.array([5], pa.uint64())},
        {"amount_vnd": pa.array([Decimal(5)], pa.decimal128(18, 2))},
        {"amount_vnd": ["5"]},
        {"fee_vnd": pa.nulls(1)},
        {"our_reference": [5]},
        {"business_on": ["2026-11-20"]},
        {"occurred_at": pa.array([datetime(2026, 11, 20, 9, tzinfo=UTC)], pa.timestamp("ns", "UTC"))},
        {"occurred_at": pa.array([datetime(2026, 11, 20, 9)], pa.timestamp("us"))},  # noqa: DTZ001
        {"occurred_at": pa.array([datetime(2026, 11, 20, 9, tzinfo=UTC)], pa.timestamp("us", "Asia/Ho_Chi_Minh"))},
        {"source_row": ["7"]},
        {"Fee VND": [5]},
    ],
)
def test_other_parquet_is_written_anew_and_then_stays(other, tmp_path):
    pq.write_table(typed_table(**other), tmp_path / "given.parquet")
    prepared = prepare(tmp_path / "given.parquet", "core", tmp_path / "out")
    assert prepared.path.parent == tmp_path / "out"
    [row] = rows_of(prepared)
    assert (row["source_row"], row["unreadable"]) == (1, None)
    again = prepare(prepared.path, "core", tmp_path / "out")
    assert (again.path, again.rows) == (prepared.path, 1)


@pytest.mark.parametrize(
    ("name", "values", "made"),
    [
        ("amount_vnd", pa.array([2**53 - 1, -5], pa.float64()), [2**53 - 1, -5]),
        ("amount_vnd", pa.array([2**24 - 1], pa.float32()), [2**24 - 1]),
        ("amount_vnd", pa.array([2**63 - 1, None], pa.uint64()), [2**63 - 1, None]),
        ("amount_vnd", pa.array([Decimal("9007199254740993.00")], pa.decimal128(38, 2)), [2**53 + 1]),
        ("amount_vnd", pa.array([Decimal(2**63 - 1)], pa.decimal256(60, 0)), [2**63 - 1]),
        ("amount_vnd", pa.array([5], pa.int8()).dictionary_encode(), [5]),
        ("amount_vnd", pa.array([b"1.234"], pa.binary()), [1_234]),
        ("our_reference", pa.array([12, None], pa.int64()), ["12", None]),
        ("our_reference", pa.array([12.0]), ["12"]),
        ("our_reference", pa.array([Decimal("123456789012345678901234567890.0")], pa.decimal128(38, 1)),
         ["123456789012345678901234567890"]),
        ("our_reference", pa.array([" e\u0302\u0301 "]).dictionary_encode(), ["\u1ebf"]),
        ("business_on", pa.array([AT.date()], pa.date64()), [AT.date()]),
        ("business_on", pa.array([datetime(2026, 11, 20)], pa.timestamp("ns")), [AT.date()]),  # noqa: DTZ001
        ("business_on", pa.array([datetime(2026, 11, 20, tzinfo=HANOI)], pa.timestamp("s", "+07:00")), [AT.date()]),
        ("business_on", pa.array([20261120]), [AT.date()]),
        ("business_on", pa.array(["20/11/2026"]), [AT.date()]),
        ("occurred_at", pa.array([AT], pa.timestamp("ms", "Asia/Ho_Chi_Minh")), [AT]),
        ("occurred_at", pa.array([AT], pa.timestamp("ns", "-05:30")), [AT]),
        ("occurred_at", pa.array([AT.replace(tzinfo=None)], pa.timestamp("s")), [AT]),
        ("occurred_at", pa.array([-1], pa.int64()).cast(pa.timestamp("ns")),
         [datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)]),
        ("occurred_at", pa.array(["2026-11-20T16:00+07:00"]), [AT]),
        ("occurred_at", pa.array([AT.date()]), [datetime(2026, 11, 20, tzinfo=UTC)]),
    ],
)  # fmt: skip
def test_parquet_cells_of_other_types_are_read(name, values, made, tmp_path):
    assert read_column(tmp_path, name, values) == (made, [None] * len(made))


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("amount_vnd", pa.array([2.0**53]), "below 2^53"),
        ("amount_vnd", pa.array([1.5]), "'1.5' is no whole number"),
        ("amount_vnd", pa.array([1.234]), "'1.234' is no whole number"),
        ("amount_vnd", pa.array([float("nan")]), "'NaN' is no whole number"),
        ("amount_vnd", pa.array([float("-inf")]), "'-inf' is no whole number"),
        ("amount_vnd", pa.array([2.0**24], pa.float32()), "is no whole number"),
        ("amount_vnd", pa.array([2**63], pa.uint64()), "'9223372036854775808' is no whole number"),
        ("amount_vnd", pa.array([Decimal("1.234")], pa.decimal128(18, 3)), "'1.234' is no whole number"),
        ("amount_vnd", pa.array([Decimal(2**63)], pa.decimal128(38, 0)), "is no whole number"),
        ("our_reference", pa.array([2.0**53]), "lost digits"),
        ("our_reference", pa.array([1.5]), "lost digits"),
        ("our_reference", pa.array([Decimal("1.5")]), "a fraction"),
        ("business_on", pa.array([AT], pa.timestamp("us", "UTC")), "an instant is no day"),
        ("business_on", pa.array([2**31 - 1], pa.int32()).cast(pa.date32()), "is no day"),
        ("occurred_at", pa.array([2**62]).cast(pa.timestamp("ms")), "is no instant"),
        ("occurred_at", pa.array([-(2**62)]).cast(pa.timestamp("us")), "is no instant"),
    ],
)
def test_parquet_cells_that_lost_something_are_unreadable(name, values, told, tmp_path):
    [value], [reason] = read_column(tmp_path, name, values)
    assert value is None
    assert reason.startswith(f"{name}: ")
    assert told in reason
