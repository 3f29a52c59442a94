"""What all couriers of one party share: whether it may be called now, by how many, and how fast."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truc.domain.calendar import BUSINESS_ZONE
from truc.errors import SetupError
from truc.exchange import claims, line
from truc.exchange.line import COURIER_LEASE, FAILURES_MAX, Turn
from truc.manifest import Limits

NO_WAIT = timedelta()
ANSWERED, SILENT = (True, NO_WAIT), (False, NO_WAIT)
LIMITS = Limits(concurrency=4, backoff_s=2.0, backoff_max_s=900.0)


@pytest.fixture
def couriers(hub: Any) -> Callable[[int], list[str]]:
    """Put so many couriers of vnpost to work, one slot each, and return their names."""

    def board(count: int) -> list[str]:
        names = [f"courier {number}" for number in range(1, count + 1)]
        for number, name in enumerate(names, start=1):
            assert _board(hub, name, Limits(concurrency=number)) == 1
        return names

    return board


def test_failures_in_a_row_over_all_couriers_open_the_breaker(hub: Any, couriers: Any) -> None:
    one, other = couriers(2)
    for number in range(FAILURES_MAX - 1):
        _tell(hub, SILENT)
        assert _turn(hub, (one, other)[number % 2]) == Turn(8)
    _tell(hub, SILENT)
    for name in (one, other):
        turn = _turn(hub, name)
        assert (turn.allowed, turn.why) == (0, "breaker_open")
        assert 0 < (turn.again_in_s or 0) <= 4.0


def test_an_answer_between_failures_keeps_the_breaker_closed(hub: Any, couriers: Any) -> None:
    [one] = couriers(1)
    _tell(hub, *[SILENT] * (FAILURES_MAX - 1))
    _tell(hub, ANSWERED, *[SILENT] * (FAILURES_MAX - 1))
    assert _turn(hub, one) == Turn(8)


def test_after_its_time_exactly_one_message_of_one_courier_tries(hub: Any, couriers: Any) -> None:
    names = couriers(4)
    _open(hub)
    hub.soon_lines()
    together = threading.Barrier(4)

    def look(name: str) -> Turn:
        together.wait()
        return _turn(hub, name)

    with ThreadPoolExecutor(4) as pool:
        turns = list(pool.map(look, names))
    assert sorted((turn.allowed, turn.why) for turn in turns) == [(0, "breaker_open")] * 3 + [(1, "half_open")]


def test_a_try_that_nobody_reports_is_given_to_another_after_a_lease(hub: Any, couriers: Any) -> None:
    one, other = couriers(2)
    _open(hub)
    hub.soon_lines()
    assert _turn(hub, one).why == "half_open"
    turn = _turn(hub, other)
    patience_s = line.COURIER_LEASE.total_seconds()
    assert patience_s - 5 < (turn.again_in_s or 0) <= patience_s
    hub.soon_lines()  # the courier died with its try
    assert _turn(hub, other).why == "half_open"


def test_a_try_for_which_there_is_no_message_is_given_back(hub: Any, couriers: Any) -> None:
    one, other = couriers(2)
    _open(hub)
    hub.soon_lines()
    assert _turn(hub, one).why == "half_open"
    with hub.store.begin() as transaction:
        line.not_tried(transaction, "vnpost")
    assert _turn(hub, other) == Turn(1, "half_open")


def test_whoever_may_take_nothing_now_takes_no_try(hub: Any, couriers: Any) -> None:
    one, other = couriers(2)
    _open(hub)
    hub.soon_lines()
    assert _turn(hub, one, most=0).allowed == 0
    assert _turn(hub, other) == Turn(1, "half_open")


def test_an_answer_closes_the_breaker_and_the_allowance_grows_turn_by_turn(hub: Any, couriers: Any) -> None:
    [one] = couriers(1)
    _open(hub)
    hub.soon_lines()
    assert _turn(hub, one).why == "half_open"
    allowed = []
    for _ in range(7):
        _tell(hub, ANSWERED)
        allowed.append(_turn(hub, one, most=1000).allowed)
    assert allowed == [2, 4, 8, 16, 32, 1000, 1000]
    assert hub.sql("SELECT breaker, failures, openings, ramp, retry_at FROM lines") == [("closed", 0, 0, None, None)]


def test_a_failure_on_the_way_up_stops_the_growth(hub: Any, couriers: Any) -> None:
    [one] = couriers(1)
    _open(hub)
    _tell(hub, ANSWERED)
    _tell(hub, ANSWERED, SILENT)
    assert _turn(hub, one).allowed == 2
    _tell(hub, ANSWERED)
    assert _turn(hub, one).allowed == 4


def test_no_answer_to_the_try_opens_it_again_for_longer_each_time(hub: Any, couriers: Any) -> None:
    [one] = couriers(1)
    _open(hub)
    waits = [_turn(hub, one).again_in_s or 0]
    for _ in range(9):
        hub.soon_lines()
        assert _turn(hub, one).why == "half_open"
        _tell(hub, SILENT)
        waits.append(_turn(hub, one).again_in_s or 0)
    for number, wait_s in enumerate(waits, start=1):
        ceiling = min(line.OPEN_MAX_S, 2.0 * 2**number)
        assert ceiling / 2 - 1 <= wait_s <= ceiling


def test_the_breaker_obeys_what_the_partner_asks_for(hub: Any, couriers: Any) -> None:
    [one] = couriers(1)
    _tell(hub, *[SILENT] * (FAILURES_MAX - 1), (False, timedelta(seconds=600)))
    assert 590 < (_turn(hub, one).again_in_s or 0) <= 600


def test_an_outage_opens_the_breaker_for_the_next_run_too(hub: Any, partner: Any, make: Any, limits: Any) -> None:
    limits(backoff_s=30.0, backoff_max_s=900.0, concurrency=1)
    there = partner("vnpost")
    hub.publish(*(make["parcel"](number) for number in range(1, 11)))
    there.go_away()
    assert hub.deliver(there) == {"waiting": FAILURES_MAX, "unreachable": 1}
    there.come_back()
    assert hub.deliver(there) == {"unreachable": 1}  # not one call: it is not its time yet
    assert there.times() == {}
    hub.soon()
    assert hub.deliver(there) == {"sent": 10, "unreachable": 0}


def test_a_try_spent_on_a_message_that_needs_no_call_is_not_lost(hub: Any, partner: Any, make: Any) -> None:
    there = partner("sms")
    hub.publish(make["notice"](1), make["notice"](2))
    _left_in_the_air(hub, "sms", "message")  # nobody knows, and this partner cannot be asked: it goes to a person
    _open(hub, "sms")
    hub.soon()
    assert hub.deliver(there) == {"set_aside": 1, "sent": 1, "unreachable": 0}


def test_a_try_that_wrong_settings_ended_is_not_lost(hub: Any, partner: Any) -> None:
    there = partner("sms")
    hub.one_for("sms")
    _open(hub, "sms")
    hub.soon()
    wrong = replace(there.connection, fields={**there.connection.fields, "password": "wrong"})
    with pytest.raises(SetupError, match="sms"):
        hub.deliver(there, wrong)
    hub.sql("UPDATE outbox SET not_before = now()")
    assert hub.deliver(there) == {"sent": 1, "unreachable": 0}


def test_couriers_share_the_concurrency(hub: Any) -> None:
    limits = Limits(concurrency=4)
    assert _board(hub, "a", Limits(concurrency=3)) == 3
    assert _board(hub, "b", limits) == 1
    assert _board(hub, "c", limits) == 0
    assert hub.sql("SELECT FROM couriers WHERE worker = 'c'") == []
    with hub.store.begin() as transaction:
        line.leave(transaction, "a")
    assert _board(hub, "c", limits) == 3


def test_couriers_that_come_at_once_never_have_more_than_the_concurrency(hub: Any) -> None:
    together = threading.Barrier(6)

    def board(number: int) -> int:
        together.wait()
        return _board(hub, f"courier {number}", Limits(concurrency=4 if number % 2 else 3))

    for _ in range(5):
        with ThreadPoolExecutor(6) as pool:
            slots = list(pool.map(board, range(6)))
        assert 3 <= sum(slots) <= 4
        hub.sql("DELETE FROM couriers")


def test_the_slots_of_one_party_are_none_of_another(hub: Any) -> None:
    assert _board(hub, "a", LIMITS) == 4
    with hub.store.begin() as transaction:
        assert line.board(transaction, "momo", worker="b", limits=LIMITS) == 4


def test_a_dead_couriers_slots_come_back(hub: Any) -> None:
    assert _board(hub, "dead", LIMITS) == 4
    assert _board(hub, "next", LIMITS) == 0
    _time_passes(hub, COURIER_LEASE)
    assert _board(hub, "next", LIMITS) == 4
    assert _turn(hub, "dead") == Turn(0, "lease_lost")


def test_a_courier_that_looks_in_keeps_its_slots(hub: Any) -> None:
    assert _board(hub, "slow", LIMITS) == 4
    for _ in range(3):
        _time_passes(hub, COURIER_LEASE - timedelta(seconds=5))
        assert _turn(hub, "slow").allowed == 8
    assert _board(hub, "next", LIMITS) == 0


def test_no_more_calls_at_once_than_declared_however_many_couriers(
    hub: Any, partner: Any, make: Any, limits: Any
) -> None:
    limits(concurrency=3)
    there = partner("vnpost")
    hub.publish(*(make["parcel"](number) for number in range(1, 41)))
    most, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            most.append(hub.sql("SELECT coalesce(sum(slots), 0)::integer AS slots FROM couriers")[0].slots)

    with ThreadPoolExecutor(4) as pool:
        watching = pool.submit(watch)
        done = list(pool.map(lambda _: hub.deliver(there), range(3)))
        over.set()
        watching.result()
    assert max(most) == 3
    assert sum(one.get("sent", 0) for one in done) == 40


def test_under_a_rate_two_couriers_together_take_no_more_than_it(hub: Any, couriers: Any) -> None:
    limits = Limits(rate_per_s=20.0)
    names = couriers(2)
    assert _turn(hub, names[0], limits=limits, most=1).why in ("", "rate")  # from here on the tokens are counted
    started, given = time.monotonic(), [0, 0]
    _spend_all(hub, names[0], limits)
    while time.monotonic() - started < 1.0:
        for number, name in enumerate(names):
            given[number] += _turn(hub, name, limits=limits, most=3).allowed
    took_s = time.monotonic() - started
    assert 0.5 * 20 * took_s < sum(given) <= 20 * took_s + 1
    assert min(given) > 0


def test_what_was_allowed_and_not_taken_is_given_back_but_never_more_than_a_second_of_it(
    hub: Any, couriers: Any
) -> None:
    limits = Limits(rate_per_s=5.0)
    [one] = couriers(1)
    _time_passes(hub, timedelta(seconds=20))
    assert _turn(hub, one, limits=limits, most=100).allowed == 5  # a quiet time saves up one second's worth
    assert _turn(hub, one, limits=limits, most=100, unused=4).allowed == 4
    assert _turn(hub, one, limits=limits, most=100, unused=1000).allowed == 5


def test_without_a_token_the_courier_is_told_when_to_look_again(hub: Any, couriers: Any) -> None:
    limits = Limits(rate_per_s=0.5)
    [one] = couriers(1)
    _spend_all(hub, one, limits)
    turn = _turn(hub, one, limits=limits)
    assert (turn.allowed, turn.why) == (0, "rate")
    assert 1.0 < (turn.again_in_s or 0) <= 2.0


def test_a_run_under_a_rate_sends_all_and_no_faster(hub: Any, partner: Any, make: Any, limits: Any) -> None:
    limits(rate_per_s=10.0)
    there = partner("vnpost")
    hub.publish(*(make["parcel"](number) for number in range(1, 21)))
    started = time.monotonic()
    assert hub.deliver(there) == {"sent": 20, "unreachable": 0}
    assert time.monotonic() - started >= 1.8


def test_a_run_that_finds_nothing_spends_nothing_of_the_rate(hub: Any, partner: Any, limits: Any) -> None:
    limits(rate_per_s=0.01)
    there = partner("vnpost")
    hub.deliver(there)
    hub.sql("UPDATE lines SET tokens = 1")
    assert hub.deliver(there) == {"unreachable": 0}
    hub.one_for("vnpost")
    assert hub.deliver(there) == {"sent": 1, "unreachable": 0}


MAINTAINED = {
    "now": ("now() - interval '1 hour'", "now() + interval '1 hour'", True),
    "until somebody ends it": ("now() - interval '1 hour'", "NULL", True),
    "over": ("now() - interval '2 hours'", "now() - interval '1 hour'", False),
    "to come": ("now() + interval '1 hour'", "NULL", False),
}


@pytest.mark.parametrize("when", MAINTAINED)
def test_in_a_maintenance_window_nothing_is_claimed_and_nothing_is_lost(hub: Any, partner: Any, when: str) -> None:
    there = partner("vnpost")
    hub.one_for("vnpost")
    before = hub.rows()
    begins, ends, kept_out = MAINTAINED[when]
    hub.sql(f"INSERT INTO maintenance (party, from_at, until_at, reason) VALUES ('vnpost', {begins}, {ends}, 'moving')")  # noqa: S608  (ours, above)
    hub.sql("INSERT INTO maintenance (party, from_at, reason) VALUES ('momo', now(), 'another party')")
    done = hub.deliver(there)
    if not kept_out:
        assert done == {"sent": 1, "unreachable": 0}
        return
    assert done == {"unreachable": 0}
    assert (hub.rows(), there.times(), hub.tallies()) == (before, {}, {})
    hub.sql("UPDATE maintenance SET until_at = now()")
    assert hub.deliver(there) == {"sent": 1, "unreachable": 0}


@pytest.mark.parametrize("shift_h", [-1, 1])
def test_in_a_daily_window_nothing_is_claimed(hub: Any, partner: Any, limits: Any, shift_h: int) -> None:
    now = hub.sql("SELECT now() AS now")[0].now.astimezone(BUSINESS_ZONE)
    start, end = (now + timedelta(hours=shift_h)).time(), (now + timedelta(hours=shift_h + 2)).time()
    limits(closed_daily=((start, end),))
    there = partner("vnpost")
    hub.one_for("vnpost")
    before = hub.rows()
    if shift_h < 0:
        assert hub.deliver(there) == {"unreachable": 0}
        assert (hub.rows(), there.times()) == (before, {})
    else:
        assert hub.deliver(there) == {"sent": 1, "unreachable": 0}


def test_a_daily_window_may_go_past_midnight() -> None:
    windows = ((clock(23, 30), clock(0, 30)),)
    at = {"23:29": False, "23:30": True, "00:00": True, "00:29": True, "00:30": False, "12:00": False}
    for when, closed in at.items():
        hour, minute = map(int, when.split(":"))
        assert line.closed_now(windows, datetime(2026, 3, 4, hour, minute, tzinfo=BUSINESS_ZONE)) is closed


MINUTES = st.integers(0, 24 * 60 - 1)
NOWS = st.integers(0, 20 * 366 * 86_400).map(
    lambda second: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
)


@given(start=MINUTES, length=st.integers(1, 24 * 60 - 1), now=NOWS)
def test_a_daily_window_is_closed_from_its_start_for_its_length(start: int, length: int, now: datetime) -> None:
    window = (clock(*divmod(start, 60)), clock(*divmod((start + length) % (24 * 60), 60)))
    here = now.astimezone(BUSINESS_ZONE)
    minute = here.hour * 60 + here.minute
    assert line.closed_now([window], now) is ((minute - start) % (24 * 60) < length)


@given(now=NOWS)
def test_without_a_window_it_is_never_closed(now: datetime) -> None:
    assert not line.closed_now((), now)


def _board(hub: Any, name: str, limits: Limits) -> int:
    with hub.store.begin() as transaction:
        return line.board(transaction, "vnpost", worker=name, limits=limits)


def _turn(hub: Any, name: str, *, limits: Limits = LIMITS, most: int = 8, unused: int = 0) -> Turn:
    with hub.store.begin() as transaction:
        return line.turn(transaction, "vnpost", worker=name, limits=limits, most=most, unused=unused)


def _tell(hub: Any, *calls: tuple[bool, timedelta], party: str = "vnpost") -> None:
    with hub.store.begin() as transaction:
        line.report(transaction, party, LIMITS, calls)


def _open(hub: Any, party: str = "vnpost") -> None:
    hub.sql("INSERT INTO lines (party) VALUES (:party) ON CONFLICT DO NOTHING", party=party)
    _tell(hub, *[SILENT] * FAILURES_MAX, party=party)


def _spend_all(hub: Any, name: str, limits: Limits) -> None:
    while _turn(hub, name, limits=limits, most=1000).allowed:
        pass


def _time_passes(hub: Any, long: timedelta) -> None:
    """Move what the line remembers into the past, as if so much time had gone by."""
    hub.sql("UPDATE couriers SET leased_until = leased_until - :long", long=long)
    hub.sql("UPDATE lines SET tokens_at = tokens_at - :long, retry_at = retry_at - :long", long=long)


def _left_in_the_air(hub: Any, party: str, operation: str) -> None:
    """As a courier that died in the middle of the call leaves it."""
    with hub.store.begin() as transaction:
        claims.claim(transaction, party, (operation,), worker="dead", most=1, lease=timedelta(seconds=-1))
