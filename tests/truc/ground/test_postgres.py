"""The embedded PostgreSQL, the real one."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psutil  # noqa: F401  (for the fork below, which could not load it any more)
import psycopg
import pytest

from truc import secrets_file, settings
from truc.errors import SetupError
from truc.ground import postgres, postgres_home

AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="needs root")


def connect(one, role, database):
    return psycopg.connect(one.embedded_url(role, database).replace("+psycopg", ""))


@pytest.fixture
def installation(request):
    """An installation in a fresh folder that only its owner may enter, as mktemp -d makes it."""
    root = Path(tempfile.mkdtemp())
    assert root.stat().st_mode & 0o077 == 0
    one = settings.load(root)
    yield one
    postgres.remove(one)
    shutil.rmtree(root)


def test_it_starts_in_a_private_folder_keeps_data_and_leaves_nothing(installation):
    postgres.start(installation)
    assert postgres.is_running(installation)
    with connect(installation, "truc", "truc") as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('Đặng Thị Ánh')")
    postgres.stop(installation)
    assert not postgres.is_running(installation)
    postgres.start(installation)
    with connect(installation, "truc", "truc") as connection:
        assert connection.execute("SELECT upper(word) FROM kept").fetchone() == ("ĐẶNG THỊ ÁNH",)
        shown = {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in ("TimeZone", "fsync")}
        assert shown == {"TimeZone": "UTC", "fsync": "on"}
    real = installation.postgres.resolve()
    postgres.remove(installation)
    assert not real.exists()
    assert not installation.postgres.is_symlink()


def test_each_role_enters_its_own_database_only(installation):
    postgres.start(installation)
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        connect(installation, "truc", "airflow")
    with connect(installation, "airflow", "airflow") as connection:
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)


def test_a_wrong_password_is_named_and_not_waited_for(installation):
    postgres.start(installation)
    secrets_file.write(installation.secrets, "postgres_postgres", "another")
    with pytest.raises(SetupError, match=r"another password .* back, or"):
        postgres.accepts_connections(installation)


@AS_ROOT
def test_under_root_the_server_is_nobody_and_lives_where_nobody_can_go(installation):
    postgres.start(installation)
    home = installation.postgres.resolve()
    assert installation.postgres.is_symlink()
    assert home.parent == postgres_home.SHARED_TEMP
    assert (home / "data").stat().st_uid == postgres_home.NOBODY
    pid = int((home / "data" / "postmaster.pid").read_text().split()[0])
    assert Path(f"/proc/{pid}").stat().st_uid == postgres_home.NOBODY


@AS_ROOT
def test_under_root_an_open_folder_is_used_as_it_is(installation):
    installation.root.chmod(0o755)
    postgres.start(installation)
    if postgres_home.is_readable(postgres_home.wheel()):
        assert not installation.postgres.is_symlink()
    assert (installation.postgres / "data").exists()


@AS_ROOT
def test_a_folder_that_somebody_else_put_in_our_place_is_refused(installation):
    outside = postgres_home.outside(installation)
    outside.mkdir()
    os.chown(outside, postgres_home.NOBODY, postgres_home.NOBODY)
    with pytest.raises(SetupError, match="not ours"):
        postgres.prepare(installation)


@AS_ROOT
def test_what_a_deleted_installation_left_outside_is_begun_anew(installation):
    postgres.start(installation)
    postgres.stop(installation)
    shutil.rmtree(installation.var)
    postgres.start(installation)
    assert postgres.accepts_connections(installation)


@pytest.fixture
def readable_wheel(monkeypatch):
    """The server's programs where every user can read them: a clone in a private folder hides its own."""
    if postgres_home.is_readable(postgres_home.wheel()):
        yield
        return
    place = Path(tempfile.mkdtemp())
    package = place / postgres_home.PACKAGE / postgres_home.INSTALL
    shutil.copytree(postgres_home.wheel(), package, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
    libraries = f"{postgres_home.PACKAGE}.libs"
    shutil.copytree(postgres_home.wheel().parents[1] / libraries, place / libraries)
    subprocess.run(["chmod", "-R", "a+rX", str(place)], check=True)
    monkeypatch.setattr(postgres_home, "wheel", lambda: package)
    yield
    shutil.rmtree(place)


@AS_ROOT
def test_it_starts_for_a_normal_user_too(readable_wheel):
    root = Path(tempfile.mkdtemp())
    os.chown(root, postgres_home.NOBODY, postgres_home.NOBODY)
    # A fork, because the interpreter itself may be out of that user's reach.
    if (child := os.fork()) == 0:
        try:
            as_nobody(root)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    shutil.rmtree(root)


def as_nobody(root):
    os.setgroups([])
    os.setgid(postgres_home.NOBODY)
    os.setuid(postgres_home.NOBODY)
    one = settings.load(root)
    postgres.start(one)
    with connect(one, "truc", "truc") as connection:
        connection.execute("SELECT 1")
    postgres.stop(one)
    if (root / "var" / "pg" / "data" / "PG_VERSION").stat().st_uid == postgres_home.NOBODY:
        os._exit(0)


def test_data_that_has_gone_is_said_and_not_begun_anew(installation):
    secrets_file.ensure(installation.secrets)
    installation.postgres.symlink_to(installation.var / "nowhere")
    with pytest.raises(SetupError, match="is gone"):
        postgres.start(installation)
