"""Orders asked about at MyVNPost by code: the real client against the stand-in over sockets."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.vnpost import my_vnpost
from connectors.vnpost.client import Client, open_client
from connectors.vnpost.manifest import MANIFEST
from mappings.vnpost import cancel, parcel
from mappings.vnpost.status import MY_VNPOST, MY_VNPOST_OLDER
from sandbox.serve import Running
from sandbox.vnpost.server import start
from truc.connections import from_airflow_json
from truc.envelope import Arrival, Outgoing
from truc.errors import MalformedError, OutcomeUnknownError, RejectedError, SetupError, TransientError, TrucError
from truc.messages import PostalCancelled, ShipmentEvent

ORDER = json.loads((Path(__file__).parents[2] / "mappings" / "vnpost" / "order_inside.json").read_bytes())
LIMITS = replace(MANIFEST.limits, timeout_s=0.3, body_bytes_max=1_000_000)
Opened = Callable[..., Client]


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Running]:
    running = start(0, tmp_path, "")
    yield running
    running.close()


@pytest.fixture
def opened(post: Running) -> Iterator[Opened]:
    clients: list[Client] = []

    def open_one(**changes: str) -> Client:
        extra = post.connection["extra"] | {"api": "my_vnpost"} | changes
        clients.append(open_client(from_airflow_json("vnpost", post.connection | {"extra": extra}), LIMITS))
        return clients[-1]

    yield open_one
    for one in clients:
        one.close()


def outgoing(number: str = "TEST-0001") -> Outgoing:
    return Outgoing(number, number, json.dumps(ORDER | {"OrderNumber": number}).encode())


def control(post: Running, call: str, **value: Any) -> None:
    requests.post(f"{post.control_url}/_control/{call}", json=value, timeout=5).raise_for_status()


def fault(post: Running, mode: str, operation: str, times: int = 1) -> None:
    control(post, "faults", operation=operation, mode=mode, times=times, wait_s=1.0)


def effects(post: Running, operation: str) -> dict[str, int]:
    got = requests.get(f"{post.control_url}/_control/effects", {"operation": operation}, timeout=5).json()
    return {one["external_id"]: one["times"] for one in got}


def test_an_order_is_asked_about_by_code_and_tracking_is_left_alone(opened: Opened, post: Running) -> None:
    client = opened()
    fault(post, "unavailable", "tracking")
    assert client.ask_order(outgoing()).arrival is Arrival.ABSENT
    client.send_order(outgoing())
    answer = client.ask_order(outgoing())
    assert answer.arrival is Arrival.ARRIVED
    assert answer.receipt is not None
    assert json.loads(answer.receipt.body)["results"][0]["saleOrderCode"] == "TEST-0001"


@pytest.mark.parametrize(
    ("mode", "arrived"),
    [("refuse", False), ("silent_before", False), ("drop_after", True), ("error_after", True), ("truncated", True)],
)
def test_after_a_fault_asking_by_code_says_what_really_happened(
    opened: Opened, post: Running, mode: str, arrived: bool
) -> None:
    client = opened()
    client.token.value()
    fault(post, mode, "order")
    with pytest.raises(OutcomeUnknownError):
        client.send_order(outgoing())
    assert client.ask_order(outgoing()).arrival is (Arrival.ARRIVED if arrived else Arrival.ABSENT)


@pytest.mark.parametrize("form", ["object", "list"])
@pytest.mark.parametrize("prefix", ["", "/customer-partner"])
def test_both_forms_and_both_kinds_of_path_are_taken(opened: Opened, post: Running, prefix: str, form: str) -> None:
    control(post, "my_form", form=form)
    control(post, "my_paths", prefix=prefix)
    client = opened(my_prefix=prefix)
    client.send_order(outgoing())
    control(post, "my_order", saleOrderCode="TEST-0001", status=14, updatedDate="05/03/2026 08:15:00")
    [event] = parcel.read(client.get_parcel("TEST-0001"))
    assert isinstance(event, ShipmentEvent)
    assert (event.state, event.raw_status) == ("delivered", "14")
    assert event.occurred_at.isoformat() == "2026-03-05T08:15:00+07:00"


def test_a_wrong_prefix_is_refused_and_not_guessed_at(opened: Opened) -> None:
    with pytest.raises(RejectedError) as raised:
        opened(my_prefix="/other").get_parcel("TEST-0001")
    assert raised.value.reason == "http_refused"


def test_an_order_of_this_code_of_another_sender_is_not_ours(opened: Opened, post: Running) -> None:
    client = opened()
    control(post, "my_order", saleOrderCode="TEST-0001", senderCode="SOMEBODY")
    assert client.ask_order(outgoing()).arrival is Arrival.ABSENT
    with pytest.raises(RejectedError) as raised:
        client.get_parcel("TEST-0001")
    assert raised.value.reason == "not_found"
    client.send_order(outgoing())
    found = client.get_parcel("TEST-0001")
    assert len(json.loads(json.loads(found)["answer"])["results"]) == 2
    [event] = parcel.read(found)
    assert isinstance(event, ShipmentEvent)


def wish(number: str = "TEST-0001") -> Outgoing:
    body = cancel.write(PostalCancelled(order_number=number, dossier_code="H32.1-250102-0001"))
    return Outgoing(f"{number}/cancel", number, body)


def test_a_cancel_is_asked_about_by_code_too_and_tracking_is_left_alone(opened: Opened, post: Running) -> None:
    client = opened()
    fault(post, "unavailable", "tracking")
    assert client.ask_cancel(wish()).arrival is Arrival.ABSENT, "an order nobody knows"
    client.send_order(outgoing())
    assert client.ask_cancel(wish()).arrival is Arrival.ABSENT, "an order that stands is not a cancelled one"
    client.send_cancel(wish())
    assert client.ask_cancel(wish()).arrival is Arrival.ARRIVED


@pytest.mark.parametrize(("mode", "arrived"), [("silent_before", False), ("drop_after", True), ("error_after", True)])
def test_after_a_fault_asking_by_code_says_whether_it_is_cancelled(
    opened: Opened, post: Running, mode: str, arrived: bool
) -> None:
    client = opened()
    client.send_order(outgoing())
    fault(post, mode, "cancel")
    with pytest.raises(OutcomeUnknownError):
        client.send_cancel(wish())
    assert client.ask_cancel(wish()).arrival is (Arrival.ARRIVED if arrived else Arrival.ABSENT)


def test_cancelled_is_what_the_mapping_reads_as_cancelled_and_nothing_else(opened: Opened, post: Running) -> None:
    client = opened()
    scales = MY_VNPOST_OLDER | MY_VNPOST
    for code, word in scales.items():
        control(post, "my_order", saleOrderCode="TEST-0001", status=int(code))
        arrived = client.ask_cancel(wish()).arrival is Arrival.ARRIVED
        assert arrived is (word == "cancelled"), code
    assert {code for code, word in scales.items() if word == "cancelled"} == my_vnpost.CANCELLED


def test_anothers_cancelled_order_of_the_code_is_not_ours(opened: Opened, post: Running) -> None:
    client = opened()
    client.send_order(outgoing())
    control(post, "my_order", saleOrderCode="TEST-0001", senderCode="SOMEBODY", status=9)
    assert client.ask_cancel(wish()).arrival is Arrival.ABSENT
    client.send_cancel(wish())
    control(post, "my_order", saleOrderCode="TEST-0001", senderCode="SOMEBODY", status=14)
    assert client.ask_cancel(wish()).arrival is Arrival.ARRIVED, "whatever becomes of another's"


def test_an_answer_about_another_code_is_not_ours(opened: Opened, post: Running) -> None:
    client = opened()
    control(post, "my_order", saleOrderCode="OTHER", itemCode="TEST-0001")
    assert client.ask_order(outgoing()).arrival is Arrival.ARRIVED, "a code may be VNPost's own"
    control(post, "my_order", saleOrderCode="OTHER", itemCode="X")
    control(post, "my_strays")
    assert client.ask_order(outgoing()).arrival is Arrival.ABSENT


def test_a_refused_token_is_renewed_once(opened: Opened, post: Running) -> None:
    client = opened()
    client.ask_order(outgoing())
    control(post, "my_expire")
    client.ask_order(outgoing())
    client.ask_order(outgoing())
    assert effects(post, "my_token") == {"token": 2}


def test_one_login_serves_many_threads(opened: Opened, post: Running) -> None:
    client = opened()
    threads = [threading.Thread(target=client.ask_order, args=(outgoing(f"T-{n}"),)) for n in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert effects(post, "my_token") == {"token": 1}


def test_429_backs_off_for_as_long_as_it_says(opened: Opened, post: Running) -> None:
    client = opened()
    client.ask_order(outgoing())
    control(post, "my_busy", times=1, wait_s=7)
    with pytest.raises(TransientError) as raised:
        client.ask_order(outgoing())
    assert (raised.value.reason, raised.value.retry_after_s) == ("asked_to_wait", 7)
    assert client.ask_order(outgoing()).arrival is Arrival.ABSENT


@pytest.mark.parametrize("operation", ["my_token", "my_order"])
@pytest.mark.parametrize(
    ("mode", "ours"),
    [
        ("refuse", TransientError),
        ("unavailable", TransientError),
        ("silent_before", TransientError),
        ("error_before", TransientError),
        ("silent_after", TransientError),
        ("drop_after", TransientError),
        ("error_after", TransientError),
        ("truncated", TransientError),
        ("slow", TransientError),
        ("huge", MalformedError),
    ],
)
def test_a_question_that_failed_may_be_asked_again(
    opened: Opened, post: Running, operation: str, mode: str, ours: type[TrucError]
) -> None:
    client = opened()
    client.send_order(outgoing())
    fault(post, mode, operation)
    with pytest.raises(ours):
        client.ask_order(outgoing())
    assert client.ask_order(outgoing()).arrival is Arrival.ARRIVED


def test_garbage_is_no_answer(opened: Opened, post: Running) -> None:
    client = opened()
    fault(post, "garbage", "my_token")
    with pytest.raises(TransientError):
        client.ask_order(outgoing())
    fault(post, "garbage", "my_order")
    with pytest.raises(MalformedError):
        client.ask_order(outgoing())


def test_a_wrong_password_is_a_matter_of_setup_and_is_not_shown(opened: Opened) -> None:
    client = opened(my_password="wrong-made-up")
    with pytest.raises(SetupError) as raised:
        client.ask_order(outgoing())
    assert raised.value.reason == "login_refused"
    assert "wrong-made-up" not in str(raised.value) + repr(client)


def test_a_token_is_not_printed(opened: Opened) -> None:
    client = opened()
    client.ask_order(outgoing())
    assert client.asks is not None
    assert client.asks._token
    assert client.asks._token not in repr(client)


@pytest.mark.parametrize("name", ["my_host", "my_login", "my_password"])
def test_a_missing_setting_is_named(opened: Opened, name: str) -> None:
    with pytest.raises(SetupError, match=name):
        opened(**{name: ""})


@pytest.mark.parametrize(("name", "value"), [("api", "donhang"), ("my_prefix", "customer"), ("my_prefix", "/a/")])
def test_a_setting_that_cannot_be_is_named(opened: Opened, name: str, value: str) -> None:
    with pytest.raises(SetupError, match=name):
        opened(**{name: value})


def test_without_the_setting_nobody_is_asked_by_code(opened: Opened, post: Running) -> None:
    client = opened(api="ngsp")
    client.send_order(outgoing())
    assert client.ask_order(outgoing()).arrival is Arrival.ARRIVED
    with pytest.raises(SetupError) as raised:
        client.get_parcel("TEST-0001")
    assert raised.value.reason == "not_in_use"
    assert effects(post, "my_token") == {}


def test_with_the_setting_no_tracking_is_fetched(opened: Opened) -> None:
    with pytest.raises(SetupError) as raised:
        next(opened().fetch_tracking(""))
    assert raised.value.reason == "not_in_use"


def test_an_answer_is_waited_for_and_taken_in_as_the_seen_clients_do(post: Running) -> None:
    connection = from_airflow_json("vnpost", post.connection)
    account = my_vnpost.opened(connection, MANIFEST.limits)
    pressed = account.rest._limits
    account.close()
    assert (pressed.timeout_s, pressed.body_bytes_max) == (15.0, 1024 * 1024)
