"""Secrets of this installation: one 0600 file each in a 0700 folder, made once and never printed."""

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from truc.errors import SetupError


def _password() -> str:
    return secrets.token_urlsafe(24)


def _key() -> str:
    """Return 32 random bytes as URL-safe base64, the form Fernet reads."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _long() -> str:
    return secrets.token_urlsafe(64)


GENERATED: dict[str, Callable[[], str]] = {
    "postgres_postgres": _password,
    "postgres_truc": _password,
    "postgres_airflow": _password,
    "airflow_admin": _password,
    "airflow_fernet": _key,
    "airflow_jwt": _long,
    "airflow_api": _long,
    "sealing.key": _key,
    "blind_index.key": _key,
    "journal_signing.key": _key,  # an Ed25519 key is 32 random bytes too
    "console_forms.key": _key,
    "connections.json": lambda: "{}\n",
}


def ensure(folder: Path) -> None:
    """Create the folder and every secret that does not exist yet; leave the others as they are."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    for name, make in GENERATED.items():
        if not (folder / name).exists():
            create(folder, name, make())


def ensure_password(folder: Path, name: str) -> None:
    """Create a password that not every installation has; leave the one that is there as it is."""
    if not (folder / name).exists():
        create(folder, name, _password())


def create(folder: Path, name: str, value: str) -> None:
    """Write a new secret whole or not at all; one that somebody made meanwhile stays."""
    draft = _draft(folder, name, value)
    try:
        os.link(draft, folder / name)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def write(folder: Path, name: str, value: str) -> None:
    """Write a secret, replacing what was there, whole or not at all."""
    _draft(folder, name, value).replace(folder / name)


def read(folder: Path, name: str) -> str:
    """Return the secret, or raise SetupError that names the file."""
    try:
        return (folder / name).read_text(encoding="utf-8").strip()
    except FileNotFoundError as error:
        raise SetupError(f"no {folder / name}: run `truc setup` first", reason="secret_missing") from error


def read_key(folder: Path, name: str) -> bytes:
    """Return the 32 bytes of a key, or raise SetupError."""
    try:
        key = base64.urlsafe_b64decode(read(folder, name))
    except ValueError as error:
        raise SetupError(f"{folder / name} is not URL-safe base64", reason="secret_malformed") from error
    if len(key) != 32:
        raise SetupError(f"{folder / name} must hold 32 bytes", reason="secret_malformed")
    return key


def _draft(folder: Path, name: str, value: str) -> Path:
    draft = folder / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(value)
        file.flush()
        os.fsync(handle)
    return draft
