"""A courier's hands in simulated time: each call is a task of its own, so calls overlap."""

from collections import deque

from sandbox.simulation.world import Process, Ticket, World
from truc.exchange.hands import Work
from truc.exchange.outcomes import Outcome

THREAD_STARTS_WITHIN_S = 0.01
CLOSE_LOOKS_AFTER_S = 3600.0


class SimulatedHands:
    """As truc.exchange.hands.ThreadHands: so many calls at once, the others wait in line."""

    def __init__(self, world: World, process: Process, count: int) -> None:
        self._world = world
        self._process = process
        self._count = self._free = count
        self._line: deque[Work] = deque()
        self._done: list[Outcome] = []
        self._waiter: Ticket | None = None

    def give(self, work: Work) -> None:
        """Have `work` done by the next free hand."""
        self._line.append(work)
        if self._free:
            self._free -= 1
            after_s = self._world.random.uniform(0, THREAD_STARTS_WITHIN_S)
            self._world.start(self._process, self._work, after_s=after_s)

    def take(self, wait_s: float) -> list[Outcome]:
        """Return what is done, waiting up to `wait_s` for the first."""
        if not self._done:
            self._wait(wait_s)
        found, self._done = self._done, []
        return found

    def rest(self, seconds: float) -> None:
        """Let time pass."""
        self._world.pause(seconds)

    def now_s(self) -> float:
        """Return the world's clock."""
        return self._world.now_s

    def close(self) -> None:
        """Wait for the calls that are being made, and for those in line."""
        while self._free < self._count:
            self._wait(CLOSE_LOOKS_AFTER_S)

    def _work(self) -> None:
        while self._line:
            work = self._line.popleft()
            done = work()  # others act meanwhile, and may take what was done
            self._done.extend(done)
            self._ring()
            self._world.pause(0.0)
        self._free += 1
        self._ring()

    def _ring(self) -> None:
        if self._waiter is not None:
            self._world.ring(self._waiter)

    def _wait(self, seconds: float) -> None:
        self._waiter, wait = self._world.wait(seconds)
        wait()
        self._waiter = None
