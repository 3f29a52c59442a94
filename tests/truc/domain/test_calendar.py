"""The working-day clock: holidays, swaps, office hours, pauses."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truc.domain.calendar import BUSINESS_ZONE, OFFICE_HOURS, SwappedDay, WorkingCalendar, local_day
from truc.domain.time_limit import TimeLimit, Unit
from truc.errors import MalformedError

CALENDAR = WorkingCalendar()
SWAPPED = WorkingCalendar([SwappedDay(date(2026, 1, 2), works=False), SwappedDay(date(2026, 1, 10), works=True)])

instants = st.integers(0, 820 * 24 * 3600).map(
    lambda seconds: datetime(2024, 12, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
limits = st.one_of(
    st.builds(TimeLimit, st.integers(1, 60), st.sampled_from([Unit.WORKING_DAY, Unit.DAY])),
    st.builds(TimeLimit, st.integers(1, 120), st.just(Unit.HOUR)),
    st.builds(TimeLimit, st.integers(1, 12), st.just(Unit.MONTH)),
    st.just(TimeLimit(0, Unit.SAME_DAY)),
)


def vn(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BUSINESS_ZONE)


def days(count: int) -> TimeLimit:
    return TimeLimit(count, Unit.WORKING_DAY)


@pytest.mark.parametrize(
    "day", ["2026-02-16", "2026-02-20", "2026-04-27", "2026-04-30", "2026-09-02", "2026-08-31", "2025-04-07"]
)
def test_public_holidays_and_their_substitutes_are_days_off(day: str) -> None:
    assert not CALENDAR.is_working_day(date.fromisoformat(day))


def test_saturdays_worked_by_decision_are_working_days() -> None:
    assert CALENDAR.is_working_day(date(2026, 8, 22))  # known to the library
    assert not CALENDAR.is_working_day(date(2026, 1, 10))
    assert SWAPPED.is_working_day(date(2026, 1, 10))
    assert not SWAPPED.is_working_day(date(2026, 1, 2))


def test_the_callers_table_outranks_the_library() -> None:
    assert not WorkingCalendar([SwappedDay(date(2026, 8, 22), works=False)]).is_working_day(date(2026, 8, 22))


@pytest.mark.parametrize(
    ("received", "limit", "due"),
    [
        # egov.md §8 item 10: around closing time
        ("2026-11-04T16:59", days(1), "2026-11-05T16:59"),
        ("2026-11-04T17:00", days(1), "2026-11-05T17:00"),
        ("2026-11-04T17:01", days(1), "2026-11-05T17:00"),
        ("2026-11-04T07:00", days(1), "2026-11-04T17:00"),  # a full day of 8 hours ends at closing
        ("2026-11-04T12:10", days(1), "2026-11-05T11:30"),  # lunch counts from 13:30
        ("2026-11-06T10:00", days(1), "2026-11-09T10:00"),  # Friday to Monday
        ("2026-11-07T10:00", days(2), "2026-11-10T17:00"),  # Saturday counts from Monday morning
        ("2026-02-13T16:00", days(1), "2026-02-23T16:00"),  # over Tết 2026
        ("2026-11-04T16:30", TimeLimit(1, Unit.HOUR), "2026-11-05T07:30"),
        ("2026-11-04T11:00", TimeLimit(1, Unit.HOUR), "2026-11-04T14:00"),
        ("2026-11-04T10:00", TimeLimit(0, Unit.SAME_DAY), "2026-11-04T17:00"),
        ("2026-11-04T15:00", TimeLimit(0, Unit.SAME_DAY), "2026-11-04T17:00"),
        ("2026-11-04T15:01", TimeLimit(0, Unit.SAME_DAY), "2026-11-05T17:00"),
        ("2026-11-04T18:00", TimeLimit(0, Unit.SAME_DAY), "2026-11-05T17:00"),
        ("2026-11-04T10:00", TimeLimit(2, Unit.DAY), "2026-11-06T17:00"),
        ("2026-11-04T10:00", TimeLimit(3, Unit.DAY), "2026-11-09T17:00"),  # falls on Saturday
        ("2026-01-30T10:00", TimeLimit(1, Unit.MONTH), "2026-03-02T17:00"),  # 28 Feb is a Saturday
        ("2026-11-04T10:00", TimeLimit(1, Unit.YEAR), "2027-11-04T17:00"),
    ],
)
def test_due_dates(received: str, limit: TimeLimit, due: str) -> None:
    assert CALENDAR.due_at(vn(received), limit) == vn(due)


def test_friday_before_a_swapped_saturday_is_due_on_that_saturday() -> None:
    assert SWAPPED.due_at(vn("2026-01-09T10:00"), days(1)) == vn("2026-01-10T10:00")
    assert CALENDAR.due_at(vn("2026-01-09T10:00"), days(1)) == vn("2026-01-12T10:00")


@given(instants, limits)
def test_a_due_date_is_in_office_hours_of_a_working_day(received: datetime, limit: TimeLimit) -> None:
    due = CALENDAR.due_at(received, limit)
    assert CALENDAR.is_working_day(due.date())
    assert any(opening <= due.timetz().replace(tzinfo=None) <= closing for opening, closing in OFFICE_HOURS)
    assert due >= received


@given(instants, instants, limits)
def test_who_comes_later_is_never_due_earlier(one: datetime, other: datetime, limit: TimeLimit) -> None:
    first, second = sorted((one, other))
    assert CALENDAR.due_at(first, limit) <= CALENDAR.due_at(second, limit)


@given(instants, st.integers(1, 40))
def test_a_longer_limit_is_never_due_earlier(received: datetime, count: int) -> None:
    for unit in (Unit.WORKING_DAY, Unit.DAY, Unit.HOUR, Unit.MONTH):
        shorter, longer = TimeLimit(count, unit), TimeLimit(count + 1, unit)
        assert CALENDAR.due_at(received, shorter) <= CALENDAR.due_at(received, longer)


@given(instants, st.timedeltas(timedelta(0), timedelta(hours=200)))
def test_working_time_added_is_working_time_between(start: datetime, amount: timedelta) -> None:
    assert CALENDAR.working_time_between(start, CALENDAR.add_working_time(start, amount)) == amount


@given(instants, st.tuples(instants, instants, instants))
@settings(max_examples=60)
def test_two_pauses_move_the_due_date_like_one_joined_pause(
    received: datetime, moments: tuple[datetime, datetime, datetime]
) -> None:
    first, second, third = sorted(moments)
    due = CALENDAR.due_at(received, days(5))
    twice = CALENDAR.pause(CALENDAR.pause(due, first, second), second, third)
    assert twice == CALENDAR.pause(due, first, third)
    assert twice >= due


def test_a_pause_over_a_weekend_costs_nothing() -> None:
    due = vn("2026-11-12T10:00")
    assert CALENDAR.pause(due, vn("2026-11-06T17:00"), vn("2026-11-09T07:00")) == due
    assert CALENDAR.pause(due, vn("2026-11-06T16:00"), vn("2026-11-09T08:00")) == vn("2026-11-12T14:00")


def test_a_pause_that_ends_before_it_began_is_refused() -> None:
    with pytest.raises(MalformedError):
        CALENDAR.pause(vn("2026-11-12T10:00"), vn("2026-11-09T08:00"), vn("2026-11-06T16:00"))


def test_the_processes_own_zone_decides_nothing() -> None:
    program = (
        "from datetime import UTC, datetime\n"
        "from truc.domain.calendar import WorkingCalendar, local_day\n"
        "from truc.domain.time_limit import TimeLimit, Unit\n"
        "at = datetime(2026, 11, 4, 17, 30, tzinfo=UTC)\n"
        "print(WorkingCalendar().due_at(at, TimeLimit(3, Unit.DAY)), local_day(at))\n"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "TZ": zone, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            check=True, capture_output=True, text=True, timeout=60,
        ).stdout
        for zone in ("UTC", "America/Los_Angeles", "Asia/Ho_Chi_Minh")
    }  # fmt: skip
    assert answers == {"2026-11-09 17:00:00+07:00 2026-11-05\n"}


def test_midnight_belongs_to_the_vietnamese_day() -> None:
    assert local_day(datetime(2026, 11, 4, 16, 59, tzinfo=UTC)) == date(2026, 11, 4)
    assert local_day(datetime(2026, 11, 4, 17, 0, tzinfo=UTC)) == date(2026, 11, 5)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(MalformedError) as caught:
        CALENDAR.due_at(datetime(2026, 11, 4, 10, 0), days(1))  # noqa: DTZ001  (the very mistake)
    assert caught.value.reason == "naive_instant"


def test_office_hours_can_be_set_and_must_follow_each_other() -> None:
    short = WorkingCalendar(office_hours=((time(8), time(12)),))
    assert short.due_at(vn("2026-11-04T08:00"), days(2)) == vn("2026-11-05T12:00")
    with pytest.raises(MalformedError):
        WorkingCalendar(office_hours=((time(13), time(17)), (time(8), time(12))))


def test_a_table_that_leaves_no_working_day_is_refused() -> None:
    closed = WorkingCalendar(
        SwappedDay(date(2026, 1, 1) + timedelta(days=offset), works=False) for offset in range(200)
    )
    with pytest.raises(MalformedError) as caught:
        closed.due_at(vn("2026-02-02T10:00"), days(1))
    assert caught.value.reason == "no_working_day"
