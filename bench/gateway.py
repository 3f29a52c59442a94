"""The gateway under load: how fast a callback is kept against a bare route, and how soon it is answered on a busy hub.

    python -m bench.gateway [--calls 4000] [--rounds 3] [--busy-s 30]

Speed: an IPN, verified and its bytes durably kept (synchronous commit), against a FastAPI route that verifies the same
HMAC and does nothing else; both in a process of their own, called in turn by the same caller. MoMo has one answer for
every order; VNPAY's says how our order stands, so it is looked up. The answer to each call is compared, and the inbox
counted afterwards: a call that was not kept, or whose order was not found, ends the run.

Latency: VNPAY's IPNs at a steady pace (each has its own time to start: a slow answer delays no other), while couriers,
bookers and the one-stop software work on the same PostgreSQL.
"""

import argparse
import asyncio
import json
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from sqlalchemy import text

from bench.couriers import deliver_for_ever
from bench.figures import Figure, show
from bench.grounds import PROCESSES, READY_WITHIN_S, StandIn, cpu_s, hub, opened, stand_ins, started
from bench.ipns import AMOUNT_VND, BARE, MOMO, VNPAY, Ipn
from bench.playing import AGENCY, NOTICES, PROCEDURE, played
from truc import settings, steps
from truc.domain.status import Status
from truc.inbound import serving
from truc.inbound.app import create_app
from truc.inbound.guard import Pace
from truc.messages import Channel, Person
from truc.services import dossiers
from truc.services.dossiers import Intake
from truc.settings import LOCAL, Settings
from truc.store import catalogue
from truc.store.opened import Store

PARTIES = ("momo", "national_portal", "sms", "vnpay", "vnpost")
CALLERS = 64
PACE_PER_S, CALLS_PER_S = 40.0, 12.0
# One caller stands for many partners here: the gateway's own pace would turn it away.
UNBRIDLED = Pace(per_s=1e9, burst=10**9)
_ORDERS = text(
    """
    WITH asked AS (INSERT INTO payments (our_reference, source, source_reference, dossier_code, party, amount_vnd,
        state, requested_at, collected_for)
    SELECT :prefix || number, 'bench', :prefix || number, :dossier, :party, :amount, 'pending', now(), :agency
    FROM generate_series(1, :count) AS number RETURNING 1)
    SELECT count(*) FROM asked
    """
)
_KEPT = text("SELECT count(*) FROM inbox WHERE kind = 'ipn'")


@dataclass(frozen=True, slots=True)
class Served:
    """One server in a process of its own."""

    port: int
    path: str
    pid: int


@dataclass(frozen=True, slots=True)
class Answered:
    """What the caller saw: seconds it took altogether, and of each call."""

    taken_s: float
    each_s: list[float]


@dataclass(frozen=True, slots=True)
class Leg:
    """How long one leg took, and the server's processor time in it, in seconds."""

    taken_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Pair:
    """What is compared, and what the orders are for."""

    ours: Served
    bare: Served
    ipn: Ipn
    store: Store
    dossier: str

    def orders(self, prefix: str, count: int) -> list[str]:
        """Make so many orders that wait for their money; return their references."""
        return _orders(self.store, self.ipn, self.dossier, prefix, count)


def run(ipn: Ipn, calls: int, rounds: int) -> Figure:
    """Return the figure of speed; rounds go in turn, ours and the bare route."""
    with (
        tempfile.TemporaryDirectory() as folder,
        hub(Path(folder)) as here,
        stand_ins(Path(folder), ipn.party) as partners,
        opened(here.root) as store,
    ):
        _connect(here, partners)
        with _served(_serve_hub, here, ipn) as ours, _served(_serve_bare, ipn) as bare:
            pair = Pair(ours, bare, ipn, store, _dossier(store))
            _called(bare, ipn, pair.orders("W", 200))
            _called(ours, ipn, pair.orders("V", 200))
            legs = [_round(pair, f"R{number}n", calls) for number in range(rounds)]
    return _figure(ipn, calls, [kept for kept, _ in legs], [answered for _, answered in legs])


def _round(pair: Pair, prefix: str, calls: int) -> tuple[Leg, Leg]:
    orders = pair.orders(prefix, calls)
    answered = _leg(pair.bare, pair.ipn, orders)
    before = _count(pair.store)
    kept = _leg(pair.ours, pair.ipn, orders)
    assert _count(pair.store) - before == calls, "a call was answered and is not kept"
    return kept, answered


def _figure(ipn: Ipn, calls: int, kept: Sequence[Leg], answered: Sequence[Leg]) -> Figure:
    ratios = " ".join(f"{floor.taken_s / mine.taken_s:.2f}" for mine, floor in zip(kept, answered, strict=True))
    mine, floor = (statistics.median(leg.taken_s for leg in legs) for legs in (kept, answered))
    cpu = [statistics.median(leg.cpu_s for leg in legs) / calls * 1000 for legs in (kept, answered)]
    note = (
        f"{calls / mine:.0f}/s against {calls / floor:.0f}/s: {floor / mine:.2f} × its speed, bar ≥ 0.4; "
        f"rounds {ratios}; processor ms per call {cpu[0]:.3f} against {cpu[1]:.3f} ({cpu[1] / cpu[0]:.2f})"
    )
    return Figure(
        f"{calls} IPNs of {ipn.party} kept ({CALLERS} callers)", mine, "bare FastAPI route, HMAC only", floor, note
    )


def _leg(served: Served, ipn: Ipn, orders: Sequence[str]) -> Leg:
    before_s = cpu_s(served.pid)
    taken_s = _called(served, ipn, orders).taken_s
    return Leg(taken_s, cpu_s(served.pid) - before_s)


def busy(seconds: float) -> str:
    """Return p50 and p99 of the IPN's answer while the hub works, as a line."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with hub(home) as here, stand_ins(home, *PARTIES) as partners:
            _connect(here, partners)
            log = home / "couriers.log"
            working = [started(deliver_for_ever, home, one, partners[one].connection, log) for one in PARTIES]
            working.append(started(_book_for_ever, home))
            with opened(home) as store, _served(_serve_hub, here, VNPAY) as ours:
                orders = _orders(store, VNPAY, _dossier(store), "B", int(seconds * PACE_PER_S))
                with played(here, CALLS_PER_S, seed=1) as answers:
                    found = _called(ours, VNPAY, orders, pace_per_s=PACE_PER_S)
            for one in working:
                one.kill()
                one.join()
    each = sorted(found.each_s)
    p50, p99 = (each[int(len(each) * share)] * 1000 for share in (0.5, 0.99))
    return (
        f"IPN while busy: {len(each)} calls at {PACE_PER_S:.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms (bar 200), "
        f"slowest {each[-1] * 1000:.0f} ms; beside them {answers['calls']} calls of the one-stop software, "
        f"{len(PARTIES)} couriers and a booker"
    )


def _connect(here: Settings, partners: Mapping[str, StandIn]) -> None:
    told = {name: one.told for name, one in partners.items()}
    here.connections_file.write_text(json.dumps(told), encoding="utf-8")
    here.connections_file.chmod(0o600)


def _dossier(store: Store) -> str:
    """One dossier that all orders are for."""
    intake = Intake(
        source="bench",
        source_reference="gateway",
        procedure_code=PROCEDURE,
        agency_code=AGENCY,
        channel=Channel.COUNTER,
        applicant=Person(name="Nguyễn Thị Đo Lường"),
        received_at=datetime.now(UTC),
        status=Status.ACCEPTED,
    )
    with store.begin() as transaction:
        return dossiers.receive(transaction, intake, catalogue.working_calendar(transaction)).code


def _orders(store: Store, ipn: Ipn, dossier: str, prefix: str, count: int) -> list[str]:
    given = {"prefix": prefix, "dossier": dossier, "amount": AMOUNT_VND, "count": count, "agency": AGENCY}
    given |= {"party": ipn.party}
    with store.begin() as transaction:
        assert transaction.sql.execute(_ORDERS, given).scalar_one() == count
    return [f"{prefix}{number}" for number in range(1, count + 1)]


def _count(store: Store) -> int:
    with store.begin() as transaction:
        return int(transaction.sql.execute(_KEPT).scalar_one())


@contextmanager
def _served(target: Any, *given: object) -> Iterator[Served]:
    here, there = PROCESSES.Pipe(duplex=False)
    process = started(target, *given, there)
    try:
        assert here.poll(READY_WITHIN_S), "the server does not come up"
        yield here.recv()
    finally:
        process.terminate()
        process.join()


def _serve_hub(here: Settings, ipn: Ipn, ready: Pipe) -> None:
    os.environ.update(NOTICES, TRUC_CONNECTIONS_FILE=str(here.connections_file))
    logging.basicConfig(level=logging.CRITICAL)
    app = create_app(settings.load(here.root, {}), pace=UNBRIDLED)
    _serve(app, here.ports.gateway, f"/partners/{ipn.party}/ipn", ready)


def _serve_bare(ipn: Ipn, ready: Pipe) -> None:
    app = FastAPI(openapi_url=None)
    ipn.bare(app)
    _serve(app, 0, BARE, ready)


def _serve(app: FastAPI, port: int, path: str, ready: Pipe) -> None:
    listening = serving.listen(LOCAL, port)
    ready.send(Served(listening.getsockname()[1], path, os.getpid()))
    serving.serve(app, listening)


def _book_for_ever(home: Path) -> None:
    with opened(home) as store:
        while True:
            steps.book_kept(store, "vnpay", ("ipn",))
            time.sleep(0.05)


def _called(served: Served, ipn: Ipn, orders: Sequence[str], *, pace_per_s: float = 0.0) -> Answered:
    """Call once for each order from a process of its own; without a pace as fast as the answers come."""
    here, there = PROCESSES.Pipe(duplex=False)
    process = started(_call, served, ipn, list(orders), pace_per_s, there)
    there.close()  # a caller that dies is the end of the pipe
    assert here.poll(600), "the calls do not end"
    found: Answered = here.recv()
    process.join()
    return found


def _call(served: Served, ipn: Ipn, orders: list[str], pace_per_s: float, told: Pipe) -> None:
    calls = [ipn.write(served.path, order, number) for number, order in enumerate(orders)]
    told.send(asyncio.run(_all(served, ipn, calls, pace_per_s)))


async def _all(served: Served, ipn: Ipn, calls: list[bytes], pace_per_s: float) -> Answered:
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    begun = time.perf_counter()
    for number, call in enumerate(calls):
        waiting.put_nowait((begun + number / pace_per_s if pace_per_s else 0.0, call))
    each = await asyncio.gather(*(_caller(served, ipn, waiting) for _ in range(CALLERS)))
    return Answered(time.perf_counter() - begun, [one for part in each for one in part])


async def _caller(served: Served, ipn: Ipn, waiting: "asyncio.Queue[tuple[float, bytes]]") -> list[float]:
    reader, writer = await asyncio.open_connection(LOCAL, served.port)
    taken = []
    while not waiting.empty():
        due, call = waiting.get_nowait()
        if due:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        begun = due or time.perf_counter()
        writer.write(call)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 " + ipn.status), head
        if ipn.body:
            assert await reader.readexactly(len(ipn.body)) == ipn.body
        taken.append(time.perf_counter() - begun)
    writer.close()
    return taken


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=4000, help="of one leg")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--busy-s", type=float, default=30.0)
    given = parser.parse_args()
    if given.rounds:
        show([run(ipn, given.calls, given.rounds) for ipn in (MOMO, VNPAY)])
    if given.busy_s:
        print(busy(given.busy_s))


if __name__ == "__main__":
    main()
