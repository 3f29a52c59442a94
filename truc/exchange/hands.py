"""The hands of a courier: they make the calls, many at a time, while one coordinator does the database work."""

import queue
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from truc.exchange.outcomes import Outcome

# An answer that came waits so long at most until the coordinator lets its thread have the interpreter (CPython's
# own 5 ms leave the connections idle while a batch is written).
SWITCH_S = 0.0005

Work = Callable[[], Sequence[Outcome]]


class Hands(Protocol):
    """What a courier needs of whoever makes its calls, and of time; a simulation brings its own."""

    def give(self, work: Work) -> None:
        """Have `work` done as soon as a hand is free."""

    def take(self, wait_s: float) -> list[Outcome]:
        """Return the outcomes that are there; wait up to `wait_s` for the first when there is none.

        Raise what a piece of work raised.
        """

    def rest(self, seconds: float) -> None:
        """Do nothing for a while."""

    def now_s(self) -> float:
        """Return a clock that only goes forward."""

    def close(self) -> None:
        """Wait for what is being done, and let go."""


class ThreadHands:
    """Threads of this process, as many as the partner may be called at once."""

    def __init__(self, count: int, *, name: str) -> None:
        self._switch_s = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._done: queue.SimpleQueue[Sequence[Outcome] | BaseException] = queue.SimpleQueue()

    def give(self, work: Work) -> None:
        """Have `work` done by the next free thread."""
        self._pool.submit(self._do, work)

    def take(self, wait_s: float) -> list[Outcome]:
        """Return what is done, waiting up to `wait_s` for the first; raise what a piece of work raised."""
        found: list[Outcome] = []
        try:
            done = self._done.get(timeout=wait_s)
            while not isinstance(done, BaseException):
                found.extend(done)
                done = self._done.get_nowait()
        except queue.Empty:
            return found
        if not found:
            raise done
        self._done.put(done)  # the next look raises it: what was found comes first
        return found

    def rest(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)

    def now_s(self) -> float:
        """Return the time since the machine started, suspended or not: leases run on meanwhile."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()

    def close(self) -> None:
        """Wait for the calls that are being made."""
        self._pool.shutdown(wait=True)
        sys.setswitchinterval(self._switch_s)

    def _do(self, work: Work) -> None:
        try:
            self._done.put(work())
        except BaseException as error:  # noqa: BLE001  (the coordinator raises it: nobody sees a thread's own end)
            self._done.put(error)
