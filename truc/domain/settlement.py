"""A party's business day: which one an instant belongs to, and on which day its money reaches us.

What a party agreed is data with effective dates: `truc.manifest.SettlementTerms` has this shape. A day once computed
is stored with the payment and never computed again, so agreed terms may change without moving what is booked.
"""

from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from truc.domain.calendar import SwappedDay, WorkingCalendar
from truc.errors import MalformedError

MIDNIGHT = time(0)
_ONE_DAY = timedelta(days=1)


class Rule(Protocol):
    """What holds for the business days from `since` on, until a later rule's `since`."""

    @property
    def since(self) -> date: ...
    @property
    def zone(self) -> str:
        """The name of a time zone, as "Asia/Ho_Chi_Minh"."""

    @property
    def cut_off(self) -> time:
        """When a business day ends by that zone's clock; 0:00 is the midnight at its end."""

    @property
    def settles_after(self) -> int | None:
        """The n of T+n, in working days; None where it is not known."""


class Terms(Protocol):
    """A party's rules in order of `since`, the first since ever, with the days its calendar has of its own."""

    @property
    def rules(self) -> tuple[Rule, ...]: ...
    @property
    def closed_on(self) -> AbstractSet[date]: ...
    @property
    def open_on(self) -> AbstractSet[date]: ...


def rule_on(terms: Terms, business_on: date) -> Rule:
    """Return the rule that is in force for a business day."""
    return next(rule for rule in reversed(terms.rules) if rule.since <= business_on)


def ends_at(terms: Terms, business_on: date) -> datetime:
    """Return the instant, in UTC, at which a business day is over: it is the first one of the next day.

    Where a clock is turned back, the first of two equal times counts; a time that is left out counts as the instant
    at which the clock would have shown it.
    """
    rule = rule_on(terms, business_on)
    day = business_on + _ONE_DAY if rule.cut_off == MIDNIGHT else business_on
    return datetime.combine(day, rule.cut_off, ZoneInfo(rule.zone)).astimezone(UTC)


def business_day(terms: Terms, at: datetime) -> date:
    """Return the business day of an instant: the first one that is not over then, to the microsecond.

    The day of the cut-off itself is the next one. Raise MalformedError for an instant without a zone.
    """
    if at.tzinfo is None:
        raise MalformedError("instant: has no time zone; parse it at the wall", reason="naive_instant")
    instant = at.astimezone(UTC)
    # No clock is further than a day from UTC's, and no cut-off later than its midnight: the day is one of these.
    near = (instant.date() + ahead * _ONE_DAY for ahead in range(-1, 3))
    return next(day for day in near if instant < ends_at(terms, day))


def settles_on(terms: Terms, business_on: date, calendar: WorkingCalendar) -> date | None:
    """Return the day on which the money of a business day reaches us: the n-th working day after it; None: unknown.

    T+0 is the business day itself, or the next working day where nobody works on it. `calendar` is Vietnam's with
    the swapped days of the store (truc.store.catalogue.working_calendar); the party's own days outrank it. Raise
    MalformedError `no_working_day` when none comes within 60 days.
    """
    settles_after = rule_on(terms, business_on).settles_after
    if settles_after is None:
        return None
    closed = (SwappedDay(day, works=False) for day in terms.closed_on)
    days = calendar.with_swaps([*closed, *(SwappedDay(day, works=True) for day in terms.open_on)])
    if settles_after == 0:
        return days.working_day_from(business_on)
    settled = business_on
    for _ in range(settles_after):
        settled = days.working_day_from(settled + _ONE_DAY)
    return settled
