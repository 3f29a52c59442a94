"""The real client and ViettelPay's stand-in, over sockets, with a hub of this test alone in the gateway's place."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from connectors.viettelpay.client import open_client
from connectors.viettelpay.inbound import receive
from mappings.viettelpay import payment, refund
from sandbox.viettelpay.server import start
from truc.connections import from_airflow_json
from truc.envelope import Order, Outgoing
from truc.inbound.callbacks import Incoming, Refused, Standing
from truc.manifest import Limits
from truc.messages import PaymentRequested, RefundRequested

REQUESTED = datetime(2025, 6, 3, 2, 0, tzinfo=UTC)
REFERENCE = "P25060300000001"


def outgoing(reference=REFERENCE, amount_vnd=200_000):
    message = PaymentRequested(
        our_reference=reference,
        dossier_code="H32.1-250603-0001",
        amount_vnd=amount_vnd,
        purpose="Lệ phí hồ sơ H32.1-250603-0001",
        requested_at=REQUESTED,
    )
    return Outgoing(external_id=reference, key=reference, body=payment.write(message))


def asked_about(reference=REFERENCE):
    return Order(our_reference=reference, partner_token="", amount_vnd=200_000, requested_at=REQUESTED)


def refund_of(transaction, reference="R1", payment_reference=REFERENCE):
    message = RefundRequested(
        refund_reference=reference,
        our_reference=payment_reference,
        dossier_code="H32.1-250603-0001",
        partner_reference=transaction,
        paid_vnd=200_000,
        amount_vnd=200_000,
        payment_requested_at=REQUESTED,
        paid_at=REQUESTED,
        purpose="Trả lại lệ phí",
        requested_at=REQUESTED,
        requested_by="ketoan01",
    )
    return Outgoing(external_id=reference, key=payment_reference, body=refund.write(message))


class Hub:
    """Stands where the gateway is: verifies with the real `receive`, and answers as our order stands (`standing`)."""

    def __init__(self):
        self.got, self.reasons, self.standing, self.connection = [], [], Standing.OPEN, None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                answer = outer.answer(Incoming("POST", self.path, "", {}, body))
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, incoming):
        self.got.append(incoming)
        try:
            return receive(incoming, self.connection).answers[self.standing]
        except Refused as refused:
            self.reasons.append(refused.reason)
            return refused.answer

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Viettelpay:
    running: object
    hub: Hub
    clients: list = field(default_factory=list)

    def post(self, path, **body):
        answer = requests.post(f"{self.running.control_url}/_control/{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def get(self, path):
        return requests.get(f"{self.running.control_url}/_control/{path}", timeout=10).json()

    def fault(self, operation, mode):
        self.post("faults", operation=operation, mode=mode, times=1, wait_s=1.0)

    def insist(self, operation, *codes):
        self.post("insist", operation=operation, codes=list(codes))

    def pay(self, *references, code="00", notify=True, **how):
        orders = [{"reference": one, "code": code} for one in references or (REFERENCE,)]
        return self.post("pay", orders=orders, notify=notify, **how)

    def opened(self, url):
        """Open the pay page as a browser does; the code of the error page, "" for none."""
        answer = requests.get(url, timeout=10, allow_redirects=False)
        return answer.headers["location"].partition("?code=")[2] if answer.status_code == 302 else ""

    def pay_url(self, **settings):
        (address,) = payment.read(self.client(**settings).send_payment(outgoing()).body)
        return address.pay_url

    def order(self):
        assert self.opened(self.pay_url()) == ""

    def states(self):
        return {one["reference"]: one["state"] for one in self.get("payments")}

    def effects(self, operation="payment"):
        return {one["external_id"]: one["times"] for one in self.get(f"effects?operation={operation}")}

    def connection(self, **settings):
        value = dict(self.running.connection)
        value["extra"] = value["extra"] | {k: v for k, v in settings.items() if k not in value}
        value.update({k: v for k, v in settings.items() if k in value})
        return from_airflow_json("viettelpay", value)

    def client(self, limits=None, **settings):
        client = open_client(self.connection(**settings), limits or Limits(timeout_s=5, connect_timeout_s=2))
        self.clients.append(client)
        return client


@pytest.fixture
def viettelpay(tmp_path):
    """A ViettelPay of this test alone."""
    hub = Hub()
    running = start(0, tmp_path / "viettelpay", hub.url)
    one = Viettelpay(running, hub)
    hub.connection = one.connection()
    yield one
    for client in one.clients:
        client.close()
    running.close()
    hub.close()


@pytest.fixture
def order():
    return outgoing


@pytest.fixture
def about():
    return asked_about


@pytest.fixture
def refunding():
    return refund_of
