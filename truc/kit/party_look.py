"""One step of a probe, and the steps that every transport has: the name, the port, the dates of a certificate."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from truc.manifest import Limits

Verdict = Literal["well", "warning", "broken", "not_looked_at"]
DAYS_WARNED = 60  # as the certificates of the inventory are


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One step: what was looked at (`step` is a stable word), how it stands, and what was seen."""

    step: str
    verdict: Verdict
    seen: str


def reached(host: str, port: int, limits: Limits) -> Iterator[Look]:
    """Yield whether the name is known and the port takes a connection, which is closed again."""
    try:
        found = sorted({str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
    except (OSError, UnicodeError) as error:  # UnicodeError: no name at all, such as an empty label
        yield Look(step="name", verdict="broken", seen=f"{host}: {getattr(error, 'strerror', '') or 'is no name'}")
        return
    yield Look(step="name", verdict="well", seen=f"{host}: {', '.join(found)}")
    try:
        socket.create_connection((host, port), timeout=limits.connect_timeout_s).close()
    except OSError as error:
        yield Look(step="tcp", verdict="broken", seen=f"port {port}: {error.strerror or type(error).__name__}")
        return
    yield Look(step="tcp", verdict="well", seen=f"port {port} answers")


def trusted(version: str, ends_at: datetime) -> Look:
    """Return how a certificate stands whose chain and name were accepted."""
    days = (ends_at - datetime.now(UTC)).days
    seen = f"{version}, chain trusted, valid until {ends_at:%Y-%m-%d} ({days} days)"
    return Look(step="tls", verdict="well" if days >= DAYS_WARNED else "warning", seen=seen)
