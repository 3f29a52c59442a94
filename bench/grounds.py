"""What the benchmarks stand on: a hub with a real PostgreSQL, and stand-ins in processes of their own."""

import importlib
import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil
import requests

from truc import secrets_file, settings, steps
from truc.connections import Connection, from_airflow_json
from truc.ground import postgres
from truc.settings import Settings
from truc.store.migrate import upgrade
from truc.store.opened import Store, open_hub_store

# Children fork off a server that has imported everything already: they start in milliseconds, with one state of the
# code, and hold no thread, lock or connection of ours.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["bench.preloaded"])
READY_WITHIN_S = 60


@contextmanager
def hub(home: Path) -> Iterator[Settings]:
    """Have a migrated hub with the shipped catalogue and its PostgreSQL up inside the block; delete it after."""
    here = settings.load(home, {})
    secrets_file.ensure(here.secrets)
    postgres.start(here)
    try:
        upgrade(here.database_url)
        with opened(home) as store:
            steps.load_catalogue(store)
        yield here
    finally:
        postgres.stop(here)
        postgres.remove(here)


@contextmanager
def opened(home: Path) -> Iterator[Store]:
    """Open the store of the hub at `home`."""
    store = open_hub_store(settings.load(home, {}))
    try:
        yield store
    finally:
        store.close()


def started(target: Callable[..., None], *given: object) -> BaseProcess:
    """Start `target(*given)` in a process of its own, which ends with ours."""
    process = PROCESSES.Process(target=target, args=given, daemon=True)
    process.start()
    return process


@dataclass(slots=True)
class StandIn:
    """One partner's stand-in in a process of its own; what it knows and where it listens outlive the process."""

    party: str
    home: Path
    delay_s: float = 0.0  # every call takes it at most so long to begin
    port: int = 0
    told: dict[str, Any] = field(default_factory=dict)
    url: str = ""
    process: BaseProcess | None = None

    def come(self) -> None:
        """Start it, at the address it had last time."""
        here, there = PROCESSES.Pipe(duplex=False)
        self.process = started(_serve, self.party, self.home, self.delay_s, self.port, there)
        if not here.poll(READY_WITHIN_S):
            raise TimeoutError(f"{self.party}: the stand-in does not come up")
        self.port, self.url, self.told = here.recv()

    def go(self) -> None:
        """Have it die: what it has not answered stays unanswered."""
        if self.process is None:
            return
        self.process.terminate()
        self.process.join()
        self.process = None

    @property
    def connection(self) -> Connection:
        """How the hub reaches it."""
        return from_airflow_json(self.party, self.told)

    def order(self, call: str, body: object) -> None:
        """Give it an order of its own."""
        requests.post(f"{self.url}/_control/{call}", json=body, timeout=30).raise_for_status()

    def withdraw_faults(self) -> None:
        """Have it behave again."""
        requests.delete(f"{self.url}/_control/faults", timeout=30).raise_for_status()

    def asked(self, call: str, **query: str) -> Any:
        """Return what it says of itself."""
        answer = requests.get(f"{self.url}/_control/{call}", params=query, timeout=120)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def stand_ins(home: Path, *names: str, delay_s: float = 0.0) -> Iterator[dict[str, StandIn]]:
    """Have these partners up inside the block, by name."""
    partners = {name: StandIn(name, home / name, delay_s) for name in names}
    try:
        for one in partners.values():
            one.come()
        yield partners
    finally:
        for one in partners.values():
            one.go()


def cpu_s(pid: int) -> float:
    """Return the processor time a process has taken, with that of its children, living and gone."""
    process = psutil.Process(pid)
    spent = process.cpu_times()
    living = sum(sum(child.cpu_times()[:2]) for child in process.children(recursive=True))
    return float(sum(spent[:4]) + living)


def postmaster(here: Settings) -> int:
    """Return the process id of the hub's PostgreSQL."""
    return int((here.postgres / "data" / "postmaster.pid").read_text(encoding="utf-8").split()[0])


def _serve(party: str, home: Path, delay_s: float, port: int, ready: Pipe) -> None:
    """A stand-in's two books are not one transaction, so it dies between two requests, never within one."""
    from sandbox import http

    gate, gone = threading.RLock(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: gone.set())
    _guard(http.HttpServer, gate, delay_s)
    running = importlib.import_module(f"sandbox.{party}.server").start(port, home, "https://hub.invalid")
    ready.send((running.port, running.control_url, running.connection))
    gone.wait()
    with gate:
        os._exit(0)


def _guard(server: Any, gate: "threading.RLock", delay_s: float) -> None:
    first = server.__init__

    def guarded(self: Any, name: str, port: int, *, handle: Callable[[Any], Any], **others: Any) -> None:
        def one_at_a_time(request: Any) -> Any:
            if delay_s:
                time.sleep(random.uniform(0, delay_s))
            with gate:
                return handle(request)

        first(self, name, port, handle=one_at_a_time, **others)

    server.__init__ = guarded
