"""Parquet of neutral rows: whether the engine can read the file as it is, and else its cells."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from truc.errors import MalformedError
from truc.reconcile.neutral.cells import reader
from truc.reconcile.neutral.columns import COLUMNS, SOURCE_ROW, Header, Side, Type, header
from truc.reconcile.neutral.source import BATCH_ROWS, Source

UTC_NAMES = ("UTC", "Etc/UTC", "+00:00")
FIXES = {
    Type.TEXT: "write it as text (string)",
    Type.AMOUNT: "write whole đồng (int64)",
    Type.DAY: "write a date (date32)",
    Type.INSTANT: "write a timestamp in UTC",
}


def source(path: Path, side: Side) -> Source:
    """Return the cells in their own types; `source_row` counts from 1.

    MalformedError `wrong_type` where no cell of a column's type could be meant, `damaged` where the file is cut short
    (also from the batches); `missing_column` and `double_column` as `header` says.
    """
    found, schema = header_of(path, side)
    for name, place in found.places.items():
        _refuse_strange(schema.field(place), name, path)
    return Source(found, _batches(path, {name: schema.names[place] for name, place in found.places.items()}))


def header_of(path: Path, side: Side) -> tuple[Header, pa.Schema]:
    """Return where our columns stand, and the file's own schema."""
    with _opened(path) as file:
        schema = file.schema_arrow
    return header(schema.names, side=side, file=path.name), schema


def rows_of(path: Path) -> int:
    """Return the number of rows that the metadata tells."""
    with _opened(path) as file:
        return int(file.metadata.num_rows)


def fits_engine(found: Header, schema: pa.Schema) -> bool:
    """Say whether our columns have our names to the letter and the engine's types: then the file stays as it is.

    A row number of its own would be taken for one we counted, so such a file is written anew.
    """
    if any(name.casefold() == SOURCE_ROW and name != SOURCE_ROW for name in schema.names):
        return False
    fields = {name: schema.field(place) for name, place in found.places.items()}
    ours = all(field.name == name and _is(field.type, COLUMNS[name]) for name, field in fields.items())
    return ours and (SOURCE_ROW not in schema.names or schema.field(SOURCE_ROW).type == pa.int64())


def _is(written: pa.DataType, kind: Type) -> bool:
    if pa.types.is_dictionary(written):
        written = written.value_type
    if kind is Type.TEXT:
        return bool(pa.types.is_string(written) or pa.types.is_large_string(written))
    if kind is Type.INSTANT and pa.types.is_timestamp(written):
        return written.unit == "us" and written.tz in UTC_NAMES
    return bool(written == kind.value)


def _refuse_strange(field: pa.Field, name: str, path: Path) -> None:
    try:
        reader(COLUMNS[name], _column(pa.array([], field.type), COLUMNS[name]).dtype)
    except (KeyError, pa.ArrowException):
        text = f"{path.name}: column {name!r} is of type {field.type}; {FIXES[COLUMNS[name]]}"
        raise MalformedError(text, reason="wrong_type") from None


def _batches(path: Path, columns: dict[str, str]) -> Iterator[pl.DataFrame]:
    """Yield frames of `columns` (our name: the file's), a bounded number of rows at a time."""
    begins = 1
    with _opened(path) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=list(columns.values()), use_threads=False):
            made = {name: _column(batch.column(written), COLUMNS[name]) for name, written in columns.items()}
            numbers = pl.int_range(begins, begins + batch.num_rows, dtype=pl.Int64, eager=True)
            begins += batch.num_rows
            yield pl.DataFrame(made | {SOURCE_ROW: numbers})


def _column(cells: pa.Array, kind: Type) -> pl.Series:
    """Return cells as polars knows them; a day is that of the file's own zone, an instant that of UTC."""
    of = cells.type
    if pa.types.is_dictionary(of):
        return _column(cells.cast(of.value_type), kind)
    if pa.types.is_null(of) or pa.types.is_binary(of) or pa.types.is_large_binary(of):
        cells = cells.cast(pa.large_string())
    elif pa.types.is_decimal256(of):
        cells = cells.cast(pa.decimal128(38, of.scale))
    elif pa.types.is_timestamp(of) and of.tz:
        cells = pc.local_timestamp(cells) if kind is Type.DAY else cells.cast(pa.timestamp(of.unit))
    return pl.Series(values=pl.from_arrow(cells))


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        text = f"{path.name}: the Parquet file is damaged or cut short; write it again"
        raise MalformedError(text, reason="damaged") from error
