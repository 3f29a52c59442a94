"""A party's business day: to the microsecond, by any zone's clock, with terms that change; and when it settles."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truc.domain.calendar import SwappedDay, WorkingCalendar, local_day
from truc.domain.settlement import business_day, ends_at, rule_on, settles_on
from truc.errors import MalformedError
from truc.manifest import SettlementRule, SettlementTerms

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
DEFAULT = SettlementTerms()
CALENDAR = WorkingCalendar()
MICROSECOND, ONE_DAY = timedelta(microseconds=1), timedelta(days=1)
# Clocks that are turned at midnight or just after it, skip a whole day, or stand a quarter of an hour aside.
ZONES = (
    "Asia/Ho_Chi_Minh",
    "Europe/Berlin",
    "America/Havana",
    "America/St_Johns",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Asia/Kathmandu",
    "Pacific/Pago_Pago",
)

instants = st.datetimes(datetime(1990, 1, 1), datetime(2035, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
days = st.dates(date(1990, 1, 2), date(2035, 12, 30))
cut_offs = st.times()


@st.composite
def terms(draw: st.DrawFn) -> SettlementTerms:
    """One to four rules of any zone and cut-off, each from some day on."""
    since = [date.min, *sorted(draw(st.sets(days, max_size=3)))]
    rules = [
        SettlementRule(since=day, zone=draw(st.sampled_from(ZONES)), cut_off=draw(cut_offs | st.just(time(0))))
        for day in since
    ]
    return SettlementTerms(rules=tuple(rules))


def of(cut_off: time, *, zone: str = "Asia/Ho_Chi_Minh", settles_after: int = 0) -> SettlementTerms:
    """Terms of one rule."""
    return SettlementTerms(rules=(SettlementRule(zone=zone, cut_off=cut_off, settles_after=settles_after),))


@given(instants)
def test_by_default_it_is_the_calendar_day_in_vietnam(at: datetime) -> None:
    assert business_day(DEFAULT, at) == local_day(at)


@given(instants, cut_offs.filter(lambda one: one != time(0)))
def test_with_a_cut_off_it_is_the_next_day_from_it_on(at: datetime, cut_off: time) -> None:
    local = at.astimezone(VIETNAM)
    late = local.timetz().replace(tzinfo=None) >= cut_off
    assert business_day(of(cut_off), at) == local.date() + late * ONE_DAY


@pytest.mark.parametrize(
    ("cut_off", "at", "day"),
    [
        (time(22), "2026-03-04T21:59:59.999999+07:00", 4),
        (time(22), "2026-03-04T22:00:00+07:00", 5),
        (time(22), "2026-03-04T22:00:00.000001+07:00", 5),
        (time(0), "2026-03-04T23:59:59.999999+07:00", 4),
        (time(0), "2026-03-05T00:00:00+07:00", 5),
        (time(0, 30), "2026-03-05T00:29:59+07:00", 5),
        (time(0, 30), "2026-03-05T00:30:00+07:00", 6),
    ],
)
def test_an_instant_exactly_at_the_cut_off_is_of_the_next_day(cut_off: time, at: str, day: int) -> None:
    assert business_day(of(cut_off), datetime.fromisoformat(at)) == date(2026, 3, day)


@given(terms(), days)
def test_a_day_ends_to_the_microsecond(agreed: SettlementTerms, day: date) -> None:
    end = ends_at(agreed, day)
    assert business_day(agreed, end) > day
    assert business_day(agreed, end - MICROSECOND) <= day


@given(terms(), instants)
def test_it_is_the_first_day_that_is_not_over(agreed: SettlementTerms, at: datetime) -> None:
    around = [at.date() + number * ONE_DAY for number in range(-5, 6)]
    assert business_day(agreed, at) == next(day for day in around if at < ends_at(agreed, day))


@given(terms(), st.lists(instants, min_size=2, max_size=8))
def test_later_is_never_an_earlier_day(agreed: SettlementTerms, found: list[datetime]) -> None:
    seen = [business_day(agreed, at) for at in sorted(found)]
    assert all(earlier <= later for earlier, later in pairwise(seen))


@given(terms(), instants, st.integers(-14 * 60, 14 * 60))
def test_the_zone_an_instant_is_told_in_does_not_matter(agreed: SettlementTerms, at: datetime, minutes: int) -> None:
    elsewhere = at.astimezone(timezone(timedelta(minutes=minutes)))
    assert business_day(agreed, elsewhere) == business_day(agreed, at)


def test_where_the_clock_is_turned_back_the_first_of_two_equal_times_counts() -> None:
    berlin = of(time(2, 30), zone="Europe/Berlin")  # 2026-10-25: 3:00 becomes 2:00 again, at 1:00 UTC
    told = {minute: business_day(berlin, datetime(2026, 10, 25, 0, 29, tzinfo=UTC) + timedelta(minutes=minute))
            for minute in (0, 1, 31, 61, 62)}  # fmt: skip
    assert told == {0: date(2026, 10, 25)} | dict.fromkeys((1, 31, 61, 62), date(2026, 10, 26))


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(MalformedError) as caught:
        business_day(DEFAULT, datetime(2026, 3, 4))  # noqa: DTZ001
    assert caught.value.reason == "naive_instant"


def test_a_rule_holds_from_its_own_business_day_on() -> None:
    agreed = SettlementTerms(
        rules=(
            SettlementRule(),
            SettlementRule(since=date(2026, 3, 4), cut_off=time(22), settles_after=1),
            SettlementRule(since=date(2026, 3, 6), settles_after=2),
        )
    )
    seen = {
        text: business_day(agreed, datetime.fromisoformat(f"2026-03-{text}:00+07:00")).day
        for text in ("03T23:30", "04T21:59", "04T22:00", "05T21:59", "05T22:00", "06T22:00", "06T23:59", "07T00:00")
    }
    # The last day with a cut-off ends at 22:00; the one after it is two hours longer.
    assert list(seen.values()) == [3, 4, 5, 5, 6, 6, 6, 7]
    assert [rule_on(agreed, date(2026, 3, day)).settles_after for day in (3, 4, 5, 6)] == [None, 1, 1, 2]


@given(days, st.integers(0, 6))
def test_money_settles_on_the_nth_working_day_after(day: date, settles_after: int) -> None:
    settled = settles_on(of(time(0), settles_after=settles_after), day, CALENDAR)
    assert settled is not None
    between = [day + number * ONE_DAY for number in range(1, (settled - day).days + 1)]
    assert CALENDAR.is_working_day(settled)
    if settles_after or not CALENDAR.is_working_day(day):
        assert sum(map(CALENDAR.is_working_day, between)) == max(settles_after, 1)
    else:
        assert settled == day


@given(st.lists(days, min_size=2, max_size=2).map(sorted), st.integers(0, 4))
def test_a_later_day_never_settles_earlier(two: list[date], settles_after: int) -> None:
    agreed = of(time(0), settles_after=settles_after)
    earlier, later = (settles_on(agreed, day, CALENDAR) for day in two)
    assert earlier is not None
    assert later is not None
    assert earlier <= later


@pytest.mark.parametrize(
    ("day", "settles_after", "settled"),
    [
        ("2026-03-04", 0, "2026-03-04"),
        ("2026-03-04", 1, "2026-03-05"),
        ("2026-03-06", 1, "2026-03-09"),  # over a weekend
        ("2026-03-07", 0, "2026-03-09"),
        ("2026-03-07", 1, "2026-03-09"),
        ("2026-04-29", 1, "2026-05-04"),  # 30 April and 1 May, then a weekend
    ],
)
def test_known_days_settle(day: str, settles_after: int, settled: str) -> None:
    agreed = of(time(0), settles_after=settles_after)
    assert settles_on(agreed, date.fromisoformat(day), CALENDAR) == date.fromisoformat(settled)


def test_money_of_a_party_that_told_no_term_settles_on_no_known_day() -> None:
    assert settles_on(DEFAULT, date(2026, 3, 4), CALENDAR) is None


def test_a_partys_own_days_outrank_the_calendar_and_its_swapped_days() -> None:
    wednesday, saturday = date(2026, 3, 4), date(2026, 3, 7)
    agreed = replace(of(time(0), settles_after=1), closed_on=frozenset({wednesday}), open_on=frozenset({saturday}))
    assert settles_on(agreed, wednesday - ONE_DAY, CALENDAR) == wednesday + ONE_DAY
    assert settles_on(agreed, saturday - ONE_DAY, CALENDAR) == saturday
    swapped = WorkingCalendar([SwappedDay(wednesday, works=True), SwappedDay(saturday, works=False)])
    at_once = replace(of(time(0)), closed_on=agreed.closed_on, open_on=agreed.open_on)
    assert settles_on(at_once, wednesday, swapped) == wednesday + ONE_DAY
    assert settles_on(at_once, saturday, swapped) == saturday


def test_the_swapped_days_of_the_table_count_where_the_party_says_nothing() -> None:
    wednesday, saturday = date(2026, 3, 4), date(2026, 3, 7)
    agreed = replace(of(time(0), settles_after=1), closed_on=frozenset({date(2026, 3, 9)}))
    swapped = WorkingCalendar([SwappedDay(wednesday, works=False), SwappedDay(saturday, works=True)])
    assert settles_on(agreed, wednesday - ONE_DAY, swapped) == wednesday + ONE_DAY
    assert settles_on(agreed, saturday - ONE_DAY, swapped) == saturday


def test_a_party_that_never_works_is_named() -> None:
    closed = frozenset(date(2026, 3, 1) + number * ONE_DAY for number in range(80))
    with pytest.raises(MalformedError) as caught:
        settles_on(replace(of(time(0)), closed_on=closed), date(2026, 3, 4), CALENDAR)
    assert caught.value.reason == "no_working_day"


@pytest.mark.parametrize(
    "change",
    [
        {"rules": ()},
        {"rules": (SettlementRule(since=date(2026, 1, 1)),)},
        {"rules": (SettlementRule(), SettlementRule())},
        {"closed_on": frozenset({date(2026, 1, 5)}), "open_on": frozenset({date(2026, 1, 5)})},
    ],
)
def test_terms_that_cannot_be_are_refused_where_they_are_declared(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="settlement"):
        SettlementTerms(**change)  # type: ignore[arg-type]  # each one of a kind


def test_a_rule_that_cannot_be_is_refused_where_it_is_declared() -> None:
    with pytest.raises(ValueError, match="settlement"):
        SettlementRule(settles_after=-1)
    with pytest.raises(ValueError, match="settlement"):
        SettlementRule(cut_off=time(22, tzinfo=UTC))
    with pytest.raises(KeyError):
        SettlementRule(zone="Asia/Nha_Trang")
