"""Turns away what comes too fast, and counts what was turned away: in memory, of one process of the gateway."""

import logging
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

NAMES_MAX = 10_000
TOLD_EVERY_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How many calls a second in the long run, and how many at once after a rest."""

    per_s: float
    burst: int


# Of one party from one address. The busiest partner of a province calls a few times a second.
CALLS = Pace(per_s=50, burst=200)
# Refused calls of one party, from anywhere, whose bytes are kept: at 64 KiB each, 11 GB a day would be the worst of 2 a
# second, so it is one in five seconds after the first hundred. What is beyond is answered the same and only counted.
REFUSALS_KEPT = Pace(per_s=0.2, burst=100)
# Of one kind of call about one order. Who holds one signed call can write it down in many ways: no partner does.
REPEATS = Pace(per_s=1 / 60, burst=30)
# Why the gateway itself turns a call away; what a party refuses beyond that pace counts under the party's reason.
REASONS = ("address_not_allowed", "too_busy", "too_large", "too_many_calls", "too_slow")


@dataclass(slots=True)
class Buckets:
    """A token bucket for each name. At most `NAMES_MAX` names: whoever was quiet longest is forgotten first."""

    pace: Pace
    clock: Callable[[], float] = time.monotonic
    _levels: OrderedDict[tuple[str, ...], tuple[float, float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_s(self, *name: str) -> float:
        """Take a token of this name and return 0.0, or return the seconds until there is one."""
        with self._lock:
            now = self.clock()
            level, then = self._levels.pop(name, (self.pace.burst, now))
            level = min(self.pace.burst, level + (now - then) * self.pace.per_s)
            goes = level >= 1
            self._levels[name] = (level - goes, now)
            if len(self._levels) > NAMES_MAX:
                self._levels.popitem(last=False)
        return 0.0 if goes else (1 - level) / self.pace.per_s


@dataclass(slots=True)
class TurnedAway:
    """Counts calls that left no bytes behind, by party and reason; at most once a minute it says so in the log."""

    clock: Callable[[], float] = time.monotonic
    _times: Counter[tuple[str, str]] = field(default_factory=Counter)
    _untold: Counter[tuple[str, str]] = field(default_factory=Counter)
    _told_at: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, party: str, reason: str) -> None:
        """Count one."""
        with self._lock:
            self._times[party, reason] += 1
            self._untold[party, reason] += 1
            if self._told_at is not None and self.clock() - self._told_at < TOLD_EVERY_S:
                return
            told, self._untold, self._told_at = self._untold, Counter(), self.clock()
        words = ", ".join(f"{party} {reason} {times}" for (party, reason), times in sorted(told.items()))
        log.warning("callbacks turned away, nothing kept: %s", words)

    def times(self) -> Mapping[tuple[str, str], int]:
        """Return (party, reason) → how often since the start of this process."""
        with self._lock:
            return dict(self._times)
