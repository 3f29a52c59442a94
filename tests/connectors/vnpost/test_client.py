"""The real VNPost client against its stand-in over sockets."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.vnpost.client import Client, _last_id, open_client
from connectors.vnpost.manifest import MANIFEST
from mappings.vnpost import price, tracking
from sandbox.serve import Running
from sandbox.vnpost.server import start
from tests.connectors.vnpost.faults import EVERY_FAULT
from truc.connections import from_airflow_json
from truc.envelope import Arrival, Outgoing, Page
from truc.errors import (
    MalformedError,
    OutcomeUnknownError,
    RejectedError,
    SetupError,
    TransientError,
    TrucError,
)
from truc.messages import PostageAsked, ShipmentEvent

ORDER = json.loads((Path(__file__).parents[2] / "mappings" / "vnpost" / "order_inside.json").read_bytes())
LIMITS = replace(MANIFEST.limits, timeout_s=0.3, body_bytes_max=1_000_000)


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Running]:
    running = start(0, tmp_path, "")
    yield running
    running.close()


@pytest.fixture
def client(post: Running) -> Iterator[Client]:
    opened = open_client(from_airflow_json("vnpost", post.connection), LIMITS)
    yield opened
    opened.close()


def outgoing(number: str = "TEST-0001") -> Outgoing:
    return Outgoing(number, number, json.dumps(ORDER | {"OrderNumber": number}).encode())


def effects(post: Running, operation: str = "order") -> dict[str, int]:
    got = requests.get(f"{post.control_url}/_control/effects", {"operation": operation}, timeout=5).json()
    return {one["external_id"]: one["times"] for one in got}


def control(post: Running, call: str, **value: Any) -> None:
    requests.post(f"{post.control_url}/_control/{call}", json=value, timeout=5).raise_for_status()


def fault(post: Running, mode: str, operation: str = "order", times: int = 1) -> None:
    control(post, "faults", operation=operation, mode=mode, times=times, wait_s=1.0)


def events(pages: list[Page]) -> list[ShipmentEvent]:
    read = [event for page in pages for event in tracking.read(page.envelope.body)]
    assert all(isinstance(event, ShipmentEvent) for event in read)
    return [event for event in read if isinstance(event, ShipmentEvent)]


def test_an_order_arrives_once_with_the_accounts_code_and_district(client: Client, post: Running) -> None:
    receipt = client.send_order(outgoing())
    assert json.loads(receipt.body)["Status"] == "1"
    assert effects(post) == {"TEST-0001": 1}


def test_one_token_serves_many_calls_and_many_threads(client: Client, post: Running) -> None:
    threads = [threading.Thread(target=client.send_order, args=(outgoing(f"T-{n}"),)) for n in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(effects(post)) == 8
    assert effects(post, "token") == {"token": 1}


def test_a_refused_token_is_renewed_once_and_the_order_goes_out_once(client: Client, post: Running) -> None:
    client.send_order(outgoing("A"))
    control(post, "expire")
    client.send_order(outgoing("B"))
    assert effects(post) == {"A": 1, "B": 1}
    assert effects(post, "token") == {"token": 2}


def test_a_token_is_renewed_before_it_ends(client: Client, post: Running) -> None:
    client.send_order(outgoing("A"))
    client.token._ends_at_s = 0.0
    client.send_order(outgoing("B"))
    assert effects(post, "token") == {"token": 2}


def test_a_wrong_secret_is_a_matter_of_setup_and_is_not_shown(post: Running) -> None:
    wrong = post.connection | {"password": "wrong-made-up"}
    opened = open_client(from_airflow_json("vnpost", wrong), LIMITS)
    with pytest.raises(SetupError) as raised:
        opened.send_order(outgoing())
    assert "wrong-made-up" not in str(raised.value) + repr(opened)
    opened.close()


@pytest.mark.parametrize("name", ["host", "login", "password", "customer_code", "centre_phone"])
def test_a_missing_setting_is_named(post: Running, name: str) -> None:
    extra = {key: value for key, value in post.connection["extra"].items() if key != name}
    connection = {key: value for key, value in post.connection.items() if key != name} | {"extra": extra}
    with pytest.raises(SetupError, match=name):
        open_client(from_airflow_json("vnpost", connection), LIMITS)


def test_a_district_that_is_no_number_is_refused_at_once(post: Running) -> None:
    connection = post.connection | {"extra": post.connection["extra"] | {"district_code": "Nha Trang"}}
    with pytest.raises(SetupError, match="district_code"):
        open_client(from_airflow_json("vnpost", connection), LIMITS)


def test_a_repeated_number_is_refused_by_the_partner_and_counted(client: Client, post: Running) -> None:
    client.send_order(outgoing())
    with pytest.raises(RejectedError) as raised:
        client.send_order(outgoing())
    assert raised.value.code == "0"
    assert effects(post) == {"TEST-0001": 2}


def test_a_status_nobody_told_us_of_is_asked_about_and_not_guessed_at(client: Client, post: Running) -> None:
    control(post, "answers", body={"Status": "77", "Message": "Nguyễn Văn A"})
    with pytest.raises(OutcomeUnknownError, match="'77'") as raised:
        client.send_order(outgoing())
    assert "Nguyễn" not in str(raised.value)
    assert client.ask_order(outgoing()).arrival is Arrival.ABSENT


@EVERY_FAULT
def test_after_every_fault_asking_says_what_really_happened(
    client: Client, post: Running, mode: str, ours: type[TrucError], arrived: bool
) -> None:
    client.token.value()
    fault(post, mode)
    with pytest.raises(ours):
        client.send_order(outgoing())
    answer = client.ask_order(outgoing())
    assert answer.arrival is (Arrival.ARRIVED if arrived else Arrival.ABSENT)
    assert (answer.receipt is not None) is arrived
    if not arrived:
        client.send_order(outgoing())
    assert effects(post) == {"TEST-0001": 1}


@pytest.mark.parametrize(
    "mode", ["refuse", "unavailable", "silent_before", "garbage", "truncated", "huge", "error_after"]
)
def test_no_token_means_nothing_happened(client: Client, post: Running, mode: str) -> None:
    fault(post, mode, operation="token")
    with pytest.raises(TransientError):
        client.send_order(outgoing())
    assert effects(post) == {}


@pytest.mark.parametrize("mode", ["refuse", "unavailable", "silent_before", "truncated", "error_after"])
def test_asking_and_fetching_may_be_tried_again(client: Client, post: Running, mode: str) -> None:
    fault(post, mode, operation="tracking", times=2)
    with pytest.raises(TransientError):
        client.ask_order(outgoing())
    with pytest.raises(TransientError):
        list(client.fetch_tracking(""))


def test_asking_reads_on_past_the_first_page(client: Client) -> None:
    for number in range(101):
        client.send_order(outgoing(f"N-{number:03}"))
    assert client.ask_order(outgoing("N-100")).arrival is Arrival.ARRIVED
    assert client.ask_order(outgoing("N-101")).arrival is Arrival.ABSENT


def test_tracking_goes_on_where_it_stopped(client: Client, post: Running) -> None:
    for number in range(150):
        client.send_order(outgoing(f"N-{number:03}"))
    pages = list(client.fetch_tracking(""))
    assert [len(events([page])) for page in pages] == [100, 50]
    assert len({event.event_id for event in events(pages)}) == 150
    assert list(client.fetch_tracking(pages[-1].cursor)) == []

    control(post, "advance", orders=["N-007"], statusCode=3)
    later = list(client.fetch_tracking(pages[-1].cursor))
    assert [(event.order_number, event.state) for event in events(later)] == [("N-007", "delivered")]
    control(post, "advance", orders=["N-007"], statusCode=3)
    assert list(client.fetch_tracking(later[-1].cursor)) == []


def test_from_the_first_pages_cursor_only_the_second_page_comes(client: Client) -> None:
    for number in range(101):
        client.send_order(outgoing(f"N-{number:03}"))
    first, second = list(client.fetch_tracking(""))
    assert list(client.fetch_tracking(first.cursor)) == [second]


def test_a_page_that_cannot_be_read_is_kept_and_the_cursor_stays(client: Client, post: Running) -> None:
    client.send_order(outgoing())
    fault(post, "garbage", operation="tracking")
    (page,) = client.fetch_tracking("65a000000000000000000000")
    assert page.cursor == "65a000000000000000000000"
    with pytest.raises(MalformedError):
        list(tracking.read(page.envelope.body))


def test_a_page_over_the_limit_is_not_taken_in(client: Client, post: Running) -> None:
    fault(post, "huge", operation="tracking")
    with pytest.raises(MalformedError, match="1,000,000"):
        list(client.fetch_tracking(""))


@pytest.mark.parametrize(("receiver", "fee_vnd"), [("56", 23_000), ("79", 31_500)])
def test_the_price_is_the_tariff_inside_and_outside_the_province(client: Client, receiver: str, fee_vnd: int) -> None:
    question = PostageAsked(weight_g=100, sender_province="56", receiver_province=receiver)
    assert price.read(client.get_price(price.write(question))) == fee_vnd


def test_an_office_without_a_phone_sends_the_centres(client: Client, post: Running) -> None:
    client.send_order(Outgoing("TEST-0001", "TEST-0001", json.dumps(ORDER | {"SenderTel": ""}).encode()))
    assert effects(post) == {"TEST-0001": 1}, "the post refuses an order without SenderTel"


def test_an_order_unknown_over_a_long_holiday_is_found_by_when_it_was_sent(client: Client, post: Running) -> None:
    holiday = timedelta(days=20)
    control(post, "clock", behind_s=holiday.total_seconds() + 1800)  # their clock is half an hour behind ours
    client.send_order(outgoing())
    assert client.ask_order(outgoing()).arrival is Arrival.ABSENT, "seven days do not reach it"
    sent = replace(outgoing(), published_at=datetime.now(UTC) - holiday)
    assert client.ask_order(sent).arrival is Arrival.ARRIVED


def test_asking_reads_no_further_back_than_an_hour_before_the_send(client: Client, post: Running) -> None:
    control(post, "clock", behind_s=7200)
    client.send_order(outgoing())
    assert client.ask_order(replace(outgoing(), published_at=datetime.now(UTC))).arrival is Arrival.ABSENT
    assert client.ask_order(outgoing()).arrival is Arrival.ARRIVED


@pytest.mark.parametrize("bad", ["\ud83d", "\x00", "x", ""])
def test_a_cursor_that_is_no_object_id_is_never_taken_up(bad: str) -> None:
    good = {"_id": {"$oid": "67760f80000000000000000a"}}
    assert _last_id([good, {"_id": {"$oid": bad}}]) == "67760f80000000000000000a"
    assert _last_id([{"_id": {"$oid": bad}}]) == ""
