"""The same job in three ways, each run in processes of its own: Trục, procrastinate, and a bare loop of `requests`.

The job: move the due date of dossiers, each in a transaction of its own, and push each to the national portal. Trục and
procrastinate make the same store change; procrastinate and the bare loop send with the same code. procrastinate is set
up as its manual advises: a job is deferred on the connection of the store's transaction (`configure(connection=…)`),
the worker listens for notifications, has as many connections and threads as jobs at once, and keeps finished jobs, as
Trục keeps its messages; a task that fails is tried again with exponential waits. It holds no lock per dossier, seals
nothing and keeps no answer.
"""

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event as Signal
from pathlib import Path
from typing import Any

import psycopg
import requests
from procrastinate import App, PsycopgConnector, RetryStrategy, SyncPsycopgConnector
from sqlalchemy import text

from bench.grounds import opened
from truc import parties, settings, steps
from truc.connections import Connection
from truc.domain.status import Status
from truc.exchange import courier, outbox
from truc.exchange.journal import entries
from truc.manifest import Event
from truc.messages import Channel, DossierReceived, Person
from truc.store import catalogue, customers, dossiers
from truc.store.dossiers import NewDossier
from truc.store.opened import Store, Transaction

PORTAL, OPERATION = "national_portal", "dossier"
CONCURRENCY = parties.manifest(PORTAL).limits.concurrency
PUBLISHERS = 2  # threads of the publishing process, as a gateway has several
AGENCY, PROCEDURE = "H32.06", "1.001193"
RECEIVED_AT = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
APPLICANT = Person(name="Nguyễn Thị Đo Lường", personal_id="056190000001", phone="0912345678", province_code="56")
TIMEOUT_S = 30

# Tells whether anything is still to be done.
OPEN_WITH_TRUC = text("SELECT EXISTS (SELECT FROM outbox WHERE drawer = 0) OR EXISTS (SELECT FROM journal_pending)")
OPEN_WITH_PROCRASTINATE = text("SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing'))")

Publish = Callable[[Transaction, DossierReceived], None]


@dataclass(frozen=True, slots=True)
class Job:
    """What the processes of one leg need. `leg` makes its messages different from every other leg's."""

    home: Path
    connection: Connection
    codes: tuple[str, ...]
    leg: int
    ready: Signal
    go: Signal
    stop: Signal

    @property
    def url(self) -> str:
        """The database as libpq takes it."""
        return _url(self.home)


def make_ready(home: Path, store: Store, count: int) -> tuple[str, ...]:
    """Give procrastinate its tables in the hub's database, book the dossiers, and return their codes."""
    with App(connector=SyncPsycopgConnector(conninfo=_url(home))).open() as app:
        app.schema_manager.apply_schema()
    with store.begin() as transaction:
        version_id = catalogue.terms(transaction, PROCEDURE, Channel.COUNTER.value).version_id
        applicant_id = customers.keep(transaction, APPLICANT)
        return tuple(
            dossiers.create(transaction, _dossier(str(number), version_id, applicant_id)) for number in range(count)
        )


def publish_with_truc(job: Job) -> None:
    """Change and publish, each dossier in one transaction."""

    def publish(transaction: Transaction, message: DossierReceived) -> None:
        code = message.dossier_code
        outbox.publish(transaction, Event.DOSSIER_RECEIVED, message, key=code, external_id=f"{code}/{job.leg}")

    _publish(job, publish)


def publish_with_procrastinate(job: Job) -> None:
    """Change and defer, each dossier in one transaction."""
    task = _task(App(connector=SyncPsycopgConnector(conninfo=job.url)), _Portal(job.connection))

    def defer(transaction: Transaction, message: DossierReceived) -> None:
        held = transaction.sql.connection.driver_connection
        task.configure(connection=held).defer(message=message.model_dump(mode="json"))

    _publish(job, defer)


def deliver_with_truc(job: Job) -> None:
    """Run couriers, one after another, until told to stop; a commit that leaves work wakes the next one."""
    with opened(job.home) as store, psycopg.connect(job.url, autocommit=True) as ears:
        ears.execute(f"LISTEN {outbox.WOKEN}")
        job.ready.set()
        while not job.stop.is_set():
            done = steps.deliver(store, job.connection, (OPERATION,))
            if not done.get("sent"):
                list(ears.notifies(timeout=0.2, stop_after=1))


def deliver_without_journal(job: Job) -> None:
    """As deliver_with_truc, with no journal written."""
    entries.note = lambda *_: None
    setattr(courier, "chain", lambda *_: 0)  # noqa: B010  (the courier exports no such name to mypy)
    deliver_with_truc(job)


def deliver_with_procrastinate(job: Job) -> None:
    """Run a worker until told to stop."""
    app = App(connector=PsycopgConnector(conninfo=job.url, min_size=2, max_size=CONCURRENCY + 2))
    _task(app, _Portal(job.connection))
    asyncio.run(_work(app, job))


def deliver_bare(job: Job) -> None:
    """Send as many dossiers with nothing kept: no transaction, no order, no question after silence."""
    portal = _Portal(job.connection)

    def send(codes: Sequence[str]) -> None:
        for code in codes:
            portal.push(_message(code))

    job.ready.set()
    job.go.wait()
    _at_once(CONCURRENCY, send, job.codes)


def _publish(job: Job, publish: Publish) -> None:
    due_at = RECEIVED_AT + timedelta(days=job.leg)

    def change(codes: Sequence[str]) -> None:
        for code in codes:
            with store.begin() as transaction:
                dossiers.move_due_date(transaction, code, due_at)
                publish(transaction, _message(code))

    with opened(job.home) as store:
        with store.begin() as transaction:
            transaction.sql.execute(text("SELECT 1"))
        job.ready.set()
        job.go.wait()
        _at_once(PUBLISHERS, change, job.codes)


def _at_once(threads: int, work: Callable[[Sequence[str]], None], codes: Sequence[str]) -> None:
    """Deal the codes out to so many threads."""
    with ThreadPoolExecutor(threads) as pool:
        for part in [pool.submit(work, codes[start::threads]) for start in range(threads)]:
            part.result()


def _task(app: App, portal: "_Portal") -> Any:
    @app.task(name="push", queue=OPERATION, retry=RetryStrategy(max_attempts=12, exponential_wait=2))
    def push(message: dict[str, Any]) -> None:
        portal.push(DossierReceived.model_validate(message))

    return push


async def _work(app: App, job: Job) -> None:
    # The default has as many threads as the machine has processors and four: fewer than jobs at once.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(CONCURRENCY))
    async with app.open_async():
        worker = asyncio.create_task(
            app.run_worker_async(concurrency=CONCURRENCY, install_signal_handlers=False, delete_jobs="never")
        )
        job.ready.set()
        while not job.stop.is_set() and not worker.done():
            await asyncio.sleep(0.1)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


class _Portal:
    """The portal as somebody without Trục would call it: one login, one session of `requests` per thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._write = parties.writer(PORTAL, OPERATION)
        self._local = threading.local()
        self._lock = threading.Lock()
        self._word = ""

    def push(self, message: DossierReceived) -> None:
        """Map and send one dossier; raise for any answer but success."""
        body = {
            "session": self._session_word(),
            "madonvi": self._connection.required("madonvi"),
            "service": "DongBoHoSoMC",
            "isUpdating": "False",
            "data": [json.loads(self._write(message))],
        }
        answer = self._post("integration_endpoint", body)
        if str(answer["error_code"]) != "0":
            raise RuntimeError(f"the portal answered {answer}")

    def _session_word(self) -> str:
        with self._lock:
            if not self._word:
                required = self._connection.required
                login = {"username": required("login"), "password": required("password")}
                answer = self._post("auth_endpoint", login)
                self._word = str(answer["session"])
            return self._word

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = False
            self._local.session.headers["dstcode"] = self._connection.required("dstcode")
        url = f"{self._connection.required('host')}{self._connection.required(path)}"
        answer = self._local.session.post(url, json=body, timeout=TIMEOUT_S)
        answer.raise_for_status()
        return dict(answer.json())


def _url(home: Path) -> str:
    return settings.load(home, {}).database_url.replace("+psycopg", "")


def _dossier(reference: str, version_id: int, applicant_id: int) -> NewDossier:
    return NewDossier(
        source="bench",
        source_reference=reference,
        portal_code="",
        procedure_version_id=version_id,
        agency_code=AGENCY,
        channel=Channel.COUNTER,
        applicant_id=applicant_id,
        received_at=RECEIVED_AT,
        due_at=None,
        fee_vnd=0,
        status=Status.ACCEPTED,
        wants_postal_return=False,
        wants_sms=False,
    )


def _message(code: str) -> DossierReceived:
    return DossierReceived(
        dossier_code=code,
        procedure_code=PROCEDURE,
        procedure_name="Thủ tục đăng ký khai sinh",
        field_code="HT",
        field_name="Hộ tịch",
        agency_code=AGENCY,
        agency_name="Sở thử nghiệm",
        channel=Channel.COUNTER,
        applicant=APPLICANT,
        received_at=RECEIVED_AT,
        due_at=RECEIVED_AT + timedelta(days=1),
        status=2,
    )
