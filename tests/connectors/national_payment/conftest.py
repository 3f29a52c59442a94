"""The real client and the platform's stand-in, over sockets, with the connector's inbound in the gateway's place."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from connectors.national_payment import inbound
from connectors.national_payment.client import open_client
from mappings.national_payment import payment
from sandbox.national_payment.server import start
from truc.connections import from_airflow_json
from truc.domain.payment_kinds import FeeDetails, FineDetails, Payer, TaxDetails
from truc.envelope import Order, Outgoing
from truc.inbound.callbacks import Incoming, Refused, Standing
from truc.manifest import Limits
from truc.messages import PaymentRequested

REQUESTED = datetime(2025, 6, 3, 6, 5, tzinfo=UTC)
AT = "2025-06-03T13:10:00+07:00"
PAYER = Payer(name="Nguyễn Văn A")
FEES = FeeDetails(
    payer=PAYER,
    dossier_code="H32.1-250603-0001",
    procedure_code="1.001",
    procedure_name="Đăng ký",
    collecting_code="H32.1",
    collecting_name="Sở A",
)
FINE = FineDetails(
    payer=PAYER,
    decision_number="12/QĐ",
    decided_on="2025-06-01",
    deciding_code="C08",
    deciding_name="Phòng CSGT",
    form_code="GT",
    form_name="Giao thông",
    offender_name="Trần B",
    treasury="KBNN",
    budget_account="7111",
)
TAX = TaxDetails(
    payer=PAYER,
    tax_code="4200000001",
    taxpayer="person",
    obligation_code="ID123",
    collecting_code="1054",
    collecting_name="Thuế tỉnh",
)
DETAILS = {"fees": FEES, "fine": FINE, "tax": TAX, "none": None}


def outgoing(reference="TT1", amount_vnd=200_000, kind="fees"):
    message = PaymentRequested(
        our_reference=reference,
        dossier_code="H32.1-250603-0001",
        amount_vnd=amount_vnd,
        purpose="Phí hồ sơ",
        requested_at=REQUESTED,
        details=DETAILS[kind],
    )
    return Outgoing(external_id=reference, key=reference, body=payment.write(message))


def asked_about(reference="TT1", requested_at=REQUESTED):
    return Order(our_reference=reference, partner_token="", amount_vnd=200_000, requested_at=requested_at)


class Listener:
    """Stands where the gateway is: answers as inbound.py says for the standing that is set."""

    def __init__(self):
        self.got, self.standing, self.connection = [], Standing.OPEN, None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                call = Incoming("POST", self.path, "", {}, body)
                outer.got.append(call)
                try:
                    answer = inbound.receive(call, outer.connection).answers[outer.standing]
                except Refused as refused:
                    answer = refused.answer
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

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Platform:
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

    def effects(self):
        return {one["external_id"]: one["times"] for one in self.get("effects?operation=payment")}

    def connection(self, **settings):
        value = dict(self.running.connection)
        value["extra"] = value["extra"] | {k: v for k, v in settings.items() if k not in value}
        value.update({k: v for k, v in settings.items() if k in value})
        return from_airflow_json("national_payment", value)

    def client(self, limits=None, **settings):
        limits = limits or Limits(timeout_s=5, connect_timeout_s=2)
        client = open_client(self.connection(**settings), limits)
        self.clients.append(client)
        return client


def play(home):
    listener = Listener()
    running = start(0, home, listener.url)
    one = Platform(running, listener)
    listener.connection = one.connection()
    yield one
    for client in one.clients:
        client.close()
    running.close()
    listener.close()


@pytest.fixture
def platform(tmp_path):
    """A platform of this test alone."""
    yield from play(tmp_path / "national_payment")


@pytest.fixture(scope="module")
def lasting_platform(tmp_path_factory):
    """One platform for a table of cases that do not touch each other."""
    yield from play(tmp_path_factory.mktemp("national_payment"))


@pytest.fixture
def order():
    return outgoing


@pytest.fixture
def about():
    return asked_about
