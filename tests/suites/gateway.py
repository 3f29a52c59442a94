"""The real gateway on a real socket, which remembers every call as it came, so that one can be sent again."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import requests
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.serve import Running
from truc.inbound.app import create_app
from truc.settings import Settings

STARTS_S = 30


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it came, and what it heard."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    answer: bytes


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where it listens, and the calls of partners in the order they were answered."""

    url: str
    calls: list[Call]
    connections: Path

    def know(self, running: Running) -> None:
        """Give it the connection of a party."""
        self.connections.write_text(json.dumps({running.party: running.connection}), encoding="utf-8")

    def again(self, call: Call) -> requests.Response:
        """Send a call a second time, byte by byte as it was."""
        headers = {name: value for name, value in call.headers.items() if name not in ("host", "content-length")}
        return requests.request(call.method, f"{self.url}{call.path}", data=call.body, headers=headers, timeout=30)


@dataclass(slots=True)
class _Remembering:
    app: ASGIApp
    calls: list[Call] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body, status, answer = bytearray(), 0, bytearray()

        async def receiving() -> Message:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        async def sending(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            answer.extend(message.get("body", b""))
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self.calls.append(_call(scope, bytes(body), status, bytes(answer)))
            await send(message)

        await self.app(scope, receiving, sending)


def _call(scope: Scope, body: bytes, status: int, answer: bytes) -> Call:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = scope["query_string"].decode("latin-1")
    path = scope["path"] + (f"?{query}" if query else "")
    return Call(scope["method"], path, headers, body, status, answer)


@contextmanager
def opened_gateway(server: Settings, database_url: str, home: Path) -> Iterator[Gateway]:
    """A gateway over the database at that address, which reads its connections from a file of its own."""
    remembering = _Remembering(create_app(replace(server, external_hub_url=database_url)))
    known = home / "connections.json"
    known.write_text("{}", encoding="utf-8")
    serves = uvicorn.Server(uvicorn.Config(remembering, log_config=None))
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=serves.run, args=([listening],), daemon=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRUC_CONNECTIONS_FILE", str(known))
        thread.start()
        until = time.monotonic() + STARTS_S
        while not serves.started and time.monotonic() < until:
            time.sleep(0.01)
        try:
            yield Gateway(f"http://127.0.0.1:{listening.getsockname()[1]}", remembering.calls, known)
        finally:
            serves.should_exit = True
            thread.join(timeout=STARTS_S)
