"""Silence where the partner knows our key, batches, a connector's bugs, and a database that goes away in between."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from mappings.vnpost import order
from truc.envelope import Answer, Arrival, Outgoing, Receipt
from truc.errors import OutcomeUnknownError, RejectedError, SetupError, TransientError, TrucError
from truc.exchange import courier, outcomes
from truc.exchange.courier import Delivery
from truc.exchange.outcomes import Outcome
from truc.manifest import OutcomeClass
from truc.messages import PostalRequested
from truc.store.opened import Store, open_store


class Post:
    """A post office that knows an order by its number: the same again is answered like the first and done once.

    `plan` names what happens to the next calls: "before" (silence without an effect), "after" (with it), "away".
    """

    def __init__(self, *plan: str) -> None:
        self.plan = list(plan)
        self.bodies: dict[str, set[bytes]] = {}
        self.effects: Counter[str] = Counter()
        self.calls: list[list[str]] = []
        self.lock = threading.Lock()
        self.on_call: Callable[[], None] = lambda: None

    def send_order(self, outgoing: Outgoing) -> Receipt:
        """Take one order."""
        return self.send_order_batch([outgoing])

    def send_order_batch(self, batch: Sequence[Outgoing]) -> Receipt:
        """Take many orders, all or none."""
        with self.lock:
            self.calls.append([one.external_id for one in batch])
            planned = self.plan.pop(0) if self.plan else ""
            if planned == "away":
                raise TransientError("nobody there", reason="not_reached")
            if planned == "refused":
                raise RejectedError("one of them is wrong", reason="wrong")
            if planned == "bug":
                raise TrucError("a failure without a name")
            if planned != "before":
                for one in batch:
                    self.bodies.setdefault(one.external_id, set()).add(one.body)
                    self.effects[one.external_id] |= 1
        self.on_call()
        if planned:
            raise OutcomeUnknownError("no answer", reason="no_answer")
        return Receipt(batch[0].external_id, b"taken")

    def ask_order(self, outgoing: Outgoing) -> Answer:
        """Say whether the order is in the books."""
        if self.effects[outgoing.external_id]:
            return Answer(Arrival.ARRIVED, Receipt(outgoing.external_id, b"known"))
        return Answer(Arrival.ABSENT)

    @property
    def times(self) -> Counter[str]:
        """How often each order was handed over."""
        return Counter(name for call in self.calls for name in call)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def by_key(operation: Any) -> None:
    """Declare that VNPost knows an order by its number."""
    operation("vnpost", "order", outcome=OutcomeClass.IDEMPOTENCY_KEY)


@pytest.mark.usefixtures("by_key")
@pytest.mark.parametrize("silence", ["before", "after"])
def test_after_silence_the_same_bytes_go_again_under_the_same_name(hub: Any, silence: str) -> None:
    post, name = Post(silence, silence), hub.one_for("vnpost")
    assert _deliver(hub, post).counts == {"unknown": 2, "sent": 1}
    assert post.calls == [[name]] * 3
    assert (post.effects, [len(one) for one in post.bodies.values()]) == ({name: 1}, [1])
    [row] = hub.rows()
    assert (row.state, row.attempts, row.asks) == ("sent", 1, 2)


def test_silence_without_end_ends_with_a_person(hub: Any, limits: Any, operation: Any) -> None:
    limits(attempts_max=3)
    operation("vnpost", "order", outcome=OutcomeClass.IDEMPOTENCY_KEY)
    post = Post(*["before"] * 20)
    hub.one_for("vnpost")
    for _ in range(6):
        hub.soon()
        _deliver(hub, post)
    assert hub.states() == ["set_aside"]
    assert [reason for _, reason in hub.aside()] == ["outcome_unknown"]


def test_new_messages_go_in_batches_and_what_is_left_of_a_refused_one_goes_alone(
    hub: Any, make: Any, operation: Any
) -> None:
    operation("vnpost", "order", outcome=OutcomeClass.IDEMPOTENCY_KEY, batch_max=10)
    post = Post("refused")
    hub.publish(*(make["parcel"](number) for number in range(1, 21)))
    assert _deliver(hub, post).counts == {"unknown": 10, "sent": 20}
    assert sorted(map(len, post.calls)) == [1] * 10 + [10, 10]
    assert list(post.effects.values()) == [1] * 20
    assert hub.sql("SELECT breaker, failures FROM lines") == [("closed", 0)]


def test_a_batch_that_finds_nobody_is_one_failure_of_the_line(hub: Any, make: Any, operation: Any) -> None:
    operation("vnpost", "order", batch_max=10)
    post = Post("away")
    hub.publish(*(make["parcel"](number) for number in range(1, 11)))
    done = _deliver(hub, post)
    assert (done.counts, done.unreachable) == ({"waiting": 10, "sent": 10}, False)
    assert len(post.calls[0]) == 10
    assert hub.sql("SELECT breaker, ramp FROM lines") == [("closed", None)]


def test_a_connector_that_fails_in_a_way_nobody_foresaw_does_not_hang_the_courier(hub: Any, operation: Any) -> None:
    operation("vnpost", "order", outcome=OutcomeClass.IDEMPOTENCY_KEY)
    post, name = Post("bug"), hub.one_for("vnpost")
    assert _deliver(hub, post).counts == {"unknown": 1, "sent": 1}
    assert post.effects == {name: 1}


@pytest.mark.usefixtures("by_key")
def test_a_hand_that_breaks_ends_the_run_and_leaves_the_message_to_the_next(hub: Any) -> None:
    post, name = Post(), hub.one_for("vnpost")

    def breaks() -> None:
        raise SystemExit

    post.on_call = breaks
    with pytest.raises(SystemExit):
        _deliver(hub, post)
    assert hub.states() == ["sending"]
    assert hub.sql("SELECT FROM couriers") == []
    post.on_call = lambda: None
    hub.leases_end()
    assert _deliver(hub, post).counts == {"sent": 1}
    assert post.effects == {name: 1}


def test_a_mapping_that_asks_for_settings_costs_its_message_alone(
    hub: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.publish(make["parcel"](1), make["parcel"](2), make["parcel"](3))
    write = order.write

    def asks(message: PostalRequested) -> bytes:
        if message.order_number == make["parcel"](2)[2]:
            raise SetupError("no such district", reason="district_unknown")
        return write(message)

    monkeypatch.setattr(order, "write", asks)
    post = Post()
    assert _deliver(hub, post).counts == {"sent": 2, "set_aside": 1}
    assert hub.aside() == [(make["parcel"](2)[2], "district_unknown")]


def test_what_was_found_is_written_down_also_when_one_of_the_last_cannot_be(
    hub: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hand breaks while others still call: the end of the run writes down what they came to, one by one."""
    hub.publish(*(make["parcel"](number) for number in range(1, 5)))
    together, settle, bad = threading.Barrier(4), outcomes.settle, make["parcel"](3)[2]

    def settles(transaction: Any, found: Sequence[Outcome], **named: Any) -> None:
        if any(one.one.external_id == bad and one.became == "sent" for one in found):
            raise ValueError("a value of no use")
        settle(transaction, found, **named)

    def breaks() -> None:
        if together.wait(10) == 0:
            raise SystemExit

    post = Post()
    post.on_call = breaks
    monkeypatch.setattr(courier.outcomes, "settle", settles)
    with pytest.raises(SystemExit):
        _deliver(hub, post)
    # Four calls: one broke, and of the others one may be the one that cannot be written down.
    assert Counter(hub.states()) in (Counter(sent=3, sending=1), Counter(sent=2, sending=2))
    broke = [row.external_id for row in hub.rows() if row.state == "sending"]
    assert bad in broke
    assert hub.sql("SELECT FROM couriers") == []


@pytest.mark.parametrize("broken", ["message", "body"])
def test_one_broken_seal_sets_its_message_aside_and_the_others_go(hub: Any, make: Any, broken: str) -> None:
    hub.publish(make["parcel"](1), make["parcel"](2), make["parcel"](3))
    if broken == "body":  # which was written at a first try that found nobody
        _deliver(hub, Post(*["away"] * 50))
        hub.soon()
    column = {"message": "message_id", "body": "body_id"}[broken]
    where = f"SELECT {column} FROM outbox ORDER BY id LIMIT 1"  # noqa: S608  (ours, above)
    hub.sql(f"UPDATE kept_bodies SET sealed = sealed || '\\x00' WHERE id = ({where})")  # noqa: S608  (ours, above)
    _deliver(hub, Post())
    assert sorted(hub.states()) == ["sent", "sent", "set_aside"]
    assert [reason for _, reason in hub.aside()] == ["seal_broken"]


def test_connections_cut_in_the_middle_of_a_run_lose_and_double_nothing(hub: Any, make: Any) -> None:
    post = Post()
    hub.publish(*(make["parcel"](number) for number in range(1, 121)))
    calls, killed = itertools.count(1), []

    def cut_now_and_then() -> None:
        if next(calls) % 20 == 0:
            killed.append(_cut(hub))

    post.on_call = cut_now_and_then
    with _other_store(hub) as store:
        _deliver(hub, post, store)
    assert len(killed) == 6
    assert any(killed)
    _until_sent(hub, post)
    assert sorted(post.times.values()) == [1] * 120
    assert sum(hub.tallies().values()) == 120
    assert sorted(hub.journal()) == sorted((row.external_id, "sent") for row in hub.rows())
    assert hub.sql("SELECT FROM couriers") == []


def test_a_database_that_does_not_come_back_ends_the_run_and_nothing_more_is_sent(
    hub: Any, make: Any, limits: Any
) -> None:
    limits(concurrency=2)
    post, name, gone = Post(), hub.store.engine.url.database, threading.Event()
    hub.publish(*(make["parcel"](number) for number in range(1, 61)))

    def goes_away() -> None:
        if not gone.is_set():
            gone.set()
            _admin(hub, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            _cut(hub)
        time.sleep(0.05)

    post.on_call = goes_away
    with pytest.MonkeyPatch.context() as patched, _other_store(hub) as store:
        patched.setattr(courier, "DATABASE_WAITS_S", (0.01, 0.01))
        with pytest.raises(OperationalError):
            _deliver(hub, post, store)
    _admin(hub, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    # All sixty were in its hands. What it had not called for by then it did not call for any more.
    assert hub.states() == ["sending"] * 60
    assert len(post.calls) < 30
    post.on_call = lambda: None
    _until_sent(hub, post)
    assert sorted(post.times.values()) == [1] * 60


def _deliver(hub: Any, post: Post, store: Store | None = None) -> Delivery:
    return courier.deliver(store or hub.store, post, "vnpost", ("order",), on_receipt=lambda *_: None)


def _until_sent(hub: Any, post: Post) -> None:
    for _ in range(5):
        if set(hub.states()) == {"sent"}:
            return
        hub.leases_end()
        hub.soon()
        _deliver(hub, post)
    raise AssertionError(Counter(hub.states()))


@contextmanager
def _other_store(hub: Any) -> Iterator[Store]:
    """The same database over connections of its own."""
    opened = open_store(hub.store.engine.url.render_as_string(hide_password=False), hub.store.sealer)
    try:
        yield opened
    finally:
        opened.close()


def _cut(hub: Any) -> int:
    """End every connection to the hub's database and return how many there were."""
    cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
    return int(_admin(hub, cut, hub.store.engine.url.database)[0][0])


def _admin(hub: Any, command: str, *values: str) -> list[tuple[Any, ...]]:
    url = hub.store.engine.url.set(drivername="postgresql", database="postgres")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        done = connection.execute(command, values)  # ours, above
        return list(done) if done.description else []
