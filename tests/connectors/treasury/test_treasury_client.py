"""The real client against the treasury's office over SFTP: orders arrive once, confirmations come whole."""

from contextlib import closing

import pytest
import requests

from connectors.treasury.client import open_client
from mappings.treasury import confirmation, remittance
from sandbox.treasury.server import start
from tests.truc import samples
from truc.connections import from_airflow_json
from truc.envelope import Arrival, Outgoing
from truc.errors import MalformedError, OutcomeUnknownError, SetupError, TransientError
from truc.manifest import Limits

AT = "2026-03-05T10:00:00+07:00"


class Treasury:
    def __init__(self, home):
        self.home = home
        self.running = start(0, home, "http://127.0.0.1:1")

    def client(self, limits=None, **settings):
        value = dict(self.running.connection)
        value["extra"] = value["extra"] | {name: one for name, one in settings.items() if name not in value}
        value.update({name: one for name, one in settings.items() if name in value})
        return open_client(from_airflow_json("treasury", value), limits or Limits(timeout_s=5, connect_timeout_s=2))

    def post(self, call, **body):
        answer = requests.post(f"{self.running.control_url}/_control/{call}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def orders(self):
        return requests.get(f"{self.running.control_url}/_control/remittances", timeout=10).json()

    def fault(self, mode, operation="remittance", wait_s=1.0):
        self.post("faults", operation=operation, mode=mode, times=1, wait_s=wait_s)


@pytest.fixture
def treasury(tmp_path):
    made = Treasury(tmp_path / "treasury")
    yield made
    made.running.close()


def order(number=1):
    message, key, external_id = samples.remittance(number)
    return Outgoing(external_id, key, remittance.write(message))


def test_an_order_arrives_as_it_was_written_and_is_taken(treasury):
    receipt = treasury.client().send_remittance(order())
    assert receipt.external_id == "NK_K26030400000001.txt"
    (taken,) = treasury.orders()
    assert (taken["reference"], taken["amount_vnd"], taken["times"]) == ("K26030400000001", 50_001, 1)
    assert (taken["agency"], taken["chapter"], taken["sub_item"]) == ("H32.01", "554", "2663")
    assert (treasury.home / "files" / "taken" / receipt.external_id).read_bytes() == order().body
    assert list((treasury.home / "files" / "orders").iterdir()) == []


@pytest.mark.parametrize(
    ("mode", "error", "arrived"),
    [
        ("silent_before", OutcomeUnknownError, False),
        ("error_before", OutcomeUnknownError, False),
        ("silent_after", OutcomeUnknownError, True),
        ("drop_after", OutcomeUnknownError, True),
        ("error_after", OutcomeUnknownError, True),
    ],
)
def test_an_order_of_unknown_fate_is_found_or_not_by_a_question(treasury, mode, error, arrived):
    treasury.fault(mode, wait_s=1.5)
    with pytest.raises(error):
        treasury.client(Limits(timeout_s=0.6, connect_timeout_s=2)).send_remittance(order())
    answer = treasury.client().ask_remittance(order())
    assert answer.arrival is (Arrival.ARRIVED if arrived else Arrival.ABSENT)
    if not arrived:
        treasury.client().send_remittance(order())
    assert [one["times"] for one in treasury.orders()] == [1]


def test_without_the_folder_of_taken_orders_nobody_can_say(treasury):
    client = treasury.client(taken_directory="")
    client.send_remittance(order())
    assert client.ask_remittance(order()).arrival is Arrival.NOT_SAID


def test_an_order_that_still_waits_is_found_there(treasury):
    (treasury.home / "files" / "orders" / "NK_K26030400000001.txt").write_bytes(order().body)
    assert treasury.client(taken_directory="").ask_remittance(order()).arrival is Arrival.ARRIVED


def test_another_file_of_that_name_is_no_arrival_and_is_not_overwritten(treasury):
    there = treasury.home / "files" / "orders" / "NK_K26030400000001.txt"
    there.write_bytes(b"another\n")
    with pytest.raises(OutcomeUnknownError):
        treasury.client().send_remittance(order())
    assert there.read_bytes() == b"another\n"
    with pytest.raises(MalformedError) as caught:
        treasury.client().ask_remittance(order())
    assert caught.value.reason == "other_content"


def test_a_name_that_leads_elsewhere_is_refused(treasury):
    with pytest.raises(MalformedError) as caught:
        treasury.client().send_remittance(Outgoing("../K1", "K1", b"x"))
    assert caught.value.reason == "bad_reference"


def test_a_folder_that_may_not_be_written_to_needs_a_person(treasury):
    with pytest.raises(SetupError) as caught:
        treasury.client(order_directory="/taken").send_remittance(order())
    assert caught.value.reason == "unauthorised"


def confirmed(client, cursor=""):
    return [(page.envelope.external_id, page.cursor) for page in client.fetch_confirmation(cursor)]


def test_confirmations_come_by_the_day_in_their_name_a_week_back(treasury):
    client = treasury.client()
    assert confirmed(client) == []
    for day in ("2026-03-05", "2026-03-01", "2026-03-20"):
        treasury.post("confirm", at=f"{day}T10:00:00+07:00", orders=[{"reference": "K1"}])
    (treasury.home / "files" / "confirmations" / "READ_ME.txt").write_text("x")
    (treasury.home / "files" / "confirmations" / "XN_20269999.txt").write_text("x")
    every = [("XN_20260301.txt", "2026-03-01"), ("XN_20260305.txt", "2026-03-05"), ("XN_20260320.txt", "2026-03-20")]
    assert confirmed(client) == every
    assert confirmed(client, "2026-03-08") == every
    assert confirmed(client, "2026-03-09") == every[1:]
    assert confirmed(client, "2026-03-20") == every[2:]


def test_a_file_put_right_is_another_envelope_of_the_same_name(treasury):
    treasury.client().send_remittance(order())
    treasury.post("confirm", at=AT, orders=[{"reference": "K26030400000001", "amount_vnd": 1}])
    (first,) = treasury.client().fetch_confirmation("")
    treasury.post("confirm", at=AT, orders=[{"reference": "K26030400000001"}])
    (second,) = treasury.client().fetch_confirmation(first.cursor)
    assert second.envelope.external_id == first.envelope.external_id
    assert second.envelope.digest != first.envelope.digest
    (said,) = confirmation.read(second.envelope.body)
    assert (said.amount_vnd, said.state) == (50_001, "confirmed")


def test_confirmations_without_their_end_mark_are_not_read(treasury):
    treasury.post("confirm", at=AT, orders=[{"reference": "K1"}])
    client = treasury.client(end_mark=".ok")
    assert confirmed(client) == []
    (treasury.home / "files" / "confirmations" / "XN_20260305.txt.ok").touch()
    assert [name for name, _ in confirmed(client)] == ["XN_20260305.txt"]


@pytest.mark.parametrize("cursor", ["x", "20260305x"])
def test_a_cursor_that_is_no_day_is_refused(treasury, cursor):
    with pytest.raises(SetupError):
        confirmed(treasury.client(), cursor)


@pytest.mark.parametrize(
    "settings",
    [
        {"order_name": "orders.txt"},
        {"order_name": "../{reference}"},
        {"order_name": "{reference}*"},
        {"confirmation_name": "XN.txt"},
        {"confirmation_name": "*{day}"},
        {"order_directory": ""},
        {"port": "ssh"},
        {"password": ""},
    ],
)
def test_settings_that_cannot_be_are_refused_at_once(treasury, settings):
    with pytest.raises(SetupError):
        treasury.client(**settings)


def test_a_treasury_that_is_not_there_is_transient(treasury):
    client = treasury.client()
    treasury.running.close()
    for call in (lambda: client.send_remittance(order()), lambda: client.ask_remittance(order()), client.probe):
        with pytest.raises(TransientError) as caught:
            call()
        assert caught.value.reason == "not_reached"


def test_the_probe_says_what_lies_there(treasury):
    with closing(treasury.client()) as client:
        assert client.probe() == "0 orders not taken yet, 0 files of confirmations"


def test_an_order_file_that_does_not_hold_is_not_taken_by_the_office(treasury):
    body = order().body.replace(b"T|1|50001", b"T|1|50002")
    treasury.client().send_remittance(Outgoing("K26030400000001", "K", body))
    assert treasury.orders() == []
    assert [one.name for one in (treasury.home / "files" / "refused").iterdir()] == ["NK_K26030400000001.txt"]
