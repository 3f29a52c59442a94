"""Simulated time, processes and their ends."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from sandbox.simulation.world import Process, World


@pytest.fixture
def world() -> Iterator[World]:
    made = World(7, begins_at=datetime(2026, 3, 4, tzinfo=UTC), keeps_trace=True)
    yield made
    made.close()


def _walk(world: World, process: Process, seen: list[tuple[str, float]], pauses: list[float]) -> None:
    for seconds in pauses:
        world.pause(seconds)
        seen.append((process.name, world.now_s))


def test_tasks_take_turns_in_order_of_time(world: World) -> None:
    seen: list[tuple[str, float]] = []
    one, two = Process("one"), Process("two")
    world.start(one, lambda: _walk(world, one, seen, [1, 2]))
    world.start(two, lambda: _walk(world, two, seen, [2, 2]))
    world.run(until_s=10)
    assert seen == [("one", 1), ("two", 2), ("one", 3), ("two", 4)]
    assert world.now_s == 10


def test_a_killed_process_does_nothing_more_not_even_clean_up(world: World) -> None:
    seen: list[str] = []
    process = Process("one")

    def work() -> None:
        try:
            world.pause(5)
            seen.append("woke")
        finally:
            world.pause(0)
            seen.append("cleaned up")

    world.start(process, work)
    world.later(1, lambda: world.kill(process))
    world.run(until_s=10)
    world.close()
    assert seen == []


def test_a_process_that_stands_still_wakes_late_but_a_steady_pause_goes_on(world: World) -> None:
    seen: list[tuple[str, float]] = []
    process = Process("one")

    def steady() -> None:
        world.pause(2, steady=True)
        seen.append(("steady", world.now_s))

    world.start(process, lambda: _walk(world, process, seen, [2]))
    world.start(process, steady)
    world.later(1, lambda: world.stand_still(process, 30))
    world.run(until_s=60)
    assert seen == [("steady", 2), ("one", 31)]


def test_a_wait_ends_by_its_ring_or_its_time_and_only_once(world: World) -> None:
    seen: list[float] = []
    process = Process("one")

    def work() -> None:
        ticket, wait = world.wait(5)
        world.later(1, lambda: world.ring(ticket))
        wait()
        seen.append(world.now_s)
        _, wait = world.wait(3)
        wait()
        seen.append(world.now_s)

    world.start(process, work)
    world.run(until_s=20)
    assert seen == [1, 4]
