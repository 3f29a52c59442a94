"""Cells of any type made into the engine's types, a column at a time; what has no meaning becomes a reason.

Amounts as text are whole đồng: digits, or groups of three parted by one and the same sign (point, comma or space).
The đồng has no subunit, so a separator before exactly three digits groups («1.234» is 1234, as truc.domain.money
reads it); one or two noughts behind a separator are decimals that say nothing («1.234,00», «50000.0»); anything else
behind one is unreadable. Days are ISO (2026-11-20, 20261120) or day/month/year. Instants are ISO 8601; without an
offset they are UTC, as `occurred_at` is, and a day alone is its first instant. Years: 1000 to 2999.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial

import polars as pl

from truc.reconcile.neutral.columns import COLUMNS, DEFAULTS, SOURCE_ROW, Side, Type

ROW_PROBLEM = "row problem"  # what the reader of a file has to say of a row as a whole; no name a column can have
SHOWN_MAX = 40
FIXES = {
    Type.TEXT: "a number with a fraction or beyond 2^53 has lost digits; keep this column as text",
    Type.AMOUNT: "is no whole number of đồng; write digits only",
    Type.DAY: "is no day; write it as 2026-11-20 or 20/11/2026",
    Type.INSTANT: "is no instant; write it as 2026-11-20T09:00:00Z",
}
FLOAT_FIX = "is no whole number of đồng below 2^53, from where on a float loses digits; write whole numbers or text"
# From here on a float may stand for several whole numbers.
FLOATS: dict[type[pl.DataType], int] = {pl.Float32: 2**24, pl.Float64: 2**53}

_SPACE = "[ \u00a0\u202f]"
_GROUPS = [("\\.", ","), (",", "\\."), (_SPACE, "[.,]")]
_WHOLE = "|".join(
    ["[0-9]+(?:[.,]0{1,2})?"]
    + [f"[1-9][0-9]{{0,2}}(?:{parts}[0-9]{{3}})+(?:{decimals}0{{1,2}})?" for parts, decimals in _GROUPS]
)
_AMOUNT = f"^[+-]?(?:{_WHOLE})$"
_DAY = "[12][0-9]{3}-[0-9]{2}-[0-9]{2}"
_MIDNIGHT = r"(?:[T ]00:00(?::00(?:\.0{1,9})?)?)?"
_INSTANT = (
    f"^(?<day>{_DAY})"
    r"(?:[Tt ](?<minute>(?:[01][0-9]|2[0-3]):[0-5][0-9])(?<second>:[0-5][0-9])?(?:[.,](?<part>[0-9]{1,9}))?"
    r"(?:[Zz]|(?<sign>[+-])(?<hours>0[0-9]|1[0-4])(?::?(?<minutes>[0-5][0-9]))?)?)?$"
)
_FIRST, _LAST = date(1000, 1, 1), date(2999, 12, 31)
_SECONDS = tuple(
    int(datetime(one.year, one.month, one.day, tzinfo=UTC).timestamp()) for one in (_FIRST, date(3000, 1, 1))
)
_PER_SECOND = {"ms": 10**3, "us": 10**6, "ns": 10**9}


@dataclass(frozen=True, slots=True)
class Read:
    """A column as expressions: its values, null where a cell has no meaning, and such a cell's reason in two parts."""

    value: pl.Expr
    shown: pl.Expr
    fix: str


def typed(cells: pl.DataFrame, side: Side) -> pl.DataFrame:
    """Return rows in the engine's types with `unreadable` and `source_row`; the defaults of the side filled in.

    `cells` has columns of COLUMNS in any type that `reader` knows, SOURCE_ROW, and ROW_PROBLEM or not.
    """
    cells = _clean(cells)
    columns = {name: reader(kind, cells.schema[name])(name) for name, kind in COLUMNS.items() if name in cells.columns}
    made = cells.select(**{name: one.value for name, one in columns.items()})
    said = [cells[name] for name in (ROW_PROBLEM, "unreadable") if name in cells.columns]
    problems = [*said, *_problems(cells, made, columns)]
    filled = [
        (pl.col(name).fill_null(word) if name in columns else pl.lit(word)).alias(name)
        for name, word in DEFAULTS[side].items()
    ]
    return made.with_columns(*filled, _joined(problems), cells[SOURCE_ROW]).select(
        *(name for name in COLUMNS if name in columns or name in DEFAULTS[side] or name == "unreadable"), SOURCE_ROW
    )


def _problems(cells: pl.DataFrame, made: pl.DataFrame, columns: Mapping[str, Read]) -> Iterator[pl.Series]:
    """Yield the reasons of each column that has a cell without a value."""
    for name, read in columns.items():
        bad = made[name].is_null() & cells[name].is_not_null()
        if bad.any():
            reason = pl.concat_str(pl.lit(f"{name}: "), read.shown, pl.lit(read.fix))
            yield cells.select(pl.when(bad).then(reason)).to_series()


def _joined(problems: Sequence[pl.Series]) -> pl.Expr:
    if not problems:
        return pl.lit(None, pl.String).alias("unreadable")
    reason = pl.concat_str(list(problems), separator="; ", ignore_nulls=True)
    return pl.when(reason != "").then(reason).alias("unreadable")


def reader(kind: Type, dtype: pl.DataType) -> Callable[[str], Read]:
    """Return what reads a column of this type as one of ours; KeyError where no cell of it could ever be meant."""
    if dtype.is_integer():
        return {Type.TEXT: _digits, Type.AMOUNT: _integers, Type.DAY: _days_in_digits}[kind]
    if dtype.is_float():
        return partial({Type.TEXT: _float_digits, Type.AMOUNT: _floats}[kind], bound=FLOATS[dtype.base_type()])
    if isinstance(dtype, pl.Datetime):
        return partial({Type.DAY: _midnights, Type.INSTANT: _moments}[kind], unit=dtype.time_unit)
    return _READERS[kind, dtype.base_type()]


def _clean(cells: pl.DataFrame) -> pl.DataFrame:
    """Return every text composed (NFC) and without white space around it; null where nothing is left."""
    texts = pl.col(pl.String)
    bare = cells.with_columns(texts.str.normalize("NFC").str.strip_chars())
    return bare.with_columns(pl.when(texts != "").then(texts))


def _quoted(cells: pl.Expr) -> pl.Expr:
    return pl.concat_str(pl.lit("'"), cells.str.slice(0, SHOWN_MAX), pl.lit("' "))


def _always(value: pl.Expr) -> Read:
    return Read(value, pl.lit(""), "")


def _texts(name: str) -> Read:
    return _always(pl.col(name))


def _digits(name: str) -> Read:
    return _always(pl.col(name).cast(pl.String))


def _float_digits(name: str, bound: int) -> Read:
    # What stands there is not shown: it is somebody's reference, and no longer the right one.
    return Read(_whole_floats(name, bound).cast(pl.String), pl.lit(""), FIXES[Type.TEXT])


def _decimal_digits(name: str) -> Read:
    return Read(_whole_decimals(name), pl.lit(""), FIXES[Type.TEXT])


def _amounts(name: str) -> Read:
    whole = pl.col(name)
    plain = whole.str.replace(r"[.,]0{1,2}$", "").str.replace_all(f"[.,+]|{_SPACE}", "")
    value = pl.when(whole.str.contains(_AMOUNT)).then(plain.cast(pl.Int64, strict=False))
    return Read(value, _quoted(whole), FIXES[Type.AMOUNT])


def _integers(name: str) -> Read:
    written = pl.col(name).cast(pl.String)
    return Read(pl.col(name).cast(pl.Int64, strict=False), _quoted(written), FIXES[Type.AMOUNT])


def _floats(name: str, bound: int) -> Read:
    return Read(_whole_floats(name, bound), _quoted(pl.col(name).cast(pl.String)), FLOAT_FIX)


def _whole_floats(name: str, bound: int) -> pl.Expr:
    cells = pl.col(name)
    return pl.when((cells.abs() < bound) & (cells == cells.floor())).then(cells).cast(pl.Int64, strict=False)


def _decimals(name: str) -> Read:
    value = _whole_decimals(name).cast(pl.Int64, strict=False)
    return Read(value, _quoted(pl.col(name).cast(pl.String)), FIXES[Type.AMOUNT])


def _whole_decimals(name: str) -> pl.Expr:
    written = pl.col(name).cast(pl.String)
    whole = pl.when(written.str.contains(r"^-?[0-9]+(?:\.0*)?$")).then(written)
    return whole.str.replace(r"\.0*$", "")


def _days(name: str) -> Read:
    return _day_texts(pl.col(name))


def _days_in_digits(name: str) -> Read:
    return _day_texts(pl.col(name).cast(pl.String))


def _day_texts(written: pl.Expr) -> Read:
    iso = pl.when(written.str.contains(f"^{_DAY}{_MIDNIGHT}$")).then(written.str.slice(0, 10))
    plain = pl.when(written.str.contains("^[12][0-9]{7}$")).then(written)
    ours = pl.when(written.str.contains("^[0-9]{1,2}/[0-9]{1,2}/[12][0-9]{3}$")).then(written)
    value = pl.coalesce(
        iso.str.to_date("%Y-%m-%d", strict=False),
        plain.str.to_date("%Y%m%d", strict=False),
        ours.str.to_date("%d/%m/%Y", strict=False),
    )
    return Read(value, _quoted(written), FIXES[Type.DAY])


def _dates(name: str) -> Read:
    cells = pl.col(name)
    return Read(pl.when(cells.is_between(_FIRST, _LAST)).then(cells), pl.lit("it "), FIXES[Type.DAY])


def _midnights(name: str, unit: str) -> Read:
    instant = _in_range(name, unit)
    day = pl.when(instant.dt.truncate("1d") == instant).then(instant.dt.date())
    return Read(day, pl.lit("an instant "), FIXES[Type.DAY])


def _instants(name: str) -> Read:
    written = pl.col(name)
    said = written.str.extract_groups(_INSTANT).struct.field
    clock = pl.concat_str(said("day"), said("minute").fill_null("00:00"), said("second").fill_null(":00"))
    local = clock.str.to_datetime("%Y-%m-%d%H:%M:%S", strict=False, time_unit="us")
    part = said("part").fill_null("0").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64)
    ahead = said("hours").fill_null("0").cast(pl.Int64) * 60 + said("minutes").fill_null("0").cast(pl.Int64)
    ahead = pl.when(said("sign") == "-").then(-ahead).otherwise(ahead)
    value = local + pl.duration(microseconds=part, time_unit="us") - pl.duration(minutes=ahead, time_unit="us")
    return Read(value.dt.replace_time_zone("UTC"), _quoted(written), FIXES[Type.INSTANT])


def _moments(name: str, unit: str) -> Read:
    return Read(_in_range(name, unit).dt.replace_time_zone("UTC"), pl.lit("it "), FIXES[Type.INSTANT])


def _first_instants(name: str) -> Read:
    day = _dates(name)
    return Read(day.value.cast(pl.Datetime("us")).dt.replace_time_zone("UTC"), day.shown, FIXES[Type.INSTANT])


def _in_range(name: str, unit: str) -> pl.Expr:
    ticks, per_second = pl.col(name).to_physical(), _PER_SECOND[unit]
    first, end = (max(-(2**63), min(2**63 - 1, one * per_second)) for one in _SECONDS)
    fits = pl.when((ticks >= first) & (ticks < end)).then(ticks)
    micros = fits // 1000 if unit == "ns" else fits * (10**6 // per_second)
    return micros.cast(pl.Datetime("us"))


_READERS: dict[tuple[Type, type[pl.DataType]], Callable[[str], Read]] = {
    (Type.TEXT, pl.String): _texts,
    (Type.TEXT, pl.Decimal): _decimal_digits,
    (Type.AMOUNT, pl.String): _amounts,
    (Type.AMOUNT, pl.Decimal): _decimals,
    (Type.DAY, pl.String): _days,
    (Type.DAY, pl.Date): _dates,
    (Type.INSTANT, pl.String): _instants,
    (Type.INSTANT, pl.Date): _first_instants,
}
