"""Parcels stand where the latest word of the post has them, however its words arrive."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from truc.errors import MalformedError
from truc.messages import ShipmentEvent
from truc.store import shipments

MORNING = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
COURSE: list[Literal["ordered", "collecting", "in_transit", "delivered"]] = [
    "ordered",
    "collecting",
    "in_transit",
    "delivered",
]


@pytest.fixture
def order(office: Any) -> str:
    """A return by post that was ordered."""
    office.receive(wants_postal_return=True)
    return str(office.sql("SELECT order_number FROM shipments")[0].order_number)


def test_each_event_is_booked_once(office: Any, order: str) -> None:
    event = _event(order, 1)
    assert [_book(office, event), _book(office, event)] == [True, False]
    assert len(office.sql("SELECT FROM shipment_events")) == 1
    assert _standing(office, order) == ("collecting", MORNING + timedelta(hours=1))


def test_one_event_told_by_many_at_once_is_one(office: Any, order: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        new = list(pool.map(lambda _: _book(office, _event(order, 1)), range(8)))
    assert sorted(new) == [False] * 7 + [True]


def test_a_late_event_is_kept_and_changes_nothing(office: Any, order: str) -> None:
    assert _book(office, _event(order, 3))
    assert _book(office, _event(order, 1))
    assert _standing(office, order) == ("delivered", MORNING + timedelta(hours=3))
    assert len(office.sql("SELECT FROM shipment_events")) == 2


def test_an_event_from_before_our_own_clock_still_counts_as_the_first_word(office: Any, order: str) -> None:
    # The post's clock may be behind ours: its first word must not be lost for that.
    assert _book(office, _event(order, -1))
    assert _standing(office, order)[0] == "ordered"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrival=st.permutations([0, 1, 2, 3, 3, 1]))
def test_any_order_of_arrival_ends_at_the_last_step(office: Any, arrival: list[int]) -> None:
    code = office.receive(wants_postal_return=True)
    for number in arrival:
        _book(office, _event(f"{code}-R1", number))
    assert _standing(office, f"{code}-R1") == ("delivered", MORNING + timedelta(hours=3))


def test_a_tracking_code_once_given_is_not_lost(office: Any, order: str) -> None:
    _book(office, _event(order, 0, tracking_code="EA123456789VN"))
    _book(office, _event(order, 1))
    assert office.sql("SELECT tracking_code FROM shipments")[0].tracking_code == "EA123456789VN"


def test_a_parcel_of_nobody_is_named(office: Any) -> None:
    with pytest.raises(MalformedError, match="X-R1") as caught:
        _book(office, _event("X-R1", 0))
    assert caught.value.reason == "unknown_shipment"
    assert office.sql("SELECT FROM shipment_events") == []


def _event(order: str, number: int, **changes: Any) -> ShipmentEvent:
    event = ShipmentEvent(
        event_id=f"{order}/{number}",
        order_number=order,
        tracking_code="",
        state=COURSE[max(number, 0)],
        raw_status=str(number),
        occurred_at=MORNING + timedelta(hours=number),
    )
    return event.model_copy(update=changes)


def _book(office: Any, event: ShipmentEvent) -> bool:
    with office.store.begin() as transaction:
        return shipments.book_event(transaction, event)


def _standing(office: Any, order: str) -> tuple[str, datetime]:
    row = office.sql("SELECT state, state_at FROM shipments WHERE order_number = :order", order=order)[0]
    return row.state, row.state_at
