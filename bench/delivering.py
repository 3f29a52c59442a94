"""What durability costs: the courier with its outbox against a bare loop of `requests` without any."""

import json
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import requests

from bench.figures import Figure
from truc import parties, secrets_file, settings, steps
from truc.connections import from_airflow_json
from truc.exchange import outbox
from truc.ground import postgres
from truc.manifest import Event
from truc.messages import Channel as Way
from truc.messages import DossierReceived, Person
from truc.store.migrate import upgrade
from truc.store.opened import Store, open_hub_store

MESSAGES = 2000
PORTAL = "national_portal"


def run() -> list[Figure]:
    """Deliver the same number of dossiers both ways, to the same stand-in in a process of its own."""
    with tempfile.TemporaryDirectory() as folder, _store(Path(folder)) as store, _portal(folder) as connection:
        at = datetime.now(UTC) - timedelta(days=1)
        begun = time.perf_counter()
        with store.begin() as transaction:
            for number in range(MESSAGES):
                message = _dossier(f"H32.366-261120-{number:05d}", at)
                outbox.publish(
                    transaction,
                    Event.DOSSIER_RECEIVED,
                    message,
                    key=message.dossier_code,
                    external_id=message.dossier_code,
                )
        published_s = time.perf_counter() - begun
        begun = time.perf_counter()
        done = steps.deliver(store, from_airflow_json(PORTAL, connection), ("dossier",))
        ours = time.perf_counter() - begun
        assert done["sent"] == MESSAGES, done
        floor = _bare_loop(connection, at)
    note = f"{MESSAGES / ours:.0f}/s against {MESSAGES / floor:.0f}/s; publishing them took {published_s:.2f} s"
    return [Figure(f"deliver {MESSAGES} dossiers (4 at once)", ours, "bare requests loop, 4 threads", floor, note)]


def _bare_loop(connection: dict[str, Any], at: datetime) -> float:
    """Send as many dossiers with nothing kept: no outbox, no order, no question after silence."""
    host, extra = connection["host"], connection["extra"]
    headers = {"dstcode": extra["dstcode"], "Content-Type": "application/json"}
    login = {"username": connection["login"], "password": connection["password"]}
    session_id = requests.post(f"{host}{extra['auth_endpoint']}", json=login, headers=headers, timeout=10).json()[
        "session"
    ]
    write = parties.writer(PORTAL, "dossier")

    def send(numbers: range) -> None:
        with requests.Session() as session:
            for number in numbers:
                item = json.loads(write(_dossier(f"H32.366-261121-{number:05d}", at)))
                body = {
                    "session": session_id,
                    "madonvi": extra["madonvi"],
                    "service": "DongBoHoSoMC",
                    "isUpdating": "False",
                    "data": [item],
                }
                answer = session.post(f"{host}{extra['integration_endpoint']}", json=body, headers=headers, timeout=10)
                assert str(answer.json()["error_code"]) == "0", answer.text

    begun = time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        for part in [pool.submit(send, range(start, MESSAGES, 4)) for start in range(4)]:
            part.result()
    return time.perf_counter() - begun


def _dossier(code: str, at: datetime) -> DossierReceived:
    return DossierReceived(
        dossier_code=code,
        procedure_code="1.001193",
        procedure_name="Thủ tục đăng ký khai sinh",
        field_code="HT",
        field_name="Hộ tịch",
        agency_code="H32.366",
        agency_name="Ủy ban nhân dân phường Nha Trang",
        channel=Way.COUNTER,
        applicant=Person(name="Nguyễn Thị Đo Lường", personal_id="056190000001", phone="0912345678"),
        received_at=at,
        due_at=at + timedelta(days=1),
        status=2,
    )


@contextmanager
def _store(folder: Path) -> Iterator[Store]:
    here = settings.load(folder / "hub", {})
    secrets_file.ensure(here.secrets)
    postgres.start(here)
    try:
        upgrade(here.database_url)
        store = open_hub_store(here)
        yield store
        store.close()
    finally:
        postgres.stop(here)
        postgres.remove(here)


@contextmanager
def _portal(folder: str) -> Iterator[dict[str, Any]]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(folder, there), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        process.terminate()
        process.join()


def _serve(folder: str, pipe: Pipe) -> None:
    from sandbox.national_portal.server import start

    running = start(0, Path(folder) / "portal", "")
    pipe.send(running.connection)
    time.sleep(3600)
