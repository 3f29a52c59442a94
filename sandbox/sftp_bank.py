"""A bank that lays its statements into a folder behind SFTP: the files, its keys, and the control calls about them."""

import io
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sandbox.bank_statement import Form, statement_bytes, with_breaks
from sandbox.faults import Faults
from sandbox.http import Request, Response, json_response
from sandbox.ssh import SshServer
from sandbox.state import State

DIRECTORY, LOGIN = "/out", "khanhhoa"

Closing = Callable[[bytes, dict[str, Any]], bytes]  # the file, and the order it was made for


def left_open(body: bytes, _order: dict[str, Any]) -> bytes:
    """Return the file as it is: a bank with which no encryption was agreed."""
    return body


class SftpBank:
    """One bank, listening on 127.0.0.1; its files, its host key and the hub's key live under `home`."""

    def __init__(
        self,
        party: str,
        port: int,
        home: Path,
        *,
        form: Form,
        state: State,
        faults: Faults,
        closed: Closing = left_open,
    ) -> None:
        self._home, self._form, self._closed = home, form, closed
        self._state, self._faults = state, faults
        self._out = home / "files" / DIRECTORY.lstrip("/")
        self._out.mkdir(parents=True, exist_ok=True)
        self._password = f"sandbox-{party}"
        self._ssh = SshServer(
            party,
            port,
            home / "files",
            host_key=kept_key(home / "host_key"),
            login=LOGIN,
            password=self._password,
            client_key=kept_key(home / "client_key"),
            state=state,
            faults=faults,
        )
        self.port = self._ssh.port

    def close(self) -> None:
        """Stop listening; open sessions end."""
        self._ssh.close()

    def connection(self) -> dict[str, Any]:
        """Return how the hub reaches the folder: an Airflow connection (JSON form) but for its type."""
        host_key = self._ssh.host_key
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "login": LOGIN,
            "password": self._password,
            "extra": {
                "host_key": f"{host_key.get_name()} {host_key.get_base64()}",
                "directory": DIRECTORY,
                "file_name": f"{self._form.bank}_{{day}}.txt",
            },
        }

    def control(self) -> dict[tuple[str, str], Any]:
        """Return the control calls every such bank offers."""
        return {
            ("POST", "/_control/deposit"): self._deposit,
            ("GET", "/_control/files"): self._files,
            ("POST", "/_control/change_host_key"): self._change_host_key,
            ("DELETE", "/_control/change_host_key"): self._restore_host_key,
        }

    def _deposit(self, request: Request) -> Response:
        order = request.json()
        try:
            name = f"{self._form.bank}_{date.fromisoformat(order['day']):%Y%m%d}.txt"
            lines = with_breaks(order["lines"], order.get("breaks", {}))
            too_much_vnd = 1_000 if order.get("wrong_total") else 0
            body = statement_bytes(self._form, order["day"], lines, too_much_vnd=too_much_vnd)
        except (KeyError, ValueError, TypeError) as error:
            return json_response({"error": f"{type(error).__name__}: {error}"}, 400)
        if order.get("truncate"):
            body = body[: len(body) * 2 // 3]
        body = self._closed(body, order)
        twice = order.get("twice") or self._faults.take("deposit", "twice")
        for _ in range(2 if twice else 1):
            self._write(name, body)
        return json_response({"name": name, "bytes": len(body), "lines": len(lines)})

    def _write(self, name: str, body: bytes) -> None:
        part = self._out / f"{name}.part"
        part.write_bytes(body)
        part.replace(self._out / name)
        self._state.record("deposit", name, {"bytes": len(body)})

    def _files(self, _request: Request) -> Response:
        found = sorted(self._out.iterdir())
        return json_response([{"name": one.name, "bytes": one.stat().st_size} for one in found])

    def _change_host_key(self, _request: Request) -> Response:
        self._ssh.host_key = paramiko.Ed25519Key.from_private_key(io.StringIO(_new_key()))
        return json_response({"fingerprint": self._ssh.host_key.fingerprint})

    def _restore_host_key(self, _request: Request) -> Response:
        self._ssh.host_key = kept_key(self._home / "host_key")
        return json_response({"fingerprint": self._ssh.host_key.fingerprint})


def keep_secret(path: Path, text: str) -> None:
    """Write a new file that only its owner may read (mode 0600); raise FileExistsError where there is one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _new_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def kept_key(path: Path) -> paramiko.PKey:
    """Return the key kept at `path`, made the first time."""
    if not path.exists():
        keep_secret(path, _new_key())
    return paramiko.Ed25519Key.from_private_key_file(str(path))
