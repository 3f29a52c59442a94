"""The neutral row as this generator sees it: a dict, and the few words that may be said of one."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from truc.domain.calendar import BUSINESS_ZONE, WorkingCalendar

Row = dict[str, Any]

COLUMNS = (
    "party",
    "business_on",
    "our_reference",
    "partner_reference",
    "kind",
    "amount_vnd",
    "fee_vnd",
    "state",
    "occurred_at",
    "payer",
    "agency",
)
RECEIPT_COLUMNS = (*COLUMNS, "receipt_number")
FAMILIES = {"payment": "payment", "refund": "return", "reversal": "return", "fee": "fee", "settlement": "settlement"}
STATES = ("paid", "failed", "pending", "refunded")
ONE_DAY = timedelta(days=1)
_CALENDAR = WorkingCalendar()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the reconciliation is told beside the rows: cut-offs by party (Vietnam's clock), and what is tolerated."""

    cut_offs: Mapping[str, time] = field(default_factory=dict)
    tolerance_vnd: int = 0
    tolerated_vnd_max: int = 0


def clean(text: str | None) -> str:
    """The text as it is compared and reported: NFC, no white space at the ends, "" for none."""
    return unicodedata.normalize("NFC", (text or "").strip())


def counted(row: Row) -> bool:
    """Whether money moved; rows of a file that has no state (receipts, remittance) all say that it did."""
    return row.get("state", "paid") in ("paid", "refunded")


def is_readable(row: Row) -> bool:
    """Whether nothing in the row must be guessed: party, kind, state, amount, fee, and a day or an instant."""
    kind, state = row.get("kind", "payment"), row.get("state", "paid")
    amounts = (row["amount_vnd"], row["fee_vnd"] or 0)
    named = bool(clean(row["party"])) and kind in FAMILIES and state in STATES
    dated = row["business_on"] is not None or row["occurred_at"] is not None
    return named and dated and all(isinstance(amount, int) and amount >= 0 for amount in amounts)


def money(row: Row) -> int:
    """Whole đồng that moved; 0 where none did, or where the amount cannot be read."""
    amount = row["amount_vnd"]
    return amount if counted(row) and isinstance(amount, int) and amount >= 0 else 0


def fee(row: Row) -> int:
    """Whole đồng of fee; 0 where the row names none."""
    return int(row["fee_vnd"] or 0)


def family(row: Row) -> str:
    """The kinds among which a row may find its other half; "" for a kind that is none."""
    return FAMILIES.get(row.get("kind") or "", "")


def day_of(row: Row, settings: Settings) -> date | None:
    """The business day: as given, else that of the instant, the next from the party's cut-off on."""
    if row["business_on"] is not None or row["occurred_at"] is None:
        given: date | None = row["business_on"]
        return given
    return instant_day(row["occurred_at"], settings.cut_offs.get(row["party"]))


def instant_day(at: datetime, cut_off: time | None = None) -> date:
    """The Vietnam day of an instant; from the cut-off on it is the next day."""
    local = at.astimezone(BUSINESS_ZONE)
    return local.date() + ONE_DAY if cut_off and local.time() >= cut_off else local.date()


def day_begins(day: date, cut_off: time | None = None) -> datetime:
    """The first instant of a business day, in UTC: midnight, or the cut-off of the evening before."""
    first = (
        datetime.combine(day - ONE_DAY, cut_off, BUSINESS_ZONE)
        if cut_off
        else datetime.combine(day, time(0), BUSINESS_ZONE)
    )
    return first.astimezone(UTC)


def is_working(day: date) -> bool:
    """Whether offices and banks are open."""
    return _CALENDAR.is_working_day(day)


def working_days(start: date, end: date) -> int:
    """Working days after `start` up to and including `end`; below zero when `end` is the earlier one."""
    if end < start:
        return -working_days(end, start)
    return sum(is_working(start + ONE_DAY * ahead) for ahead in range(1, (end - start).days + 1))


def working_day_after(day: date, count: int) -> date:
    """The day on which the `count`-th working day after `day` is reached."""
    while count:
        day += ONE_DAY
        count -= is_working(day)
    return day


def normalised(reference: str | None) -> str:
    """Letters and digits alone: no marks, no case, no separators; Đ is D."""
    plain = unicodedata.normalize("NFKD", clean(reference).replace("đ", "D").replace("Đ", "D"))
    return "".join(letter for letter in plain.upper() if "A" <= letter <= "Z" or "0" <= letter <= "9")


def unlettered(reference: str | None) -> str:
    """The normalised reference without its leading letters; "" where fewer than eight characters are left."""
    rest = normalised(reference).lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return rest if len(rest) >= 8 else ""


def edits(one: str, other: str) -> int:
    """How many letters must be put in, taken out or changed to make one text the other (Levenshtein)."""
    before = list(range(len(other) + 1))
    for place, letter in enumerate(one, start=1):
        now = [place]
        for column, theirs in enumerate(other, start=1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (letter != theirs)))
        before = now
    return before[-1]


def related(one: str | None, other: str | None) -> bool:
    """Whether two references look like one written twice: one inside the other, or two letters apart at most."""
    a, b = normalised(one), normalised(other)
    if min(len(a), len(b)) < 6:
        return False
    return a in b or b in a or (len(a) == len(b) and edits(a, b) <= 2)
