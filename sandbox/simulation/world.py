"""One run's time, processes and tasks: greenlets that take turns in an order that the seed alone decides."""

import hashlib
import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from greenlet import GreenletExit, getcurrent, greenlet  # type: ignore[import-untyped]  # it ships no types

# One seed that takes more turns than this goes round in a circle.
TURNS_MAX = 100_000
TICK_S = 1e-6


@dataclass(slots=True)
class Process:
    """One process of the hub: it may be killed, or stand still for a while."""

    name: str
    mortal: bool = True
    alive: bool = True
    stands_until_s: float = 0.0
    on_kill: Callable[[], None] | None = None


@dataclass(slots=True)
class Ticket:
    """One wait of one task, which ends once: rung for, or after its time."""

    task: Any
    process: Process
    spent: bool = False


@dataclass(order=True, slots=True)
class _Turn:
    at_s: float
    tie: float
    number: int
    action: Callable[[], object] = field(compare=False)
    process: Process | None = field(compare=False)
    steady: bool = field(compare=False)


class World:
    """Time, who acts next, and the trace of everything that happened.

    Time is in seconds since `begins_at` and moves only when nobody has anything to do at this moment.
    """

    def __init__(self, seed: int, *, begins_at: datetime, keeps_trace: bool = False) -> None:
        self.random = random.Random(seed)
        self.begins_at = begins_at
        self.now_s = 0.0
        self.current: Process | None = None
        self.kills = 0
        self.trace: list[str] = []
        self._keeps_trace = keeps_trace
        self._digest = hashlib.sha256()
        self._turns: list[_Turn] = []
        self._number = 0
        self._hub = getcurrent()
        self._tasks: list[tuple[Any, Process]] = []

    @property
    def now(self) -> datetime:
        """The instant, as the database sees it."""
        return self.begins_at + timedelta(seconds=self.now_s)

    @property
    def digest(self) -> str:
        """What names this course of events: SHA-256 over the trace."""
        return self._digest.hexdigest()

    def note(self, *words: object) -> None:
        """Add one event to the trace."""
        who = self.current.name if self.current is not None else "world"
        line = f"{self.now_s:12.6f} {who:12} {' '.join(map(str, words))}"
        self._digest.update(line.encode() + b"\n")
        if self._keeps_trace:
            self.trace.append(line)

    def start(self, process: Process, work: Callable[[], object], *, after_s: float = 0.0) -> None:
        """Start a task of a process."""
        task = greenlet(work, parent=self._hub)
        self._tasks.append((task, process))
        self._plan(after_s, task.switch, process)

    def later(self, after_s: float, action: Callable[[], object]) -> None:
        """Have something happen that no process does; it must not pause."""
        self._plan(after_s, action, None)

    def pause(self, seconds: float, *, steady: bool = False) -> None:
        """Let others act for a while. A steady pause is not made longer by its process standing still."""
        process = self._living()
        self._plan(seconds, getcurrent().switch, process, steady=steady)
        self._leave(process)

    def wait(self, seconds: float) -> tuple[Ticket, Callable[[], None]]:
        """Return a ticket to ring with, and the call that waits for the ring, at most for `seconds`."""
        process = self._living()
        ticket = Ticket(getcurrent(), process)
        # Time goes on while somebody waits, however short: at a large now_s a shorter wait would add nothing at all.
        self._plan(max(seconds, TICK_S), lambda: self._end(ticket), process)
        return ticket, lambda: self._leave(process)

    def ring(self, ticket: Ticket) -> None:
        """End a wait now."""
        self._plan(0.0, lambda: self._end(ticket), ticket.process)

    def stand_still(self, process: Process, seconds: float) -> None:
        """Stop a process for a while, as a machine that is out of memory does."""
        self.note("stands still", f"{seconds:.3f}")
        process.stands_until_s = max(process.stands_until_s, self.now_s + seconds)

    def kill(self, process: Process) -> None:
        """Take a process away at once; a task of it that calls this never comes back."""
        self.note("killed", process.name)
        process.alive = False
        self.kills += 1
        if process.on_kill is not None:
            process.on_kill()
        if self.current is process:
            self._leave(process)

    def run(self, *, until_s: float, until: Callable[[], bool] = lambda: False) -> None:
        """Let everybody act until the time is there, or `until` says so, or nobody has anything to do."""
        turns = 0
        while self._turns and self._turns[0].at_s <= until_s and not until():
            turn = heapq.heappop(self._turns)
            process = turn.process
            self.now_s = max(self.now_s, turn.at_s)
            if process is not None and not process.alive:
                continue
            if process is not None and process.stands_until_s > self.now_s and not turn.steady:
                self._plan(process.stands_until_s - self.now_s, turn.action, process)
                continue
            turns += 1
            if turns > TURNS_MAX:
                raise RuntimeError("the world goes round in a circle")
            self.current = process
            turn.action()
            self.current = None
        if not until():
            self.now_s = max(self.now_s, until_s)

    def close(self) -> None:
        """End every task that is left, as if its process had been killed: nothing of it runs any more."""
        for task, process in self._tasks:
            process.alive = False
            if not task.dead:
                task.throw(GreenletExit)

    def _plan(
        self, after_s: float, action: Callable[[], object], process: Process | None, *, steady: bool = False
    ) -> None:
        self._number += 1
        turn = _Turn(self.now_s + max(0.0, after_s), self.random.random(), self._number, action, process, steady)
        heapq.heappush(self._turns, turn)

    def _end(self, ticket: Ticket) -> None:
        if not ticket.spent:
            ticket.spent = True
            ticket.task.switch()

    def _living(self) -> Process:
        process = self.current
        if process is None or not process.alive:
            raise GreenletExit
        return process

    def _leave(self, process: Process) -> None:
        if getcurrent() is self._hub:
            raise GreenletExit
        self._hub.switch()
        if not process.alive:
            raise GreenletExit
