"""The clients of the internal API: one key each, kept as a digest, with what it opens."""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from truc import secrets_file
from truc.errors import MalformedError, SetupError

CLIENTS_FILE = "clients.json"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")  # it is part of a file's name, and the `source` of what it hands over


class Scope(StrEnum):
    """What a key may do."""

    WRITE_DOSSIERS = "dossiers:write"
    WRITE_STATUSES = "statuses:write"
    WRITE_PAYMENTS = "payments:write"
    WRITE_REFUNDS = "refunds:write"  # of any payment, whoever asked for it
    READ = "read"


ALL = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class Client:
    """One calling system."""

    name: str
    scopes: frozenset[Scope]


def ensure_client(folder: Path, client: str, scopes: Collection[Scope] | None = None) -> str:
    """Return the client's key, making one (file `client_<name>.key`, mode 0600) when there is none yet.

    With `scopes` the key opens those from now on; without, what it opens stays as it is, and a new key opens all. Raise
    MalformedError for a name that no file can have.
    """
    name = _file(client)
    if not (folder / name).exists():
        secrets_file.create(folder, name, secrets.token_urlsafe(32))
    key = secrets_file.read(folder, name)
    known = _known(folder)
    before = known.get(client)
    opens = frozenset(scopes) if scopes is not None else before[1] if before else ALL
    if before != (_digest(key), opens):
        _keep(folder, {**known, client: (_digest(key), opens)})
    return key


def revoke(folder: Path, client: str) -> None:
    """Forget the client and its key; the gateway refuses it at its next call. SetupError where there is none."""
    known = _known(folder)
    if client not in known:
        raise SetupError(f"no client {client!r}: `truc client list` shows who has a key", reason="unknown_client")
    _keep(folder, {name: one for name, one in known.items() if name != client})
    (folder / _file(client)).unlink(missing_ok=True)


def listed(folder: Path) -> list[Client]:
    """Return every client in order of name."""
    return [Client(name, scopes) for name, (_, scopes) in sorted(_known(folder).items())]


def client_of(folder: Path, key: str) -> Client | None:
    """Return whose key this is, or None. Every known digest is compared, in constant time each.

    It is asked before anything else of a call is read: the file is parsed only after it changed.
    """
    digest, found = _digest(key), None
    for name, (known, scopes) in _known(folder).items():
        if hmac.compare_digest(digest, known):
            found = Client(name, scopes)
    return found


def _known(folder: Path) -> Mapping[str, tuple[str, frozenset[Scope]]]:
    """Return name → (digest, scopes), of the file as it is now."""
    path = folder / CLIENTS_FILE
    try:
        at = path.stat()
    except FileNotFoundError:
        return {}
    # Every writing puts another file in its place.
    return _read(path, (at.st_ino, at.st_mtime_ns, at.st_size))


@lru_cache(maxsize=1)
def _read(path: Path, _stamp: tuple[int, ...]) -> Mapping[str, tuple[str, frozenset[Scope]]]:
    """Read the file. One of before there were scopes holds digests alone: those keys open all."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    return {
        name: (one, ALL) if isinstance(one, str) else (one["digest"], frozenset(map(Scope, one["scopes"])))
        for name, one in kept.items()
    }


def _keep(folder: Path, known: Mapping[str, tuple[str, frozenset[Scope]]]) -> None:
    kept = {name: {"digest": digest, "scopes": sorted(scopes)} for name, (digest, scopes) in known.items()}
    secrets_file.write(folder, CLIENTS_FILE, json.dumps(kept))


def _file(client: str) -> str:
    if not NAME.fullmatch(client):
        raise MalformedError(
            f"client: {client!r} is no name; use a-z, 0-9, - and _, at most 40", reason="client_malformed"
        )
    return f"client_{client}.key"


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
