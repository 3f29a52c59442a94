"""Databases of tests: each is a copy of a template on the session's server, and is dropped after use."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from truc.settings import Settings

MEMORY, MEMORY_ROOM = Path("/dev/shm"), 6 << 30  # noqa: S108  (the folder made there is checked to be ours), bytes
EMPTY, MIGRATED = "template1", "template_hub"


def in_memory() -> bool:
    """Whether a server that keeps its data outside the checkout can keep it in memory: room, and programs may run."""
    if not MEMORY.is_dir():
        return False
    told = os.statvfs(MEMORY)
    return told.f_bavail * told.f_frsize >= MEMORY_ROOM and not told.f_flag & os.ST_NOEXEC


@contextmanager
def copied(server: Settings, template: str = MIGRATED) -> Iterator[str]:
    """Yield the URL of a copy."""
    name = f"test_{secrets.token_hex(6)}"
    copy(server, template, name)
    try:
        yield server.embedded_url("postgres", name)
    finally:
        _admin(server, f"DROP DATABASE {name} WITH (FORCE)")


def copy(server: Settings, template: str, name: str) -> None:
    """Make a database; file by file where files are in memory, which on a disk would wait for it twice."""
    strategy = "FILE_COPY" if MEMORY in server.postgres.resolve().parents else "WAL_LOG"
    _admin(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY {strategy}")


def _admin(server: Settings, command: str) -> None:
    url = server.embedded_url("postgres", "postgres").replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(command)  # type: ignore[call-overload]  # names are ours, made above
