"""What goes wrong in one run, and how often: drawn from the seed, and asked wherever it may happen."""

from dataclasses import dataclass
from random import Random
from typing import Literal

Commit = Literal["done", "error_before", "error_after", "killed_before", "killed_after"]
Call = Literal[
    "answered",
    "slow",
    "not_reached",
    "lost",  # no answer; whether it arrived, and when, is drawn apart
    "asked_to_wait",
    "busy",
    "unreadable",
    "connector_failed",
    "not_let_in",
]
FAMILIES = ("network", "database", "races", "kills", "stalls", "partner", "connector")


@dataclass(frozen=True, slots=True)
class Rates:
    """How often each family of faults strikes, as a share of the places where it may."""

    network: float = 0.0
    database: float = 0.0
    races: float = 0.0
    kills: float = 0.0
    stalls: float = 0.0
    partner: float = 0.0
    connector: float = 0.0


HARD = Rates(network=0.5, database=0.15, races=0.02, kills=0.03, stalls=0.03, partner=0.25, connector=0.1)


class Faults:
    """Says of each step of a run whether, and how, it goes wrong. `quiet` ends all faults."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.quiet = False
        struck = {name: random.random() ** 2 * getattr(HARD, name) for name in FAMILIES if random.random() < 0.6}
        self.rates = Rates(**struck)
        self.database_away: tuple[tuple[float, float], ...] = ()

    def commit(self, *, mortal: bool) -> Commit:
        """What becomes of one commit, and of the process that asked for it."""
        if self._strikes(self.rates.database):
            return self._random.choice(("error_before", "error_after"))
        if mortal and self._strikes(self.rates.kills):
            return self._random.choice(("killed_before", "killed_after"))
        return "done"

    def loses_race(self) -> bool:
        """Whether a statement loses a race for its rows."""
        return self._strikes(self.rates.races)

    def kills(self) -> bool:
        """Whether a process is killed where it stands."""
        return self._strikes(self.rates.kills / 3)

    def stall_s(self) -> float:
        """For how long a process stands still here; 0 for not at all."""
        return self._random.choice((2.0, 20.0, 50.0, 120.0, 400.0)) if self._strikes(self.rates.stalls) else 0.0

    def database_is_away(self, now_s: float) -> bool:
        """Whether the whole database is away now."""
        return not self.quiet and any(start <= now_s < end for start, end in self.database_away)

    def call(self) -> Call:
        """What becomes of one call to a partner that is there."""
        if self._strikes(self.rates.network):
            return self._random.choice(("slow", "not_reached", "lost", "lost", "lost"))
        if self._strikes(self.rates.partner):
            return self._random.choice(("asked_to_wait", "busy", "unreadable", "busy"))
        if self._strikes(self.rates.connector):
            return self._random.choice(("connector_failed", "not_let_in"))
        return "answered"

    def _strikes(self, rate: float) -> bool:
        return rate > 0 and not self.quiet and self._random.random() < rate
