"""The real client and the bank's stand-in, over sockets."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from connectors.vietcombank.client import Client, open_client
from sandbox.vietcombank.server import start
from truc.connections import from_airflow_json
from truc.manifest import Limits

LINES = [
    {"our_reference": "TT-1", "partner_reference": "B1", "amount_vnd": 200_000, "at": "2025-06-03T08:15:00+07:00"},
    {"our_reference": "TT-2", "partner_reference": "B2", "amount_vnd": 31_500, "at": "2025-06-03T16:59:59+00:00"},
]


@dataclass
class Bank:
    running: object
    home: Path

    def post(self, path, **body):
        answer = requests.post(f"{self.running.control_url}/_control/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def deposit(self, **order):
        return self.post("deposit", **({"day": "2025-06-03", "lines": LINES} | order))

    def fault(self, operation, mode, wait_s=1.0):
        self.post("faults", operation=operation, mode=mode, times=1, wait_s=wait_s)

    def effects(self, operation):
        address = f"{self.running.control_url}/_control/effects?operation={operation}"
        return requests.get(address, timeout=10).json()

    def client(self, limits=None, **settings) -> Client:
        value = dict(self.running.connection)
        value["extra"] = value["extra"] | {k: v for k, v in settings.items() if k not in value}
        value.update({k: v for k, v in settings.items() if k in value})
        limits = limits or Limits(timeout_s=5, connect_timeout_s=2)
        return open_client(from_airflow_json("vietcombank", value), limits)


@pytest.fixture
def bank(tmp_path):
    running = start(0, tmp_path / "vietcombank", "http://127.0.0.1:1")
    yield Bank(running, tmp_path / "vietcombank")
    running.close()
