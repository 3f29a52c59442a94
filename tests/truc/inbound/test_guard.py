"""Paces and counts: what goes, how long the rest waits, how much is remembered."""

import logging

from hypothesis import given
from hypothesis import strategies as st

from truc.inbound import guard
from truc.inbound.guard import Buckets, Pace, TurnedAway


class Clock:
    """A clock that is moved by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_a_burst_goes_and_then_one_call_for_each_of_its_time():
    clock = Clock()
    buckets = Buckets(Pace(per_s=2, burst=3), clock)
    assert [buckets.wait_s("momo", "1") for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.wait_s("momo", "2") == 0  # another address has its own
    clock.now = 0.5
    assert [buckets.wait_s("momo", "1") for _ in range(2)] == [0, 0.5]
    clock.now = 1000
    assert [buckets.wait_s("momo", "1") for _ in range(4)] == [0, 0, 0, 0.5]


def test_who_comes_early_waits_for_the_rest_of_a_token_alone():
    clock = Clock()
    buckets = Buckets(Pace(per_s=2, burst=1), clock)
    assert buckets.wait_s("momo") == 0
    clock.now = 0.125
    assert buckets.wait_s("momo") == 0.375


@given(st.lists(st.floats(0, 3), max_size=60))
def test_in_no_time_goes_more_than_the_burst_and_its_pace(pauses):
    clock = Clock()
    buckets = Buckets(Pace(per_s=2, burst=3), clock)
    went = 0
    for pause in pauses:
        clock.now += pause
        went += buckets.wait_s("x") == 0
    assert went <= 3 + 2 * clock.now + 1e-6


def test_of_endless_names_only_so_many_are_remembered(monkeypatch):
    monkeypatch.setattr(guard, "NAMES_MAX", 5)
    buckets = Buckets(Pace(per_s=0.001, burst=1), Clock())
    for number in range(50):
        buckets.wait_s("momo", str(number))
    assert buckets.wait_s("momo", "49") > 0
    assert len(buckets._levels) == 5


def test_what_is_turned_away_is_counted_and_said_at_most_once_a_minute(caplog):
    caplog.set_level(logging.WARNING)
    clock = Clock()
    counted = TurnedAway(clock)
    for moment in (0, 1, 59, 60, 119):
        clock.now = moment
        counted.count("momo", "too_many_calls")
    assert counted.times() == {("momo", "too_many_calls"): 5}
    assert [one.message.rsplit(": ")[1] for one in caplog.records] == [
        "momo too_many_calls 1",
        "momo too_many_calls 3",
    ]
