"""The real client and Ngân Lượng's stand-in, over sockets."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import requests

from connectors.nganluong.client import open_client
from mappings.nganluong import payment
from sandbox.nganluong.server import start
from truc.connections import from_airflow_json
from truc.envelope import Order, Outgoing
from truc.manifest import Limits
from truc.messages import PaymentRequested


@dataclass
class NganLuong:
    running: object
    clients: list = field(default_factory=list)

    def post(self, path, **body):
        answer = requests.post(f"{self.running.control_url}/_control/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def fault(self, operation, mode, *, wait_s=1.0):
        self.post("faults", operation=operation, mode=mode, times=1, wait_s=wait_s)

    def insist(self, operation, code):
        self.post("insist", operation=operation, codes=[code])

    def pay(self, reference="TT1", code="00"):
        return self.post("pay", orders=[{"reference": reference, "code": code}])

    def times(self):
        found = requests.get(f"{self.running.control_url}/_control/effects?operation=payment", timeout=10).json()
        return {one["external_id"]: one["times"] for one in found}

    def connection(self, **settings):
        value = dict(self.running.connection)
        value["extra"] = value["extra"] | {k: v for k, v in settings.items() if k not in value}
        value.update({k: v for k, v in settings.items() if k in value})
        return from_airflow_json("nganluong", value)

    def client(self, limits=None, **settings):
        client = open_client(self.connection(**settings), limits or Limits(timeout_s=5, connect_timeout_s=2))
        self.clients.append(client)
        return client

    def order(self, reference="TT1", amount_vnd=50_000):
        message = PaymentRequested(
            our_reference=reference,
            dossier_code="H32.1-250603-0001",
            amount_vnd=amount_vnd,
            purpose="Lệ phí",
            requested_at=datetime.now(UTC),
        )
        return Outgoing(reference, reference, payment.write(message))

    def ask_of(self, token, reference="TT1", requested_at=None):
        at = requested_at or datetime.now(UTC)
        return Order(our_reference=reference, partner_token=token, amount_vnd=50_000, requested_at=at)

    def ordered(self):
        """Make one order and return its token."""
        (address,) = payment.read(self.client().send_payment(self.order()).body)
        return address.partner_token


@pytest.fixture
def nganluong(tmp_path):
    """A Ngân Lượng of this test alone."""
    one = NganLuong(start(0, tmp_path / "nganluong", "https://hub.invalid"))
    yield one
    for client in one.clients:
        client.close()
    one.running.close()
