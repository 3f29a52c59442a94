"""The agreed form of one partner's statement file, as data: what a mapping declares or a TOML file holds.

No payment partner has published its reconciliation file (partners.md §18.5), so a profile is what is agreed with
one partner. Names of columns are ours (`LINE_NAMES`, `HEAD_NAMES`); a column that is read over is named `-…`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from truc.errors import SetupError

KINDS = frozenset({"payment", "refund", "reversal", "fee", "settlement"})
STATES = frozenset({"paid", "failed", "pending", "refunded"})
LINE_NAMES = frozenset(
    {
        "mark",
        "line_no",
        "our_reference",
        "partner_reference",
        "kind",
        "amount_vnd",
        "credit_vnd",
        "debit_vnd",
        "fee_vnd",
        "state",
        "occurred_at",
        "occurred_on",
        "settled_on",
    }
)
HEAD_NAMES = frozenset(
    {"mark", "business_on", "count", "amount_vnd", "credit_vnd", "debit_vnd", "opening_vnd", "closing_vnd", "sequence"}
)
Encoding = Literal["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "windows-1258", "tcvn3", "vni"]
CLOSED = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """How amounts are written. Decimals may only be zeros: the đồng has no part.

    `sign`: where a minus stands; "parentheses" means (200.000). `empty`: what an empty cell means.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    thousands: str = ""  # what separates groups of three digits
    decimals: str = ""  # what stands before the zeros after the amount
    sign: Literal["none", "leading", "trailing", "parentheses"] = "none"
    empty: Literal["refused", "zero"] = "refused"

    def __post_init__(self) -> None:
        if self.thousands and self.thousands == self.decimals:
            raise SetupError("amounts: thousands and decimals are the same sign", reason="profile_malformed")
        if any(len(sign) > 1 or sign in "0123456789+-()" for sign in (self.thousands, self.decimals) if sign):
            raise SetupError("amounts: thousands and decimals are one sign, no digit", reason="profile_malformed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What the cells of a line mean, whatever the form of the file.

    `kinds` and `states` give our word for each of the partner's. Without a kind column the kind is that of "+" or
    "-", the sign of the amount; without a state column the state is that of "". Formats are those of strptime;
    times without a zone are those of Asia/Ho_Chi_Minh. `reference_pattern` finds our reference in free text: its
    first group, or all of it; where it finds nothing, the line has no reference of ours.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    kinds: Mapping[str, str] = field(repr=False)
    states: Mapping[str, str] = field(repr=False)
    date_format: str = "%Y%m%d"
    time_format: str = "%Y%m%d%H%M%S"
    amounts: Amounts = Amounts()
    occurs: Literal["on_business_day", "any_day"] = "on_business_day"
    reference_pattern: str = ""

    def __post_init__(self) -> None:
        _known("kinds", self.kinds.values(), KINDS)
        _known("states", self.states.values(), STATES)
        try:
            re.compile(self.reference_pattern)
        except re.error as error:
            raise SetupError(f"reference_pattern: {error}", reason="profile_malformed") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Delimited:
    """Text with one record a line: a header, the titles of columns, the lines, a trailer; all but the lines optional.

    The tuples name the cells of a record in order. A mark is the text of the first cell, which is named "mark" then.
    Header and trailer hold names of HEAD_NAMES. `titles`, when given, must stand above the lines to the letter:
    a partner that moves its columns is noticed. A cell in quotes may hold the delimiter, but no end of line.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    form: Literal["delimited"] = "delimited"
    party: str
    means: Meaning
    delimiter: str
    line: tuple[str, ...]
    header: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    trailer: tuple[str, ...] = ()
    line_mark: str = ""
    header_mark: str = ""
    trailer_mark: str = ""
    encoding: Encoding = "utf-8"
    quoted: Literal["as_needed", "never"] = "never"

    def __post_init__(self) -> None:
        if len(self.delimiter) != 1 or self.delimiter.isalnum() or self.delimiter in '"\r\n' or self.delimiter > "\x7f":
            raise SetupError("delimiter: one sign, no letter, digit or quote", reason="profile_malformed")
        _check_line(self.line, self.means)
        _check_records(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Where a cell stands in a record: `first` counts from 1, in characters (in an old code page: bytes)."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    name: str
    first: int
    length: int

    def __post_init__(self) -> None:
        if self.first < 1 or self.length < 1:
            raise SetupError(f"{self.name}: first and length count from 1", reason="profile_malformed")


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedWidth:
    """Text with one record a line, its cells at fixed places; blanks around a cell are filling.

    A record is of the kind whose mark it begins with. `width` is that of a line: a shorter one was cut.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    form: Literal["fixed_width"] = "fixed_width"
    party: str
    means: Meaning
    width: int
    line: tuple[Span, ...]
    header: tuple[Span, ...] = ()
    trailer: tuple[Span, ...] = ()
    line_mark: str = ""
    header_mark: str = ""
    trailer_mark: str = ""
    encoding: Encoding = "utf-8"

    def __post_init__(self) -> None:
        _check_line(tuple(span.name for span in self.line), self.means)
        if any(span.first + span.length - 1 > self.width for span in self.line):
            raise SetupError("line: a cell ends behind the width", reason="profile_malformed")
        for name, spans in (("header", self.header), ("trailer", self.trailer)):
            _known(name, (span.name for span in spans if not span.name.startswith("-")), HEAD_NAMES)
        if bool(self.header) != bool(self.header_mark) or bool(self.trailer) != bool(self.trailer_mark):
            raise SetupError("a header or trailer needs its mark", reason="profile_malformed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbook:
    """A sheet of an XLSX file: lines below a row of titles, up to the trailer whose first cell is `trailer_mark`.

    `columns` gives our name for each title (as written, blanks around it apart); `trailer` gives our name for the title
    in whose column a total stands. Empty rows are passed over; what stands below the trailer is not read.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    form: Literal["workbook"] = "workbook"
    party: str
    means: Meaning
    columns: Mapping[str, str] = field(repr=False)
    trailer: Mapping[str, str] = field(default_factory=dict)
    trailer_mark: str = ""
    sheet: str = ""  # the first one when empty

    def __post_init__(self) -> None:
        _check_line(tuple(self.columns.values()), self.means)
        _known("trailer", self.trailer.values(), HEAD_NAMES)
        if bool(self.trailer) != bool(self.trailer_mark):
            raise SetupError("a trailer needs its mark", reason="profile_malformed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Camt053:
    """An ISO 20022 bank-to-customer statement, camt.053.001.02 to .13: the names are the standard's.

    `account` picks one statement of a file by IBAN or other identification; empty when there is only one.
    `references` are paths below a transaction or its entry, the first one that is there is our reference;
    `kinds` has CRDT, DBIT and, for taken back entries, "CRDT RVSL" and "DBIT RVSL"; `states` has BOOK, PDNG, INFO.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    form: Literal["camt053"] = "camt053"
    party: str
    means: Meaning
    account: str = ""
    references: tuple[str, ...] = ("Refs/EndToEndId", "RmtInf/Ustrd", "AddtlTxInf", "AddtlNtryInf")
    partner_references: tuple[str, ...] = ("Refs/AcctSvcrRef", "Refs/TxId", "AcctSvcrRef", "NtryRef")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mt940:
    """A SWIFT MT940 customer statement, one or more messages of one account.

    `kinds` has C, D, RC and RD; `states` has "". Our reference is that of :61: ("customer")
    or in :86: ("narrative").
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    form: Literal["mt940"] = "mt940"
    party: str
    means: Meaning
    account: str = ""
    reference: Literal["customer", "narrative"] = "customer"
    narrative_joined_by: str = ""  # what stands between the lines of :86:
    encoding: Encoding = "utf-8"


Profile = Annotated[Delimited | FixedWidth | Workbook | Camt053 | Mt940, Field(discriminator="form")]


def _check_line(names: tuple[str, ...], means: Meaning) -> None:
    own = [name for name in names if not name.startswith("-")]
    _known("line", own, LINE_NAMES)
    if len(set(own)) < len(own):
        raise SetupError("line: a name stands twice", reason="profile_malformed")
    amounts = {"amount_vnd"} <= set(own) or {"credit_vnd", "debit_vnd"} <= set(own)
    if not amounts or "our_reference" not in own or not {"occurred_at", "occurred_on"} & set(own):
        text = "line: needs our_reference, amount_vnd (or credit_vnd and debit_vnd), occurred_at or occurred_on"
        raise SetupError(text, reason="profile_malformed")
    if ("kind" not in own and "+" not in means.kinds) or ("state" not in own and "" not in means.states):
        text = 'line: without a kind column kinds needs "+", without a state column states needs ""'
        raise SetupError(text, reason="profile_malformed")


def _check_records(profile: Delimited) -> None:
    records = {"line": profile.line, "header": profile.header, "trailer": profile.trailer}
    marks = {"line": profile.line_mark, "header": profile.header_mark, "trailer": profile.trailer_mark}
    for record, names in records.items():
        if record != "line":
            _known(record, (name for name in names if not name.startswith("-")), HEAD_NAMES)
        if bool(marks[record]) != (names[:1] == ("mark",)):
            raise SetupError(f"{record}: a mark and a first cell «mark» go together", reason="profile_malformed")
    if profile.trailer and not profile.trailer_mark:
        raise SetupError("trailer: needs its mark", reason="profile_malformed")


def _known(where: str, names: Iterable[str], known: frozenset[str]) -> None:
    if strange := sorted(set(names) - known):
        text = f"{where}: {', '.join(strange)} is none of {', '.join(sorted(known))}"
        raise SetupError(text, reason="profile_malformed")
