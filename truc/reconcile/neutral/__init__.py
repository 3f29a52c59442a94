"""Files of neutral rows, as a user gives them, made into typed Parquet for the engine.

What is accepted: truc.reconcile.neutral.columns (names), cells (spellings and types). Nothing is lost: a row
with a cell that cannot be read keeps its other cells, and says in `unreadable` what is wrong and how to mend it.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from truc.errors import MalformedError
from truc.reconcile.neutral import delimited, parquet, workbook
from truc.reconcile.neutral.cells import typed
from truc.reconcile.neutral.columns import COLUMNS, DEFAULTS, SOURCE_ROW, Side
from truc.reconcile.neutral.source import Source

PARQUET, WORKBOOK = b"PAR1", b"PK\x03\x04"
READERS: Mapping[bytes, Callable[[Path, Side], Source]] = {
    PARQUET: parquet.source,
    WORKBOOK: workbook.source,
}
# Kinds of file that are recognised to say what to do with them.
OTHERS = {
    b"PARE": "is encrypted Parquet; write it without encryption",
    b"\xd0\xcf\x11\xe0": "is an old or a locked Excel file; save it as «Excel Workbook (.xlsx)» without a password",
    b"\x1f\x8b": "is packed (gzip); unpack it first",
    b"\xff\xfe": "is no UTF-8 text; save it as «CSV UTF-8»",
    b"\xfe\xff": "is no UTF-8 text; save it as «CSV UTF-8»",
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file for the engine: where it is, its rows, SHA-256 of the given file, the columns that are ours, remarks."""

    path: Path
    rows: int
    digest: str
    columns: tuple[str, ...]
    notes: tuple[str, ...] = ()


def prepare(path: Path, side: Side, folder: Path) -> Prepared:
    """Return the file as typed Parquet: itself where it is that already, else written anew into `folder`.

    Which kind of file it is, its content tells: Parquet, XLSX, else delimited text. A file that is written anew has,
    of COLUMNS, those that were given, the side's defaults, and always `unreadable` and `source_row`. Memory is
    bounded by a batch of rows; a workbook is held whole.

    In Parquet that stays as it is nothing is changed: texts as they are written, no default filled in.

    MalformedError where the file as a whole cannot be read, naming the file and the fix: `no_file`, `empty_file`,
    `unknown_kind`, and as `source` of the kind says.
    """
    kind = _kind(path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if kind == PARQUET:
        found, schema = parquet.header_of(path, side)
        if parquet.fits_engine(found, schema):
            return Prepared(path, parquet.rows_of(path), digest, tuple(found.places), found.notes)
    source = READERS.get(kind, delimited.source)(path, side)
    return _written(source, side, digest=digest, target=folder / f"{side}-{digest[:16]}.parquet")


def _kind(path: Path) -> bytes:
    """Return the sign of the kind the file begins with; b"" for text."""
    if path.is_dir():
        raise MalformedError(f"{path.name}: a directory; name one file of it", reason="no_file")
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        text = f"{path.name}: cannot be opened ({error.strerror}); name a file that may be read"
        raise MalformedError(text, reason="no_file") from error
    if not start:
        raise MalformedError(f"{path.name}: the file is empty; write the header and the rows", reason="empty_file")
    for sign, what in OTHERS.items():
        if start.startswith(sign):
            raise MalformedError(f"{path.name}: the file {what}", reason="unknown_kind")
    return start if start in READERS else b""


def _written(source: Source, side: Side, *, digest: str, target: Path) -> Prepared:
    given = {*source.header.places, *DEFAULTS[side], "unreadable"}
    schema = pa.schema([(name, kind.value) for name, kind in COLUMNS.items() if name in given])
    schema = schema.append(pa.field(SOURCE_ROW, pa.int64()))
    rows = marked = 0
    with _whole_or_none(target) as part, pq.ParquetWriter(part, schema, compression="zstd") as writer:
        for cells in source.batches:
            batch = typed(cells, side)
            writer.write_table(batch.to_arrow().cast(schema))
            rows += batch.height
            marked += batch.height - batch["unreadable"].null_count()
    notes = (*source.header.notes, *source.notes, *([f"{marked} of {rows} rows cannot be read"] if marked else []))
    return Prepared(target, rows, digest, tuple(schema.names), notes)


@contextmanager
def _whole_or_none(target: Path) -> Iterator[Path]:
    """Yield a place to write to; it becomes the target when all went well, else nothing is left of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
