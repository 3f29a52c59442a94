"""The HTTP server under every stand-in that speaks HTTP: routes to one handler, commits faults, answers control calls.

Control calls (used by the demo, the tests and integration engineers; loopback only):
    GET    /_control/effects?operation=NAME   what the partner did: [{external_id, times, at, data}]
    GET    /_control/order?operation=NAME     [[key, external_id], …] in order, repeats included
    POST   /_control/faults                   {"operation", "mode", "times", "wait_s", "after"}
    GET    /_control/faults                   {"operation:mode": times met}
    DELETE /_control/faults                   withdraw what is open
"""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sandbox.faults import Fault, Faults
from sandbox.state import State

BODY_BYTES_MAX = 64 * 1024 * 1024
BEFORE = ("refuse", "unavailable", "silent_before", "error_before")


@dataclass(frozen=True, slots=True)
class Request:
    """One call as the stand-in sees it. Header names are lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body read as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Response:
    """One answer."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def json_response(value: object, status: int = 200) -> Response:
    """Return `value` as a JSON answer in UTF-8."""
    return Response(status, json.dumps(value, ensure_ascii=False).encode())


Handle = Callable[[Request], Response]
OperationOf = Callable[[Request], str]


class HttpServer:
    """One stand-in listening on 127.0.0.1. `operation_of` names a call for faults ("" = never faulted)."""

    def __init__(
        self,
        name: str,
        port: int,
        *,
        handle: Handle,
        operation_of: OperationOf,
        state: State,
        faults: Faults,
        control: dict[tuple[str, str], Handle] | None = None,
    ) -> None:
        """`control` adds the party's own control calls, as {(method, "/_control/…"): handler}."""
        self.state, self.faults = state, faults
        self._handle, self._operation_of = handle, operation_of
        self._control = (control or {}) | {
            ("GET", "/_control/effects"): self._effects,
            ("GET", "/_control/order"): self._order,
            ("GET", "/_control/faults"): lambda _: json_response(faults.met()),
            ("POST", "/_control/faults"): self._order_fault,
            ("DELETE", "/_control/faults"): self._clear_faults,
        }
        self._server = _Server(("127.0.0.1", port), _handler_for(self))
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name=name, daemon=True)
        self._thread.start()

    def answer(self, request: Request, connection: socket.socket) -> Response | None:
        """Return the answer, or None when a fault swallowed it (the connection is then closed)."""
        if request.path.startswith("/_control/"):
            return self._control_call(request)
        operation = self._operation_of(request)
        fault = self.faults.take(operation) if operation else None
        if fault is not None and fault.mode in BEFORE:
            return _before(fault)
        if fault is not None and fault.mode == "late_after":
            threading.Timer(fault.wait_s, self._handle, (request,)).start()
            return None
        response = self._handle(request)
        return response if fault is None else _after(fault, response, connection)

    def close(self) -> None:
        """Stop listening; open connections end."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def _control_call(self, request: Request) -> Response:
        found = self._control.get((request.method, request.path))
        return json_response({"error": "no such control call"}, 404) if found is None else found(request)

    def _effects(self, request: Request) -> Response:
        return json_response([asdict(effect) for effect in self.state.effects(request.query.get("operation", ""))])

    def _order(self, request: Request) -> Response:
        return json_response(self.state.order(request.query.get("operation", "")))

    def _order_fault(self, request: Request) -> Response:
        try:
            self.faults.order(Fault(**request.json()))
        except (TypeError, ValueError) as error:
            return json_response({"error": str(error)}, 400)
        return json_response({})

    def _clear_faults(self, _request: Request) -> Response:
        self.faults.clear()
        return json_response({})


def _before(fault: Fault) -> Response | None:
    if fault.mode == "silent_before":
        time.sleep(fault.wait_s)
    if fault.mode == "unavailable":
        return Response(503, b"", headers={"Retry-After": str(max(1, round(fault.wait_s)))})
    return Response(500, b"") if fault.mode == "error_before" else None


def _after(fault: Fault, response: Response, connection: socket.socket) -> Response | None:
    match fault.mode:
        case "silent_after":
            time.sleep(fault.wait_s)
            return None
        case "drop_after":
            return None
        case "error_after":
            return Response(500, b"")
        case "garbage":
            return Response(response.status, b"\x00\xff<not what you expect", "text/plain")
        case "truncated" | "slow" | "huge":
            _write_raw(fault, response, connection)
            return None
        case _:
            return response


def _write_raw(fault: Fault, response: Response, connection: socket.socket) -> None:
    length = BODY_BYTES_MAX if fault.mode == "huge" else len(response.body)
    head = f"HTTP/1.1 {response.status} OK\r\nContent-Type: {response.content_type}\r\nContent-Length: {length}\r\n\r\n"
    with contextlib.suppress(OSError):  # the caller may give up at any moment: that is the point
        connection.sendall(head.encode())
        if fault.mode == "truncated":
            connection.sendall(response.body[: len(response.body) // 2])
        elif fault.mode == "huge":
            for _ in range(BODY_BYTES_MAX // 65536):
                connection.sendall(b" " * 65536)
        else:
            for byte in response.body:
                connection.sendall(bytes([byte]))
                time.sleep(fault.wait_s / max(1, len(response.body)))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers that vanish are part of the play; anything else is a bug of the stand-in and is shown."""
        import sys

        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _handler_for(server: HttpServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1
        timeout = 60

        def _any(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            if length > BODY_BYTES_MAX:
                self.close_connection = True
                return
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, parts.path, query, headers, self.rfile.read(length))
            self._write(server.answer(request, self.connection))

        def _write(self, response: Response | None) -> None:
            if response is None:
                self.close_connection = True
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", response.content_type)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's own name)
            """Say nothing: a stand-in's log would hold citizens' data."""

        do_GET = do_POST = do_PUT = do_DELETE = _any  # noqa: N815  (http.server finds them by these names)

    return Handler
