"""Courier processes as a benchmark of hardship runs them: `steps.deliver` in a loop, with every wait made short.

What is shortened, and by how much, so that a quarter of an hour holds what takes days: the partner's time-outs (30 to
60 s → 1 s), backoff (2 to 900 s → 0.05 to 1 s), settling (60 s → 2 s), how long a message may wait in a courier's
hands (60 s → 2 s), the reserve in a message's lease (60 s → 1 s), the lease of a courier's slots (30 s → 3 s) and how
often it is renewed (10 s → 1 s). Budgets are larger (12 → 200 tries), as faults come far more often. Nothing else is
changed; what is longer than what stays so.
"""

import os
import time
import traceback
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.exc import InterfaceError, OperationalError

from bench.grounds import opened
from truc import parties, steps
from truc.connections import Connection
from truc.errors import TrucError
from truc.exchange import courier, line
from truc.manifest import Limits

SHORT: dict[str, Any] = {
    "timeout_s": 1.0,
    "connect_timeout_s": 0.4,
    "backoff_s": 0.05,
    "backoff_max_s": 1.0,
    "settle_s": 2.0,
    "attempts_max": 200,
}
IN_HAND_S = 2.0
RESERVE_S = 1.0
SLOTS_LEASE = timedelta(seconds=3)
LOOK_UP_S = 1.0
IDLE_S = 0.1


def shorten() -> None:
    """Shorten every wait in this process."""
    declared = parties.manifest

    def manifest(party: str) -> Any:
        found = declared(party)
        return replace(found, limits=replace(found.limits, **SHORT))

    def lease_s(limits: Limits) -> float:
        return limits.calls_max * (limits.connect_timeout_s + 2 * limits.timeout_s) + RESERVE_S

    # The child process is its own: in it the declared limits are the short ones.
    setattr(parties, "manifest", manifest)  # noqa: B010  (a module's function is no variable to mypy)
    setattr(Limits, "lease_s", property(lease_s))  # noqa: B010  (nor is a property)
    courier.IN_HAND_S, courier.LOOK_UP_S = IN_HAND_S, LOOK_UP_S
    line.COURIER_LEASE = SLOTS_LEASE


def deliver_for_ever(home: Path, party: str, connection: Connection, log: Path) -> None:
    """Run couriers of one party, one after another, until killed; what one of them raised goes to the log."""
    shorten()
    operations = tuple(one.name for one in parties.manifest(party).operations)
    with opened(home) as store:
        while True:
            try:
                done = steps.deliver(store, connection, operations)
            except (OperationalError, InterfaceError, TrucError) as error:
                _note(log, f"{party}: {type(error).__name__}\n")  # as a run of Airflow: it failed, the next one starts
                time.sleep(IDLE_S)
            except Exception:
                _note(log, f"{party}: UNEXPECTED\n{traceback.format_exc()}")
                raise
            else:
                if not any(done.values()):
                    time.sleep(IDLE_S)


def _note(log: Path, words: str) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()} {words}")
