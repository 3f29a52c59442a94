"""The parties' connections, read anew when their file or the environment has changed, seen within a second."""

import os
import time
from dataclasses import dataclass, field

from truc import connections
from truc.connections import Connection

LOOKS_EVERY_S = 1.0
Stamp = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    """A connection, what it was read from, and when that was looked at last."""

    stamp: Stamp
    looked_at: float
    connection: Connection = field(repr=False)


@dataclass(frozen=True, slots=True)
class Known:
    """Keeps each connection with what it was read from: reading costs more than verifying the call it is read for."""

    _read: dict[str, _Read] = field(default_factory=dict, repr=False)

    def connection(self, party: str) -> Connection:
        """Return the connection as it is now; SetupError as `connections.read` raises it."""
        kept, now = self._read.get(party), time.monotonic()
        if kept is not None and now < kept.looked_at + LOOKS_EVERY_S:
            return kept.connection
        stamp = _stamp(party)
        connection = kept.connection if kept is not None and kept.stamp == stamp else connections.read(party)
        self._read[party] = _Read(stamp, now, connection)
        return connection


def _stamp(party: str) -> Stamp:
    path = connections.connections_file()
    named = str(path), os.environ.get(f"AIRFLOW_CONN_{party.upper()}")
    try:
        stat = path.stat()
    except FileNotFoundError:
        return named
    return *named, stat.st_ino, stat.st_mtime_ns, stat.st_size
