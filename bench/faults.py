"""Real kills: couriers killed with -9, PostgreSQL stopped hard, partners dead and failing, all in mid-run.

    python -m bench.faults [--kills 500] [--stops 20] [--minutes 12]

Real processes, a real PostgreSQL, real stand-ins over sockets, and the one-stop software playing through the real
gateway. Waits are shortened in the couriers: see bench.couriers. When the play is over everything is let finish, and
each partner's own record is compared with the hub's store (bench.comparing). Exits with 1 when anything is lost,
doubled or out of order, or the journal does not verify.
"""

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, OperationalError

from bench.comparing import Compared, compare, stopped_though_sent, stopped_why
from bench.couriers import deliver_for_ever
from bench.grounds import StandIn, hub, opened, postmaster, stand_ins, started
from bench.misbehaving import order_a_fault
from bench.playing import gateway, played
from truc.exchange.journal import signatures
from truc.exchange.journal.report import Report
from truc.exchange.journal.verify import verify
from truc.ground import postgres
from truc.settings import Settings
from truc.store.opened import Store

KILLS, STOPS, MINUTES = 500, 20, 12.0
CALLS_PER_S = 15.0
PARTNER_DELAY_S = 0.3  # the partners take their time, so that kills find calls in flight
# Two couriers of the portal: one of them takes over when the other dies.
COURIERS = ("national_portal", "national_portal", "vnpost", "momo", "sms")
DEATHS = 2  # of each partner
DEAD_S = 20.0  # at a backoff of at most 1 s this is what 5 hours are at one of 900 s
FAULT_EVERY_S = 1.0
FINISH_WITHIN_S = 600.0
_UNFINISHED = text(
    """
    SELECT count(*) FROM outbox AS one WHERE drawer = 0 AND state IN ('waiting', 'sending', 'unknown')
        AND NOT EXISTS (
            SELECT FROM outbox AS before
            WHERE before.drawer = 0 AND before.party = one.party AND before.key = one.key
                AND before.place < one.place AND before.state IN ('refused', 'set_aside'))
    """
)
_IN_FLIGHT = text("SELECT count(*) FROM outbox WHERE drawer = 0 AND state = 'sending' AND leased_by LIKE :worker")


@dataclass(slots=True)
class Trouble:
    """Everything that runs and can be hurt."""

    here: Settings
    store: Store
    partners: dict[str, StandIn]
    log: Path
    choose: random.Random
    couriers: list[BaseProcess] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)

    def start_courier(self, place: int) -> None:
        """Start the courier of this place."""
        party = COURIERS[place]
        made = started(deliver_for_ever, self.here.root, party, self.partners[party].connection, self.log)
        self.couriers[place : place + 1] = [made]

    def kill_a_courier(self) -> None:
        """Kill -9 at this very moment, count what it had in flight, and start another."""
        place = self.choose.randrange(len(COURIERS))
        victim = self.couriers[place]
        if not victim.is_alive():
            self.done["couriers that had ended by themselves"] += 1
        victim.kill()
        victim.join()
        self.done["kills"] += 1
        with contextlib.suppress(OperationalError, InterfaceError), self.store.begin() as transaction:
            left = transaction.sql.execute(_IN_FLIGHT, {"worker": f"%/{victim.pid}/%"}).scalar_one()
            self.done["kills with messages SENDING"] += left > 0
            self.done["messages SENDING at a kill"] += left
        self.start_courier(place)

    def stop_the_database(self) -> None:
        """Stop PostgreSQL as a lost machine does (immediate), and start it again a moment later."""
        pid = postmaster(self.here)
        os.kill(pid, signal.SIGQUIT)
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(pid).wait(timeout=60)
        time.sleep(self.choose.uniform(0.0, 3.0))
        postgres.start(self.here)
        self.done["PostgreSQL stops"] += 1

    def partner_dies(self, party: str) -> None:
        """From now on nobody listens there."""
        self._remember_faults(party)
        self.partners[party].go()
        self.done["partner deaths"] += 1

    def partner_comes_back(self, party: str) -> None:
        """It listens again, with the same books."""
        self.partners[party].come()

    def order_a_fault(self) -> None:
        """Tell one partner to misbehave in its next few calls."""
        order_a_fault(self.partners, self.choose)

    def end_faults(self) -> None:
        """Every partner behaves from now on."""
        for party, partner in self.partners.items():
            if partner.process is None:
                partner.come()
            self._remember_faults(party)
            partner.withdraw_faults()

    def _remember_faults(self, party: str) -> None:
        for name, times in self.partners[party].asked("faults").items():
            self.met[f"{party} {name}"] += times


def run(folder: Path, *, kills: int, stops: int, minutes: float, dead_s: float = DEAD_S, seed: int = 1) -> bool:
    """Play, hurt, let finish, compare; print the table and return whether everything held."""
    home = folder / "hub"
    parties = sorted(set(COURIERS))
    with (
        hub(home) as here,
        stand_ins(folder, *parties, delay_s=PARTNER_DELAY_S) as partners,
        opened(home) as store,
        gateway(here),
    ):
        trouble = Trouble(here, store, partners, folder / "couriers.log", random.Random(seed))
        for place in range(len(COURIERS)):
            trouble.start_courier(place)
        began = time.monotonic()
        with played(here, CALLS_PER_S, seed) as told:
            _hurt(trouble, _plan(trouble, kills, stops, minutes * 60, dead_s))
        trouble.done["seconds of trouble"] = round(time.monotonic() - began)
        trouble.end_faults()
        began = time.monotonic()
        unfinished = _let_finish(trouble)
        trouble.done["seconds to finish"] = round(time.monotonic() - began)
        for one in trouble.couriers:
            one.kill()
            one.join()
        compared = compare(store, partners)
        report = verify(store, public_key=signatures.hub_key(here.secrets).public_key())
        _show(trouble, told, compared, report, unfinished)
        return all(one.is_good for one in compared.values()) and report.first is None and unfinished == 0


def _plan(
    trouble: Trouble, kills: int, stops: int, seconds: float, dead_s: float
) -> list[tuple[float, Callable[[], None]]]:
    """Return (when, what) in order, every moment chosen at random."""
    moment = trouble.choose.uniform
    plan: list[tuple[float, Callable[[], None]]] = []
    plan += [(moment(0, seconds), trouble.kill_a_courier) for _ in range(kills)]
    plan += [(moment(0, seconds), trouble.stop_the_database) for _ in range(stops)]
    plan += [(moment(0, seconds), trouble.order_a_fault) for _ in range(int(seconds / FAULT_EVERY_S))]
    for party in trouble.partners:
        for number in range(DEATHS):  # each in its own part of the time, so that they do not overlap
            part_s = seconds / DEATHS
            gone_s = min(dead_s, part_s / 2)
            dies_s = number * part_s + moment(0, part_s - gone_s)
            plan.append((dies_s, partial(trouble.partner_dies, party)))
            plan.append((dies_s + gone_s, partial(trouble.partner_comes_back, party)))
    return sorted(plan, key=lambda one: one[0])


def _hurt(trouble: Trouble, plan: list[tuple[float, Callable[[], None]]]) -> None:
    began = time.monotonic()
    for number, (when_s, what) in enumerate(plan, start=1):
        time.sleep(max(0.0, began + when_s - time.monotonic()))
        what()
        if number % 100 == 0:
            print(f"  {time.monotonic() - began:.0f} s: {dict(trouble.done)}", file=sys.stderr, flush=True)


def _let_finish(trouble: Trouble) -> int:
    """Wait until no message waits for anything but a person; return how many still do."""
    until = time.monotonic() + FINISH_WITHIN_S
    while True:
        with trouble.store.begin() as transaction:
            left = int(transaction.sql.execute(_UNFINISHED).scalar_one())
        if not left or time.monotonic() > until:
            return left
        time.sleep(0.5)


def _show(
    trouble: Trouble, told: Counter[str], compared: dict[tuple[str, str], Compared], report: Report, unfinished: int
) -> None:
    done = trouble.done
    print("| What was done | times |\n|---|---|")
    for name in sorted(done):
        print(f"| {name} | {done[name]} |")
    print(f"| faults met by calls | {trouble.met.total()} |")
    for name in sorted(told):
        print(f"| one-stop: {name} | {told[name]} |")
    print(f"| couriers' own failures | {_failures(trouble.log)} |\n")
    columns = ("wanted", "arrived", "stopped", "held", "lost", "doubled", "disordered", "strangers")
    print(f"| party | operation | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 2)}")
    for (party, operation), one in compared.items():
        print(f"| {party} | {operation} | {' | '.join(str(getattr(one, name)) for name in columns)} |")
    print(f"\nunfinished: {unfinished}; waiting for a person though sent: {stopped_though_sent(trouble.store)}")
    for name, times in sorted(stopped_why(trouble.store).items()):
        print(f"  stopped: {name}: {times}")
    for one in compared.values():
        for example in one.examples:
            print(f"  VIOLATION {example}")
    looked_at = ", ".join(f"{count} {name}" for name, count in report.looked_at.items())
    found = "nothing bad" if report.first is None else f"{report.bad} bad, the first: {report.first}"
    print(f"journal: {found} ({looked_at})")


def _failures(log: Path) -> dict[str, int]:
    if not log.exists():
        return {}
    lines = log.read_text(encoding="utf-8").splitlines()
    return dict(Counter(line.partition(" ")[2] for line in lines if line[:1].isdigit()))


def _arguments(arguments: list[str] | None = None) -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--stops", type=int, default=STOPS)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    given = _arguments()
    with tempfile.TemporaryDirectory() as made:
        held = run(Path(made), kills=given.kills, stops=given.stops, minutes=given.minutes, seed=given.seed)
    sys.exit(0 if held else 1)
