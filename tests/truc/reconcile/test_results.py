"""What is written: rows in even groups, matches in full, files that anything can read."""

from datetime import date

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from truc.reconcile import results
from truc.reconcile.row import EXACT, KINDS, OTHER
from truc.reconcile.schemas import MATCH_SCHEMA, NUMBER

DAY = date(2026, 11, 20)
NUMBERS = tuple(field.name for field in MATCH_SCHEMA if field.type == NUMBER)


def own(number: int, reference: str, vnd: int) -> dict[str, object]:
    """One match as an engine tells it."""
    told = {"our_reference": reference, "number": number, "party": "momo", "partner_reference": "", "agency": "H58"}
    return told | {"day": (DAY - date(1970, 1, 1)).days, "vnd": vnd}


def rest(leg: str, rule: str, kind: str, *numbers: int) -> dict[str, object]:
    """What an engine tells besides of a match that is no clean pair."""
    return {"leg": leg, "rule": rule, "kind": kind} | dict(zip(NUMBERS, numbers, strict=True))


def batches(rows: list[dict[str, object]], size: int) -> list[pa.RecordBatch]:
    """Return rows in batches, as an engine hands them out."""
    kinds = {"number": pl.Int8}
    table = pl.DataFrame(rows, schema_overrides={name: kinds[name] for name in kinds if rows and name in rows[0]})
    return [part for at in range(0, len(rows), size) for part in table.slice(at, size).to_arrow().to_batches()]


SPLIT = rest("statement", "settlement/split", "payment", 1, 3, 900, 890, 10, 900, 890)
GIVEN_BACK = rest("return", "original", "refund", 2, 0, 70, 0, 70, 0, 0)
OF_SPLIT, OF_GIVEN_BACK = own(OTHER, "B", 1) | SPLIT, own(OTHER, "E", 2) | GIVEN_BACK
ROWS = [
    own(KINDS.index("payment"), "A", 5),
    own(OTHER, "B", 1),
    own(KINDS.index("refund"), "C", 6),
    own(len(KINDS) + KINDS.index("payment"), "D", 2**53 + 1),
    own(OTHER, "E", 2),
    own(KINDS.index("fee"), "F", 0),
]


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_of_a_clean_pair_the_rest_is_known_and_of_others_it_is_told(size):
    [table] = results.in_full(iter(batches(ROWS, size)), iter(batches([OF_SPLIT, OF_GIVEN_BACK], size)))
    assert table.column_names == MATCH_SCHEMA.names
    found = table.to_pylist()
    assert {(one["party"], one["agency"], one["business_on"]) for one in found} == {("momo", "H58", DAY)}
    told = [tuple(one[name] for name in ("our_reference", "leg", "rule", "kind", *NUMBERS)) for one in found]
    assert told == [
        ("A", "statement", EXACT, "payment", 1, 1, 5, 5, 0, 5, 5),
        ("B", *SPLIT.values()),
        ("C", "statement", EXACT, "refund", 1, 1, 6, 6, 0, 6, 6),
        ("D", "receipts", EXACT, "payment", 1, 1, 2**53 + 1, 2**53 + 1, 0, 2**53 + 1, 2**53 + 1),
        ("E", *GIVEN_BACK.values()),
        ("F", "statement", EXACT, "fee", 1, 1, 0, 0, 0, 0, 0),
    ]


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ([], "of 2 matches"),
        ([OF_SPLIT], "of 1 matches"),
        ([OF_SPLIT, OF_GIVEN_BACK, OF_GIVEN_BACK], "of 1 matches that are none"),
        ([OF_GIVEN_BACK, OF_SPLIT], "another order"),
        ([OF_SPLIT, OF_GIVEN_BACK | {"vnd": 3}], "another order"),
    ],
)
def test_a_match_of_which_the_rest_is_not_told_is_not_written(others, said):
    with pytest.raises(AssertionError, match=said):
        list(results.in_full(iter(batches(ROWS, 4)), iter(batches(others, 4))))


def test_no_match_is_no_table():
    assert list(results.in_full(iter(()), iter(()))) == []


def test_what_is_written_is_read_with_the_columns_it_was_written_with(tmp_path):
    path = tmp_path / "matches.parquet"
    others = [OF_SPLIT, OF_GIVEN_BACK]
    rows = results.write_rows(path, MATCH_SCHEMA, results.in_full(iter(batches(ROWS, 4)), iter(batches(others, 4))))
    assert (rows, pq.read_schema(path)) == (len(ROWS), MATCH_SCHEMA)
    assert pl.read_parquet(path)["rule"].to_list() == [EXACT, SPLIT["rule"], EXACT, EXACT, GIVEN_BACK["rule"], EXACT]


@pytest.mark.parametrize("sizes", [[7], [1] * 7, [2, 5], [3, 3, 1], [0, 7, 0]])
def test_groups_of_rows_are_even(sizes):
    whole, tables = pa.table({"n": list(range(7))}), []
    for size in sizes:
        start = sum(map(len, tables))
        tables.append(whole.slice(start, size))
    groups = list(results.even(iter(tables), whole.column_names, size=3))
    assert [len(one) for one in groups] == [3, 3, 1]
    assert pa.concat_tables(groups).equals(whole)
