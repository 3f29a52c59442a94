"""An operator at a terminal: `truc exchange …` over the store of the test, and what the tables hold."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from tests.truc.exchange.journal.conftest import authority, books  # noqa: F401  (fixtures of the journal)
from truc.cli import main
from truc.operating import terminal as at_terminal
from truc.store.opened import Store, open_store
from truc.store.tables import METADATA


@dataclass(frozen=True)
class Operator:
    """Types commands."""

    store: Store

    def tables(self) -> dict[str, list[str]]:
        """Return what every table holds, row by row, and where the numbers stand: what a dry run must not change."""
        with self.store.begin() as transaction:
            read = transaction.sql.execute
            found = {
                name: [row.line for row in read(text(f"SELECT one::text AS line FROM {name} AS one ORDER BY 1"))]  # noqa: S608  (our tables)
                for name in sorted({*METADATA.tables, "replays"})
            }
            return found | {"exchange_seq": [str(row) for row in read(text("SELECT last_value FROM exchange_seq"))]}

    def types(self, *words: object) -> Result:
        """Run `truc exchange` with these words."""
        return CliRunner().invoke(main, ["exchange", *map(str, words)], catch_exceptions=False)

    def orders(self, *words: object) -> str:
        """Run a command that needs a reason, which must end well, and return what it printed."""
        done = self.types(*words, "--reason", "the partner asked for it", "--actor", "hoa")
        assert done.exit_code == 0, done.output
        return done.output

    def fails(self, *words: object) -> str:
        """Run a command that needs a reason, which must not end well, and return what it printed."""
        done = self.types(*words, "--reason", "the partner asked for it", "--actor", "hoa")
        assert done.exit_code != 0, done.output
        return done.output


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[Store], Operator]:
    """Sit down at the terminal of a store."""

    def sit(store: Store) -> Operator:
        url = store.engine.url.render_as_string(hide_password=False)
        monkeypatch.setattr(at_terminal, "open_hub_store", lambda _settings: open_store(url, store.sealer))
        return Operator(store)

    return sit


@pytest.fixture
def operator(hub: Any, terminal: Callable[[Store], Operator]) -> Operator:
    """The operator of the hub of this test."""
    return terminal(hub.store)


@pytest.fixture
def heard() -> Callable[[Store, Callable[[], object]], set[str]]:
    """Do something, and return which queues it woke."""

    def listen(store: Store, act: Callable[[], object]) -> set[str]:
        with store.engine.connect() as connection:
            listening = connection.connection.driver_connection
            listening.autocommit = True
            listening.execute("LISTEN truc_outbox")
            act()
            found = {one.payload for one in listening.notifies(timeout=0.5)}
            listening.execute("UNLISTEN truc_outbox")
            listening.autocommit = False
            return found

    return listen


@pytest.fixture
def while_finishing(hub: Any) -> Callable[[str, Callable[[], Any]], Any]:
    """Do something that wants a message while another one finishes it, and return what that gives."""
    blocked = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    finish = (
        "UPDATE outbox SET state = 'sent', drawer = drawer_of(120, now()), finished_at = now()"
        " WHERE drawer = 0 AND external_id = :name"
    )

    def run(external_id: str, act: Callable[[], Any]) -> Any:
        with ThreadPoolExecutor(1) as pool, hub.store.begin() as transaction:
            transaction.sql.execute(text(finish), {"name": external_id})
            running = pool.submit(act)
            ends = time.monotonic() + 20
            while not hub.sql(blocked):
                assert time.monotonic() < ends, "nobody waits for the message"
                time.sleep(0.02)
        return running.result()

    return run
