"""The real client against the real stand-in, over sockets."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from connectors.national_portal.client import Client, open_client
from sandbox.national_portal.server import start
from sandbox.serve import Running
from truc.connections import Connection, from_airflow_json
from truc.manifest import Limits

QUICK = Limits(timeout_s=0.3, connect_timeout_s=1.0, body_bytes_max=1024 * 1024)


@dataclass(frozen=True)
class Portal:
    """The stand-in as a test sees it."""

    running: Running

    def connection(self, **changed: str) -> Connection:
        read = from_airflow_json("national_portal", self.running.connection)
        fields = {name: value for name, value in (dict(read.fields) | changed).items() if value}
        return Connection("national_portal", fields)

    def tell(self, call: str, value: object = None) -> Any:
        return requests.post(f"{self.running.control_url}/_control/{call}", json=value, timeout=5).json()

    def said(self, call: str) -> Any:
        return requests.get(f"{self.running.control_url}/_control/{call}", timeout=5).json()

    def fault(self, operation: str, mode: str, *, times: int = 1, wait_s: float = 0.6) -> None:
        self.tell("faults", {"operation": operation, "mode": mode, "times": times, "wait_s": wait_s})

    def times(self, operation: str) -> dict[str, int]:
        effects = self.said(f"effects?operation={operation}")
        return {effect["external_id"]: effect["times"] for effect in effects}


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    one = start(0, tmp_path_factory.mktemp("national_portal"), "http://127.0.0.1:1")
    yield one
    one.close()


@pytest.fixture
def portal(running: Running) -> Portal:
    """One server for all tests, as new for each: stopping one takes half a second."""
    portal = Portal(running)
    portal.tell("forget")
    return portal


@pytest.fixture
def opened(portal: Portal) -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def open_one(**changed: str) -> Client:
        clients.append(open_client(portal.connection(**changed), QUICK))
        return clients[-1]

    yield open_one
    for client in clients:
        client.close()


@pytest.fixture
def client(opened: Callable[..., Client]) -> Client:
    return opened()
