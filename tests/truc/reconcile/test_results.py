"""What is written: rows in even groups, clean pairs in full, files that anything can read."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from truc.reconcile import results
from truc.reconcile.row import EXACT, KINDS
from truc.reconcile.schemas import BREAK_SCHEMA, MATCH_SCHEMA, NUMBER
from truc.store.reconciliation import BREAK_COLUMNS, MATCH_COLUMNS

DAY = date(2026, 11, 20)
NUMBERS = tuple(field.name for field in MATCH_SCHEMA if field.type == NUMBER)


def own(kind: str, reference: str, vnd: int) -> dict[str, object]:
    """A clean pair as an engine tells it."""
    told = {"our_reference": reference, "number": KINDS.index(kind), "party": "momo", "partner_reference": "T"}
    return told | {"agency": "H58", "day": (DAY - date(1970, 1, 1)).days, "vnd": vnd}


def batches(rows: list[dict[str, object]], size: int) -> Iterator[pa.RecordBatch]:
    """Yield rows in batches, as an engine hands them out."""
    for at in range(0, len(rows), size):
        yield from pl.DataFrame(rows[at : at + size], schema_overrides={"number": pl.Int8}).to_arrow().to_batches()


ROWS = [own("payment", "A", 5), own("refund", "C", 6), own("payment", "D", 2**53 + 1), own("fee", "F", 0)]


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("leg", ["statement", "receipts"])
def test_of_a_clean_pair_the_rest_is_known(leg, size):
    tables = list(results.clean_pairs(batches(ROWS, size), leg))
    assert {tuple(table.column_names) for table in tables} == {tuple(MATCH_SCHEMA.names)}
    found = [row for table in tables for row in table.to_pylist()]
    shared = ("leg", "rule", "party", "partner_reference", "agency", "business_on")
    assert {tuple(one[name] for name in shared) for one in found} == {(leg, EXACT, "momo", "T", "H58", DAY)}
    assert [tuple(one[name] for name in ("our_reference", "kind", *NUMBERS)) for one in found] == [
        ("A", "payment", 1, 1, 5, 5, 0, 5, 5),
        ("C", "refund", 1, 1, 6, 6, 0, 6, 6),
        ("D", "payment", 1, 1, 2**53 + 1, 2**53 + 1, 0, 2**53 + 1, 2**53 + 1),
        ("F", "fee", 1, 1, 0, 0, 0, 0, 0),
    ]


def test_a_kind_that_is_none_is_refused():
    wrong = own("payment", "A", 5) | {"number": len(KINDS)}
    with pytest.raises(IndexError, match="5 out of bounds"):
        list(results.clean_pairs(batches([wrong], 1), "statement"))


OTHERS = pa.Table.from_pylist(
    [
        dict.fromkeys(MATCH_SCHEMA.names, None)
        | {"leg": leg, "rule": rule, "kind": kind, "our_reference": reference, "core_vnd": 900, "business_on": DAY}
        for leg, rule, kind, reference in (
            ("return", "original", "refund", "B"),
            ("statement", "settlement/split", "payment", "A"),
        )
    ],
    MATCH_SCHEMA,
)


def written(path: Path, size: int) -> int:
    """Write clean pairs in batches of a size, and other matches in as many."""
    others = (OTHERS.slice(at, size) for at in range(0, len(OTHERS), size))
    return results.write_rows(path, MATCH_SCHEMA, [results.clean_pairs(batches(ROWS, size), "statement"), others])


def test_lists_are_written_one_after_the_other_and_read_with_the_columns_they_were_written_with(tmp_path):
    path = tmp_path / "matches.parquet"
    assert (written(path, 100), pq.read_schema(path)) == (len(ROWS) + len(OTHERS), MATCH_SCHEMA)
    found = pl.read_parquet(path)
    assert found["rule"].to_list() == [EXACT] * len(ROWS) + OTHERS["rule"].to_pylist()
    assert found["kind"].to_list() == ["payment", "refund", "payment", "fee", "refund", "payment"]
    assert pq.read_table(path).slice(len(ROWS)).equals(OTHERS)


def test_in_what_batches_the_rows_come_changes_no_byte(tmp_path):
    told = set()
    for size in (1, 2, 3, 100):
        written(tmp_path / "matches.parquet", size)
        told.add((tmp_path / "matches.parquet").read_bytes())
    assert len(told) == 1


def test_a_list_is_asked_for_when_those_before_it_are_written(tmp_path):
    read = []

    def lists():
        yield (read.append(len(table)) or table for table in results.clean_pairs(batches(ROWS, 1), "statement"))
        assert read == [1] * len(ROWS)
        raise ConnectionError("the engine is gone")

    with pytest.raises(ConnectionError, match="the engine is gone"):
        results.write_rows(tmp_path / "matches.parquet", MATCH_SCHEMA, lists())


def test_no_row_is_a_file_without_rows(tmp_path):
    path = tmp_path / "matches.parquet"
    assert (results.write_rows(path, MATCH_SCHEMA, [iter(())]), pq.read_table(path)) == (0, MATCH_SCHEMA.empty_table())


@pytest.mark.parametrize("sizes", [[7], [1] * 7, [2, 5], [3, 3, 1], [0, 7, 0]])
def test_groups_of_rows_are_even(sizes):
    whole, tables = pa.table({"n": list(range(7))}), []
    for size in sizes:
        start = sum(map(len, tables))
        tables.append(whole.slice(start, size))
    groups = list(results.even(iter(tables), whole.column_names, size=3))
    assert [len(one) for one in groups] == [3, 3, 1]
    assert pa.concat_tables(groups).equals(whole)


def test_the_store_keeps_every_column_that_is_written():
    assert tuple(MATCH_SCHEMA.names) == MATCH_COLUMNS
    assert tuple(BREAK_SCHEMA.names) == BREAK_COLUMNS
