"""The same reading of a delimited file for millions of lines, column by column in a polars frame.

Columns decide only what is clean for certain. Every line in doubt is read again by the row reader, so lines and
faults are those of `truc.statements.read.read`, to the letter; other forms are read by rows altogether.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

import polars as pl

from truc.domain.calendar import BUSINESS_ZONE
from truc.errors import MalformedError
from truc.statements import delimited
from truc.statements.cells import DIGITS, amount_pattern
from truc.statements.encodings import decoded
from truc.statements.lines import DUPLICATE, line_of, of_another_day
from truc.statements.profiles import Amounts, Delimited, Profile
from truc.statements.read import read
from truc.statements.reading import (
    LINES_MAX,
    MOVING,
    Computed,
    Declared,
    Difference,
    Line,
    Reading,
    Unread,
    believed,
    differences,
)
from truc.statements.records import Numbered, declared

Placed = tuple[int, Numbered]  # place among the lines of the statement from 1, row and text

INSTANT = pl.Datetime("us", "Asia/Ho_Chi_Minh")
SCHEMA = pl.Schema(
    {
        "row": pl.Int64(),
        "line_no": pl.Int64(),
        "our_reference": pl.String(),
        "partner_reference": pl.String(),
        "kind": pl.String(),
        "amount_vnd": pl.Int64(),
        "signed_vnd": pl.Int64(),
        "fee_vnd": pl.Int64(),
        "state": pl.String(),
        "occurred_at": INSTANT,
        "settled_on": pl.Date(),
    }
)
DIRECTIVES = {
    "%Y": "(?:19[89][0-9]|20[0-9]{2})",  # before 1980 Vietnam's offset was another: by rows
    "%m": "(?:0[1-9]|1[0-2])",
    "%d": "(?:0[1-9]|[12][0-9]|3[01])",
    "%H": "(?:[01][0-9]|2[0-3])",
    "%M": "[0-5][0-9]",
    "%S": "[0-5][0-9]",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameReading:
    """What `Reading` is, its lines a frame of SCHEMA: whole đồng in Int64, instants in Vietnam's zone."""

    party: str
    business_on: date | None
    frame: pl.DataFrame = field(repr=False)
    unread: tuple[Unread, ...]
    declared: Declared
    computed: Computed

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Every declared total that the lines do not make."""
        return differences(self.declared, self.computed)

    def whole(self) -> pl.DataFrame:
        """Return the neutral rows with party and business day, or raise MalformedError as `Reading.whole` does."""
        business_on = believed(self.business_on, self.unread, self.differences)
        said = (pl.lit(self.party).alias("party"), pl.lit(business_on).alias("business_on"))
        return self.frame.select(*said, pl.exclude("row"))


def read_frame(body: bytes, profile: Profile) -> FrameReading:
    """Return the same reading as `read`, in columns; MalformedError as `read` says."""
    if isinstance(profile, Delimited) and fits(profile):
        return _columns(body, profile)
    return _from_rows(read(body, profile))


def fits(profile: Delimited) -> bool:
    """Whether the columns of this profile can be understood as columns."""
    means, names = profile.means, set(profile.line)
    formats = [means.time_format if "occurred_at" in names else means.date_format]
    formats += [means.date_format] if "settled_on" in names else []
    return (
        "amount_vnd" in names
        and len(profile.line) > 1
        and not means.reference_pattern
        and means.amounts.sign in ("none", "leading")
        and means.amounts.empty == "refused"
        and all(_day_pattern(one) for one in formats)
    )


def _columns(body: bytes, profile: Delimited) -> FrameReading:
    raw = body if profile.encoding == "utf-8" and body.isascii() else decoded(body, profile.encoding).encode()
    if raw.count(b"\n") > LINES_MAX:
        raise MalformedError(f"more than {LINES_MAX:,} lines", reason="too_many_lines")
    edges = _edges(raw, profile)
    if edges is None:
        return _from_rows(read(body, profile))
    first, middle, edge = edges
    framed = delimited.unframed(edge, profile)
    said, wrong = declared(framed.said, profile.means, end_marked=bool(profile.trailer))
    if framed.middle:  # header, titles or trailer is not where it should be
        return _from_rows(read(body, profile))
    frame, rest = _clean(middle, first, profile)
    lines, unread = _by_rows(rest, profile)
    frame = pl.concat([frame, _frame(lines)]).sort("row") if lines else frame
    return _together(frame, [*framed.unread, *wrong, *unread], said, profile)


def _edges(raw: bytes, profile: Delimited) -> tuple[int, bytes, list[Numbered]] | None:
    """Return the row the middle begins on, the middle, and the lines around it; None where that is not plain."""
    above = bool(profile.header) + bool(profile.titles)
    begin = 0
    for _ in range(above):
        begin = raw.find(b"\n", begin) + 1 or len(raw)
    head = raw[:begin].splitlines()
    bare = _without_last_ends(raw)
    end = raw.rfind(b"\n", 0, bare) + 1 if profile.trailer else len(raw)
    if len(head) != above or not all(head) or end <= begin:
        return None
    around = list(enumerate(head, start=1))
    if profile.trailer:
        around.append((raw.count(b"\n", 0, end) + 1, raw[end:bare]))
    return above + 1, raw[begin:end], [(row, line.decode()) for row, line in around]


def _without_last_ends(raw: bytes) -> int:
    """Return the length of the text without the ends of line behind it."""
    length = len(raw)
    while length and raw[length - 1] in b"\r\n":
        length -= 1
    return length


def _clean(middle: bytes, first: int, profile: Delimited) -> tuple[pl.DataFrame, list[Placed]]:
    """Return the lines that are clean for certain, and the others."""
    even = middle.replace(b"\r\n", b"\n") if b"\r" in middle else middle
    cells = _cut(even, profile) if _is_even(even, profile) else None
    if cells is None:
        return _sorted_out(middle, first, profile)
    places = pl.int_range(1, cells.height + 1, dtype=pl.Int64)
    found = cells.with_columns(place=places, row=places + (first - 1))
    frame, doubtful = _understood(found, _long_enough(cells, even, profile), profile)
    lines = even.split(b"\n") if doubtful else []
    return frame, [(place, (first + place - 1, lines[place - 1].decode())) for place in doubtful]


def _long_enough(cells: pl.DataFrame, text: bytes, profile: Delimited) -> pl.Expr:
    """Whether a line has all its cells: polars fills one that is too short with nulls, as it does an empty cell."""
    last, separators = _names(profile)[-1], cells.height * (len(profile.line) - 1)
    if cells[last].null_count() == 0 or text.count(profile.delimiter.encode()) == separators:
        return pl.lit(value=True)  # none has a cell too many (`_cut`), so none has one too few
    return pl.col(last).is_not_null()


def _sorted_out(middle: bytes, first: int, profile: Delimited) -> tuple[pl.DataFrame, list[Placed]]:
    """Do the same for a text whose lines are not all alike: quotes, empty lines, a wrong number of cells."""
    lines = ((row, line.removesuffix(b"\r")) for row, line in enumerate(middle.split(b"\n"), start=first))
    placed = dict(enumerate((one for one in lines if one[1]), start=1))
    alike = {place: one for place, one in placed.items() if _is_even_line(one[1], profile)}
    cells = _cut(b"\n".join(line for _, line in alike.values()), profile) if alike else None
    if cells is None:
        frame, doubtful = _frame([]), list(alike)
    else:
        found = cells.with_columns(place=_integers(alike), row=_integers(row for row, _ in alike.values()))
        frame, doubtful = _understood(found, pl.lit(value=True), profile)
    others = sorted({*(placed.keys() - alike.keys()), *doubtful})
    return frame, [(place, (placed[place][0], placed[place][1].decode())) for place in others]


def _is_even(text: bytes, profile: Delimited) -> bool:
    """Whether plain cutting at the delimiter gives what the row reader gives, on every line of the right length."""
    odd = [b"\n\n", b"\r", b"\0", *([b'"'] if profile.quoted == "as_needed" else [])]
    return not text.startswith(b"\n") and not any(one in text for one in odd)


def _is_even_line(line: bytes, profile: Delimited) -> bool:
    whole = line.count(profile.delimiter.encode()) == len(profile.line) - 1
    return whole and _is_even(line, profile)


def _integers(values: Iterable[int]) -> pl.Series:
    return pl.Series(list(values), dtype=pl.Int64)


def _names(profile: Delimited) -> list[str]:
    """Return our names; those of cells that are read over made different from each other."""
    return [f"-{place}" if name.startswith("-") else name for place, name in enumerate(profile.line)]


def _cut(text: bytes, profile: Delimited) -> pl.DataFrame | None:
    """Return the cells as text, None when a line has too many, or polars sees another number of lines than we do."""
    schema = dict.fromkeys(_names(profile), pl.String())
    try:
        cells = pl.read_csv(text, separator=profile.delimiter, has_header=False, quote_char=None, schema=schema)
    except pl.exceptions.PolarsError:
        return None
    return cells if cells.height == text.count(b"\n") + (not text.endswith(b"\n")) else None


def _understood(found: pl.DataFrame, certain: pl.Expr, profile: Delimited) -> tuple[pl.DataFrame, list[int]]:
    """Return the lines that are clean, and the places of the others."""
    columns, patterns = _columns_of(profile), _patterns(profile)
    fits = [pl.col(name).str.contains(f"^(?:{pattern})$") for name, pattern in patterns.items()]
    if "settled_on" in profile.line:  # it may be empty, but not anything else
        settled, form = pl.col("settled_on").fill_null(""), _day_pattern(profile.means.date_format)
        fits.append((settled == "") | (settled.str.contains(f"^(?:{form})$") & columns["settled_on"].is_not_null()))
    made = found.select(
        "place",
        "row",
        *(expression.alias(name) for name, expression in columns.items()),
        certain=pl.all_horizontal(certain, *fits, *_marks(profile)).fill_null(value=False),
    )
    needed = [name for name in columns if name != "settled_on"]
    clean = pl.col("certain") & pl.all_horizontal(pl.col(needed).is_not_null()) & (pl.col("line_no") > 0)
    made = made.with_columns(certain=clean)
    doubtful = made.filter(~pl.col("certain"))["place"].to_list()
    frame = made if not doubtful else made.filter("certain")
    return frame.with_columns(amount_vnd=pl.col("signed_vnd").abs()).select(list(SCHEMA)), doubtful


def _marks(profile: Delimited) -> list[pl.Expr]:
    if profile.line_mark:
        return [pl.col("mark") == profile.line_mark]
    return [pl.col(_names(profile)[0]) != profile.trailer_mark] if profile.trailer_mark else []


def _patterns(profile: Delimited) -> dict[str, str]:
    """Return, by our name, what the text of a cell must be as a whole to be clean."""
    means, written = profile.means, amount_pattern(profile.means.amounts)
    patterns = {"line_no": DIGITS, "amount_vnd": written, "fee_vnd": written}
    patterns |= {"occurred_at": _day_pattern(means.time_format), "occurred_on": _day_pattern(means.date_format)}
    return {name: pattern for name, pattern in patterns.items() if name in profile.line}


def _columns_of(profile: Delimited) -> dict[str, pl.Expr]:
    """Return the columns of SCHEMA as made from the cells; null where a cell has no meaning."""
    means, there = profile.means, set(profile.line)
    signed = _amount("amount_vnd", means.amounts)
    by_sign = [pl.lit(means.kinds.get(sign), pl.String()) for sign in "-+"]
    fee = _amount("fee_vnd", means.amounts) if "fee_vnd" in there else pl.lit(0, pl.Int64)
    day = pl.col("settled_on").str.to_date(means.date_format, strict=False) if "settled_on" in there else pl.lit(None)
    return {
        "line_no": pl.col("line_no").cast(pl.Int64, strict=False) if "line_no" in there else pl.col("place"),
        "our_reference": pl.col("our_reference").fill_null(""),
        "partner_reference": pl.col("partner_reference").fill_null("") if "partner_reference" in there else pl.lit(""),
        "kind": _word("kind", means.kinds)
        if "kind" in there
        else pl.when(signed < 0).then(by_sign[0]).otherwise(by_sign[1]),
        "signed_vnd": signed,
        "fee_vnd": pl.when(fee >= 0).then(fee),
        "state": _word("state", means.states) if "state" in there else pl.lit(means.states[""]),
        "occurred_at": _instant(profile),
        "settled_on": day.cast(pl.Date),
    }


def _word(name: str, table: Mapping[str, str]) -> pl.Expr:
    return pl.col(name).fill_null("").replace_strict(dict(table), default=None, return_dtype=pl.String)


def _amount(name: str, amounts: Amounts) -> pl.Expr:
    text = pl.col(name)
    if amounts.decimals:
        text = text.str.replace(f"{re.escape(amounts.decimals)}0{{0,3}}$", "")
    if amounts.thousands:
        text = text.str.replace_all(amounts.thousands, "", literal=True)
    return text.cast(pl.Int64, strict=False)


def _instant(profile: Delimited) -> pl.Expr:
    means = profile.means
    at, form = (
        ("occurred_at", means.time_format) if "occurred_at" in profile.line else ("occurred_on", means.date_format)
    )
    if re.search("%[HMS]", form):
        found = pl.col(at).str.to_datetime(form, strict=False, time_unit="us")
    else:
        found = pl.col(at).str.to_date(form, strict=False).cast(pl.Datetime("us"))
    # Since 1980, before which nothing is read here, Vietnam's clock is seven hours ahead: no look-up for each line.
    return (found - pl.duration(hours=7)).dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Ho_Chi_Minh")


def _day_pattern(form: str) -> str:
    """Return what a day or instant of this form looks like; "" for a form that columns do not know."""
    parts = re.split("(%.)", form)
    known = all(part in DIRECTIVES for part in parts[1::2])
    whole = {"%Y", "%m", "%d"} <= set(parts[1::2]) and len(set(parts[1::2])) == len(parts[1::2])
    return "".join(DIRECTIVES.get(part, re.escape(part)) for part in parts) if known and whole else ""


def _by_rows(rest: list[Placed], profile: Delimited) -> tuple[list[Line], list[Unread]]:
    lines: list[Line] = []
    unread: list[Unread] = []
    for one in delimited.records(iter(rest), profile):
        read_again = one if isinstance(one, Unread) else line_of(one, profile.means)
        (lines if isinstance(read_again, Line) else unread).append(read_again)  # type: ignore[arg-type]  # to its own
    return lines, unread


def _frame(lines: Iterable[Line]) -> pl.DataFrame:
    rows = [[getattr(line, name) for name in SCHEMA] for line in lines]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _together(frame: pl.DataFrame, unread: list[Unread], said: Declared, profile: Delimited) -> FrameReading:
    """Do what `lines.together` does: a number that stands twice, a line of another day, the sums."""
    faults = list(unread)
    if frame["line_no"].n_unique() < frame.height:
        first = pl.col("line_no").is_first_distinct()
        faults += [Unread(row, "duplicate_line", DUPLICATE, "line_no") for row in frame.filter(~first)["row"]]
        frame = frame.filter(first)
    business_on = said.business_on or (frame["occurred_at"][0].date() if frame.height else None)
    if profile.means.occurs == "on_business_day" and business_on is not None:
        begins = datetime.combine(business_on, time(), BUSINESS_ZONE)
        of_day = pl.col("occurred_at").is_between(begins, begins + timedelta(days=1), closed="left")
        text = of_another_day(business_on)
        faults += [Unread(row, "wrong_day", text, "occurred_at") for row in frame.filter(~of_day)["row"]]
        frame = frame.filter(of_day)
    return FrameReading(
        party=profile.party,
        business_on=business_on,
        frame=frame,
        unread=tuple(sorted(faults, key=lambda one: one.row)),
        declared=said,
        computed=_computed(frame),
    )


def _computed(frame: pl.DataFrame) -> Computed:
    signed = pl.col("signed_vnd")
    [sums] = frame.select(
        count=pl.len(),
        amount_vnd=pl.col("amount_vnd").sum(),
        credit_vnd=signed.filter(signed > 0).sum(),
        debit_vnd=-signed.filter(signed < 0).sum(),
        moved_vnd=signed.filter(pl.col("state").is_in(list(MOVING))).sum(),
    ).to_dicts()
    return Computed(**sums)


def _from_rows(one: Reading) -> FrameReading:
    return FrameReading(
        party=one.party,
        business_on=one.business_on,
        frame=_frame(one.lines),
        unread=one.unread,
        declared=one.declared,
        computed=one.computed,
    )
