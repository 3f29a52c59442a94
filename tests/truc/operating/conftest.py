"""An operator at a terminal: `truc exchange …` over the store of the test, and what the tables hold."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from truc.cli import main
from truc.operating import commands
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
                name: [row.line for row in read(text(f"SELECT one::text AS line FROM {name} AS one ORDER BY 1"))]  # noqa: S608
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
        monkeypatch.setattr(commands, "open_hub_store", lambda _settings: open_store(url, store.sealer))
        return Operator(store)

    return sit


@pytest.fixture
def operator(hub: Any, terminal: Callable[[Store], Operator]) -> Operator:
    """The operator of the hub of this test."""
    return terminal(hub.store)
