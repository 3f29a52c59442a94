"""The clients of the internal API: one key each, kept as a digest."""

import hashlib
import hmac
import json
import secrets
from pathlib import Path

from truc import secrets_file

CLIENTS_FILE = "clients.json"


def ensure_client(folder: Path, client: str) -> str:
    """Return the client's key, making one (file `client_<name>.key`, mode 0600) when there is none yet."""
    name = f"client_{client}.key"
    if not (folder / name).exists():
        secrets_file.create(folder, name, secrets.token_urlsafe(32))
    key = secrets_file.read(folder, name)
    known = _known(folder)
    if known.get(client) != _digest(key):
        secrets_file.write(folder, CLIENTS_FILE, json.dumps({**known, client: _digest(key)}))
    return key


def client_of(folder: Path, key: str) -> str | None:
    """Return whose key this is, or None. Every known digest is compared, in constant time each."""
    digest, found = _digest(key), None
    for client, known in _known(folder).items():
        if hmac.compare_digest(digest, known):
            found = client
    return found


def _known(folder: Path) -> dict[str, str]:
    path = folder / CLIENTS_FILE
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
