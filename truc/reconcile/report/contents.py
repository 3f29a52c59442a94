"""What a report says: one frozen picture of a reconciled day, from which every form of the report takes its numbers.

Rows are Arrow tables, so that a day of millions fits; whatever is summed is derived here, once, and exactly.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from truc.parties import called
from truc.reconcile.schemas import BREAK_SCHEMA, DAY, NUMBER, TEXT
from truc.reconcile.words import AGES, BREAK_CLASSES, RULES, Lang, Words

# What a report adds to each break: where it stands, and its age in days at the end of the report's day.
STANDING = pa.schema(
    [
        ("at_risk_vnd", NUMBER),
        ("state", TEXT),
        ("assignee", TEXT),
        ("reason_code", TEXT),
        ("proposal", TEXT),
        ("proposed_by", TEXT),
        ("approved_by", TEXT),
        ("resolution", TEXT),
        ("opened_on", DAY),
        ("age_days", NUMBER),
    ]
)
BREAKS = pa.schema([*BREAK_SCHEMA, *STANDING])
# Unresolved breaks of this day and of earlier ones; `bucket` is a key of words.AGES.
CARRIED = pa.schema(
    [
        ("break_id", TEXT),
        ("break_class", TEXT),
        ("leg", TEXT),
        ("party", TEXT),
        ("kind", TEXT),
        ("our_reference", TEXT),
        ("partner_reference", TEXT),
        ("business_on", DAY),
        ("core_vnd", NUMBER),
        ("partner_vnd", NUMBER),
        ("difference_vnd", NUMBER),
        ("at_risk_vnd", NUMBER),
        ("age_days", NUMBER),
        ("bucket", TEXT),
        ("state", TEXT),
        ("assignee", TEXT),
        ("reason_code", TEXT),
    ]
)
# How a run resolves a break, where a person does not (words.RESOLUTIONS).
BY_RUN = ("matched_later", "no_longer_found")
# The legs that meet the partner's statement; receipts and remittance speak of the same payments once more.
STATEMENT_LEGS = ("statement", "settlement", "return")
# The lines of a leg's account, in the order in which they add up; what comes in is what goes out.
ACCOUNT_IN = ("carried_in", "new")
ACCOUNT_OUT = ("matched", "no_money", "written_off", "carried_out")
# A key of words.AGES says what it holds: "2-3" from two days to three, the last one all above.
_LASTS = {key: int(key.partition("-")[2]) for key in list(AGES)[:-1]}
_OLDEST = list(AGES)[-1]
_EXACT = pa.decimal128(38, 0)  # sums of int64 may need more than 64 bits


Side = Literal["core", "partner"]
SIDES: tuple[Side, ...] = ("core", "partner")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLine:
    """A line of a leg's account; `what` is of ACCOUNT_IN or ACCOUNT_OUT."""

    leg: str  # statement (with settlement and return), receipts, remittance
    side: Side
    what: str
    rows: int
    vnd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Where the day's signature stands; of an unprepared day only `state` is filled. Digests are SHA-256 in hex.

    The limits are of what may stay open in the day when it is signed, as who prepared it chose.
    """

    state: Literal["open", "prepared", "signed"]
    content_hash: str = ""
    prepared_by: str = ""
    prepared_at: datetime | None = None
    approved_by: str = ""
    approved_at: datetime | None = None
    report_digest: str = ""
    open_limit_vnd: int = 0
    open_limit_count: int = 0


UNSIGNED = Signature(state="open")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """The matches one rule made."""

    rule: str
    matches: int
    core_vnd: int
    partner_vnd: int
    difference_vnd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassLine:
    """The breaks of one class. `breaks` counts breaks, not rows; `at_risk_vnd` is never negative."""

    break_class: str
    breaks: int
    core_vnd: int
    partner_vnd: int
    difference_vnd: int
    at_risk_vnd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeLine:
    """What is carried forward of one class and age."""

    break_class: str
    bucket: str
    breaks: int
    at_risk_vnd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReport:
    """One party's business day in one version, or, of files, whatever parties and days these hold.

    `made_at` is the run's instant, never the clock's: the same day gives the same bytes. `account` holds the lines
    carried_in to carried_out of each leg and side. The digests are SHA-256 in hex, "" where there is none. `called` is
    the name of the one party, where it has one besides its word.
    """

    lang: Lang
    parties: tuple[str, ...]
    first_on: date | None
    last_on: date | None
    version: int
    spec: str
    made_at: datetime
    spec_digest: str
    input_digest: str
    result_digest: str
    account: tuple[AccountLine, ...]
    matches: pa.Table = field(repr=False)
    breaks: pa.Table = field(repr=False)
    carried: pa.Table = field(repr=False)
    signing: Signature = UNSIGNED
    organisation: str = ""
    called: Words | None = None

    def rules(self) -> list[RuleLine]:
        """Return the matches by rule, in the order in which rules are tried."""
        found = _summed(self.matches, ("rule",), ("core_vnd", "partner_vnd", "difference_vnd"))
        lines = [
            RuleLine(rule=key[0], matches=n, core_vnd=a, partner_vnd=b, difference_vnd=c) for key, n, a, b, c in found
        ]
        return sorted(lines, key=lambda line: (_place(line.rule.partition("/")[0], RULES), line.rule))

    def classes(self) -> list[ClassLine]:
        """Return the breaks by class, in the order in which words.BREAK_CLASSES names them."""
        found = _summed(self.breaks, ("break_class",), ("core_vnd", "partner_vnd", "difference_vnd", "at_risk_vnd"))
        lines = [
            ClassLine(break_class=key[0], breaks=n, core_vnd=a, partner_vnd=b, difference_vnd=c, at_risk_vnd=d)
            for key, n, a, b, c, d in found
        ]
        return sorted(lines, key=lambda line: (_place(line.break_class, BREAK_CLASSES), line.break_class))

    def ages(self) -> list[AgeLine]:
        """Return what is carried forward by class and age; empty ones are left out."""
        found = _summed(self.carried, ("break_class", "bucket"), ("at_risk_vnd",))
        lines = [AgeLine(break_class=key[0], bucket=key[1], breaks=n, at_risk_vnd=a) for key, n, a in found]
        return sorted(
            lines,
            key=lambda line: (_place(line.break_class, BREAK_CLASSES), line.break_class, _place(line.bucket, AGES)),
        )

    def account_of(self, leg: str, side: str, what: str) -> tuple[int, int]:
        """Return rows and đồng of one line of the account; nothing where the day has no such line."""
        lines = [one for one in self.account if (one.leg, one.side, one.what) == (leg, side, what)]
        return sum(one.rows for one in lines), sum(one.vnd for one in lines)

    def matched_vnd(self) -> int:
        """Return our money that matched where the partner's statement is met: every payment counts once."""
        return total(self.matches.filter(_one_of(self.matches["leg"], STATEMENT_LEGS)), "core_money_vnd")

    def legs(self) -> list[str]:
        """Return the legs that the account has, in its order."""
        return list(dict.fromkeys(one.leg for one in self.account))


def as_prepared(report: DayReport) -> DayReport:
    """Return the report as it was before the second signature: what the approver saw, and what his seal is over."""
    if report.signing.state != "signed":
        return report
    before = replace(report.signing, state="prepared", approved_by="", approved_at=None, report_digest="")
    return replace(report, signing=before)


def called_of(parties: tuple[str, ...]) -> Words | None:
    """Return the name of the one party; None of several, and of one that is known by its word only."""
    if len(parties) != 1:
        return None
    names = Words(*called(parties[0]))
    return None if names.vi == parties[0] else names


def carried_of(breaks: pa.Table) -> pa.Table:
    """Return those of the breaks that go on to the next day: all but what people resolved.

    What a later run resolved went on too; there it was found. The day of each is that on which it came up.
    """
    left = breaks.filter(pc.or_(pc.not_equal(breaks["state"], "resolved"), _one_of(breaks["resolution"], BY_RUN)))
    buckets = buckets_of(left["age_days"])
    columns = {name: left[name] for name in left.column_names} | {"business_on": left["opened_on"], "bucket": buckets}
    return pa.table([columns[name] for name in CARRIED.names], schema=CARRIED)


def total(table: pa.Table, column: str) -> int:
    """Return the exact sum of a column of whole numbers."""
    found = table[column].cast(_EXACT)
    return int(pc.sum(found).as_py() or 0)


def magnitude(table: pa.Table, column: str) -> int:
    """Return the exact sum of a column's absolute values: what no partial sum of it can exceed."""
    found = pc.abs(table[column].cast(_EXACT))
    return int(pc.sum(found).as_py() or 0)


def rows(table: pa.Table, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table, as many at once as memory likes."""
    for batch in table.select(list(columns)).to_batches(max_chunksize=10_000):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def buckets_of(ages: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the key of words.AGES that each age, in days, falls under; a day still to come counts as today.

    The bounds are those of reading.breaks.BUCKETS, which loads the store; a report of files does without it.
    """
    found = pa.chunked_array([pa.repeat(_OLDEST, len(ages))])
    for key, last in reversed(_LASTS.items()):
        found = pc.if_else(pc.less_equal(ages, last), key, found)
    return found


def _one_of(texts: pa.ChunkedArray, codes: Sequence[str]) -> pa.ChunkedArray:
    """Tell of each text whether it is one of the codes."""
    return pc.is_in(texts, pa.array(codes, TEXT))


def _summed(table: pa.Table, keys: Sequence[str], columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Yield (key values, number of rows, sum of each column) of each group."""
    exact = pa.table({**{key: table[key] for key in keys}, **{name: table[name].cast(_EXACT) for name in columns}})
    wanted = [([], "count_all"), *((name, "sum") for name in columns)]
    for group in exact.group_by(list(keys)).aggregate(wanted).to_pylist():
        sums = (int(group[f"{name}_sum"] or 0) for name in columns)
        yield tuple(group[key] for key in keys), int(group["count_all"]), *sums


def _place(code: str, table: Any) -> int:
    """Return where a table names the code; codes it does not name come last."""
    return list(table).index(code) if code in table else len(table)
