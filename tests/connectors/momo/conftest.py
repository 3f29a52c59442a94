"""The real client and MoMo's stand-in, over sockets, with a listener in the gateway's place."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from connectors.momo.client import open_client
from mappings.momo import payment, refund
from sandbox.momo.server import start
from truc.connections import from_airflow_json
from truc.envelope import Order, Outgoing
from truc.inbound.callbacks import Incoming
from truc.manifest import Limits
from truc.messages import PaymentRequested, RefundRequested

AT = "2025-06-03T09:30:00+07:00"


def outgoing(reference="TT-1", amount_vnd=200_000):
    message = PaymentRequested(
        our_reference=reference,
        dossier_code="H32.1-250603-0001",
        amount_vnd=amount_vnd,
        purpose="Lệ phí hồ sơ",
        requested_at=datetime(2025, 6, 3, 2, 0, tzinfo=UTC),
    )
    return Outgoing(external_id=reference, key=reference, body=payment.write(message))


def asked_about(reference="TT-1", amount_vnd=200_000):
    return Order(
        our_reference=reference,
        partner_token="",
        amount_vnd=amount_vnd,
        requested_at=datetime(2025, 6, 3, 2, 0, tzinfo=UTC),
    )


def refund_of(trans_id, reference="TT-1-R1", amount_vnd=200_000):
    at = datetime(2025, 6, 3, 2, 0, tzinfo=UTC)
    message = RefundRequested(
        refund_reference=reference,
        our_reference="TT-1",
        dossier_code="H32.1-250603-0001",
        partner_reference=trans_id,
        paid_vnd=200_000,
        amount_vnd=amount_vnd,
        paid_at=at,
        payment_requested_at=at,
        purpose="Trả lại lệ phí",
        requested_at=at,
        requested_by="finance",
    )
    return Outgoing(external_id=reference, key="TT-1", body=refund.write(message))


class Listener:
    """Stands where the gateway is; `statuses` are answered first, then 204."""

    def __init__(self):
        self.got, self.statuses = [], []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.got.append(Incoming("POST", self.path, "", headers, body))
                self.send_response(outer.statuses.pop(0) if outer.statuses else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Momo:
    running: object
    listener: Listener

    def post(self, path, **body):
        answer = requests.post(f"{self.running.control_url}/_control/{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def get(self, path):
        return requests.get(f"{self.running.control_url}/_control/{path}", timeout=10).json()

    def fault(self, operation, mode, *, times=1, wait_s=1.0):
        self.post("faults", operation=operation, mode=mode, times=times, wait_s=wait_s)

    def insist(self, operation, *codes):
        self.post("insist", operation=operation, codes=list(codes))

    def pay(self, *references, code=0, at=AT, notify=True, **how):
        orders = [{"reference": one, "code": code, "at": at} for one in references]
        return self.post("pay", orders=orders, notify=notify, **how)

    def effects(self, operation="payment"):
        found = self.get(f"effects?operation={operation}")
        return {one["external_id"]: one["times"] for one in found}

    def connection(self, **settings):
        value = dict(self.running.connection)
        value["extra"] = value["extra"] | {k: v for k, v in settings.items() if k not in value}
        value.update({k: v for k, v in settings.items() if k in value})
        return from_airflow_json("momo", value)

    def client(self, limits=None, **settings):
        limits = limits or Limits(timeout_s=5, connect_timeout_s=2)
        client = open_client(self.connection(**settings), limits)
        self.clients.append(client)
        return client

    def __post_init__(self):
        self.clients = []


def play(home):
    listener = Listener()
    running = start(0, home, listener.url)
    one = Momo(running, listener)
    yield one
    for client in one.clients:
        client.close()
    running.close()
    listener.close()


@pytest.fixture
def momo(tmp_path):
    """A MoMo of this test alone."""
    yield from play(tmp_path / "momo")


@pytest.fixture(scope="module")
def lasting_momo(tmp_path_factory):
    """One MoMo for a table of cases that do not touch each other."""
    yield from play(tmp_path_factory.mktemp("momo"))


@pytest.fixture
def order():
    return outgoing


@pytest.fixture
def about():
    return asked_about


@pytest.fixture
def refunding():
    return refund_of
