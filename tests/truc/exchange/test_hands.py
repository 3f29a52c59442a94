"""Hands make calls at the same time, as many as there are hands, and lose none of what they found."""

import sys
import threading
import time
from typing import Any

import pytest

from truc.exchange.hands import SWITCH_S, ThreadHands


@pytest.fixture
def hands() -> Any:
    made = ThreadHands(3, name="test")
    yield made
    made.close()


def test_every_outcome_comes_back_once(hands: Any) -> None:
    for number in range(50):
        hands.give(lambda number=number: [number, -number])
    found: list[int] = []
    while len(found) < 100:
        new = hands.take(5.0)
        assert new
        found += new
    assert sorted(found) == sorted([*range(50), *(-number for number in range(50))])
    assert hands.take(0.01) == []


def test_as_many_calls_at_once_as_there_are_hands_and_no_more(hands: Any) -> None:
    together, busy, most = threading.Barrier(3), [0], [0]
    lock = threading.Lock()

    def call() -> list[int]:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        together.wait(10)  # passes only when three are here
        with lock:
            busy[0] -= 1
        return [1]

    for _ in range(9):
        hands.give(call)
    found: list[int] = []
    while len(found) < 9:
        found += hands.take(10.0)
    assert most == [3]


def test_taking_waits_for_the_first_and_not_for_the_rest(hands: Any) -> None:
    release = threading.Event()
    hands.give(lambda: [1])
    hands.give(lambda: [2] if release.wait(10) else [])
    assert hands.take(10.0) == [1]
    started = hands.now_s()
    assert hands.take(0.1) == []
    assert 0.09 <= hands.now_s() - started < 5
    release.set()
    assert hands.take(10.0) == [2]


def test_letting_go_waits_for_the_calls_that_are_being_made() -> None:
    made, done = ThreadHands(1, name="test"), []

    def call() -> list[int]:
        time.sleep(0.2)
        done.append(1)
        return [1]

    made.give(call)
    made.close()
    assert done == [1]
    assert made.take(0.01) == [1]


def test_the_clock_goes_on_while_the_hands_rest(hands: Any) -> None:
    before = hands.now_s()
    hands.rest(0.05)
    assert hands.now_s() - before >= 0.05


def test_the_interpreter_switches_threads_as_before_when_the_hands_are_gone() -> None:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(0.01)
    try:
        made = ThreadHands(1, name="test")
        assert sys.getswitchinterval() == pytest.approx(SWITCH_S)
        made.close()
        assert sys.getswitchinterval() == pytest.approx(0.01)
    finally:
        sys.setswitchinterval(usual)
