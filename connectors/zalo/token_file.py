"""The file a token outlives its processes in: one writer at a time, replaced in one step, for nobody else to read."""

import fcntl
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from truc.errors import SetupError, TransientError

LOOK_AGAIN_S = 0.05
OTHERS = 0o077  # rights of group and world
TOKEN = re.compile(r"[!-~]{1,4096}")  # what a header can carry
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the file holds. `access_token` is "" until there was one, or after it was refused."""

    refresh_token: str = field(repr=False)
    access_token: str = field(default="", repr=False)
    ends_at: datetime = NEVER


@contextmanager
def alone(path: Path, wait_s: float) -> Iterator[None]:
    """Hold the lock that lies beside the file, across threads and processes of this machine.

    TransientError `token_busy` after `wait_s` seconds.
    """
    try:
        descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable("its folder is missing or cannot be written") from error
    try:
        _lock(descriptor, until=time.monotonic() + wait_s)
        yield
    finally:
        os.close(descriptor)  # and the lock with it


def read(path: Path) -> Kept:
    """Return what the file holds, or raise SetupError that says what it must be; no token is quoted."""
    try:
        if path.stat().st_mode & OTHERS:
            raise SetupError("zalo: token_file can be read by others: chmod 600", reason="token_file_open")
        found = path.read_bytes()
    except OSError as error:
        raise _unusable("missing, or cannot be read") from error
    try:
        return _kept(json.loads(found))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _unusable('must hold {"refresh_token": "…"}') from None  # its cause may quote a token


def write(path: Path, kept: Kept) -> None:
    """Put the new file in place of the old in one step; it is on the disk when this returns."""
    ends_at = kept.ends_at.isoformat() if kept.access_token else ""
    found = {"refresh_token": kept.refresh_token, "access_token": kept.access_token, "ends_at": ends_at}
    part = path.with_name(f"{path.name}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(found, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise _unusable("cannot be written; the token that came is lost: grant anew") from error


def token_text(value: Any) -> str:
    """Return a token that a header can carry, or raise ValueError."""
    if not isinstance(value, str) or TOKEN.fullmatch(value) is None:
        raise ValueError("no token")
    return value


def _kept(found: Any) -> Kept:
    refresh_token, access_token = token_text(found["refresh_token"]), found.get("access_token") or ""
    if not access_token:
        return Kept(refresh_token=refresh_token)
    ends_at = datetime.fromisoformat(found["ends_at"]).astimezone(UTC)
    return Kept(refresh_token=refresh_token, access_token=token_text(access_token), ends_at=ends_at)


def _lock(descriptor: int, *, until: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                text = "zalo: another process has been renewing the token for too long"
                raise TransientError(text, reason="token_busy") from None
            time.sleep(LOOK_AGAIN_S)
        else:
            return


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable(text: str) -> SetupError:
    return SetupError(f"zalo: token_file: {text}", reason="token_file_unusable")
