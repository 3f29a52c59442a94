"""The two lists of a pair: Parquet files that stay as they are, and how an engine is handed their columns."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from truc.errors import MalformedError
from truc.reconcile.engine.pairs import Rules
from truc.reconcile.pairs.spec import PairSide, PairSpec

UTC_NAMES = ("UTC", "Etc/UTC", "+00:00")
INTEGERS = tuple(map(pa.DataType.__str__, (pa.int8(), pa.int16(), pa.int32(), pa.int64())))
FIXES = {
    "text": "write it as text (string)",
    "whole": "write whole numbers (int64)",
    "day": "write a date (date32)",
    "instant": "write a timestamp in UTC, in micro- or milliseconds",
}
SECOND = 1_000_000  # microseconds
MONTH = "CAST(year({0}) * 100 + month({0}) AS BIGINT)"
# How each engine writes a column of a kind; an instant is whole seconds since 1970, and no time zone has a say.
WRITTEN: Mapping[str, Mapping[str, str]] = {
    "duckdb": {
        "text": "CAST({0} AS VARCHAR)",
        "whole": "CAST({0} AS BIGINT)",
        "day": MONTH,
        "instant": f"((epoch_us({{0}}) - ((epoch_us({{0}}) % {SECOND}) + {SECOND}) % {SECOND}) // {SECOND})",
    },
    "pyspark": {
        "text": "CAST({0} AS STRING)",
        "whole": "CAST({0} AS BIGINT)",
        "day": MONTH,
        "instant": f"((unix_micros({{0}}) - pmod(unix_micros({{0}}), {SECOND})) div {SECOND})",
    },
}
NOTHING = {
    "text": "''",
    "whole": "CAST(NULL AS BIGINT)",
    "day": "CAST(NULL AS BIGINT)",
    "instant": "CAST(NULL AS BIGINT)",
}


@dataclass(frozen=True, slots=True)
class PairGiven:
    """One list: the file, the columns of the spec it has, its rows, and SHA-256 of it."""

    path: Path
    columns: tuple[str, ...]
    rows: int
    digest: str


def kinds(spec: PairSpec) -> dict[str, str]:
    """Return every column a list may have, and of what kind it is: text, whole, day or instant."""
    found = dict.fromkeys((*spec.required, *spec.texts, *spec.covered_by), "text")
    if spec.state is not None:
        moved = ((spec.state.changed_at, "instant"), (spec.state.number, "whole"))
        found |= {name: kind for name, kind in moved if name}
    if spec.fee is not None:
        found[spec.fee.column] = "whole"
    return found | ({spec.month_of: "day"} if spec.month_of else {})


def opened(path: Path, spec: PairSpec) -> PairGiven:
    """Return what a file has of the spec's columns; other columns of it are not read.

    MalformedError, naming the file and the fix: `no_file`, `damaged` (or no Parquet), `missing_column`, `wrong_type`.
    """
    schema, rows = _schema(path)
    if missing := [name for name in spec.required if name not in schema.names]:
        needed = ", ".join(spec.required)
        text = f"{path.name}: no column {', '.join(map(repr, missing))}; at least {needed} are needed"
        raise MalformedError(text, reason="missing_column")
    found = {name: kind for name, kind in kinds(spec).items() if name in schema.names}
    for name, kind in found.items():
        if not _is(schema.field(name).type, kind):
            text = f"{path.name}: column {name!r} is of type {schema.field(name).type}; {FIXES[kind]}"
            raise MalformedError(text, reason="wrong_type")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return PairGiven(path, tuple(found), rows, digest)


def _schema(path: Path) -> tuple[pa.Schema, int]:
    if not path.is_file():
        raise MalformedError(f"{path.name}: there is no such file; name one that may be read", reason="no_file")
    try:
        with pq.ParquetFile(path) as file:
            return file.schema_arrow, int(file.metadata.num_rows)
    except (pa.ArrowException, OSError) as error:
        text = f"{path.name}: no Parquet file, or cut short; write it again as Parquet"
        raise MalformedError(text, reason="damaged") from error


def _is(written: pa.DataType, kind: str) -> bool:
    if pa.types.is_dictionary(written):
        written = written.value_type
    if kind == "instant":
        return bool(pa.types.is_timestamp(written) and written.unit in ("us", "ms") and written.tz in UTC_NAMES)
    if kind == "day":
        return bool(written == pa.date32())
    whole = str(written) in INTEGERS
    text = bool(pa.types.is_string(written) or pa.types.is_large_string(written))
    return whole if kind == "whole" else whole or text  # a code of digits may stand as a number


def hand_in(engine: Any, dialect: str, side: PairSide, given: PairGiven, rules: Rules) -> None:
    """Give the engine the list as `<side>_in`, with the columns the rules know."""
    _HANDING[dialect](engine, side, given, rules)


def _in_duckdb(engine: Any, side: PairSide, given: PairGiven, rules: Rules) -> None:
    path = str(given.path).replace("'", "''")
    told = ", ".join(_columns(given, rules, "duckdb", '"'))
    engine.connection.execute(f"CREATE VIEW {side}_in AS SELECT {told} FROM read_parquet('{path}')")  # noqa: S608


def _in_spark(engine: Any, side: PairSide, given: PairGiven, rules: Rules) -> None:
    frame = engine.session.read.parquet(str(given.path))
    frame.selectExpr(*_columns(given, rules, "pyspark", "`")).createOrReplaceTempView(f"{side}_in")


_HANDING: Mapping[str, Callable[[Any, PairSide, PairGiven, Rules], None]] = {
    "duckdb": _in_duckdb,
    "pyspark": _in_spark,
}


def _columns(given: PairGiven, rules: Rules, dialect: str, quote: str) -> list[str]:
    """Return each column of the rules as the engine reads it off the file."""
    kind_of, told = kinds(rules.spec), []
    for ours, theirs in _names(rules).items():
        kind = kind_of.get(theirs, _kind_of_none(ours))
        read = WRITTEN[dialect][kind].format(f"{quote}{theirs}{quote}") if theirs in given.columns else NOTHING[kind]
        told.append(f"{read} AS {ours}")
    return told


def _names(rules: Rules) -> dict[str, str]:
    """Return for each column of the rules the file's name of it, "" for none."""
    spec = rules.spec
    state = spec.state
    return {
        **dict(zip(rules.keys, spec.key, strict=True)),
        "state": "" if state is None else state.column,
        **dict(zip(rules.texts, spec.texts, strict=True)),
        **dict(zip(rules.groups, (*spec.covered_by, spec.month_of), strict=True)),
        "number": "" if state is None else state.number,
        "at_s": "" if state is None else state.changed_at,
        "vnd": "" if spec.fee is None else spec.fee.column,
    }


def _kind_of_none(ours: str) -> str:
    return "whole" if ours in ("month", "number", "at_s", "vnd") else "text"
