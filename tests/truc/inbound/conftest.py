"""The real gateway on a real socket, over a real store, with MoMo's stand-in calling back."""

import json
import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest
import requests
from sqlalchemy import select

from sandbox.momo import server as momo
from sandbox.serve import Running
from tests.databases import copied
from truc import connections
from truc.inbound import serving as gateway_serving
from truc.inbound.app import create_app
from truc.inbound.clients import ensure_client
from truc.inbound.guard import CALLS, Pace
from truc.store.opened import Store, open_hub_store

CLIENT = "one-stop"


@dataclass
class Gateway:
    """Where it listens, the key of a client it knows, its store, and the wallet it knows."""

    url: str
    key: str
    store: Store
    momo: Running
    app: object = None

    def post(self, path, value=None, *, key=None, **how):
        body = how.pop("data", None) if value is None else json.dumps(value).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key or self.key}"}
        headers |= how.pop("headers", {})
        return requests.post(f"{self.url}{path}", data=body, headers=headers, timeout=30, **how)

    def rows(self, table):
        """Every row, in order of id where the table has one."""
        query = select(table).order_by(table.c.id) if "id" in table.c else select(table)
        with self.store.begin() as transaction:
            return transaction.sql.execute(query).all()

    def told(self, path, value=None):
        """Call a control of the wallet."""
        answer = requests.post(f"{self.momo.control_url}/_control/{path}", json=value, timeout=30)
        answer.raise_for_status()
        return answer.json()

    @property
    def wallet(self):
        return connections.read("momo")


def serving(app):
    """Serve `app` in a thread and return (server, thread); its address is that of `listening`."""
    server, listening = gateway_serving.server(app), gateway_serving.listen("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    return server, thread, f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture(scope="module")
def closed_gateway(server):
    """A gateway whose store does not answer: what it says, it says before it looks there."""
    here = replace(server, external_hub_url="postgresql://nobody@127.0.0.1:1/nothing")
    serves, thread, address = serving(create_app(here))
    yield Gateway(address, ensure_client(here.secrets, CLIENT), None, None)
    serves.should_exit = True
    thread.join(timeout=20)


@contextmanager
def opened_gateway(server, url, home, *, pace=CALLS):
    """A gateway over the database at `url`, with a wallet of its own."""
    here = replace(server, external_hub_url=url)
    app = create_app(here, pace=pace)
    serves, thread, address = serving(app)
    wallet = momo.start(0, home / "momo", address)
    known = home / "connections.json"
    known.write_text(json.dumps({"momo": wallet.connection}), encoding="utf-8")
    store = open_hub_store(here)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRUC_CONNECTIONS_FILE", str(known))
        patch.delenv("AIRFLOW_CONN_MOMO", raising=False)
        try:
            yield Gateway(address, ensure_client(here.secrets, CLIENT), store, wallet, app)
        finally:
            serves.should_exit = True
            thread.join(timeout=20)
            wallet.close()
            store.close()


@pytest.fixture
def gateway(server, store, tmp_path):
    """A gateway of this test alone."""
    with opened_gateway(server, store.engine.url.render_as_string(hide_password=False), tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def module_gateway(server, tmp_path_factory):
    """One gateway for the tests of a module, over a store without a catalogue: nothing can be booked there."""
    home = tmp_path_factory.mktemp("gateway")
    # Generated calls come faster than any partner's.
    pace = Pace(per_s=1e6, burst=10**6)
    with copied(server) as url, opened_gateway(server, url, home, pace=pace) as opened:
        yield opened


@pytest.fixture(autouse=True)
def every_word(caplog):
    """Whatever is logged can be looked at."""
    caplog.set_level(logging.DEBUG)


def dossier(reference="R-1", **other):
    """A counter dossier that is well formed."""
    return {
        "reference": reference,
        "procedure_code": "1.013831",
        "agency_code": "H32.06",
        "channel": "counter",
        "applicant": {
            "name": "Nguyễn Thị Ánh Nguyệt",
            "personal_id": "056190000123",
            "phone": "0905123456",
            "address": "12 Trần Phú",
            "province_code": "56",
        },
        "received_at": "2026-03-03T08:30:00+07:00",
    } | other


def status(code, number, hour=9, **other):
    """A status change that is well formed."""
    return {
        "dossier_code": code,
        "status": number,
        "changed_at": f"2026-03-03T{hour:02}:00:00+07:00",
        "officer_name": "Lê Văn Phúc",
    } | other


def payment(code, reference="P-1", **other):
    """A payment request that is well formed."""
    return {
        "reference": reference,
        "dossier_code": code,
        "party": "momo",
        "amount_vnd": 250_000,
        "requested_at": "2026-03-03T10:00:00+07:00",
    } | other


def cancel(**other):
    """A wish to cancel a parcel that is well formed."""
    return {
        "requested_at": "2026-03-04T10:00:00+07:00",
        "requested_by": "Lê Văn Phúc",
        "because": "Nhận tại quầy",
    } | other


def refund(reference="F-1", **other):
    """A refund request that is well formed."""
    return {
        "reference": reference,
        "amount_vnd": 50_000,
        "requested_at": "2026-03-04T10:00:00+07:00",
        "requested_by": "Lê Văn Phúc",
        "because": "Thu nhầm",
    } | other
