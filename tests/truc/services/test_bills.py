"""Each paid payment's own receipt of the platform is fetched once, kept, and given to who asked for the payment."""

from typing import Any

import pytest
import requests

from sandbox.national_payment import server as platform
from tests.truc.conftest import Office
from truc import steps
from truc.connections import Connection, from_airflow_json
from truc.services import bills

PARTY = "national_payment"


class Desk:
    """An office whose payments go through the platform's stand-in."""

    def __init__(self, office: Office, running: Any) -> None:
        self.office, self.running = office, running

    @property
    def connection(self) -> Connection:
        return from_airflow_json(PARTY, self.running.connection)

    def paid(self) -> str:
        """A payment that is booked as paid, today; the citizen paid it at the platform."""
        reference = self.office.order_payment(party=PARTY)
        steps.deliver(self.office.store, self.connection, ("payment",))
        self.control("pay", {"orders": [{"reference": reference}], "notify": False})
        self.office.settle(reference, party=PARTY)
        self.office.sql("UPDATE payments SET business_on = now()::date")
        return reference

    def control(self, call: str, body: object) -> None:
        requests.post(f"{self.running.control_url}/_control/{call}", json=body, timeout=30).raise_for_status()

    def asks(self) -> dict[str, int]:
        return steps.ask_payments(self.office.store, self.connection, ("query",))

    def bill(self, reference: str) -> bytes | None:
        with self.office.store.begin() as transaction:
            return bills.kept(transaction, reference)


@pytest.fixture
def desk(office: Office, tmp_path: Any) -> Any:
    running = platform.start(0, tmp_path / PARTY, "http://127.0.0.1:1")
    yield Desk(office, running)
    running.close()


def test_the_bill_of_a_paid_payment_is_fetched_and_kept_once(desk: Desk) -> None:
    reference = desk.paid()
    waiting = desk.office.order_payment(party=PARTY)
    assert desk.asks()["bill_kept"] == 1
    found = desk.bill(reference)
    assert found is not None
    assert found.startswith(b"%PDF-")
    assert reference.encode() in found
    assert "bill_kept" not in desk.asks()
    assert desk.bill(waiting) is None
    [row] = desk.office.sql("SELECT state, external_id FROM inbox WHERE kind = 'bill'")
    assert (row.state, row.external_id) == ("booked", reference)


def test_a_bill_that_the_party_does_not_give_is_tried_once_a_run_and_asked_for_again(desk: Desk) -> None:
    reference = desk.paid()
    other = desk.office.order_payment(party=PARTY)
    desk.office.settle(other, party=PARTY)
    desk.office.sql("UPDATE payments SET business_on = now()::date")
    assert {name: times for name, times in desk.asks().items() if "bill" in name} == {
        "bill_kept": 1,
        "bill_unreadable": 1,
    }
    assert desk.asks()["bill_unreadable"] == 1
    assert (desk.bill(other), desk.bill(reference) is not None) == (None, True)


def test_a_platform_that_is_away_ends_the_run_and_the_next_one_fetches(desk: Desk) -> None:
    reference = desk.paid()
    desk.control("faults", {"operation": "bill", "mode": "unavailable", "times": 1})
    assert desk.asks()["unreachable"] == 1
    desk.office.sql("UPDATE lines SET retry_at = now() WHERE breaker <> 'closed'")
    assert desk.asks()["bill_kept"] == 1
    assert desk.bill(reference)


def test_a_payment_of_long_ago_is_left(desk: Desk) -> None:
    desk.paid()
    desk.office.sql("UPDATE payments SET business_on = now()::date - 9")
    assert not [name for name in desk.asks() if "bill" in name]


def test_the_payments_of_another_party_are_left(desk: Desk) -> None:
    desk.paid()
    desk.office.sql("UPDATE payments SET party = 'momo'")
    assert not [name for name in desk.asks() if "bill" in name]
