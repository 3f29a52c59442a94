"""The real client and VNPAY's stand-in, over sockets, with a listener in the gateway's place."""

import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from connectors.vnpay.client import open_client
from mappings.vnpay import payment, refund
from sandbox.vnpay.server import start
from truc.connections import from_airflow_json
from truc.envelope import Order, Outgoing
from truc.inbound.callbacks import Incoming
from truc.manifest import Limits
from truc.messages import PaymentRequested, RefundRequested

REQUESTED = datetime(2025, 6, 3, 2, 0, tzinfo=UTC)
AT = "2025-06-03T09:05:00+07:00"


def outgoing(reference="TT1", amount_vnd=200_000):
    message = PaymentRequested(
        our_reference=reference,
        dossier_code="H32.1-250603-0001",
        amount_vnd=amount_vnd,
        purpose="Lệ phí hồ sơ H32.1-250603-0001",
        requested_at=REQUESTED,
    )
    return Outgoing(external_id=reference, key=reference, body=payment.write(message))


def asked_about(reference="TT1", requested_at=REQUESTED):
    return Order(our_reference=reference, partner_token="", amount_vnd=200_000, requested_at=requested_at)


def refund_of(reference="R1", amount_vnd=200_000, payment_reference="TT1", requested_at=REQUESTED):
    message = RefundRequested(
        refund_reference=reference,
        our_reference=payment_reference,
        dossier_code="H32.1-250603-0001",
        partner_reference="14422574",
        paid_vnd=200_000,
        amount_vnd=amount_vnd,
        paid_at=requested_at + timedelta(minutes=5),
        payment_requested_at=requested_at,
        purpose="Trả lại lệ phí",
        requested_at=datetime(2025, 6, 4, 2, 0, tzinfo=UTC),
        requested_by="ketoan01",
    )
    return Outgoing(external_id=reference, key=payment_reference, body=refund.write(message))


class Listener:
    """Stands where the gateway is; `answers` (status, RspCode) are given first, then 200 and 00."""

    def __init__(self):
        self.got, self.answers = [], []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                path, _, query = self.path.partition("?")
                outer.got.append(Incoming("GET", path, query, {}, b""))
                status, code = outer.answers.pop(0) if outer.answers else (200, "00")
                body = json.dumps({"RspCode": code, "Message": ""}).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

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
class Vnpay:
    running: object
    listener: Listener
    clients: list = field(default_factory=list)

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

    def pay(self, *references, code="00", at=AT, notify=True, **how):
        orders = [{"reference": one, "code": code, "at": at} for one in references]
        return self.post("pay", orders=orders, notify=notify, **how)

    def opened(self, url):
        """Open the pay page as a browser does; the code of the error page, "" for none."""
        answer = requests.get(url, timeout=10, allow_redirects=False)
        return answer.headers["location"].partition("?code=")[2] if answer.status_code == 302 else ""

    def order(self, reference="TT1", amount_vnd=200_000):
        """Make an order, and open its page."""
        receipt = self.client().send_payment(outgoing(reference, amount_vnd))
        assert self.opened(json.loads(receipt.body)["payUrl"]) == ""

    def states(self):
        return {one["reference"]: one["state"] for one in self.get("payments")}

    def effects(self, operation="payment"):
        return {one["external_id"]: one["times"] for one in self.get(f"effects?operation={operation}")}

    def connection(self, **settings):
        value = dict(self.running.connection)
        value["extra"] = value["extra"] | {k: v for k, v in settings.items() if k not in value}
        value.update({k: v for k, v in settings.items() if k in value})
        return from_airflow_json("vnpay", value)

    def client(self, limits=None, **settings):
        limits = limits or Limits(timeout_s=5, connect_timeout_s=2)
        client = open_client(self.connection(**settings), limits)
        self.clients.append(client)
        return client


def play(home):
    listener = Listener()
    running = start(0, home, listener.url)
    one = Vnpay(running, listener)
    yield one
    for client in one.clients:
        client.close()
    running.close()
    listener.close()


@pytest.fixture
def vnpay(tmp_path):
    """A VNPAY of this test alone."""
    yield from play(tmp_path / "vnpay")


@pytest.fixture(scope="module")
def lasting_vnpay(tmp_path_factory):
    """One VNPAY for a table of cases that do not touch each other."""
    yield from play(tmp_path_factory.mktemp("vnpay"))


@pytest.fixture
def order():
    return outgoing


@pytest.fixture
def about():
    return asked_about


@pytest.fixture
def refunding():
    return refund_of
