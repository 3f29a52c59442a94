"""Starts the bank: an SFTP port with the statements, and an HTTP control port.

Control calls of its own:
    POST   /_control/deposit          {"day", "lines": [{"our_reference", "partner_reference", "amount_vnd",
                                      "at", "kind", "fee_vnd", "state"}], "breaks": {"drop", "amount", "add"},
                                      "wrong_total": true, "truncate": true, "twice": true,
                                      "pgp": true, "signer": "other"}
    GET    /_control/files            [{"name", "bytes"}]
    POST   /_control/change_host_key  a new host key from now on; DELETE puts the kept one back
    GET    /_control/pgp              {"hub_private_key", "bank_certificate"}: what the hub is given of the bank's PGP
With "pgp" the file is signed by the bank (by a stranger with "signer": "other") and encrypted for the hub.
Fault operations: "connect", "read" (see ssh.py) and "deposit" (twice).
"""

import io
import os
from datetime import date
from pathlib import Path
from typing import Any

import paramiko
import pysequoia
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sandbox.faults import Faults
from sandbox.http import HttpServer, Request, Response, json_response
from sandbox.serve import Running
from sandbox.state import State
from sandbox.vietcombank.ssh import SshServer
from sandbox.vietcombank.statement import statement_bytes, with_breaks

DIRECTORY = "/out"
LOGIN, PASSWORD = "khanhhoa", "sandbox-vietcombank"


def start(port: int, home: Path, hub_url: str) -> Running:  # noqa: ARG001  (the bank calls nobody)
    """Start the bank; its files, its host key and the hub's key live under `home`."""
    files = home / "files"
    (files / DIRECTORY.lstrip("/")).mkdir(parents=True, exist_ok=True)
    state, faults = State(home / "state.sqlite"), Faults()
    ssh = SshServer(
        port,
        files,
        host_key=_key(home / "host_key"),
        login=LOGIN,
        password=PASSWORD,
        client_key=_key(home / "client_key"),
        state=state,
        faults=faults,
    )
    bank = _Bank(home, files / DIRECTORY.lstrip("/"), ssh, state, faults)
    http = HttpServer(
        "vietcombank-control",
        0,
        handle=lambda _: json_response({"error": "this bank speaks SFTP"}, 404),
        operation_of=lambda _: "",
        state=state,
        faults=faults,
        control=bank.control(),
    )

    def close() -> None:
        http.close()
        ssh.close()
        state.close()

    return Running("vietcombank", ssh.port, http.url, _connection(ssh), close)


def _connection(ssh: SshServer) -> dict[str, Any]:
    return {
        "conn_type": "truc_vietcombank",
        "host": "127.0.0.1",
        "port": ssh.port,
        "login": LOGIN,
        "password": PASSWORD,
        "extra": {
            "host_key": f"{ssh.host_key.get_name()} {ssh.host_key.get_base64()}",
            "directory": DIRECTORY,
            "file_name": "VCB_{day}.txt",
        },
    }


class _Bank:
    def __init__(self, home: Path, out: Path, ssh: SshServer, state: State, faults: Faults) -> None:
        self._home, self._out, self._ssh, self._state, self._faults = home, out, ssh, state, faults

    def control(self) -> dict[tuple[str, str], Any]:
        return {
            ("POST", "/_control/deposit"): self._deposit,
            ("GET", "/_control/files"): self._files,
            ("GET", "/_control/pgp"): self._pgp,
            ("POST", "/_control/change_host_key"): self._change_host_key,
            ("DELETE", "/_control/change_host_key"): self._restore_host_key,
        }

    def _deposit(self, request: Request) -> Response:
        order = request.json()
        try:
            name = f"VCB_{date.fromisoformat(order['day']):%Y%m%d}.txt"
            lines = with_breaks(order["lines"], order.get("breaks", {}))
            body = statement_bytes(order["day"], lines, too_much_vnd=1_000 if order.get("wrong_total") else 0)
        except (KeyError, ValueError, TypeError) as error:
            return json_response({"error": f"{type(error).__name__}: {error}"}, 400)
        if order.get("truncate"):
            body = body[: len(body) * 2 // 3]
        if order.get("pgp"):
            body = self._closed(body, signer=str(order.get("signer", "bank")))
        twice = order.get("twice") or self._faults.take("deposit", "twice")
        for _ in range(2 if twice else 1):
            self._write(name, body)
        return json_response({"name": name, "bytes": len(body), "lines": len(lines)})

    def _closed(self, body: bytes, *, signer: str) -> bytes:
        hub, sender = _pgp_key(self._home / "hub.pgp"), _pgp_key(self._home / f"{signer}.pgp")
        return pysequoia.encrypt(body, recipients=[hub.extract_certificate()], signer=sender.signer())

    def _pgp(self, _request: Request) -> Response:
        bank = _pgp_key(self._home / "bank.pgp").extract_certificate()
        return json_response({"hub_private_key": str(_pgp_key(self._home / "hub.pgp")), "bank_certificate": str(bank)})

    def _write(self, name: str, body: bytes) -> None:
        part = self._out / f"{name}.part"
        part.write_bytes(body)
        part.replace(self._out / name)
        self._state.record("deposit", name, {"bytes": len(body)})

    def _files(self, _request: Request) -> Response:
        found = sorted(self._out.iterdir())
        return json_response([{"name": one.name, "bytes": one.stat().st_size} for one in found])

    def _change_host_key(self, _request: Request) -> Response:
        self._ssh.host_key = _new_key()
        return json_response({"fingerprint": self._ssh.host_key.fingerprint})

    def _restore_host_key(self, _request: Request) -> Response:
        self._ssh.host_key = _key(self._home / "host_key")
        return json_response({"fingerprint": self._ssh.host_key.fingerprint})


def _new_key() -> paramiko.PKey:
    return paramiko.Ed25519Key.from_private_key(io.StringIO(_new_key_text()))


def _new_key_text() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def _pgp_key(path: Path) -> pysequoia.Tsk:
    """Return the PGP key kept at `path` (mode 0600), made the first time."""
    if not path.exists():
        _keep(path, str(pysequoia.Tsk.generate(f"{path.stem} <{path.stem}@example.test>")))
    return pysequoia.Tsk.from_file(str(path))


def _keep(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _key(path: Path) -> paramiko.PKey:
    """Return the key kept at `path` (mode 0600), made the first time."""
    if not path.exists():
        _keep(path, _new_key_text())
    return paramiko.Ed25519Key.from_private_key_file(str(path))
