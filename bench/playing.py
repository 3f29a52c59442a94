"""The one-stop software at work: dossiers with many messages each, handed to the gateway call by call until taken."""

import logging
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event as Signal
from typing import Any

import requests

from bench.grounds import PROCESSES, READY_WITHIN_S, started
from sandbox.day.one_stop import OneStop, RefusedError
from truc import settings
from truc.inbound import clients
from truc.inbound.app import create_app
from truc.settings import LOCAL, Settings

CLIENT = "bench"
ENDS_WITHIN_S = 120
LIVE_CASES = 12  # of one lane, at any time: their calls come mixed
PROCEDURE, AGENCY = "1.013831", "H32.06"
# In process, a paper is missing, it came, done, handed over: each a step at the portal, two of them an SMS.
MOVES = (4, 5, 4, 9, 10)
LONG_AGO = timedelta(days=30)
# Every notice goes by SMS at once: the couriers have the stand-in's address, the gateway must only know of the party.
NOTICES = {"AIRFLOW_CONN_SMS": "{}", "TRUC_NOTICE_CHANNELS": "sms", "TRUC_NOTICE_QUIET": "none"}


@dataclass(frozen=True, slots=True)
class Play:
    """How fast to play: calls a second over all lanes; `seed` makes the choices repeatable."""

    url: str
    key: str
    calls_per_s: float
    lanes: int = 2
    seed: int = 1


@contextmanager
def gateway(here: Settings) -> Iterator[BaseProcess]:
    """Have the gateway up inside the block, as it runs in production."""
    process = started(_serve, here)
    try:
        _wait_until_it_answers(here)
        yield process
    finally:
        process.kill()
        process.join()


@contextmanager
def played(here: Settings, calls_per_s: float, seed: int) -> Iterator[Counter[str]]:
    """Have the one-stop software play inside the block; what it was answered, outcome → count, is there after it."""
    stop = PROCESSES.Event()
    ours, theirs = PROCESSES.Pipe(duplex=False)
    found: Counter[str] = Counter()
    work = Play(here.gateway_url, clients.ensure_client(here.secrets, CLIENT), calls_per_s, seed=seed)
    process = started(_play, work, stop, theirs)
    try:
        yield found
    finally:
        stop.set()
        assert ours.poll(ENDS_WITHIN_S), "the player does not end"
        found.update(ours.recv())
        process.join()


def _serve(here: Settings) -> None:
    """Run until killed; what it says goes to the hub's logs."""
    import uvicorn

    os.environ.update(NOTICES)
    here.logs.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=here.logs / "gateway.log", level=logging.INFO)
    app = create_app(settings.load(here.root, {}))
    uvicorn.run(app, host=LOCAL, port=here.ports.gateway, log_config=None, access_log=False)


def _wait_until_it_answers(here: Settings) -> None:
    until = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            requests.get(f"{here.gateway_url}/health", timeout=5).raise_for_status()
        except requests.RequestException:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def _play(work: Play, stop: Signal, told: Pipe) -> None:
    """Hand over calls until told to stop; then tell outcome → count."""
    found: Counter[str] = Counter()
    lock = threading.Lock()

    def lane(number: int) -> None:
        counted = _lane(work, number, stop)
        with lock:
            found.update(counted)

    threads = [threading.Thread(target=lane, args=(number,)) for number in range(work.lanes)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    told.send(found)


def _lane(work: Play, number: int, stop: Signal) -> Counter[str]:
    choose = random.Random(f"{work.seed}/{number}")
    office = OneStop(work.url, work.key, timeout_s=30)
    names = (f"{work.seed}-{number}-{one}" for one in range(10**9))
    live = [_calls(next(names), choose) for _ in range(LIVE_CASES)]
    found: Counter[str] = Counter()
    began = time.monotonic()
    while not stop.is_set():
        case = choose.randrange(len(live))
        call = next(live[case], None)
        if call is None:
            live[case] = _calls(next(names), choose)
            continue
        _hand_over(office, call, found, stop)
        ahead_s = began + found["calls"] * work.lanes / work.calls_per_s - time.monotonic()
        stop.wait(max(0.0, ahead_s))
    return found


def _hand_over(office: OneStop, call: tuple[str, dict[str, Any]], found: Counter[str], stop: Signal) -> None:
    """Repeat the call until the gateway answers it: a repeated one changes nothing."""
    found["calls"] += 1
    while True:
        try:
            answer = office.one(*call)
        except (requests.RequestException, RefusedError):
            found["calls repeated"] += 1
            if stop.wait(0.3):
                found["calls given up at the end"] += 1
                return
            continue
        found[f"{call[0]} {answer['outcome']} {answer.get('reason', '')}".strip()] += 1
        return


def _calls(name: str, choose: random.Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the calls of one dossier's life, in order: (what, item)."""
    at = datetime.now(UTC).replace(microsecond=0) - LONG_AGO
    wants = {"wants_postal_return": choose.random() < 0.7, "wants_sms": choose.random() < 0.7}
    yield "dossiers", _dossier(name, at, choose) | wants
    pays_after = choose.randrange(len(MOVES) + 3)  # beyond the last: it costs nothing
    for number, status in enumerate(MOVES[: choose.randint(1, len(MOVES))]):
        if number == pays_after:
            yield "payments", _payment(name, at, choose)
        yield "statuses", _status(name, status, at + timedelta(hours=number + 1))


def _dossier(name: str, at: datetime, choose: random.Random) -> dict[str, Any]:
    return {
        "reference": name,
        "procedure_code": PROCEDURE,
        "agency_code": AGENCY,
        "channel": "counter",
        "applicant": {
            "name": "Nguyễn Thị Đo Lường",
            "phone": f"09{choose.randrange(10**8):08d}",
            "address": "12 Trần Phú",
            "province_code": "56",
        },
        "received_at": at.isoformat(),
    }


def _status(name: str, status: int, at: datetime) -> dict[str, Any]:
    return {"reference": name, "status": status, "changed_at": at.isoformat(), "officer_name": "Lê Văn Phúc"}


def _payment(name: str, at: datetime, choose: random.Random) -> dict[str, Any]:
    return {
        "reference": f"pay-{name}",
        "dossier_reference": name,
        "party": "momo",
        "amount_vnd": choose.randrange(1, 500) * 1000,
        "requested_at": at.isoformat(),
    }
