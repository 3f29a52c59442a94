"""A bank that lays its statements behind SFTP: its stand-in, and the hub's real client of it, over sockets."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from sandbox.serve import Running
from truc.connections import from_airflow_json
from truc.manifest import Limits

LINES = [
    {"our_reference": "TT-1", "partner_reference": "B1", "amount_vnd": 200_000, "at": "2025-06-03T08:15:00+07:00"},
    {"our_reference": "TT-2", "partner_reference": "B2", "amount_vnd": 31_500, "at": "2025-06-03T16:59:59+00:00"},
]


@dataclass(frozen=True)
class Bank:
    """One stand-in at work under `home`."""

    party: str
    running: Running
    home: Path

    def post(self, path: str, **body: Any) -> Any:
        """Give the stand-in an order."""
        answer = requests.post(f"{self.running.control_url}/_control/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def deposit(self, **order: Any) -> Any:
        """Have it lay the file of the day there."""
        return self.post("deposit", **({"day": "2025-06-03", "lines": LINES} | order))

    def fault(self, operation: str, mode: str, wait_s: float = 1.0) -> None:
        """Have it misbehave once."""
        self.post("faults", operation=operation, mode=mode, times=1, wait_s=wait_s)

    def effects(self, operation: str) -> Any:
        """What was done at it, and how often."""
        address = f"{self.running.control_url}/_control/effects?operation={operation}"
        return requests.get(address, timeout=10).json()

    def file_name(self, day: str) -> str:
        """The name of the file of a day (yyyymmdd)."""
        return str(self.running.connection["extra"]["file_name"]).format(day=day)

    def client(self, limits: Limits | None = None, **settings: str) -> Any:
        """The party's real client, with some settings of the connection changed."""
        value = dict(self.running.connection)
        value["extra"] = value["extra"] | {k: v for k, v in settings.items() if k not in value}
        value.update({k: v for k, v in settings.items() if k in value})
        limits = limits or Limits(timeout_s=5, connect_timeout_s=2)
        opening = importlib.import_module(f"connectors.{self.party}.client").open_client
        return opening(from_airflow_json(self.party, value), limits)


def started(party: str, home: Path) -> Iterator[Bank]:
    """The bank, until whoever asked is done."""
    running = importlib.import_module(f"sandbox.{party}.server").start(0, home, "http://127.0.0.1:1")
    yield Bank(party, running, home)
    running.close()
