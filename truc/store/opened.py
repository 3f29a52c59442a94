"""An opened store: the database and the keys that seal what is personal in it."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, cast

import psycopg
from psycopg.pq import ExecStatus
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection, Dialect, Engine, TextClause, create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError

from truc import secrets_file
from truc.settings import Settings, sqlalchemy_url
from truc.trust.sealing import Sealer

T = TypeVar("T")
# Two transactions wanted the same rows, and PostgreSQL let one of them win: the other only has to run again.
LOST_RACES = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
RACES_MAX = 5
Statement = tuple[TextClause, Mapping[str, object]]  # with the values of its parameters
_LOCK = text("SELECT pg_advisory_xact_lock(number) FROM unnest(CAST(:numbers AS bigint[])) AS number")


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
        self.sql.execute(*lock_each([words]))

    def together(self, *statements: Statement) -> list[Sequence[Any]]:
        """Send all at once and return the rows of each: one way to the database and back, and no pause between them.

        They run in order, each on what was committed when it began; where one fails, SQLAlchemy's error is raised.
        """
        driver = cast(psycopg.Connection[Any], self.sql.connection.driver_connection)
        try:
            with driver.pipeline():
                sent = [
                    driver.cursor(row_factory=namedtuple_row).execute(_written(statement, self.sql.dialect), values)
                    for statement, values in statements
                ]
            return [cursor.fetchall() if cursor.description else [] for cursor in sent]
        except psycopg.Error as error:
            raise DBAPIError.instance(None, None, error, psycopg.Error, hide_parameters=True) from error


@dataclass(frozen=True, slots=True)
class Store:
    """The core stores. Share one per process; it is safe for threads."""

    engine: Engine
    sealer: Sealer

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """Open a transaction; it commits at the end and rolls back on any exception."""
        with ExitStack() as stack:
            try:
                connection = stack.enter_context(self.engine.begin())
            except OperationalError as error:
                if not error.connection_invalidated:
                    raise
                # BEGIN found a kept connection cut: all of them are dropped by now, and this one is new.
                connection = stack.enter_context(self.engine.begin())
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
        isolation_level="AUTOCOMMIT",  # the driver sends no BEGIN of its own
        hide_parameters=True,  # an error's text reaches logs, and parameters are citizens' data
        connect_args={"application_name": "truc", "options": "-c timezone=UTC", "connect_timeout": 10},
    )
    event.listen(engine, "begin", _begin)
    return Store(engine, sealer)


def lock_each(names: Collection[Sequence[str]]) -> Statement:
    """Return what locks each of these as `Transaction.lock` does, in one order everywhere: nobody waits in a circle."""
    return _LOCK, {"numbers": sorted(map(_lock_number, names))}


@cache
def _written(statement: TextClause, dialect: Dialect) -> bytes:
    """As the driver takes it."""
    return str(statement.compile(dialect=dialect)).encode()


def _lock_number(words: Sequence[str]) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(words).encode()).digest()[:8], "big", signed=True)


def _begin(connection: Connection) -> None:
    """Straight by libpq, at a third of the cost; where it fails, SQLAlchemy does it again and says what is wrong."""
    driver = cast(psycopg.Connection[Any], connection.connection.driver_connection)
    if driver.closed or driver.pgconn.exec_(b"BEGIN").status != ExecStatus.COMMAND_OK:
        connection.exec_driver_sql("BEGIN")


def open_hub_store(settings: Settings) -> Store:
    """Open the store of this installation, with its keys; raise SetupError when it was never set up."""
    sealer = Sealer(
        seal_key=secrets_file.read_key(settings.secrets, "sealing.key"),
        index_key=secrets_file.read_key(settings.secrets, "blind_index.key"),
    )
    return open_store(settings.database_url, sealer)
