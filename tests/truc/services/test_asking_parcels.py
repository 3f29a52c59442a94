"""Open parcels are asked about one by one, each in its turn, whatever the post, the network or the machine do."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.truc.samples import MORNING
from truc import steps
from truc.connections import Connection, from_airflow_json
from truc.errors import SetupError
from truc.exchange import inbox
from truc.services import asking_parcels, shipments
from truc.store.shipments import Cancel

YESTERDAY = datetime.now(UTC) - timedelta(days=1)  # what stands still for long is not asked about
STANDS = "SELECT order_number, state, tracking_code FROM shipments ORDER BY order_number"


@dataclass
class Desk:
    """An office whose parcels go through VNPost's stand-in, and are asked about at MyVNPost."""

    office: Any
    post: Any

    def ordered(self, times: int = 1) -> list[str]:
        """Have so many parcels that the post took."""
        codes = [self.office.receive(wants_postal_return=True) for _ in range(times)]
        steps.deliver(self.office.store, self.connection(), ("order", "cancel"))
        return [f"{code}-R1" for code in codes]

    def connection(self, **changes: str) -> Connection:
        extra = self.post.running.connection["extra"] | {"api": "my_vnpost"} | changes
        return from_airflow_json("vnpost", self.post.running.connection | {"extra": extra})

    def asks(self, connection: Connection | None = None) -> dict[str, int]:
        return steps.ask_parcels(self.office.store, connection or self.connection(), ("parcel",))

    def moves(self, number: str, status: int, hour: int = 0) -> None:
        at = f"{YESTERDAY + timedelta(hours=hour):%d/%m/%Y %H:%M:%S}"
        self.post.control("my_order", {"saleOrderCode": number, "status": status, "updatedDate": at})

    def stands(self) -> list[str]:
        return [row.state for row in self.office.sql(STANDS)]

    def events(self) -> list[str]:
        return [row.raw_status for row in self.office.sql("SELECT raw_status FROM shipment_events ORDER BY id")]


@pytest.fixture
def desk(office: Any, partner: Any) -> Desk:
    return Desk(office, partner("vnpost"))


def test_each_open_parcel_is_asked_about_once_in_a_run_and_booked(desk: Desk) -> None:
    first, second, third = desk.ordered(3)
    desk.moves(first, 10)
    desk.moves(second, 14)
    desk.moves(third, 2)
    assert desk.asks() == {"answered": 3, "unreachable": 0}
    assert desk.stands() == ["in_transit", "delivered", "collecting"]
    assert all(row.tracking_code.startswith("SB") for row in desk.office.sql(STANDS))
    assert desk.asks() == {"answered": 2, "unreachable": 0}, "what is delivered has its end"


def test_an_answer_that_says_the_same_is_kept_and_booked_once(desk: Desk) -> None:
    [number] = desk.ordered()
    desk.moves(number, 10)
    for _ in range(3):
        desk.asks()
    [kept] = desk.office.sql("SELECT external_id, seen FROM inbox_names WHERE party = 'vnpost' AND kind = 'parcel'")
    assert (kept.external_id.split("/")[0], kept.seen) == (number, 3)
    assert desk.events() == ["10"]
    desk.moves(number, 14, hour=1)
    desk.asks()
    assert (desk.events(), desk.stands()) == (["10", "14"], ["delivered"])
    assert desk.office.sql("SELECT FROM set_aside") == [], "another answer is no incident"


def test_a_run_takes_no_more_than_its_share_and_the_next_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = desk.ordered(5)
    for number in numbers:
        desk.moves(number, 10)
    monkeypatch.setattr(asking_parcels, "MOST", 2)
    turns = []
    for _ in range(3):
        before = {row.order_number: row.inquired_at for row in desk.office.sql("SELECT * FROM shipments")}
        assert desk.asks()["answered"] == 2
        after = desk.office.sql("SELECT order_number, inquired_at FROM shipments ORDER BY order_number")
        turns.append([row.order_number for row in after if row.inquired_at != before[row.order_number]])
    assert turns[:2] == [sorted(numbers)[:2], sorted(numbers)[2:4]], "those ordered first come first"
    assert sorted(numbers)[4] in turns[2], "who was not asked about yet comes before who was"


def test_what_the_post_has_not_has_ended_or_stands_still_for_long_is_not_asked_about(desk: Desk) -> None:
    for _ in range(2):
        desk.office.receive(wants_postal_return=True)
    assert desk.asks() == {"unreachable": 0}, "the post has none of them yet"
    steps.deliver(desk.office.store, desk.connection(), ("order", "cancel"))
    desk.office.sql("UPDATE shipments SET state_at = now() - interval '181 days'")
    assert desk.asks() == {"unreachable": 0}
    desk.office.sql("UPDATE shipments SET state_at = now() - interval '179 days'")
    assert desk.asks()["answered"] == 2


@pytest.mark.parametrize("mode", ["unavailable", "silent_before", "error_after", "refuse"])
def test_a_post_that_does_not_answer_stops_the_run_and_is_asked_again(desk: Desk, mode: str) -> None:
    for number in desk.ordered(4):
        desk.moves(number, 10)
    desk.post.fault(mode, operation="my_order", times=2)
    done = desk.asks()
    assert (done["unreachable"], desk.events()) == (1, ["10"] * done.get("answered", 0))
    assert done["unreached"] <= 2, "half of the party's four slots"
    for _ in range(4):
        desk.office.sql("UPDATE lines SET retry_at = now() WHERE breaker <> 'closed'")
        desk.asks()
    assert desk.stands() == ["in_transit"] * 4


def test_an_answer_that_cannot_be_read_costs_one_question_and_books_nothing(desk: Desk) -> None:
    [number] = desk.ordered()
    desk.moves(number, 10)
    desk.post.fault("garbage", operation="my_order")
    assert desk.asks() == {"unreadable": 1, "unreachable": 0}
    assert desk.events() == []
    desk.asks()
    assert desk.events() == ["10"]


def test_an_order_it_does_not_know_is_counted_and_changes_nothing(desk: Desk) -> None:
    desk.ordered()
    desk.office.sql("UPDATE shipments SET order_number = order_number || 'X'")
    assert desk.asks() == {"not_found": 1, "unreachable": 0}
    assert desk.stands() == ["ordered"]


def test_a_status_that_is_no_step_is_set_aside_once_by_name(desk: Desk) -> None:
    [number] = desk.ordered()
    desk.moves(number, 20)
    for _ in range(2):
        desk.asks()
    aside = desk.office.sql("SELECT item, reason FROM set_aside")
    assert [tuple(row) for row in aside] == [(number, "status_is_no_step")]


def test_a_run_that_dies_after_it_kept_an_answer_leaves_it_to_the_next(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    [number] = desk.ordered()
    desk.moves(number, 14)
    with monkeypatch.context() as dying:
        dying.setattr(inbox, "book_kept", lambda *_, **__: None)
        desk.asks()
    assert desk.events() == []
    desk.asks()
    assert (desk.events(), desk.stands()) == (["14"], ["delivered"])


def test_settings_the_post_refuses_end_the_run_and_leave_no_slot(desk: Desk) -> None:
    desk.ordered()
    with pytest.raises(SetupError) as caught:
        desk.asks(desk.connection(my_password="wrong-made-up"))
    assert caught.value.reason == "login_refused"
    assert desk.office.sql("SELECT FROM couriers") == []


def test_where_parcels_are_followed_by_a_feed_nobody_is_asked_and_the_step_says_so(desk: Desk) -> None:
    desk.ordered()
    with pytest.raises(SetupError) as caught:
        desk.asks(desk.connection(api="ngsp"))
    assert caught.value.reason == "not_in_use"
    assert [row.inquired_at for row in desk.office.sql("SELECT inquired_at FROM shipments")] == [None]
    steps.fetch(desk.office.store, desk.connection(api="ngsp"), ("tracking",))
    assert desk.events() == ["1"]
    with pytest.raises(SetupError) as caught:
        steps.fetch(desk.office.store, desk.connection(), ("tracking",))
    assert caught.value.reason == "not_in_use"


def test_a_cancel_of_unknown_outcome_is_settled_by_its_code_and_a_refused_one_wished_again(desk: Desk) -> None:
    """The whole way: VNPost refuses a cancel, another reason is given, and the second one is told by MyVNPost only."""
    [number] = desk.ordered()
    desk.post.control("advance", {"orders": [number], "statusCode": 2})
    assert wished(desk, number, "comes by herself", hour=1) == "refused"
    [parcel] = desk.office.sql("SELECT asked, state FROM shipments")
    assert (parcel.asked, parcel.state) == ("kept", "ordered")
    desk.post.control("advance", {"orders": [number], "statusCode": 1})
    desk.post.fault("drop_after", operation="cancel")
    desk.post.fault("unavailable", operation="tracking", times=9)
    wished(desk, number, "the address is wrong", hour=2)
    for _ in range(4):
        desk.office.sql("UPDATE outbox SET not_before = now() WHERE drawer = 0")
        desk.office.sql("UPDATE lines SET retry_at = now() WHERE breaker <> 'closed'")
        steps.deliver(desk.office.store, desk.connection(), ("order", "cancel"))
    assert desk.post.times("cancel") == {number: 1}
    assert desk.stands() == ["cancelled"]
    states = desk.office.sql("SELECT external_id, state FROM outbox WHERE operation = 'cancel' ORDER BY id")
    assert [tuple(row) for row in states] == [(f"{number}/cancel", "superseded"), (f"{number}/cancel-2", "sent")]


def wished(desk: Desk, number: str, reason: str, hour: int) -> str:
    """Wish a parcel away, deliver, and return what became of the newest cancel."""
    with desk.office.store.begin() as transaction:
        wish = Cancel(actor="Lan", reason=reason, asked_at=MORNING + timedelta(hours=hour))
        assert shipments.cancel(transaction, number, wish)
    steps.deliver(desk.office.store, desk.connection(), ("order", "cancel"))
    last = desk.office.sql("SELECT state FROM outbox WHERE operation = 'cancel' ORDER BY id DESC LIMIT 1")
    return str(last[0].state)
