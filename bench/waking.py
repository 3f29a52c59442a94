"""How soon a commit reaches the partner: woken by the commit itself, against a DAG run triggered by hand at once."""

import hashlib
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime

import psycopg

from bench.figures import Figure, show
from sandbox.day.partners import Partner, partners
from truc import settings
from truc.exchange import outbox
from truc.ground import postgres, up
from truc.manifest import Event
from truc.messages import NoticeDue
from truc.store.opened import Store, open_hub_store

TIMES, EVERY_S, BURST = 15, 7.0, 1000
MEDIAN_AT_MOST_S = 5.0
DAG, QUEUE = "notify_sms", "sms/message"


def run() -> list[Figure]:
    """Publish notices one by one on a hub that has nothing else to do, in turn woken and triggered."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("TRUC_")}
        here = settings.load(environ={**environ, "TRUC_VAR": folder})
        try:
            with up.hub_up(here, with_sandbox=True) as hub, closing(open_hub_store(hub.settings)) as store:
                return _measured(hub, store)
        finally:
            postgres.remove(here)


def _measured(hub: up.Hub, store: Store) -> list[Figure]:
    gateway = partners(hub.settings.sandbox)["sms"]
    hub.airflow.wait_for_dags(DAG, within_s=120)
    _taken_s(store, gateway, "warm", lambda: hub.airflow.trigger(DAG))
    _wait_until_idle(hub)
    woken, triggered = [], []
    for number in range(TIMES):
        woken.append(_taken_s(store, gateway, f"woken {number}", lambda: None))
        _rest()
        # The commit wakes here too, but later than this run begins.
        triggered.append(_taken_s(store, gateway, f"triggered {number}", lambda: hub.airflow.trigger(DAG)))
        _rest()
    assert statistics.median(woken) <= MEDIAN_AT_MOST_S, woken
    note = (
        f"{TIMES} times; p90 {_p90(woken):.2f}, max {max(woken):.2f} s against p90 {_p90(triggered):.2f}, "
        f"max {max(triggered):.2f} s; {BURST} notifications at once made {_runs_of_a_burst(hub)} runs"
    )
    floor = "run triggered by REST at the commit"
    return [
        Figure(
            "commit → SMS at the gateway, idle hub", statistics.median(woken), floor, statistics.median(triggered), note
        )
    ]


def _taken_s(store: Store, gateway: Partner, name: str, after_commit: Callable[[], object]) -> float:
    """Return the seconds from the commit to the effect, as the stand-in noted it by the clock of this machine."""
    words = f"Ho so {name} da co ket qua."
    message = NoticeDue(
        notice_id=name, dossier_code="H32.01-261120-0001", notice="ready", phone="0905123456", text=words
    )
    with store.begin() as transaction:
        outbox.publish(transaction, Event.NOTICE_DUE, message, key=name, external_id=name)
    committed_at = time.time()
    after_commit()
    effect = f"84905123456:{hashlib.sha256(words.encode()).hexdigest()}"
    until = time.monotonic() + 120
    while time.monotonic() < until:
        for one in gateway.effects("message"):
            if one["external_id"] == effect:
                return datetime.fromisoformat(one["at"]).timestamp() - committed_at
        time.sleep(0.1)
    raise TimeoutError(f"{name} did not arrive in two minutes")


def _rest() -> None:
    """Until the hub is idle again, and at another moment of its inner rounds of one second each time."""
    time.sleep(EVERY_S + random.random())


def _wait_until_idle(hub: up.Hub) -> None:
    """A hub that just started first runs what its clock and its triggers ask for."""
    until = time.monotonic() + 180
    while _tasks_at_work(hub) and time.monotonic() < until:
        time.sleep(1)
    time.sleep(EVERY_S)


def _runs_of_a_burst(hub: up.Hub) -> int:
    before = _number(hub, "SELECT count(*) FROM dag_run WHERE dag_id = %s", DAG)
    with psycopg.connect(hub.settings.database_url.replace("+psycopg", ""), autocommit=True) as connection:
        for _ in range(BURST):
            connection.execute("SELECT pg_notify(%s, %s)", (outbox.WOKEN, QUEUE))
    time.sleep(EVERY_S)
    _wait_until_idle(hub)
    return _number(hub, "SELECT count(*) FROM dag_run WHERE dag_id = %s", DAG) - before


def _tasks_at_work(hub: up.Hub) -> int:
    """Not runs: one that waits for a day's file stays open all day."""
    return _number(hub, "SELECT count(*) FROM task_instance WHERE state IN ('scheduled', 'queued', 'running')")


def _number(hub: up.Hub, query: str, *values: str) -> int:
    with psycopg.connect(hub.settings.airflow_database_url.replace("+psycopg", "")) as connection:
        row = connection.execute(query, values).fetchone()  # type: ignore[call-overload]  # the queries stand above
    return int(row[0])


def _p90(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=10, method="inclusive")[-1]


if __name__ == "__main__":
    show(run())
