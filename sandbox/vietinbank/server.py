"""Starts the bank: an SFTP port with the statements, and an HTTP port with the eWallet and the control calls.

Control calls of its own:
    POST   /_control/deposit          {"day", "lines": [{"our_reference", "partner_reference", "amount_vnd",
                                      "at", "kind", "fee_vnd", "state"}], "breaks": {"drop", "amount", "add"},
                                      "wrong_total": true, "truncate": true, "twice": true}
    GET    /_control/files            [{"name", "bytes"}]
    POST   /_control/change_host_key  a new host key from now on; DELETE puts the kept one back
    POST   /_control/wallet           {"transactions": [{"reference", "amount_vnd", "state": paid|pending|failed}]}
    POST   /_control/wallet_orders    {"codes": ["S5", …]}: the next answers carry these status codes;
                                      {"algorithm": "RSA-SHA1"}: sign and verify so from now on
Fault operations: "connect", "read" (see ssh.py), "deposit" (twice) and "query" (the eWallet, as sandbox/faults.py).
"""

import io
import os
from datetime import date
from pathlib import Path
from typing import Any

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sandbox.faults import Faults
from sandbox.http import HttpServer, Request, Response, json_response
from sandbox.serve import Running
from sandbox.state import State
from sandbox.vietinbank.ssh import SshServer
from sandbox.vietinbank.statement import statement_bytes, with_breaks
from sandbox.vietinbank.wallet import INQUIRY, Wallet

DIRECTORY = "/out"
LOGIN, PASSWORD = "khanhhoa", "sandbox-vietinbank"


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
    wallet = Wallet(home, state)
    http = HttpServer(
        "vietinbank-control",
        0,
        handle=lambda request: wallet.handle(request) if _operation_of(request) else Response(404),
        operation_of=_operation_of,
        state=state,
        faults=faults,
        control=bank.control()
        | {
            ("POST", "/_control/wallet"): wallet.deposit,
            ("POST", "/_control/wallet_orders"): wallet.order,
        },
    )

    def close() -> None:
        http.close()
        ssh.close()
        state.close()

    return Running("vietinbank", ssh.port, http.url, _connection(ssh, wallet.settings(http.url)), close)


def _operation_of(request: Request) -> str:
    return "query" if (request.method, request.path) == ("POST", INQUIRY) else ""


def _connection(ssh: SshServer, wallet_settings: dict[str, str]) -> dict[str, Any]:
    return {
        "conn_type": "truc_vietinbank",
        "host": "127.0.0.1",
        "port": ssh.port,
        "login": LOGIN,
        "password": PASSWORD,
        "extra": {
            "host_key": f"{ssh.host_key.get_name()} {ssh.host_key.get_base64()}",
            "directory": DIRECTORY,
            "file_name": "VTB_{day}.txt",
            **wallet_settings,
        },
    }


class _Bank:
    def __init__(self, home: Path, out: Path, ssh: SshServer, state: State, faults: Faults) -> None:
        self._home, self._out, self._ssh, self._state, self._faults = home, out, ssh, state, faults

    def control(self) -> dict[tuple[str, str], Any]:
        return {
            ("POST", "/_control/deposit"): self._deposit,
            ("GET", "/_control/files"): self._files,
            ("POST", "/_control/change_host_key"): self._change_host_key,
            ("DELETE", "/_control/change_host_key"): self._restore_host_key,
        }

    def _deposit(self, request: Request) -> Response:
        order = request.json()
        try:
            name = f"VTB_{date.fromisoformat(order['day']):%Y%m%d}.txt"
            lines = with_breaks(order["lines"], order.get("breaks", {}))
            body = statement_bytes(order["day"], lines, too_much_vnd=1_000 if order.get("wrong_total") else 0)
        except (KeyError, ValueError, TypeError) as error:
            return json_response({"error": f"{type(error).__name__}: {error}"}, 400)
        if order.get("truncate"):
            body = body[: len(body) * 2 // 3]
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


def _key(path: Path) -> paramiko.PKey:
    """Return the key kept at `path` (mode 0600), made the first time."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(_new_key_text())
    return paramiko.Ed25519Key.from_private_key_file(str(path))
