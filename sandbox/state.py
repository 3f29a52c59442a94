"""What a stand-in remembers: every effect it carried out, with how often, kept across restarts in one SQLite file."""

import json
import sqlite3
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS effects (
    operation TEXT NOT NULL, external_id TEXT NOT NULL, times INTEGER NOT NULL, at TEXT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (operation, external_id));
CREATE TABLE IF NOT EXISTS effect_order (
    number INTEGER PRIMARY KEY AUTOINCREMENT, operation TEXT NOT NULL, external_id TEXT NOT NULL, key TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing the partner did. `times` above 1 means that it did it again: a double."""

    operation: str
    external_id: str
    times: int
    at: str
    data: dict[str, Any]


class State:
    """A partner's own books. Safe for the threads of one server."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._base.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;" + SCHEMA)

    def record(self, operation: str, external_id: str, data: dict[str, Any], *, key: str = "") -> int:
        """Note one effect and return how often this very effect has now happened (1 = the first time)."""
        at = datetime.now(UTC).isoformat()
        with self._lock:
            row = self._base.execute(
                "INSERT INTO effects VALUES (?, ?, 1, ?, ?) ON CONFLICT (operation, external_id) DO UPDATE"
                " SET times = times + 1, data = excluded.data RETURNING times",
                (operation, external_id, at, json.dumps(data, ensure_ascii=False)),
            ).fetchone()
            self._base.execute(
                "INSERT INTO effect_order (operation, external_id, key) VALUES (?, ?, ?)",
                (operation, external_id, key),
            )
        return int(row[0])

    def put(self, operation: str, external_id: str, data: dict[str, Any]) -> None:
        """Set what is known of a thing without counting an effect (an update, a state of our own)."""
        at = datetime.now(UTC).isoformat()
        with self._lock:
            self._base.execute(
                "INSERT INTO effects VALUES (?, ?, 1, ?, ?) ON CONFLICT (operation, external_id)"
                " DO UPDATE SET data = excluded.data",
                (operation, external_id, at, json.dumps(data, ensure_ascii=False)),
            )

    def get(self, operation: str, external_id: str) -> dict[str, Any] | None:
        """Return what is known of a thing, or None."""
        with self._lock:
            row = self._base.execute(
                "SELECT data FROM effects WHERE operation = ? AND external_id = ?", (operation, external_id)
            ).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def effects(self, operation: str, *, after: int = 0, limit: int = 1_000_000) -> list[Effect]:
        """Return the effects of one operation in the order they first happened, skipping the first `after`."""
        with self._lock:
            rows = self._base.execute(
                "SELECT operation, external_id, times, at, data FROM effects WHERE operation = ?"
                " ORDER BY rowid LIMIT ? OFFSET ?",
                (operation, limit, after),
            ).fetchall()
        return [Effect(row[0], row[1], row[2], row[3], json.loads(row[4])) for row in rows]

    def order(self, operation: str) -> list[tuple[str, str]]:
        """Return (key, external_id) of every effect in the order it happened, repeats included."""
        with self._lock:
            rows = self._base.execute(
                "SELECT key, external_id FROM effect_order WHERE operation = ? ORDER BY number", (operation,)
            ).fetchall()
        return [(row[0], row[1]) for row in rows]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._base.executescript("DELETE FROM effects; DELETE FROM effect_order;")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._base.close()
