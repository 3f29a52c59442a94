"""The working-day clock: when an office is open, and when a dossier is due (egov.md 6.6).

Everything is counted in Vietnam's zone whatever the process's own is. A due date is an instant
inside working hours; working time is exact (8 h a day by default), so pauses add up.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from truc.domain.time_limit import TimeLimit, Unit
from truc.errors import MalformedError

BUSINESS_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
OFFICE_HOURS = ((time(7, 0), time(11, 30)), (time(13, 30), time(17, 0)))  # 8 hours
SAME_DAY_UNTIL = time(15, 0)  # received later, «trong ngày» means the next working day
_ONE_DAY = timedelta(days=1)
_LONGEST_SEARCH = 60  # days; no run of days off comes near it


def local_day(at: datetime) -> date:
    """The calendar day of an instant in Vietnam; raises MalformedError for an instant without a zone."""
    return _local(at).date()


@dataclass(frozen=True)
class SwappedDay:
    """One day the yearly government decision turns round: a Saturday worked, or a weekday off."""

    on: date
    works: bool


class WorkingCalendar:
    """Vietnam's public holidays (lunar ones included), with swapped days and office hours on top.

    `swaps` outrank the holiday library, which also knows some swaps of past years: the table is the
    decision of the year, the library may be older than it. The library's days may change with its
    version, so a due date once promised is stored, never recomputed.
    """

    def __init__(
        self,
        swaps: Iterable[SwappedDay] = (),
        *,
        office_hours: Sequence[tuple[time, time]] = OFFICE_HOURS,
    ) -> None:
        self._swaps = {swap.on: swap.works for swap in swaps}
        self._hours = tuple(office_hours)
        edges = [edge for window in self._hours for edge in window]
        if not edges or any(earlier >= later for earlier, later in pairwise(edges)):
            raise MalformedError("office hours: windows must follow each other in one day", reason="bad_hours")

    def with_swaps(self, swaps: Iterable[SwappedDay]) -> "WorkingCalendar":
        """The same calendar with more swapped days, which outrank its own."""
        held = (SwappedDay(on, works) for on, works in self._swaps.items())
        return WorkingCalendar([*held, *swaps], office_hours=self._hours)

    def is_working_day(self, day: date) -> bool:
        """Whether offices are open on that day at all."""
        if day in self._swaps:
            return self._swaps[day]
        off, worked_weekends = _public_days(day.year)
        return day in worked_weekends or (day.weekday() < 5 and day not in off)

    def working_day_from(self, day: date) -> date:
        """The day itself, or the next on which offices are open; raises MalformedError `no_working_day`."""
        for ahead in range(_LONGEST_SEARCH):
            if self.is_working_day(day + ahead * _ONE_DAY):
                return day + ahead * _ONE_DAY
        raise MalformedError(
            f"swapped days: no working day within {_LONGEST_SEARCH} days of {day}; mend the table, or the party's own",
            reason="no_working_day",
        )

    def due_at(self, received_at: datetime, limit: TimeLimit) -> datetime:
        """The instant a dossier received at `received_at` is due: always in working hours of a working day.

        What arrives after closing time or on a day off counts from the next working morning, in the
        lunch break from its end. Working days and hours are counted as working time. Calendar days,
        months and years leave out the day of reception and end at closing time of the last day, or of
        the next working day (Civil Code 2015, Art. 147–148).
        """
        start = self.starts_at(received_at)
        match limit.unit:
            case Unit.WORKING_DAY:
                return self.add_working_time(start, limit.quantity * self._day_length())
            case Unit.HOUR:
                return self.add_working_time(start, timedelta(hours=limit.quantity))
            case Unit.SAME_DAY:
                late = start.timetz().replace(tzinfo=None) > SAME_DAY_UNTIL
                return self._closing(start.date() + _ONE_DAY if late else start.date())
            case Unit.DAY:
                return self._closing(start.date() + timedelta(days=limit.quantity))
            case Unit.MONTH:
                return self._closing(_months_after(start.date(), limit.quantity))
            case Unit.YEAR:
                return self._closing(_months_after(start.date(), 12 * limit.quantity))

    def starts_at(self, at: datetime) -> datetime:
        """`at` itself in working hours (closing time included), else the next instant offices are open."""
        local = _local(at)
        if self.is_working_day(local.date()):
            for opening, closing in self._windows(local.date()):
                if local <= closing:
                    return max(local, opening)
            local += _ONE_DAY
            return self._opening(local.date())
        return self._opening(local.date())

    def add_working_time(self, at: datetime, amount: timedelta) -> datetime:
        """The first instant by which `amount` of working time has passed since `at`."""
        if amount < timedelta(0):
            raise MalformedError("working time: must not be negative", reason="bad_working_time")
        now = self.starts_at(at)
        while amount > timedelta(0):
            for opening, closing in self._windows(now.date()):
                room = closing - max(now, opening)
                if timedelta(0) < room >= amount:
                    return max(now, opening) + amount
                amount -= max(room, timedelta(0))
            now = self._opening(now.date() + _ONE_DAY)
        return now

    def working_time_between(self, start: datetime, end: datetime) -> timedelta:
        """Working time from `start` to `end`; zero when they are not in that order."""
        begin, finish = _local(start), _local(end)
        total = timedelta(0)
        day = begin.date()
        while day <= finish.date():
            if self.is_working_day(day):
                for opening, closing in self._windows(day):
                    total += max(min(closing, finish) - max(opening, begin), timedelta(0))
            day += _ONE_DAY
        return total

    def pause(self, due_at: datetime, paused_at: datetime, resumed_at: datetime) -> datetime:
        """The due date after waiting for the citizen: moved by the *working* time of the pause.

        A pause over a weekend costs nothing, so two pauses end where one joined pause would.
        """
        if _local(resumed_at) < _local(paused_at):
            raise MalformedError("pause: resumed before it began; check both instants", reason="bad_pause")
        return self.add_working_time(due_at, self.working_time_between(paused_at, resumed_at))

    def _windows(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        for opening, closing in self._hours:
            yield _at(day, opening), _at(day, closing)

    def _day_length(self) -> timedelta:
        return sum((end - start for start, end in self._windows(date(2026, 1, 5))), timedelta(0))

    def _opening(self, day: date) -> datetime:
        return _at(self.working_day_from(day), self._hours[0][0])

    def _closing(self, day: date) -> datetime:
        return _at(self.working_day_from(day), self._hours[-1][1])


def _local(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise MalformedError("instant: has no time zone; parse it at the wall", reason="naive_instant")
    return at.astimezone(BUSINESS_ZONE)


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, BUSINESS_ZONE)


def _months_after(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day where it has none (31 January + 1)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    first_of_next = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + timedelta(days=day.day - 1), first_of_next - _ONE_DAY)


@lru_cache(maxsize=64)
def _public_days(year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Days off and worked weekend days of a year, and some of its neighbours'.

    A swap of late December is listed under its day off, so the neighbouring years are asked too.
    """
    told = [_listed_days(asked) for asked in (year - 1, year, year + 1)]
    off, worked_weekends = (frozenset().union(*days) for days in zip(*told, strict=True))
    return off, worked_weekends


@lru_cache(maxsize=64)
def _listed_days(year: int) -> tuple[frozenset[date], frozenset[date]]:
    """What the holidays library lists under a year (heavy: imported on first use)."""
    import holidays

    vietnam = holidays.country_holidays("VN", years=year, expand=False)
    return frozenset(vietnam), frozenset(vietnam.weekend_workdays)
