"""Rows as the oracle reads them: texts, amounts, days and their one order."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Any, Protocol

from truc.domain.calendar import WorkingCalendar

FAMILY = {"payment": "payment", "refund": "return", "reversal": "return", "fee": "fee", "settlement": "settlement"}
STATE_GROUP = {"paid": "settled", "refunded": "settled", "failed": "failed", "pending": "pending"}
COUNTED = ("paid", "refunded")
BEYOND_INT64 = 2**63
VIETNAM = timezone(timedelta(hours=7))
ONE_DAY = timedelta(days=1)
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
CALENDAR = WorkingCalendar()


class CutOffTerms(Protocol):
    """From which instant of a day on a party books on the next day."""

    @property
    def party(self) -> str: ...
    @property
    def at(self) -> time: ...
    @property
    def from_on(self) -> date: ...


class Terms(Protocol):
    """What the oracle asks of a declared reconciliation."""

    @property
    def passes(self) -> Sequence[str]: ...
    @property
    def tolerance_vnd(self) -> int: ...
    @property
    def tolerated_vnd_max(self) -> int: ...
    @property
    def window_days(self) -> int: ...
    @property
    def remit_days(self) -> int: ...
    @property
    def candidates_max(self) -> int: ...
    @property
    def compared_max(self) -> int: ...
    @property
    def related_from(self) -> int: ...
    @property
    def unlettered_from(self) -> int: ...
    @property
    def edits_max(self) -> int: ...
    @property
    def cut_offs(self) -> Sequence[CutOffTerms]: ...


@dataclass(frozen=True, eq=False)  # two equal rows are still two rows
class Row:
    """One row of one side. `day` is None on an unreadable row that has none; `money` is 0 where none moved."""

    side: str  # core | partner
    readable: bool
    party: str
    family: str  # "" of a kind nobody knows
    kind: str
    state: str
    our_reference: str
    partner_reference: str
    amount: int
    fee: int
    day: date | None
    at: datetime | None  # UTC, whole seconds
    payer: str
    agency: str
    counted: bool
    money: int


def read_core(spec: Terms, rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    return [_read(spec, "core", row, kind="", state="") for row in rows]


def read_statement(spec: Terms, rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    return [_read(spec, "partner", row, kind="", state="") for row in rows]


def read_receipts(spec: Terms, rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    """A receipt has no state of its own: what it says, where it can be read, never takes its money away."""
    return [_as_paid(_read(spec, "partner", row, kind="payment", state="paid")) for row in rows]


def _as_paid(row: Row) -> Row:
    return replace(row, state="paid", counted=True, money=row.amount) if row.readable else row


def read_remittance(spec: Terms, rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    return [_read(spec, "partner", row, kind="settlement", state="paid") for row in rows]


def _read(spec: Terms, side: str, row: Mapping[str, Any], *, kind: str, state: str) -> Row:
    """The row as read; `kind` and `state` are what an empty cell of that source means."""
    party = text(row.get("party"))
    kind = text(row.get("kind")) or kind
    state = text(row.get("state")) or state
    amount = whole(row.get("amount_vnd"))
    fee = 0 if row.get("fee_vnd") is None else whole(row.get("fee_vnd"))
    at = _in_whole_seconds(row.get("occurred_at"))
    day = row.get("business_on") or (day_of(spec, party, at) if at else None)
    counted = state in COUNTED
    known = party != "" and kind in FAMILY and state in STATE_GROUP and not row.get("unreadable")
    return Row(
        side=side,
        readable=known and amount is not None and fee is not None and day is not None,
        party=party,
        family=FAMILY.get(kind, ""),
        kind=kind,
        state=state,
        our_reference=text(row.get("our_reference")),
        partner_reference=text(row.get("partner_reference")),
        amount=amount or 0,
        fee=fee or 0,
        day=day,
        at=at,
        payer=text(row.get("payer")),
        agency=text(row.get("agency")),
        counted=counted,
        money=(amount or 0) if counted else 0,
    )


def text(value: str | None) -> str:
    """A text as it stands: how it is written is the normalised reference's matter."""
    return value or ""


def whole(value: object) -> int | None:
    """The whole number of đồng from 0 up that fits 64 bits, else None."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < BEYOND_INT64 else None


def _in_whole_seconds(at: datetime | None) -> datetime | None:
    return None if at is None else at.astimezone(UTC).replace(microsecond=0)


def day_in_vietnam(at: datetime) -> date:
    return at.astimezone(VIETNAM).date()


def day_of(spec: Terms, party: str, at: datetime) -> date:
    """The Vietnam day of an instant; the next one from the party's cut-off on."""
    local = at.astimezone(VIETNAM)
    in_force = [cut for cut in spec.cut_offs if cut.party == party and cut.from_on <= local.date()]
    if in_force:
        cut = max(in_force, key=lambda one: one.from_on)
        if cut.at != time(0) and local.time() >= cut.at:
            return local.date() + ONE_DAY
    return local.date()


def day(row: Row) -> date:
    assert row.day is not None, "an unreadable row takes part in nothing"
    return row.day


def order(row: Row) -> tuple[Any, ...]:
    """The one order of readable rows of a side; rows equal here are interchangeable."""
    at = (row.at is not None, row.at or LONG_AGO)
    names = (row.party, row.family, row.our_reference, row.partner_reference)
    return (*names, row.amount, day(row), row.fee, *at, row.kind, row.state, row.payer, row.agency)


@lru_cache(maxsize=100_000)
def norm(reference: str) -> str:
    """A reference without case, accents and separators."""
    return "".join(map(_plain, reference)).upper()


def _plain(sign: str) -> str:
    """The one letter or digit that a sign stands for: it, a Latin letter with marks, a full-width form; else ""."""
    if sign in "đĐ":
        return "d"
    known = (
        sign.isascii() or "\u00a0" <= sign <= "\u024f" or "\u1e00" <= sign <= "\u1eff" or "\uff10" <= sign <= "\uff5a"
    )
    told = [one for one in unicodedata.normalize("NFKD", sign) if one.isascii() and one.isalnum()]
    return told[0] if known and len(told) == 1 else ""


def unlettered(reference: str, from_characters: int) -> str:
    """The normalised reference without its leading letters; "" where fewer characters than that remain."""
    rest = norm(reference).lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return rest if len(rest) >= from_characters else ""


def more_working_days_than(limit: int, earlier: date, later: date) -> bool:
    """Whether more than `limit` working days lie after `earlier`, up to and including `later`."""
    seen = 0
    while earlier < later and seen <= limit:
        earlier += ONE_DAY
        seen += CALENDAR.is_working_day(earlier)
    return seen > limit


def edits(one: str, other: str) -> int:
    """Levenshtein's distance."""
    before = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        now = [i]
        for j, b in enumerate(other, 1):
            now.append(min(before[j] + 1, now[-1] + 1, before[j - 1] + (a != b)))
        before = now
    return before[-1]
