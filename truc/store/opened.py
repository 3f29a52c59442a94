"""An opened store: the database and the keys that seal what is personal in it."""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg.errors
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from truc import secrets_file
from truc.settings import Settings, sqlalchemy_url
from truc.trust.sealing import Sealer

T = TypeVar("T")
# Two transactions wanted the same rows, and PostgreSQL let one of them win: the other only has to run again.
LOST_RACES = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
RACES_MAX = 5
PING_AFTER_S = 2.0


def as_storable(words: str) -> str:
    """Return a partner's words as PostgreSQL can hold them: NUL and lone surrogates are shown, not stored."""
    return words.replace("\0", "\N{SYMBOL FOR NULL}").encode(errors="replace").decode()


@dataclass(frozen=True, slots=True)
class Transaction:
    """One open transaction with the keys at hand. What is done in it happens wholly or not at all."""

    sql: Connection
    sealer: Sealer

    def lock(self, *words: str) -> None:
        """Hold back every other transaction that locks the same words, until this one ends."""
        name = hashlib.sha256("\0".join(words).encode()).digest()[:8]
        number = int.from_bytes(name, "big", signed=True)
        self.sql.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


@dataclass(frozen=True, slots=True)
class Store:
    """The core stores. Share one per process; it is safe for threads."""

    engine: Engine
    sealer: Sealer

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """Open a transaction; it commits at the end and rolls back on any exception."""
        with self.engine.begin() as connection:
            yield Transaction(connection, self.sealer)

    def run(self, work: Callable[[Transaction], T]) -> T:
        """Do `work` in a transaction and return what it returns; one that lost a race for its rows is done again."""
        for _ in range(RACES_MAX - 1):
            try:
                with self.begin() as transaction:
                    return work(transaction)
            except OperationalError as error:
                if not isinstance(error.orig, LOST_RACES):
                    raise
        with self.begin() as transaction:
            return work(transaction)

    def close(self) -> None:
        """Close every kept database connection."""
        self.engine.dispose()


def open_store(url: str, sealer: Sealer, *, connections_max: int = 8) -> Store:
    """Open the store behind a `postgresql://` URL. Nothing is connected before the first use."""
    engine = create_engine(
        sqlalchemy_url(url),
        pool_size=connections_max,
        max_overflow=4,
        hide_parameters=True,  # an error's text reaches logs, and parameters are citizens' data
        connect_args={"application_name": "truc", "options": "-c timezone=UTC", "connect_timeout": 10},
    )
    _ping_after_a_rest(engine)
    return Store(engine, sealer)


def _ping_after_a_rest(engine: Engine) -> None:
    """Ask a kept connection whether it lives before it is used again after a while.

    Asking every time costs each transaction a round trip; one that was in use a moment ago is believed. Should it be
    dead all the same, its transaction fails whole, and the pool forgets every connection it had.
    """

    @event.listens_for(engine, "checkin")
    def rested(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info["rested_s"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def used(connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
        rested_s = record.info.get("rested_s")
        if rested_s is not None and time.monotonic() - rested_s > PING_AFTER_S:
            try:
                engine.dialect.do_ping(connection)
            except psycopg.Error as error:
                raise DisconnectionError("a kept connection died") from error


def open_hub_store(settings: Settings) -> Store:
    """Open the store of this installation, with its keys; raise SetupError when it was never set up."""
    sealer = Sealer(
        seal_key=secrets_file.read_key(settings.secrets, "sealing.key"),
        index_key=secrets_file.read_key(settings.secrets, "blind_index.key"),
    )
    return open_store(settings.database_url, sealer)
