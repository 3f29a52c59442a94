"""`truc shipments`: what a person sees of parcels, and that a cancel is done once and written down."""

from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from tests.truc.samples import MORNING
from truc.messages import ShipmentEvent
from truc.operating.shipments import shipments
from truc.services import shipments as service


@pytest.fixture
def order(office: Any, terminal: Any) -> str:
    """A parcel that was ordered, seen from a terminal."""
    terminal(office.store)
    return f"{office.receive(wants_postal_return=True)}-R1"


def types(*words: str) -> str:
    done = CliRunner().invoke(shipments, list(words))
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def collected(office: Any, order: str) -> None:
    event = ShipmentEvent(
        event_id="1",
        order_number=order,
        tracking_code="EA123456789VN",
        state="collecting",
        raw_status="2",
        occurred_at=MORNING + timedelta(hours=1),
    )
    with office.store.begin() as transaction:
        service.hear(transaction, "vnpost", event)


def test_parcels_are_counted_and_listed_by_state(office: Any, order: str) -> None:
    office.receive(wants_postal_return=True)
    collected(office, order)
    assert [line.split() for line in types("list").splitlines()] == [["collecting", "1"], ["requested", "1"]]
    [line] = types("list", "--state", "collecting").splitlines()
    assert line.split() == [
        *(order, "return", "23.000", "₫", "collecting", "since", "2026-03-04", "10:00:00", "EA123456789VN"),
    ]
    assert types("list", "--state", "delivered") == "no parcel\n"
    assert len(types("list", "--state", "requested", "--limit", "1").splitlines()) == 1


def test_one_is_shown_with_every_word_and_no_person(office: Any, order: str) -> None:
    types("cancel", order, "--reason", "comes by herself", "--actor", "hoa")
    collected(office, order)
    told = types("show", order)
    assert "the post says 2: collecting" in told
    assert "hoa wished to cancel it (comes by herself)" in told
    person = office.intake().applicant
    assert [one for one in (person.name, person.phone, person.address) if one in told] == []


def test_a_cancel_is_done_once_and_written_down_once(office: Any, order: str) -> None:
    for _ in range(2):
        assert "cancelling" in types("cancel", order, "--reason", "comes by herself", "--actor", "hoa")
    deeds = office.sql("SELECT actor, action, target FROM audit_log")
    assert [tuple(row) for row in deeds] == [("hoa", "cancel shipment", order)]
    assert len(office.sql("SELECT FROM outbox WHERE operation = 'cancel'")) == 1


def test_what_a_postman_has_is_not_cancelled_and_not_written_down(office: Any, order: str) -> None:
    collected(office, order)
    done = CliRunner().invoke(shipments, ["cancel", order, "--reason", "x", "--actor", "hoa"])
    assert "a postman has it" in str(done.exception)
    assert office.sql("SELECT FROM audit_log") == []


def test_an_unknown_one_is_named(order: str) -> None:
    done = CliRunner().invoke(shipments, ["show", "X-R1"])
    assert "no shipment 'X-R1'" in str(done.exception)
