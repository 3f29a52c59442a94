"""The real PostgreSQL under a simulated clock, and the simulated way to it, on which transactions fail."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, cast

import psycopg
import psycopg.errors
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import StaticPool

from sandbox.simulation.faults import Faults
from sandbox.simulation.world import Process, World
from truc.settings import sqlalchemy_url
from truc.store import migrate
from truc.store.opened import Store
from truc.trust.sealing import Sealer

# The tables of the migrations are made under this clock, so the defaults of their columns follow it too.
CLOCK = """
    CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql STABLE
        AS $$ SELECT current_setting('simulated.now')::timestamptz $$
"""
# `public` stands before `pg_catalog`, so now() is ours; new tables still lie in `public`, as they do in production.
SETTINGS = {
    "search_path": "public, pg_catalog",
    "synchronous_commit": "off",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "timezone": "UTC",
}
# What the core does in the transactions that publish and book.
CHANGES = "CREATE TABLE simulated_changes (cause text NOT NULL, item text NOT NULL)"
# Only these are written in a run. The journal's triggers refuse every change; a replica's session has no triggers.
CLEAN = """
    SET session_replication_role = replica;
    DELETE FROM outbox; DELETE FROM outbox_names; DELETE FROM inbox; DELETE FROM inbox_names; DELETE FROM cursors;
    DELETE FROM kept_bodies; DELETE FROM set_aside; DELETE FROM lines; DELETE FROM couriers; DELETE FROM maintenance;
    DELETE FROM tallies; DELETE FROM journal_pending; DELETE FROM journal; DELETE FROM journal_handlers;
    DELETE FROM simulated_changes;
    SET session_replication_role = origin;
    ALTER SEQUENCE exchange_seq RESTART;
"""
LOSE_RACE = "DO $$ BEGIN RAISE EXCEPTION 'simulated lost race' USING ERRCODE = 'serialization_failure'; END $$"
TIDY_EVERY = 200
STATEMENT_S, COMMIT_S = 0.02, 0.05


class Ground:
    """One database that is used for one run after another. Make it with `ground`."""

    def __init__(self, url: str) -> None:
        self.sealer = Sealer(seal_key=bytes(32), index_key=bytes(range(32)))
        # One connection is enough: no two transactions are open at one time.
        self.engine = create_engine(
            sqlalchemy_url(url),
            poolclass=StaticPool,
            pool_reset_on_return=None,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
        )
        self.fails: Faults | None = None  # whose faults strike statements now
        event.listen(self.engine, "before_cursor_execute", self._statement)
        self._cleaned = 0

    @contextmanager
    def transaction(self, now: datetime) -> Iterator[Connection]:
        """Open a transaction at an instant; the caller commits it, and whatever is left open is rolled back."""
        with self.engine.connect() as connection, connection.begin():
            driver = cast(psycopg.Connection[Any], connection.connection.driver_connection)
            _command(driver, f"BEGIN; SET LOCAL simulated.now = '{now.isoformat()}'")
            try:
                yield connection
            finally:
                if driver.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                    _command(driver, "ROLLBACK")

    @staticmethod
    def commit(connection: Connection) -> None:
        """Commit for real."""
        _command(cast(psycopg.Connection[Any], connection.connection.driver_connection), "COMMIT")

    def clean(self) -> None:
        """Forget everything that a run wrote."""
        with self.engine.connect() as connection:
            driver = cast(psycopg.Connection[Any], connection.connection.driver_connection)
            driver.execute(CLEAN)
            self._cleaned += 1
            if self._cleaned % TIDY_EVERY == 0:
                driver.execute("VACUUM")

    def close(self) -> None:
        """Close the connection."""
        self.engine.dispose()

    def _statement(self, connection: Connection, *_: Any) -> None:
        if self.fails is None or not self.fails.loses_race():
            return
        try:  # the server itself gives the transaction up, as it does for a real one
            cast(psycopg.Connection[Any], connection.connection.driver_connection).execute(LOSE_RACE)
        except psycopg.errors.SerializationFailure as error:
            raise OperationalError("simulated", {}, error) from error


def ground(url: str, *, name: str, begins_at: datetime) -> Ground:
    """Make the database `name` on the server behind `url` (an administrator's), and migrate it under the clock.

    The parties that are declared at this moment get their drawers from `begins_at` on.
    """
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"'.encode())
        for setting, value in {**SETTINGS, "simulated.now": begins_at.isoformat()}.items():
            quoted = value if setting == "search_path" else f"'{value}'"
            server.execute(f'ALTER DATABASE "{name}" SET {setting} = {quoted}'.encode())
    there = url.rpartition("/")[0] + "/" + name
    with psycopg.connect(there.replace("+psycopg", ""), autocommit=True) as database:
        database.execute(CLOCK)
        database.execute(CHANGES)
    migrate.upgrade(there)
    return Ground(there)


def _command(driver: psycopg.Connection[Any], words: str) -> None:
    """Begin or end a transaction by libpq itself: there are more of these than of anything else."""
    done = driver.pgconn.exec_(words.encode())
    if done.status != psycopg.pq.ExecStatus.COMMAND_OK:
        raise RuntimeError(f"{words}: {done.error_message.decode()}")


class Way:
    """How one process reaches the database; it stands where a Store has its engine."""

    def __init__(self, world: World, ground: Ground, faults: Faults, process: Process) -> None:
        self._world = world
        self._ground = ground
        self._faults = faults
        self._process = process

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction, as Engine.begin does. Others act before it and after it, never in its middle."""
        self._pass(STATEMENT_S)
        if self._faults.database_is_away(self._world.now_s):
            self._world.note("database away")
            raise _gone()
        fate = self._faults.commit(mortal=self._process.mortal)
        with self._ground.transaction(self._world.now) as connection:
            self._ground.fails = self._faults
            try:
                yield connection
            except Exception as error:
                self._world.note("rolled back", type(error).__name__)
                raise
            finally:
                self._ground.fails = None
            if fate in ("done", "error_after", "killed_after"):
                self._ground.commit(connection)
        self._world.note("commit", fate)
        if fate.startswith("killed"):
            self._world.kill(self._process)
        if fate.startswith("error"):
            raise _gone()
        self._pass(COMMIT_S)

    def _pass(self, most_s: float) -> None:
        if self._process.mortal and self._faults.kills():
            self._world.kill(self._process)
        if stall_s := self._faults.stall_s():
            self._world.stand_still(self._process, stall_s * self._world.random.uniform(0.5, 1.5))
        self._world.pause(self._world.random.uniform(0, most_s))


def store(world: World, ground: Ground, faults: Faults, process: Process) -> Store:
    """Open the store as a process of the simulated world has it."""
    return Store(cast(Engine, Way(world, ground, faults, process)), ground.sealer)


def still_store(world: World, ground: Ground) -> Store:
    """Open the store for a look that no fault strikes and during which no time passes."""

    class Still:
        """Where a Store has its engine."""

        @contextmanager
        def begin(self) -> Iterator[Connection]:
            """Open a transaction that is rolled back."""
            with ground.transaction(world.now) as connection:
                yield connection

    return Store(cast(Engine, Still()), ground.sealer)


def read(ground: Ground, world: World, query: str) -> list[Any]:
    """Return the rows of a query that no fault strikes and no process asks."""
    with ground.transaction(world.now) as connection:
        return list(connection.execute(text(query)))


def _gone() -> OperationalError:
    return OperationalError("simulated", {}, psycopg.OperationalError("the connection is lost"))
