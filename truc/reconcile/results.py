"""Results as they are written: a match in full, a break's id; whole or not at all; Parquet."""

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from truc.reconcile.row import EXACT, FAMILIES, KINDS
from truc.reconcile.schemas import DAY, MATCH_SCHEMA, TEXT

SUMMARY = "summary.json"
UNSHARED = ("break_id", "our_reference", "partner_reference")  # texts that hardly two rows share: no dictionary helps
ALIKE = ("leg", "rule", "kind")  # texts of which there are few, written as places in a list
LISTED = pa.dictionary(pa.int32(), TEXT)
NAMED = ("party", "our_reference", "partner_reference", "agency", "business_on")  # each clean pair's own, besides money
# What a break is about, besides the family of its kind, which stands after the party.
SAID = ("leg", "break_class", "party", "our_reference", "partner_reference", "core_vnd", "partner_vnd", "business_on")


@contextmanager
def whole_or_none(out: Path) -> Iterator[Path]:
    """Yield a folder to write to; its files go to `out` when all went well, else nothing of them remains.

    The summary goes when the others are there: it speaks for them. What a run that was killed has left is cleared by
    the next.
    """
    folder = out / ".not-proved-yet"
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    try:
        yield folder
        (out / SUMMARY).unlink(missing_ok=True)
        for path in sorted(folder.iterdir(), key=lambda path: path.name == SUMMARY):
            path.replace(out / path.name)
    finally:
        shutil.rmtree(folder)


def write_rows(path: Path, schema: pa.Schema, lists: Iterable[Iterator[pa.Table]]) -> int:
    """Write the rows of one list after the other and return how many.

    The bytes are the same for the same rows in the same order. A list is asked for when those before it are written.
    """
    rows = 0
    packed = pa.schema([field.with_type(LISTED) if field.name in ALIKE else field for field in schema])
    shared = [name for name in schema.names if name not in UNSHARED]
    how: dict[str, Any] = {"compression": "zstd", "version": "2.6", "use_dictionary": shared, "store_schema": False}
    with pq.ParquetWriter(path, packed, **how) as writer, ThreadPoolExecutor(1) as hand:
        written: Future[None] | None = None
        for table in chain.from_iterable(even(tables, schema.names) for tables in lists):
            if written is not None:  # the next rows are worked out while these are packed
                written.result()
            written = hand.submit(writer.write_table, _one_list(table).cast(packed), row_group_size=len(table))
            rows += len(table)
        if written is not None:
            written.result()
    return rows


def _one_list(table: pa.Table) -> pa.Table:
    """Give each column of ALIKE one list of its texts, in whatever batches they came."""
    for place, name in enumerate(table.column_names):
        if name in ALIKE:
            table = table.set_column(place, name, table[name].combine_chunks().cast(LISTED))
    return table


def even(batches: Iterator[pa.Table], names: Sequence[str], *, size: int = 250_000) -> Iterator[pa.Table]:
    """Yield the rows in tables of one size, whatever batches they come in: a file's groups do not tell an engine."""
    held: list[pa.Table] = []
    rows = 0
    for table in batches:
        held.append(table.select(names))
        rows += len(table)
        while rows >= size:
            together = pa.concat_tables(held)
            yield together.slice(0, size)
            held, rows = [together.slice(size)], rows - size
    if rows:
        yield pa.concat_tables(held)


def clean_pairs(batches: Iterator[pa.RecordBatch], leg: str) -> Iterator[pa.Table]:
    """Yield pairs that agree in everything as matches in full: an engine tells what is each one's own (row.py)."""
    for table in as_written(batches):
        one, none = (_repeated(value, len(table), pl.Int64) for value in (1, 0))
        first, vnd = _repeated(0, len(table), pl.Int32), table["vnd"]
        columns = {name: table[name] for name in NAMED} | {
            "leg": _listed(first, (leg,)), "rule": _listed(first, (EXACT,)),
            "kind": _listed(table["number"].combine_chunks().cast(LISTED.index_type), KINDS),
            "core_rows": one, "partner_rows": one, "core_vnd": vnd, "partner_vnd": vnd, "difference_vnd": none,
            "core_money_vnd": vnd, "partner_money_vnd": vnd,
        }  # fmt: skip
        yield pa.table({name: columns[name] for name in MATCH_SCHEMA.names})


def _repeated(value: int, times: int, kind: type[pl.DataType]) -> pa.Array:
    """By Polars: what PyArrow is given as Python's it asks whether it is of pandas, and loads all of that to ask."""
    return pl.repeat(value, times, dtype=kind, eager=True).to_arrow()


def _listed(places: pa.Array, texts: Sequence[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(places, pl.Series(texts, dtype=pl.String).to_arrow().cast(TEXT))


def as_written(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Give the columns the names and types of the files: a day as a date, an amount of a verdict as such."""
    for batch in batches:
        table = pa.Table.from_batches([batch])
        named = {
            "day": "business_on",
            "place": "break_class",
            **({"money": "amount_vnd"} if "money" in batch.schema.names else {}),
        }
        table = table.rename_columns([named.get(name, name) for name in table.column_names])
        days = table["business_on"].cast(pa.int32()).cast(DAY)
        yield table.set_column(table.column_names.index("business_on"), "business_on", days)


def identified(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Give each break its id, from what it is about and its number among equals: a second run says the same."""
    times: Counter[tuple[Any, ...]] = Counter()
    for table in tables:
        ids = []
        kinds = [FAMILIES.get(kind, "") for kind in table["kind"].to_pylist()]
        for kind, *values in zip(kinds, *(table[name].to_pylist() for name in SAID), strict=True):
            said = (*values[:3], kind, *values[3:])
            times[said] += 1
            about = "\x1f".join("" if value is None else str(value) for value in (*said, times[said]))
            ids.append(hashlib.sha256(about.encode()).hexdigest()[:16])
        yield table.append_column("break_id", pl.Series(ids, dtype=pl.String).to_arrow())
