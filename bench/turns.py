"""A call of ours timed in turn with a barer one that does the same, so that both meet the same machine."""

import statistics
import time
from collections.abc import Callable

from bench.figures import Figure

Call = Callable[[], object]


def compared(
    name: str, ours: Call, floor: Call, *, floor_name: str, bar: float | None, calls: int, rounds: int
) -> Figure:
    """Return the medians of rounds of so many calls each; the note says the speed, as a share of the floor's.

    `bar` is the share that is asked for, None where it is not asked for any.
    """
    assert ours() == floor(), f"{name}: the two do not do the same"
    taken = [(taken_s(ours, calls), taken_s(floor, calls)) for _ in range(rounds)]
    ours_s, floor_s = (statistics.median(side) for side in zip(*taken, strict=True))
    speed = statistics.median(theirs / own for own, theirs in taken)
    verdict = "" if bar is None else f" ({'met' if speed >= bar else 'missed'}: {bar})"
    note = f"**{speed:.2f}** of its speed{verdict}; {ours_s / calls * 1e6:,.0f} µs a call"
    return Figure(f"{name}, {calls} calls", ours_s, floor_name, floor_s, note)


def taken_s(call: Call, times: int) -> float:
    """Return how long so many calls take."""
    begun = time.perf_counter()
    for _ in range(times):
        call()
    return time.perf_counter() - begun
