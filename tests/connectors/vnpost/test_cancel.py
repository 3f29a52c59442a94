"""Parcels cancelled at VNPost: the real client against the stand-in over sockets."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.vnpost.client import Client, open_client
from connectors.vnpost.manifest import MANIFEST
from mappings.vnpost import cancel
from sandbox.serve import Running
from sandbox.vnpost.server import start
from tests.connectors.vnpost.faults import EVERY_FAULT
from truc.connections import from_airflow_json
from truc.envelope import Arrival, Outgoing
from truc.errors import RejectedError, TrucError
from truc.messages import PostalCancelled

ORDER = json.loads((Path(__file__).parents[2] / "mappings" / "vnpost" / "order_inside.json").read_bytes())
LIMITS = replace(MANIFEST.limits, timeout_s=0.3, body_bytes_max=1_000_000)
WISH = PostalCancelled(order_number="TEST-0001", dossier_code="H32.1-250102-0001")
CANCEL = Outgoing("TEST-0001/cancel", "TEST-0001", cancel.write(WISH))


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Running]:
    running = start(0, tmp_path, "")
    yield running
    running.close()


@pytest.fixture
def client(post: Running) -> Iterator[Client]:
    opened = open_client(from_airflow_json("vnpost", post.connection), LIMITS)
    opened.send_order(Outgoing("TEST-0001", "TEST-0001", json.dumps(ORDER).encode()))
    yield opened
    opened.close()


def control(post: Running, call: str, **value: Any) -> None:
    requests.post(f"{post.control_url}/_control/{call}", json=value, timeout=5).raise_for_status()


def cancelled(post: Running) -> dict[str, int]:
    got = requests.get(f"{post.control_url}/_control/effects", {"operation": "cancel"}, timeout=5).json()
    return {one["external_id"]: one["times"] for one in got}


def test_an_order_is_cancelled_once(client: Client, post: Running) -> None:
    assert client.ask_cancel(CANCEL).arrival is Arrival.ABSENT, "an order that stands is not a cancelled one"
    assert json.loads(client.send_cancel(CANCEL).body)["Status"] == "1"
    assert cancelled(post) == {"TEST-0001": 1}
    assert client.ask_cancel(CANCEL).arrival is Arrival.ARRIVED


@pytest.mark.parametrize("code", [2, 3])
def test_what_a_postman_has_is_not_cancelled_any_more(client: Client, post: Running, code: int) -> None:
    control(post, "advance", orders=["TEST-0001"], statusCode=code)
    with pytest.raises(RejectedError):
        client.send_cancel(CANCEL)
    assert cancelled(post) == {}


def test_an_order_nobody_knows_is_refused(client: Client) -> None:
    with pytest.raises(RejectedError):
        client.send_cancel(replace(CANCEL, body=b'{"orderNumber": "X"}'))


@EVERY_FAULT
def test_after_every_fault_asking_says_what_really_happened(
    client: Client, post: Running, mode: str, ours: type[TrucError], arrived: bool
) -> None:
    control(post, "faults", operation="cancel", mode=mode, times=1, wait_s=1.0)
    with pytest.raises(ours):
        client.send_cancel(CANCEL)
    assert client.ask_cancel(CANCEL).arrival is (Arrival.ARRIVED if arrived else Arrival.ABSENT)
    if not arrived:
        client.send_cancel(CANCEL)
    assert cancelled(post) == {"TEST-0001": 1}
