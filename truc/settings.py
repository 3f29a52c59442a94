"""Where everything lives and listens: paths under `var/`, local ports, database URLs.

Environment: `TRUC_HOME` (project root; default: the nearest folder above the current one that holds
`setup.cfg` and `truc/`), `TRUC_VAR` (default `<root>/var`), `TRUC_DATABASE_URL` (an external PostgreSQL 15+ for
the hub's tables), `TRUC_AIRFLOW_DATABASE_URL` (one for Airflow's metadata; without it the embedded server keeps
it), `TRUC_GATEWAY_URL` (the address partners see), `TRUC_TSA_URL` and `TRUC_TSA_CA_FILE` (a time-stamping authority
for the journal's daily closes). What is read where it is used (`TRUC_NOTICE_…`, `TRUC_POSTAL_…`,
`TRUC_TRUSTED_PROXIES`) stands with the others in docs/admin.md. Standard library only: every command loads this.
"""

import hashlib
import json
import os
import random
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from truc import secrets_file
from truc.errors import SetupError

LOCAL = "127.0.0.1"
HUB_DATABASE = "truc"
AIRFLOW_DATABASE = "airflow"
HUB_URL = "TRUC_DATABASE_URL"
AIRFLOW_URL = "TRUC_AIRFLOW_DATABASE_URL"


@dataclass(frozen=True, slots=True)
class Ports:
    """The TCP ports of this clone on 127.0.0.1, kept in `var/ports.json`."""

    postgres: int
    airflow: int
    gateway: int


@dataclass(frozen=True, slots=True)
class Settings:
    """Paths, ports and addresses of one installation. No secret is a field; URLs are read when asked for.

    `airflow_options` are options by `SECTION__NAME`; a player of days sets SCHEDULER__USE_JOB_SCHEDULE to False there,
    so that only what it triggers runs.
    """

    root: Path
    var: Path
    dags: Path
    ports: Ports
    external_hub_url: str = field(default="", repr=False)
    external_airflow_url: str = field(default="", repr=False)
    public_gateway_url: str = ""
    tsa_url: str = ""  # of an RFC 3161 time-stamping authority for the journal's closes; "" for none
    tsa_ca_file: Path | None = None
    airflow_options: Mapping[str, str] = field(default_factory=dict)

    @property
    def logs(self) -> Path:
        return self.var / "log"

    @property
    def secrets(self) -> Path:
        return self.var / "secrets"

    @property
    def run(self) -> Path:
        return self.var / "run"

    @property
    def postgres(self) -> Path:
        return self.var / "pg"

    @property
    def airflow(self) -> Path:
        return self.var / "airflow"

    @property
    def sandbox(self) -> Path:
        return self.var / "sandbox"

    @property
    def day(self) -> Path:
        return self.var / "day"

    @property
    def connections_file(self) -> Path:
        """The 0600 JSON file that Airflow's local-file secrets backend, the CLI and the gateway read."""
        return self.secrets / "connections.json"

    @property
    def needs_embedded(self) -> bool:
        """Whether any database of ours lives in the embedded server."""
        return not (self.external_hub_url and self.external_airflow_url)

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the hub's tables (it holds a password: never print it)."""
        if self.external_hub_url:
            return sqlalchemy_url(self.external_hub_url)
        return self.embedded_url(HUB_DATABASE, HUB_DATABASE)

    @property
    def airflow_database_url(self) -> str:
        """SQLAlchemy URL of Airflow's metadata (it holds a password: never print it)."""
        if self.external_airflow_url:
            return sqlalchemy_url(self.external_airflow_url)
        return self.embedded_url(AIRFLOW_DATABASE, AIRFLOW_DATABASE)

    def embedded_url(self, role: str, database: str) -> str:
        """SQLAlchemy URL of `database` in the embedded server as `role` (postgres, truc or airflow)."""
        password = secrets_file.read(self.secrets, f"postgres_{role}")
        return f"postgresql+psycopg://{role}:{password}@{LOCAL}:{self.ports.postgres}/{database}"

    @property
    def airflow_url(self) -> str:
        return f"http://{LOCAL}:{self.ports.airflow}"

    @property
    def gateway_url(self) -> str:
        """Address of the gateway as partners and the one-stop software see it."""
        return self.public_gateway_url or f"http://{LOCAL}:{self.ports.gateway}"

    @property
    def environment(self) -> dict[str, str]:
        """What every process of ours gets on top of the inherited environment. It holds no secret."""
        return {
            "TRUC_HOME": str(self.root),
            "TRUC_VAR": str(self.var),
            "TRUC_CONNECTIONS_FILE": str(self.connections_file),
            "PYTHONPATH": str(self.root),
            "PYTHONUNBUFFERED": "1",
        }


def load(root: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of `root`; the first call chooses free ports and keeps them."""
    home = (root or _home(environ)).resolve()
    var = home / "var" if root or not environ.get("TRUC_VAR") else Path(environ["TRUC_VAR"]).absolute()
    return Settings(
        root=home,
        var=var,
        dags=home / "dags",
        ports=_kept_ports(var) or _keep_ports(var, _choose_ports(var)),
        external_hub_url=_external_url(environ, HUB_URL),
        external_airflow_url=_external_url(environ, AIRFLOW_URL),
        public_gateway_url=environ.get("TRUC_GATEWAY_URL", "").rstrip("/"),
        tsa_url=environ.get("TRUC_TSA_URL", ""),
        tsa_ca_file=Path(environ["TRUC_TSA_CA_FILE"]) if environ.get("TRUC_TSA_CA_FILE") else None,
    )


def with_free_ports(settings: Settings) -> Settings:
    """Replace every port that somebody else now holds, and keep the new choice. Call it while nothing of ours runs."""
    kept = asdict(settings.ports)
    taken = [name for name, port in kept.items() if not is_free(port)]
    if not taken:
        return settings
    fresh = {**kept, **{name: _any_free_port() for name in taken}}
    return replace(settings, ports=_keep_ports(settings.var, Ports(**fresh)))


def is_free(port: int) -> bool:
    """Whether 127.0.0.1:`port` can be bound now."""
    with socket.socket() as probe:
        # As servers do, so that a connection of theirs that is still closing does not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOCAL, port))
        except OSError:
            return False
    return True


def sqlalchemy_url(url: str) -> str:
    """Name psycopg 3 as the driver in `postgres://…` and `postgresql://…`; leave other forms as they are."""
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def _external_url(environ: Mapping[str, str], name: str) -> str:
    """Return the URL in that variable, or "" without one. The error does not repeat it: it may hold a password."""
    url = environ.get(name, "")
    try:
        parts = urlsplit(sqlalchemy_url(url))
        known = not url or (parts.scheme == "postgresql+psycopg" and parts.port != 0)
    except ValueError:
        known = False
    if not known:
        text = f"{name} is no address of a PostgreSQL database: postgresql://user:password@host:5432/database"
        raise SetupError(text, reason="database_url_malformed")
    return url


def _home(environ: Mapping[str, str]) -> Path:
    if named := environ.get("TRUC_HOME"):
        return Path(named)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "setup.cfg").is_file() and (folder / "truc").is_dir():
            return folder
    return here


def _kept_ports(var: Path) -> Ports | None:
    try:
        return Ports(**json.loads((var / "ports.json").read_text(encoding="utf-8")))
    except (FileNotFoundError, TypeError, ValueError):
        return None


def _keep_ports(var: Path, ports: Ports) -> Ports:
    var.mkdir(parents=True, exist_ok=True)
    draft = var / f"ports.json.{os.getpid()}"
    draft.write_text(json.dumps(asdict(ports)), encoding="utf-8")
    draft.replace(var / "ports.json")
    return ports


def _choose_ports(var: Path) -> Ports:
    # Each clone starts at its own place below the system's ephemeral range: two clones that start at
    # the same moment do not meet, and the addresses of one clone stay the same from day to day.
    first = 20000 + int(digest(var), 16) % 1200 * 10
    names = Ports.__dataclass_fields__
    near = {name: first + step for step, name in enumerate(names)}
    return Ports(**{name: port if is_free(port) else _any_free_port() for name, port in near.items()})


def _any_free_port() -> int:
    for _ in range(200):
        if is_free(port := random.randint(20000, 32000)):
            return port
    with socket.socket() as probe:
        probe.bind((LOCAL, 0))
        chosen: int = probe.getsockname()[1]
        return chosen


def digest(path: Path) -> str:
    """Return twelve hexadecimal digits that stand for a path."""
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]
