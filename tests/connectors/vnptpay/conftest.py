"""The real client and the stand-in of VNPT's gateway, over sockets, with a hub of this test alone in our place."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from connectors.vnptpay.client import open_client
from connectors.vnptpay.inbound import receive
from mappings.vnptpay import payment
from sandbox.vnptpay.server import start
from truc.connections import from_airflow_json
from truc.envelope import Outgoing
from truc.inbound.callbacks import Incoming, Refused
from truc.manifest import Limits
from truc.messages import PaymentRequested

REFERENCE = "P25060300000001"


def outgoing(reference=REFERENCE, amount_vnd=200_000):
    message = PaymentRequested(
        our_reference=reference,
        dossier_code="H32.1-250603-0001",
        amount_vnd=amount_vnd,
        purpose="Lệ phí hồ sơ",
        requested_at=datetime(2025, 6, 3, 2, 0, tzinfo=UTC),
    )
    return Outgoing(external_id=reference, key=reference, body=payment.write(message))


class Hub:
    """Stands where the gateway is: verifies with the real `receive`, and answers what it says."""

    def __init__(self):
        self.got, self.kept, self.reasons, self.connection = [], [], [], None
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
            received = receive(incoming, self.connection)
        except Refused as refused:
            self.reasons.append(refused.reason)
            return refused.answer
        self.kept.append(received.envelope)
        return received.answer

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Vnptpay:
    running: object
    hub: Hub
    clients: list = field(default_factory=list)

    def post(self, path, **body):
        answer = requests.post(f"{self.running.control_url}/_control/{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def get(self, path):
        return requests.get(f"{self.running.control_url}/_control/{path}", timeout=10).json()

    def insist(self, *codes):
        self.post("insist", operation="create", codes=list(codes))

    def pay(self, code="", **how):
        return self.post("pay", orders=[{"reference": REFERENCE, "code": code}], **how)

    def pay_url(self, **settings):
        (address,) = payment.read(self.client(**settings).send_payment(outgoing()).body)
        return address.pay_url

    def opened(self, url):
        """Open the address as a browser does; the code of the error page, "" for none."""
        answer = requests.get(url, timeout=10, allow_redirects=False)
        return answer.headers["location"].partition("?code=")[2] if answer.status_code == 302 else ""

    def states(self):
        return {one["reference"]: one["state"] for one in self.get("payments")}

    def effects(self):
        return {one["external_id"]: one["times"] for one in self.get("effects?operation=payment")}

    def connection(self, **settings):
        value = dict(self.running.connection)
        value["extra"] = value["extra"] | {k: v for k, v in settings.items() if k not in value}
        value.update({k: v for k, v in settings.items() if k in value})
        return from_airflow_json("vnptpay", value)

    def client(self, limits=None, **settings):
        client = open_client(self.connection(**settings), limits or Limits(timeout_s=5, connect_timeout_s=2))
        self.clients.append(client)
        return client


@pytest.fixture
def vnptpay(tmp_path):
    """A gateway of VNPT of this test alone."""
    hub = Hub()
    running = start(0, tmp_path / "vnptpay", hub.url)
    one = Vnptpay(running, hub)
    hub.connection = one.connection()
    yield one
    for client in one.clients:
        client.close()
    running.close()
    hub.close()


@pytest.fixture
def order():
    return outgoing
