"""Reads a delimited daily statement, and believes it only when its own control totals hold.

The form of a partner's file is data, a `DelimitedProfile`: a header record with the business day,
one record per line, and a trailer with the declared count and sum, each opened by its mark. The
sum is that of the amounts of all lines, whatever their kind and state. No payment partner has
published its layout (partners.md §18.5), so a profile is what is agreed with one partner.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from truc.errors import MalformedError

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
LINES_MAX = 1_000_000
DIGITS = re.compile(r"[0-9]{1,15}")

Record = tuple[int, list[str]]  # line of the file (from 1), cells


@dataclass(frozen=True, slots=True, kw_only=True)
class DelimitedProfile:
    """The agreed form of one partner's file.

    The column tuples name the cells of a record in order, the mark first. `header` holds
    "business_on"; `line` holds "line_no", "our_reference", "partner_reference", "kind",
    "amount_vnd", "fee_vnd", "state" and "occurred_at"; `trailer` holds "count" and "amount_vnd".
    Other names are read over. `kinds` and `states` give our word for each of the partner's.
    """

    delimiter: str
    header: tuple[str, ...]
    line: tuple[str, ...]
    trailer: tuple[str, ...]
    header_mark: str
    line_mark: str
    trailer_mark: str
    date_format: str
    time_format: str  # without a zone: times are those of Asia/Ho_Chi_Minh
    kinds: Mapping[str, str] = field(repr=False)
    states: Mapping[str, str] = field(repr=False)
    encoding: str = "utf-8"
    quoted: Literal["as_needed", "never"] = "never"
    thousands: str = ""  # what separates groups of three digits in an amount
    occurs: Literal["on_business_day", "any_day"] = "on_business_day"


@dataclass(frozen=True, slots=True)
class FileLine:
    """One line, in the words and the shape of truc.messages.StatementLine."""

    line_no: int
    our_reference: str
    partner_reference: str
    kind: str
    amount_vnd: int
    fee_vnd: int
    state: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class StatementFile:
    """A whole file whose control totals hold, in the shape of truc.messages.Statement.

    A mapping makes the message of it with `Statement.model_validate(file, from_attributes=True)`:
    this room lies below the messages and does not know them.
    """

    business_on: date
    lines: tuple[FileLine, ...]
    count_declared: int
    amount_declared_vnd: int


def read_delimited(body: bytes, profile: DelimitedProfile) -> StatementFile:
    """Return the statement, or raise MalformedError for the whole file.

    `reason` is one of not_text, empty, header_missing, truncated, unknown_record, wrong_columns,
    amount_not_integer, number_malformed, date_malformed, time_malformed, unknown_kind,
    unknown_state, wrong_day, duplicate_line, too_many_lines, control_count_differs and
    control_total_differs; the text names the line and the field, never their content.
    """
    records = list(_records(body, profile))
    if not records:
        raise MalformedError("the statement file is empty: ask for it again", reason="empty")
    business_on = _header(records[0], profile)
    count, amount_vnd = _trailer(records[-1], profile)
    lines = tuple(_line(record, profile) for record in records[1:-1])
    _check_lines(lines, business_on, profile)
    _check_totals(lines, count, amount_vnd)
    return StatementFile(business_on, lines, count, amount_vnd)


def _records(body: bytes, profile: DelimitedProfile) -> Iterator[Record]:
    try:
        text = body.decode(profile.encoding)
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise MalformedError(f"line {line}: not {profile.encoding} text", reason="not_text") from error
    rows = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=profile.delimiter,
        quoting=csv.QUOTE_NONE if profile.quoted == "never" else csv.QUOTE_MINIMAL,
        strict=True,
    )
    try:
        for row in rows:
            if rows.line_num > LINES_MAX:
                raise MalformedError(f"more than {LINES_MAX:,} lines", reason="too_many_lines")
            if row:
                yield rows.line_num, row
    except csv.Error as error:
        # The only faults of form csv knows are an unclosed quote (a cut file) and an endless cell.
        raise MalformedError(f"line {rows.line_num}: {error}", reason="truncated") from error


def _header(record: Record, profile: DelimitedProfile) -> date:
    number, cells = record
    if cells[0] != profile.header_mark:
        text = f"line {number}: the first record must be the header {profile.header_mark!r}"
        raise MalformedError(text, reason="header_missing")
    value = _cells(record, profile.header)["business_on"]
    return _time(number, "business_on", value, profile.date_format, "date_malformed").date()


def _trailer(record: Record, profile: DelimitedProfile) -> tuple[int, int]:
    number, cells = record
    if cells[0] != profile.trailer_mark or len(cells) < len(profile.trailer):
        text = f"line {number}: the file ends without its trailer {profile.trailer_mark!r}: ask for it again"
        raise MalformedError(text, reason="truncated")
    values = _cells(record, profile.trailer)
    count = _number(number, "count", values["count"])
    return count, _amount(number, "amount_vnd", values["amount_vnd"], profile)


def _line(record: Record, profile: DelimitedProfile) -> FileLine:
    number, cells = record
    if cells[0] != profile.line_mark:
        text = f"line {number}: a record between header and trailer must be {profile.line_mark!r}"
        raise MalformedError(text, reason="unknown_record")
    values = _cells(record, profile.line)
    return FileLine(
        line_no=_number(number, "line_no", values["line_no"]),
        our_reference=values["our_reference"],
        partner_reference=values["partner_reference"],
        kind=_known(number, "kind", values["kind"], profile.kinds),
        amount_vnd=_amount(number, "amount_vnd", values["amount_vnd"], profile),
        fee_vnd=_amount(number, "fee_vnd", values["fee_vnd"], profile),
        state=_known(number, "state", values["state"], profile.states),
        occurred_at=_time(number, "occurred_at", values["occurred_at"], profile.time_format, "time_malformed"),
    )


def _check_lines(lines: tuple[FileLine, ...], business_on: date, profile: DelimitedProfile) -> None:
    seen: set[int] = set()
    for line in lines:
        if line.line_no in seen:
            text = f"line_no {line.line_no} appears twice"
            raise MalformedError(text, reason="duplicate_line")
        seen.add(line.line_no)
        if profile.occurs == "on_business_day" and line.occurred_at.date() != business_on:
            text = f"line_no {line.line_no}: occurred_at is not on the business day {business_on}"
            raise MalformedError(text, reason="wrong_day")


def _check_totals(lines: tuple[FileLine, ...], count: int, amount_vnd: int) -> None:
    if len(lines) != count:
        text = f"trailer: count says {count}, the file has {len(lines)} lines"
        raise MalformedError(text, reason="control_count_differs")
    if (found := sum(line.amount_vnd for line in lines)) != amount_vnd:
        text = f"trailer: amount_vnd says {amount_vnd}, the lines make {found}"
        raise MalformedError(text, reason="control_total_differs")


def _cells(record: Record, names: tuple[str, ...]) -> dict[str, str]:
    number, cells = record
    if len(cells) != len(names):
        text = f"line {number}: {len(cells)} cells, {len(names)} expected"
        raise MalformedError(text, reason="wrong_columns")
    return dict(zip(names, cells, strict=True))


def _amount(number: int, name: str, text: str, profile: DelimitedProfile) -> int:
    plain = text
    if profile.thousands and profile.thousands in text:
        groups = text.split(profile.thousands)
        well_formed = 1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])
        plain = "".join(groups) if well_formed else ""
    if not DIGITS.fullmatch(plain):
        problem = f"line {number}: {name} must be whole đồng, digits only"
        raise MalformedError(problem, reason="amount_not_integer")
    return int(plain)


def _number(number: int, name: str, text: str) -> int:
    if not DIGITS.fullmatch(text) or (name == "line_no" and int(text) < 1):
        raise MalformedError(f"line {number}: {name} must be a whole number", reason="number_malformed")
    return int(text)


def _known(number: int, name: str, text: str, table: Mapping[str, str]) -> str:
    if text not in table:
        known = ", ".join(table)
        raise MalformedError(f"line {number}: {name} must be one of {known}", reason=f"unknown_{name}")
    return table[text]


def _time(number: int, name: str, text: str, form: str, reason: str) -> datetime:
    try:
        return datetime.strptime(text, form).replace(tzinfo=VIETNAM)
    except ValueError:
        # Python's own text repeats the cell, so it is not chained.
        raise MalformedError(f"line {number}: {name} must be of the form {form}", reason=reason) from None
