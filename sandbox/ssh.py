"""A real SSH server (paramiko) that offers one folder over SFTP, and commits faults when told to.

It is read-only but for a folder where callers drop files, if it has one. Fault operations: "connect" (refuse,
silent_before) when a caller arrives; "read" (unavailable, truncated, drop_after, silent_after, garbage) when a file is
read; the drop's own when a file gets its name there (every mode but late_after and twice; an answer that SSH cannot
garble, cut or stretch is none).
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko

from sandbox.faults import Fault, Faults
from sandbox.state import State

CLOSED_BEFORE = ("refuse", "silent_before")
BEFORE = (*CLOSED_BEFORE, "unavailable", "error_before")  # the file does not get its name


@dataclass(frozen=True, slots=True)
class Drop:
    """A folder where callers write NAME.part and rename it to NAME; the file has arrived then."""

    folder: str
    operation: str  # of its faults
    arrived: Callable[[Path], None]


class SshServer:
    """A partner's SSH server on 127.0.0.1; `name` is its thread's. `host_key` may be changed while it runs."""

    def __init__(
        self,
        name: str,
        port: int,
        files: Path,
        *,
        host_key: paramiko.PKey,
        login: str,
        password: str,
        client_key: paramiko.PKey,
        state: State,
        faults: Faults,
        drop: Drop | None = None,
    ) -> None:
        self.host_key, self.login, self.password, self.client_key = host_key, login, password, client_key
        self.files, self.state, self.faults, self.drop = files, state, faults, drop
        self._transports: list[paramiko.Transport] = []
        self._socket = socket.create_server(("127.0.0.1", port), backlog=32)
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, name=f"{name}-ssh", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; open sessions end."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(timeout=5)
        for transport in self._transports:
            transport.close()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._welcome, args=(caller,), daemon=True).start()

    def _welcome(self, caller: socket.socket) -> None:
        if fault := self.faults.take("connect", "refuse", "silent_before"):
            time.sleep(fault.wait_s if fault.mode == "silent_before" else 0)
            caller.close()
            return
        transport = paramiko.Transport(caller)
        self._transports = [one for one in self._transports if one.is_active()] + [transport]
        transport.add_server_key(self.host_key)
        transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, self, transport)
        # A caller that turns away at the host key is part of the play.
        with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
            transport.start_server(server=_Door(self))


class _Door(paramiko.ServerInterface):
    def __init__(self, server: SshServer) -> None:
        self._server = server

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002  (paramiko calls it with this)
        return "password,publickey"

    def check_auth_password(self, username: str, password: str) -> int:
        right = (username, password) == (self._server.login, self._server.password)
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        right = username == self._server.login and key == self._server.client_key
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002  (paramiko calls it with this)
        return paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, door: _Door, server: SshServer, transport: paramiko.Transport) -> None:
        super().__init__(door)
        self._server, self._transport = server, transport

    def list_folder(self, path: str) -> Any:
        folder = self._real(path)
        if not folder.is_dir():
            return paramiko.SFTP_NO_SUCH_FILE
        return [paramiko.SFTPAttributes.from_stat(one.stat(), one.name) for one in sorted(folder.iterdir())]

    def stat(self, path: str) -> Any:
        try:
            return paramiko.SFTPAttributes.from_stat(self._real(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    lstat = stat

    def open(self, path: str, flags: int, attr: Any) -> Any:  # noqa: ARG002  (paramiko calls it with this)
        real = self._real(path)
        if flags & (os.O_WRONLY | os.O_RDWR):
            return _Writing(real) if self._is_dropped(real) else paramiko.SFTP_PERMISSION_DENIED
        if not real.is_file():
            return paramiko.SFTP_NO_SUCH_FILE
        fault = self._server.faults.take("read")
        if fault is not None and fault.mode == "unavailable":
            return paramiko.SFTP_FAILURE
        self._server.state.record("read", real.name, {})
        return _Reading(real.read_bytes(), fault, self._transport)

    def rename(self, oldpath: str, newpath: str) -> int:
        part, whole = self._real(oldpath), self._real(newpath)
        drop = self._server.drop
        if drop is None or not self._is_dropped(part) or part != whole.with_name(f"{whole.name}.part"):
            return paramiko.SFTP_PERMISSION_DENIED
        fault = self._server.faults.take(drop.operation)
        if fault is not None and fault.mode in BEFORE:
            return self._fail(fault, silent=fault.mode == "silent_before", ended=fault.mode in CLOSED_BEFORE)
        if whole.exists():
            return paramiko.SFTP_FAILURE
        part.rename(whole)
        drop.arrived(whole)
        if fault is None:
            return paramiko.SFTP_OK
        ended = fault.mode not in ("error_after", "slow")
        return self._fail(fault, silent=fault.mode in ("silent_after", "slow"), ended=ended)

    def _fail(self, fault: Fault, *, silent: bool, ended: bool) -> int:
        time.sleep(fault.wait_s if silent else 0)
        if ended:
            self._transport.close()
        return paramiko.SFTP_OK if fault.mode == "slow" else paramiko.SFTP_FAILURE

    def _is_dropped(self, real: Path) -> bool:
        drop = self._server.drop
        return drop is not None and real.parent == self._server.files / drop.folder and real.suffix == ".part"

    def _real(self, path: str) -> Path:
        return self._server.files / self.canonicalize(path).lstrip("/")


class _Writing(paramiko.SFTPHandle):
    def __init__(self, real: Path) -> None:
        super().__init__()
        self.writefile = real.open("wb", buffering=0)  # the base class writes to it, and closes it


class _Reading(paramiko.SFTPHandle):
    def __init__(self, body: bytes, fault: Fault | None, transport: paramiko.Transport) -> None:
        super().__init__()
        self._whole, self._fault, self._transport = len(body), fault, transport
        mode = "" if fault is None else fault.mode
        self._body = {"truncated": body[: len(body) // 2], "garbage": (b"\x00\xff" * len(body))[: len(body)]}.get(
            mode, body
        )

    def stat(self) -> paramiko.SFTPAttributes:
        found = paramiko.SFTPAttributes()
        found.st_size = self._whole
        return found

    def read(self, offset: int, length: int) -> bytes | int:
        if self._fault is not None and self._fault.mode in ("drop_after", "silent_after"):
            time.sleep(self._fault.wait_s if self._fault.mode == "silent_after" else 0)
            self._transport.close()
            return paramiko.SFTP_CONNECTION_LOST
        return self._body[offset : offset + length] or paramiko.SFTP_EOF
