"""Airflow in one process of its own, over a real store and every stand-in; the tests look at what it saw."""

import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.serve import start_all
from tests.databases import copied
from truc.ground.airflow_home import ALSO_SENSITIVE

REPOSITORY = Path(__file__).parents[2]
# A province uses some parties. Of these it has no connection, and of one a connection that cannot be read.
WITHOUT_CONNECTION = ("national_payment", "nganluong", "vietcombank", "vnpost")
BROKEN = "vnpay"


@pytest.fixture(scope="session")
def seen(server, tmp_path_factory):
    """What tests/dags/inside_airflow.py saw."""
    home = tmp_path_factory.mktemp("airflow")
    with copied(server) as url:
        stand_ins = start_all(home / "sandbox", "http://127.0.0.1:9")
        try:
            yield look(server, home, url, stand_ins)
        finally:
            for one in stand_ins:
                one.close()


def look(server, home, url, stand_ins):
    """Run the program and return its answer."""
    order = {
        "dags": str(REPOSITORY / "dags"),
        "control": {one.party: one.control_url for one in stand_ins},
        "provider_schema": str(provider_schema()),
    }
    (home / "order.json").write_text(json.dumps(order), encoding="utf-8")
    program = [sys.executable, str(Path(__file__).with_name("inside_airflow.py"))]
    with statsd() as (port, metrics):
        done = subprocess.run(
            [*program, str(home / "seen.json"), str(home / "order.json")],
            env=environment(server, home, url, stand_ins, port),
            cwd=home,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    found = json.loads((home / "seen.json").read_text(encoding="utf-8"))
    told = {"output": done.stdout + done.stderr, "metrics": metrics}
    return found | told | {"stand_ins": {one.party: one for one in stand_ins}}


@contextmanager
def statsd():
    """Receive what StatsD clients send inside the block: the port, and the list that the lines are added to."""
    lines = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        receiver.bind(("127.0.0.1", 0))

        def receive():
            while (packet := receiver.recv(65536)) != b"end":
                lines.extend(packet.decode().splitlines())

        receiving = threading.Thread(target=receive)
        receiving.start()
        try:
            yield receiver.getsockname()[1], lines
        finally:  # loopback keeps the order, so what was sent before is in
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"end", receiver.getsockname())
            receiving.join(30)


def environment(server, home, url, stand_ins, statsd_port):
    """Airflow on SQLite in a home of its own; the hub on the store of this test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "TRUC_"))}
    known = {one.party: json.dumps(one.connection) for one in stand_ins if one.party not in WITHOUT_CONNECTION}
    connections = {f"AIRFLOW_CONN_{party.upper()}": text for party, text in (known | {BROKEN: "{"}).items()}
    return {
        **kept,
        **connections,
        "PYTHONPATH": str(REPOSITORY),
        "TRUC_HOME": str(server.root),
        "TRUC_DATABASE_URL": url,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__DEFAULT_TIMEZONE": "Asia/Ho_Chi_Minh",
        "AIRFLOW__CORE__SENSITIVE_VAR_CONN_NAMES": ALSO_SENSITIVE,
        "AIRFLOW__METRICS__STATSD_ON": "True",
        "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
        "AIRFLOW__METRICS__STATSD_PORT": str(statsd_port),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__OPENLINEAGE__DISABLED": "True",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


def provider_schema():
    """Where Airflow keeps the schema of a provider's form, found without importing Airflow here."""
    [found] = Path(sys.prefix).glob("lib/python*/site-packages/airflow/provider_info.schema.json")
    return found
