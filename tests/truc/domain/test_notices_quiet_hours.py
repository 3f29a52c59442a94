"""Nobody is woken, nothing is lost: a notice of the night goes in the morning, an urgent one at once."""

from datetime import UTC, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truc.domain.calendar import BUSINESS_ZONE
from truc.domain.notice_kinds import KINDS, NoticeName
from truc.domain.quiet_hours import QuietHours, may_be_sent_at
from truc.errors import MalformedError

# Vietnam's clock, written out: no zone database decides what these tests hold for true.
VIETNAM = timezone(timedelta(hours=7))
URGENT = {"payment_confirmed", "payment_failed", "payment_in_doubt"}

zones = st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours)))
instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=zones)  # noqa: DTZ001  (bounds)
clocks = st.times()
hours = st.builds(QuietHours, clocks, clocks)
urgent = st.sampled_from([name for name, kind in KINDS.items() if kind.urgent])
patient = st.sampled_from([name for name, kind in KINDS.items() if not kind.urgent])


def is_quiet(at: datetime, quiet: QuietHours) -> bool:
    """Count the microseconds since the quiet began, round the clock."""
    clock = at.astimezone(VIETNAM).time()
    since, length = _micros(clock) - _micros(quiet.begins), _micros(quiet.ends) - _micros(quiet.begins)
    return since % DAY < length % DAY


def _micros(clock: time) -> int:
    return ((clock.hour * 60 + clock.minute) * 60 + clock.second) * 1_000_000 + clock.microsecond


DAY = 24 * 3600 * 1_000_000


def test_the_urgent_kinds_are_those_of_somebody_who_is_paying() -> None:
    assert {name for name, kind in KINDS.items() if kind.urgent} == URGENT
    assert all(KINDS[name].obligatory for name in KINDS if KINDS[name].urgent)


@given(urgent, instants, hours)
def test_an_urgent_notice_goes_at_once(kind: NoticeName, at: datetime, quiet: QuietHours) -> None:
    assert may_be_sent_at(kind, at, quiet) == at


@given(patient, instants, hours)
def test_a_notice_goes_at_once_or_at_the_first_end_of_the_quiet_hours(
    kind: NoticeName, at: datetime, quiet: QuietHours
) -> None:
    sent_at = may_be_sent_at(kind, at, quiet)
    if not is_quiet(at, quiet):
        assert sent_at == at
    else:
        assert timedelta(0) < sent_at - at < timedelta(days=1)
        assert sent_at.astimezone(VIETNAM).time() == quiet.ends
        assert is_quiet(sent_at - timedelta(microseconds=1), quiet)


@given(patient, instants, hours)
def test_no_notice_goes_in_quiet_hours_and_waiting_again_changes_nothing(
    kind: NoticeName, at: datetime, quiet: QuietHours
) -> None:
    sent_at = may_be_sent_at(kind, at, quiet)
    assert not is_quiet(sent_at, quiet)
    assert may_be_sent_at(kind, sent_at, quiet) == sent_at


@given(patient, instants, st.timedeltas(timedelta(0), timedelta(days=3)), hours)
def test_later_events_are_never_told_earlier(
    kind: NoticeName, at: datetime, later: timedelta, quiet: QuietHours
) -> None:
    assert may_be_sent_at(kind, at, quiet) <= may_be_sent_at(kind, at + later, quiet)


@pytest.mark.parametrize(
    ("at", "sent_at"),
    [
        ("2026-03-04T20:59:59.999999", "2026-03-04T20:59:59.999999"),
        ("2026-03-04T21:00", "2026-03-05T07:00"),
        ("2026-03-04T23:59:59", "2026-03-05T07:00"),
        ("2026-03-05T00:00", "2026-03-05T07:00"),
        ("2026-03-05T06:59:59.999999", "2026-03-05T07:00"),
        ("2026-03-05T07:00", "2026-03-05T07:00"),
        ("2026-12-31T22:00", "2027-01-01T07:00"),
    ],
)
def test_the_usual_night_is_from_nine_to_seven(at: str, sent_at: str) -> None:
    asked, wanted = (datetime.fromisoformat(one).replace(tzinfo=VIETNAM) for one in (at, sent_at))
    assert may_be_sent_at("ready", asked) == wanted
    assert may_be_sent_at("ready", asked.astimezone(UTC)) == wanted


@pytest.mark.parametrize(
    ("clock", "goes"), [("11:59:59", "11:59:59"), ("12:00", "14:00"), ("13:59:59", "14:00"), ("14:00", "14:00")]
)
def test_a_quiet_noon_ends_on_the_same_day(clock: str, goes: str) -> None:
    asked, wanted = (datetime.fromisoformat(f"2026-03-04T{one}").replace(tzinfo=VIETNAM) for one in (clock, goes))
    assert may_be_sent_at("ready", asked, QuietHours(time(12), time(14))) == wanted


def test_what_waits_is_said_in_vietnams_zone() -> None:
    asked = datetime(2026, 3, 4, 20, 0, tzinfo=UTC)  # 03:00 of the 5th in Vietnam
    assert may_be_sent_at("survey", asked) == datetime(2026, 3, 5, 7, 0, tzinfo=BUSINESS_ZONE)
    assert may_be_sent_at("survey", asked).tzinfo is BUSINESS_ZONE


@given(patient, instants, clocks)
def test_the_same_time_twice_means_no_quiet_hours(kind: NoticeName, at: datetime, clock: time) -> None:
    assert may_be_sent_at(kind, at, QuietHours(clock, clock)) == at


@pytest.mark.parametrize("kind", ["ready", "payment_confirmed"])
def test_an_instant_without_a_zone_is_refused(kind: NoticeName) -> None:
    with pytest.raises(MalformedError) as caught:
        may_be_sent_at(kind, datetime(2026, 3, 4, 22, 0))  # noqa: DTZ001  (the mistake)
    assert caught.value.reason == "naive_instant"


@pytest.mark.parametrize("times", [(time(21, tzinfo=UTC), time(7)), (time(21), time(7, tzinfo=UTC))])
def test_quiet_hours_are_clock_times_in_vietnam(times: tuple[time, time]) -> None:
    with pytest.raises(MalformedError) as caught:
        QuietHours(*times)
    assert caught.value.reason == "bad_quiet_hours"
