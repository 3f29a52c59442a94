"""Brings the whole hub up and down again: the composition behind `truc serve` and the day player."""

import contextlib
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from truc import secrets_file
from truc import settings as our_settings
from truc.errors import SetupError
from truc.ground import airflow_home, postgres
from truc.ground.airflow_api import AirflowApi
from truc.ground.processes import spawn
from truc.ground.supervisor import Service, Supervisor, running_pid
from truc.settings import LOCAL, Settings

Report = Callable[[str], None]
SANDBOX_READY = "ready.json"
OLDEST_POSTGRES = 15
BOOTSTRAP = Path(__file__).with_name("airflow_bootstrap.py")


@dataclass
class Hub:
    """A running hub. `timings` has the seconds of each phase of its start."""

    settings: Settings
    airflow: AirflowApi
    timings: dict[str, float] = field(default_factory=dict)
    supervisor: Supervisor | None = None  # None for a hub that another process keeps up

    @property
    def urls(self) -> dict[str, str]:
        """Return the addresses to show; none holds a secret."""
        return {
            "airflow": self.settings.airflow_url,
            "gateway": self.settings.gateway_url,
            "gateway api": f"{self.settings.gateway_url}/docs",
        }

    @property
    def logins(self) -> dict[str, str]:
        """Return Airflow's administrator and the people of finance that come with the stand-ins, with password files.

        What is said at the start may be kept in a log: no password is said.
        """
        users = (airflow_home.ADMIN, *airflow_home.DEMO_USERS)
        files = {name: self.settings.secrets / airflow_home.password_file(name) for name in users}
        return {name: str(file) for name, file in files.items() if file.exists()}

    def failed(self) -> list[str]:
        """Return the services that could not be kept up."""
        return [] if self.supervisor is None else self.supervisor.failed()


@contextlib.contextmanager
def hub_up(settings: Settings, *, with_sandbox: bool = False, report: Report = lambda _phase: None) -> Iterator[Hub]:
    """Have the whole hub up inside the block: database, migrations, sandbox, gateway, Airflow.

    `report` is told the name of each phase as it begins. Everything is stopped at the end, whatever happened inside.
    Raises SetupError when a part does not come up; its text names the log.
    """
    with Supervisor(settings.run, settings.logs) as supervisor:
        settings = prepare(our_settings.with_free_ports(settings))
        timings: dict[str, float] = {}
        phase = _clock(timings, report)
        with phase("postgres"):
            start_database(settings, supervisor)
        with phase("migrations and sandbox" if with_sandbox else "migrations"):
            _at_once(
                lambda: migrate_hub(settings),
                lambda: bootstrap_airflow(settings, airflow_home.users(settings, with_demo=with_sandbox)),
                *([lambda: timings.update(supervisor.start(sandbox_service(settings)))] if with_sandbox else []),
            )
        with phase("gateway and airflow"):
            took = supervisor.start(gateway_service(settings), *airflow_home.services(settings))
        timings |= took
        try:
            yield Hub(settings, api(settings), timings, supervisor)
        finally:  # `truc serve` is ended by Ctrl-C, and tasks that run may take 20 s to end
            begun = time.monotonic()
            report("stopping")
    timings["stopping"] = time.monotonic() - begun


@contextlib.contextmanager
def database_up(settings: Settings) -> Iterator[Settings]:
    """Have only the database up inside the block: the running hub's, an external one, or one of our own."""
    if running_pid(settings.run) is not None:
        yield settings
        return
    with Supervisor(settings.run, settings.logs) as supervisor:
        settings = prepare(our_settings.with_free_ports(settings))
        start_database(settings, supervisor)
        yield settings


def prepare(settings: Settings) -> Settings:
    """Create folders and secrets; leaves running things alone."""
    for folder in (settings.logs, settings.run, settings.sandbox, settings.day):
        folder.mkdir(parents=True, exist_ok=True)
    secrets_file.ensure(settings.secrets)
    airflow_home.prepare(settings)
    return settings


def start_database(settings: Settings, supervisor: Supervisor) -> None:
    """Start the embedded server under the supervisor, if any database of ours lives there; greet those elsewhere."""
    _greet(our_settings.HUB_URL, settings.external_hub_url)
    _greet(our_settings.AIRFLOW_URL, settings.external_airflow_url)
    if settings.needs_embedded:
        postgres.prepare(settings)
        supervisor.start(postgres.service(settings))
        postgres.ensure_databases(settings)


def migrate_all(settings: Settings) -> None:
    """Bring the hub's tables and Airflow's up to date, both at once."""
    _at_once(lambda: migrate_hub(settings), lambda: bootstrap_airflow(settings, airflow_home.users(settings)))


def migrate_hub(settings: Settings) -> None:
    """Bring the hub's tables up to date (`alembic upgrade head`), and see that our keys are those of its data."""
    from truc.store import keys, migrate
    from truc.store.opened import open_hub_store

    migrate.upgrade(settings.database_url)
    store = open_hub_store(settings)
    try:
        with store.begin() as transaction:
            keys.check(transaction)
    finally:
        store.close()


def bootstrap_airflow(settings: Settings, users: Mapping[str, str]) -> None:
    """Migrate Airflow's database and see to its roles and users (name → role); quick when that is done already."""
    stamp = settings.airflow / "bootstrap.json"
    wanted = _bootstrap_stamp(settings, users)
    if wanted and stamp.exists() and json.loads(stamp.read_text(encoding="utf-8")) == wanted:
        return
    log = settings.logs / "airflow-bootstrap.log"
    named = [f"{name}={role}" for name, role in users.items()]
    argv = [sys.executable, "-m", "truc.ground.airflow_bootstrap", str(settings.secrets), *named]
    with spawn(settings.run, log, argv, env=airflow_home.environment(settings), cwd=settings.root) as process:
        code = process.wait(timeout=600)
    if code != 0:
        raise SetupError(f"Airflow's database could not be prepared: see {log}", reason="bootstrap_failed")
    stamp.write_text(json.dumps(_bootstrap_stamp(settings, users)), encoding="utf-8")


def gateway_service(settings: Settings) -> Service:
    """Return the HTTP gateway that partners and the one-stop software call."""
    return Service(
        name="gateway",
        argv=[sys.executable, "-m", "truc.cli", "gateway"],
        env=settings.environment,
        cwd=settings.root,
        ready=lambda: _answers(f"http://{LOCAL}:{settings.ports.gateway}/health"),
        stop_order=1,
        grace_s=10,
    )


def sandbox_service(settings: Settings) -> Service:
    """Return the partners' stand-ins; they write `ready.json` once their ports are open."""
    ready = settings.sandbox / SANDBOX_READY
    ready.unlink(missing_ok=True)
    return Service(
        name="sandbox",
        argv=[sys.executable, "-m", "truc.cli", "sandbox", "serve"],
        env=settings.environment,
        cwd=settings.root,
        ready=ready.exists,
        grace_s=10,
    )


def api(settings: Settings) -> AirflowApi:
    """Return a client of this installation's Airflow."""
    return AirflowApi(settings.airflow_url, airflow_home.ADMIN, secrets_file.read(settings.secrets, "airflow_admin"))


def _bootstrap_stamp(settings: Settings, users: Mapping[str, str]) -> dict[str, str] | None:
    """Return what the database and the installed programs say of themselves; None if the database is empty.

    The database is asked, so a stamp that outlived its database is not believed.
    """
    import psycopg

    tables = "SELECT (SELECT min(version_num) FROM alembic_version), (SELECT min(version_num) FROM alembic_version_fab)"
    known_users = "SELECT array_agg(username ORDER BY username) FROM ab_user WHERE username = ANY(%s)"
    try:
        with psycopg.connect(settings.airflow_database_url.replace("+psycopg", ""), connect_timeout=10) as connection:
            revisions = connection.execute(tables).fetchone()
            known = connection.execute(known_users, (list(users),)).fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    packages = ("apache-airflow-core", "apache-airflow-providers-fab")
    return {
        "versions": " ".join(version(name) for name in packages),
        "revisions": str(revisions),
        "users": str(known),
        "wanted": _digest(*(f"{name}={role}={_password(settings, name)}" for name, role in sorted(users.items()))),
        "roles": _digest(BOOTSTRAP.read_text(encoding="utf-8")),
    }


def _password(settings: Settings, user: str) -> str:
    return secrets_file.read(settings.secrets, airflow_home.password_file(user))


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _greet(variable: str, url: str) -> None:
    """Raise SetupError, which names the variable, when an external server does not let us in or is too old."""
    if not url:
        return
    import psycopg

    try:
        with psycopg.connect(
            our_settings.sqlalchemy_url(url).replace("+psycopg", ""), connect_timeout=10
        ) as connection:
            found = connection.info.server_version // 10_000
    except psycopg.OperationalError as error:
        text = f"the database of {variable} does not let us in: {' '.join(str(error).split())}"
        raise SetupError(text, reason="database_unreachable") from None
    except psycopg.Error:  # its text could repeat the address, password included
        text = f"{variable} is not an address that PostgreSQL understands"
        raise SetupError(text, reason="database_url_malformed") from None
    if found < OLDEST_POSTGRES:
        text = f"the database of {variable} is PostgreSQL {found}; {OLDEST_POSTGRES} or newer is needed"
        raise SetupError(text, reason="database_too_old")


def _at_once(*jobs: Callable[[], None]) -> None:
    with ThreadPoolExecutor(max_workers=len(jobs)) as pool:
        for one in [pool.submit(job) for job in jobs]:
            one.result()


def _answers(url: str) -> bool:
    import requests

    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def _clock(timings: dict[str, float], report: Report) -> Callable[[str], contextlib.AbstractContextManager[None]]:
    @contextlib.contextmanager
    def phase(name: str) -> Iterator[None]:
        report(name)
        begun = time.monotonic()
        yield
        timings[name] = time.monotonic() - begun

    return phase
