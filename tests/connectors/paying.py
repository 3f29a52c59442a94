"""A payment party in tests: its stand-in, the hub's real client of it, and a door in the gateway's place."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import requests

from sandbox.serve import Running
from truc import parties
from truc.connections import Connection, from_airflow_json
from truc.envelope import Envelope, Outgoing
from truc.inbound.callbacks import HttpAnswer, Incoming, Received, Refused, Standing
from truc.manifest import Limits


class Door:
    """Stands where the gateway is, keeps what came in `got`, and says what `answer`, set later, says to it."""

    def __init__(self) -> None:
        self.got: list[Incoming] = []
        self.answer: Callable[[Incoming], HttpAnswer]
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                path, _, query = self.path.partition("?")
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                call = Incoming(self.command, path, query, headers, body)
                door.got.append(call)
                said = door.answer(call)
                self.send_response(said.status)
                self.send_header("Content-Length", str(len(said.body)))
                self.end_headers()
                self.wfile.write(said.body)

            def log_message(self, *args: object) -> None:
                pass

            do_GET = do_POST = _any  # noqa: N815  (http.server finds them by these names)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class Scripted:
    """Says the answers in `answers` first, one to a call, and then always the `usual` one."""

    def __init__(self, usual: HttpAnswer) -> None:
        self.usual = usual
        self.answers: list[HttpAnswer] = []

    def __call__(self, _call: Incoming) -> HttpAnswer:
        """Return the next answer."""
        return self.answers.pop(0) if self.answers else self.usual


class Verifying:
    """Verifies with the connector's real `receive`, and answers as our order stands (`standing`)."""

    def __init__(self, receive: Callable[[Incoming, Connection], Received], connection: Connection) -> None:
        self.receive, self.connection, self.standing = receive, connection, Standing.OPEN
        self.kept: list[Envelope] = []
        self.reasons: list[str] = []

    def __call__(self, call: Incoming) -> HttpAnswer:
        """Return what the connector says to the call."""
        try:
            received = self.receive(call, self.connection)
        except Refused as refused:
            self.reasons.append(refused.reason)
            return refused.answer
        self.kept.append(received.envelope)
        return received.answers.get(self.standing, received.answer)


@dataclass
class PayingParty:
    """One stand-in at work. `message` makes an order of ours; `usual` is what a citizen's act says of itself."""

    party: str
    running: Running
    door: Door
    message: Callable[..., Outgoing]
    usual: Mapping[str, object]
    hub: Any  # what answers at the door: Scripted or Verifying
    clients: list[Any] = field(default_factory=list)

    def post(self, path: str, **body: Any) -> Any:
        """Give the stand-in an order."""
        answer = requests.post(f"{self.running.control_url}/_control/{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def get(self, path: str) -> Any:
        """What the stand-in says of itself."""
        return requests.get(f"{self.running.control_url}/_control/{path}", timeout=10).json()

    def fault(self, operation: str, mode: str, *, times: int = 1, wait_s: float = 1.0) -> None:
        """Have it misbehave."""
        self.post("faults", operation=operation, mode=mode, times=times, wait_s=wait_s)

    def insist(self, operation: str, *codes: object) -> None:
        """Have its next answers carry these codes."""
        self.post("insist", operation=operation, codes=list(codes))

    def pay(self, *references: str, notify: bool = True, code: object = None, at: str = "", **how: Any) -> Any:
        """Have citizens pay these orders, or our one order."""
        said = dict(self.usual) | ({"at": at} if at else {}) | ({} if code is None else {"code": code})
        orders = [{"reference": one} | said for one in references or (self.message().external_id,)]
        return self.post("pay", orders=orders, notify=notify, **how)

    def opened(self, url: str) -> str:
        """Open the pay page as a browser does; the code of the error page, "" for none."""
        answer = requests.get(url, timeout=10, allow_redirects=False)
        return answer.headers["location"].partition("?code=")[2] if answer.status_code == 302 else ""

    def pay_url(self, *order: Any, **settings: str) -> str:
        """Make an order and return where the citizen pays."""
        receipt = self.client(**settings).send_payment(self.message(*order))
        (address,) = parties.reader(self.party, "payment")(receipt.body)
        return str(address.pay_url)

    def order(self, *order: Any) -> None:
        """Make an order, and open its page."""
        assert self.opened(self.pay_url(*order)) == ""

    def states(self) -> dict[str, str]:
        """State of each order, as the party has it."""
        return {one["reference"]: one["state"] for one in self.get("payments")}

    def effects(self, operation: str = "payment") -> dict[str, int]:
        """What was done at it, and how often."""
        return {one["external_id"]: one["times"] for one in self.get(f"effects?operation={operation}")}

    def connection(self, **settings: Any) -> Connection:
        """The connection to it, with some settings changed."""
        value = dict(self.running.connection)
        value["extra"] = value["extra"] | {k: v for k, v in settings.items() if k not in value}
        value.update({k: v for k, v in settings.items() if k in value})
        return from_airflow_json(self.party, value)

    def client(self, limits: Limits | None = None, **settings: Any) -> Any:
        """The party's real client, closed at the end of the test."""
        opening = import_module(f"connectors.{self.party}.client").open_client
        client = opening(self.connection(**settings), limits or Limits(timeout_s=5, connect_timeout_s=2))
        self.clients.append(client)
        return client


def played(
    party: str,
    home: Path,
    *,
    message: Callable[..., Outgoing],
    usual: Mapping[str, object],
    hub: Scripted | Verifying | None = None,
) -> Iterator[PayingParty]:
    """The party, until whoever asked is done. Without a `hub` of its own the connector's `receive` is at the door."""
    door = Door()
    running = import_module(f"sandbox.{party}.server").start(0, home, door.url)
    if hub is None:
        receive = import_module(f"connectors.{party}.inbound").receive
        hub = Verifying(receive, from_airflow_json(party, running.connection))
    door.answer = hub
    one = PayingParty(party, running, door, message, usual, hub)
    yield one
    for client in one.clients:
        client.close()
    running.close()
    door.close()
