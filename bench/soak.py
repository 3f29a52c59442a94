"""Soak: the hub at a steady rate with failing partners, for as long as wanted; memory, files and connections stay flat.

    python -m bench.soak [--minutes 30] [--calls-per-s 12]

One gateway and a courier per partner run all the time (waits shortened, see bench.couriers), the one-stop software
plays, partners fail at random. Every ten seconds each process is measured. Memory is flat when its median over the last
third of the time is at most 5 % over that of the middle third; what is counted, and goes up and down with the calls
being made, when its maximum is at most 5 % over, or two more. Exits with 1 when one is not.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil
from sqlalchemy import text

from bench.couriers import deliver_for_ever
from bench.grounds import StandIn, hub, opened, stand_ins, started
from bench.misbehaving import order_a_fault
from bench.playing import gateway, played
from truc.settings import Settings
from truc.store.opened import Store

PARTIES = ("momo", "national_portal", "sms", "vnpost")
MINUTES, CALLS_PER_S = 30.0, 12.0
SAMPLE_EVERY_S, FAULT_EVERY_S = 10.0, 2.0
GROWS_AT_MOST, MORE_AT_MOST = 1.05, 2
MEMORY = "resident MB, median"
MEGABYTE = 1024 * 1024
_CONNECTIONS = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
_STANDS = text("SELECT party, state, count(*) AS times FROM outbox GROUP BY 1, 2 ORDER BY 1, 2")


@dataclass(slots=True)
class Samples:
    """What was measured: (process, measure) → [(seconds since the start, value)]."""

    began: float = field(default_factory=time.monotonic)
    taken_s: float = field(default_factory=time.monotonic)
    values: dict[tuple[str, str], list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))

    @property
    def age_s(self) -> float:
        """How long ago the last ones were taken."""
        return time.monotonic() - self.taken_s

    def take(self, processes: dict[str, BaseProcess], store: Store) -> None:
        """Measure everything once; raise when a process has ended."""
        self.taken_s = time.monotonic()
        for name, process in processes.items():
            seen = psutil.Process(int(process.pid or 0))
            self._add(name, MEMORY, seen.memory_info().rss / MEGABYTE)
            self._add(name, "open files, most", seen.num_fds())
            self._add(name, "threads, most", seen.num_threads())
        with store.begin() as transaction:
            self._add("PostgreSQL", "connections, most", int(transaction.sql.execute(_CONNECTIONS).scalar_one()))

    def _add(self, name: str, measure: str, value: float) -> None:
        self.values[name, measure].append((time.monotonic() - self.began, value))


def run(
    folder: Path, *, minutes: float, calls_per_s: float = CALLS_PER_S, sample_every_s: float = SAMPLE_EVERY_S
) -> bool:
    """Play for so long, print what was measured, and return whether everything stayed flat."""
    with (
        hub(folder / "hub") as here,
        stand_ins(folder, *PARTIES) as partners,
        opened(here.root) as store,
        gateway(here) as serving,
    ):
        processes = {"gateway": serving} | _couriers(here, partners, folder / "couriers.log")
        samples, choose = Samples(), random.Random(3)
        with played(here, calls_per_s, seed=2) as told:
            for _ in _times(minutes * 60, min(FAULT_EVERY_S, sample_every_s)):
                order_a_fault(partners, choose)
                if samples.age_s >= sample_every_s:
                    samples.take(processes, store)
        for party in PARTIES:
            processes[party].kill()
        _tell(told, store)
    return shown(samples)


def _couriers(here: Settings, partners: dict[str, StandIn], log: Path) -> dict[str, BaseProcess]:
    return {party: started(deliver_for_ever, here.root, party, partners[party].connection, log) for party in PARTIES}


def _times(seconds: float, every_s: float) -> Iterator[None]:
    """Yield every so often for so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield
        time.sleep(every_s)


def _tell(told: Counter[str], store: Store) -> None:
    with store.begin() as transaction:
        stands = {f"{row.party} {row.state}": int(row.times) for row in transaction.sql.execute(_STANDS)}
    print(f"{told['calls']} calls to the gateway, {told['calls repeated']} repeated; the outbox: {stands}\n")


def shown(samples: Samples) -> bool:
    """Print the thirds and slopes of what was measured, and return whether all of it is flat."""
    print("| process | measure | first third | middle third | last third | slope per hour | flat |")
    print("|---|---|---|---|---|---|---|")
    good = True
    for (name, measure), values in sorted(samples.values.items()):
        weighs = measure == MEMORY
        of_a_third = statistics.median if weighs else max
        first, middle, last = (of_a_third([value for _, value in part]) for part in _thirds(values))
        later = values[len(values) // 3 :]
        slope = statistics.linear_regression([at_s / 3600 for at_s, _ in later], [value for _, value in later]).slope
        flat = last <= max(middle * GROWS_AT_MOST, middle + (0 if weighs else MORE_AT_MOST))
        good &= flat
        words = " | ".join((f"{first:.1f}", f"{middle:.1f}", f"{last:.1f}", f"{slope:+.1f}", "yes" if flat else "NO"))
        print(f"| {name} | {measure} | {words} |")
    return good


def _thirds(values: list[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    size = len(values) // 3
    return [values[:size], values[size : 2 * size], values[2 * size :]]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--calls-per-s", type=float, default=CALLS_PER_S)
    return parser.parse_args()


if __name__ == "__main__":
    given = _arguments()
    with tempfile.TemporaryDirectory() as made:
        flat = run(Path(made), minutes=given.minutes, calls_per_s=given.calls_per_s)
    sys.exit(0 if flat else 1)
