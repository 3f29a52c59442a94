"""What the exchange costs: durable publish and delivery against procrastinate and a bare loop, journal on against off.

    python -m bench.exchange [--messages 3000] [--rounds 3]

All ways run in the same turn, A B C D A B C D …, with the same dossiers to the same stand-in, publishing and
delivering at the same time in different processes, as gateway and courier are. Each leg begins with the first
transaction and ends when nothing is open any more; then the portal is asked that it has every dossier once.
"""

import argparse
import contextlib
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil
from sqlalchemy import TextClause

from bench import ways
from bench.figures import Figure, show
from bench.grounds import PROCESSES, StandIn, cpu_s, hub, opened, postmaster, stand_ins, started
from bench.ways import PORTAL, Job
from truc.settings import Settings
from truc.store.opened import Store

MESSAGES, ROUNDS = 3000, 3
LEG_WITHIN_S = 600
LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class Way:
    """One way to do the job. `opens` tells whether anything is still to be done; the bare loop keeps nothing."""

    name: str
    deliver: Callable[[Job], None]
    publish: Callable[[Job], None] | None = None
    opens: TextClause | None = None


TRUC = Way("Trục", ways.deliver_with_truc, ways.publish_with_truc, ways.OPEN_WITH_TRUC)
SILENT = Way("Trục without its journal", ways.deliver_without_journal, ways.publish_with_truc, ways.OPEN_WITH_TRUC)
PEER = Way(
    "procrastinate", ways.deliver_with_procrastinate, ways.publish_with_procrastinate, ways.OPEN_WITH_PROCRASTINATE
)
BARE = Way("bare requests loop", ways.deliver_bare)
WAYS = (TRUC, SILENT, PEER, BARE)


@dataclass(frozen=True, slots=True)
class Ground:
    """What every leg has in common."""

    here: Settings
    store: Store
    portal: StandIn
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leg:
    """How long one leg took, and the processor time of each process, in seconds."""

    taken_s: float
    cpu_s: dict[str, float]


def run(messages: int = MESSAGES, rounds: int = ROUNDS) -> list[Figure]:
    """Run all ways in turn and return their ratios (medians)."""
    legs: dict[str, list[Leg]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "hub"
        with hub(home) as here, stand_ins(Path(folder), PORTAL) as partners, opened(home) as store:
            ground = Ground(here, store, partners[PORTAL], ways.make_ready(home, store, messages))
            for number in range(rounds * len(WAYS)):
                way = WAYS[number % len(WAYS)]
                legs[way.name].append(_leg(way, ground, number))
    return _figures(legs, messages)


def _leg(way: Way, ground: Ground, number: int) -> Leg:
    here, portal, codes = ground.here, ground.portal, ground.codes
    portal.order("forget", {})
    go, stop = PROCESSES.Event(), PROCESSES.Event()
    running: dict[str, BaseProcess] = {}
    for role, work in (("publishing", way.publish), ("delivering", way.deliver)):
        if work is not None:
            ready = PROCESSES.Event()
            running[role] = started(work, Job(here.root, portal.connection, codes, number, ready, go, stop))
            assert ready.wait(60), f"{way.name}: {role} does not come up"
    lasting = {"PostgreSQL": postmaster(here), "stand-in": int(getattr(portal.process, "pid", 0))}
    before = _spent(running) | {role: cpu_s(pid) for role, pid in lasting.items()}
    begun = time.perf_counter()
    go.set()
    spent = _until_done(way, ground.store, running)
    taken_s = time.perf_counter() - begun
    spent |= {role: cpu_s(pid) for role, pid in lasting.items()}
    stop.set()
    for one in running.values():
        one.join(60)
        assert one.exitcode == 0, f"{way.name}: a process ended with {one.exitcode}"
    effects = portal.asked("effects", operation="DongBoHoSoMC")
    assert (len(effects), {one["times"] for one in effects}) == (len(codes), {1}), f"{way.name}: {len(effects)} arrived"
    return Leg(taken_s, {role: spent[role] - before[role] for role in spent})


def _until_done(way: Way, store: Store, running: dict[str, BaseProcess]) -> dict[str, float]:
    """Wait until nothing is open, and return the processor time that each process had then."""
    until = time.monotonic() + LEG_WITHIN_S
    ends = running["delivering" if way.opens is None else "publishing"]
    spent: dict[str, float] = {}
    while ends.is_alive() or (way.opens is not None and _is_open(store, way.opens)):
        assert time.monotonic() < until, f"{way.name}: not done after {LEG_WITHIN_S} s"
        spent |= _spent(running)
        ends.join(LOOK_S) if ends.is_alive() else time.sleep(LOOK_S)
    return spent | _spent(running)


def _spent(running: dict[str, BaseProcess]) -> dict[str, float]:
    """Return the processor time of each process that still runs; they have no children, and looking costs little."""
    found = {}
    for role, one in running.items():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            found[role] = float(sum(psutil.Process(one.pid).cpu_times()[:2]))
    return found


def _is_open(store: Store, opens: TextClause) -> bool:
    with store.begin() as transaction:
        return bool(transaction.sql.execute(opens).scalar_one())


def _figures(legs: dict[str, list[Leg]], messages: int) -> list[Figure]:
    taken_s = {name: statistics.median(leg.taken_s for leg in found) for name, found in legs.items()}
    ours_s = taken_s[TRUC.name]
    title = f"publish and deliver {messages} messages ({ways.CONCURRENCY} at once)"
    figures = []
    for way, bar in ((PEER, "bar ≥ 1.5"), (BARE, "bar ≥ 0.6"), (SILENT, "bar ≥ 0.85")):
        floor_s = taken_s[way.name]
        note = (
            f"{messages / ours_s:.0f}/s against {messages / floor_s:.0f}/s: {floor_s / ours_s:.2f} × its speed, {bar}"
        )
        figures.append(Figure(title, ours_s, way.name, floor_s, f"{note}; {_spread(legs, way)}"))
    for name, found in legs.items():
        print(f"  {name}: processor time per message, ms: {_costs(found, messages)}")
    return figures


def _spread(legs: dict[str, list[Leg]], way: Way) -> str:
    ratios = sorted(other.taken_s / ours.taken_s for ours, other in zip(legs[TRUC.name], legs[way.name], strict=True))
    return "rounds " + " ".join(f"{ratio:.2f}" for ratio in ratios)


def _costs(found: list[Leg], messages: int) -> str:
    roles = found[0].cpu_s
    return ", ".join(
        f"{role} {statistics.median(leg.cpu_s[role] for leg in found) / messages * 1000:.2f}" for role in roles
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=MESSAGES, help="dossiers of one leg")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    return parser.parse_args()


if __name__ == "__main__":
    given = _arguments()
    show(run(given.messages, given.rounds))
