"""Whatever partner, network or machine do, a payment that waits is asked about until it has an end, or is in doubt."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truc import parties, steps
from truc.connections import Connection
from truc.errors import SetupError
from truc.exchange import bodies, inbox, outbox
from truc.manifest import Capability, Manifest, PaymentTerms, Pipeline
from truc.operating import correct
from truc.operating.audit import Order
from truc.services import ask_schedule, asking, question_runs

AT = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
TERMS = PaymentTerms(lives_s=900, ask_after_s=(60, 300), refunds="partial")


@dataclass
class Desk:
    """An office whose payments go through MoMo's stand-in."""

    office: Any
    momo: Any

    def ordered(self) -> str:
        reference: str = self.office.order_payment()
        steps.deliver(self.office.store, self.momo.connection, ("payment",))
        return reference

    def asks(self, connection: Connection | None = None) -> dict[str, int]:
        self.due()
        return steps.ask_payments(self.office.store, connection or self.momo.connection, ("query",))

    def due(self) -> None:
        """Let the time of every question come, and of every open breaker."""
        self.office.sql("UPDATE payments SET next_ask_at = now() WHERE next_ask_at IS NOT NULL")
        self.office.sql("UPDATE lines SET retry_at = now() WHERE breaker <> 'closed'")

    def hours_pass(self) -> None:
        self.office.sql("UPDATE payments SET asking_since = asking_since - interval '5 hours'")

    def citizen(self, reference: str, code: int = 0) -> None:
        self.momo.control("pay", {"orders": [{"reference": reference, "code": code}], "notify": False})

    def row(self) -> Any:
        [row] = self.office.sql("SELECT *, next_ask_at - asking_since AS due_after FROM payments")
        return row


@pytest.fixture
def desk(office: Any, partner: Any, monkeypatch: pytest.MonkeyPatch) -> Desk:
    declared = parties.manifest  # with the limits of the tests

    def manifest(party: str) -> Manifest:
        found = declared(party)
        if party != "momo":
            return found
        asking_too = Pipeline(dag_id="a", does="ask_payments", of=("query",), schedule="", title="", title_vi="")
        return replace(found, payments=TERMS, pipelines=(*found.pipelines, asking_too))

    there = partner("momo")
    monkeypatch.setattr(parties, "manifest", manifest)
    return Desk(office, there)


@given(
    lives_s=st.integers(60, 4_000),
    steps_s=st.lists(st.integers(1, 900), max_size=5, unique=True).map(sorted),
    settle_s=st.floats(0, 120),
    answered_after_s=st.floats(0, 700),
)
def test_every_schedule_moves_on_and_ends_after_the_order_can_no_more_be_paid(
    lives_s: int, steps_s: list[int], settle_s: float, answered_after_s: float
) -> None:
    terms = PaymentTerms(lives_s=lives_s, ask_after_s=tuple(steps_s))
    asked: list[datetime] = []
    now = AT
    while (following := ask_schedule.after(terms, settle_s=settle_s, since=AT, now=now)) is not None:
        assert following > now
        asked.append(following)
        now = following + timedelta(seconds=answered_after_s)
        assert len(asked) <= lives_s + 2
    end = AT + timedelta(seconds=lives_s) + timedelta(seconds=settle_s)
    assert asked[-1] == end or now >= end, "the last answer comes when nobody can pay any more"


def test_the_schedule_is_what_is_declared_then_its_last_again_and_once_at_the_end() -> None:
    times, now = [], AT
    while (following := ask_schedule.after(TERMS, settle_s=60, since=AT, now=now)) is not None:
        times.append(int((following - AT).total_seconds()))
        now = following
    assert times == [60, 300, 600, 900, 960]


def test_an_order_the_partner_took_is_pending_and_asked_by_its_schedule(desk: Desk) -> None:
    desk.ordered()
    assert (desk.row().state, desk.row().due_after) == ("pending", timedelta(seconds=60))
    done = steps.ask_payments(desk.office.store, desk.momo.connection, ("query",))
    assert done == {"unreachable": 0}, "not due yet"
    assert desk.asks()["answered"] == 1
    row = desk.row()
    assert (row.state, row.asks, row.due_after) == ("pending", 1, timedelta(seconds=60))


@pytest.mark.parametrize(("code", "state"), [(0, "paid"), (1006, "failed"), (1005, "expired")])
def test_an_end_nobody_called_back_is_found_by_asking(desk: Desk, code: int, state: str) -> None:
    reference = desk.ordered()
    desk.citizen(reference, code)
    desk.asks()
    row = desk.row()
    assert (row.state, row.next_ask_at, row.asking_since) == (state, None, None)
    assert len(desk.office.sql("SELECT FROM ledger_entries")) == (state == "paid")
    [kept] = desk.office.sql("SELECT external_id, state FROM inbox WHERE kind = 'query'")
    assert tuple(kept) == (f"{reference}/1", "booked")
    assert "answered" not in desk.asks(), "who has an end is not asked about"


def test_an_order_the_partner_does_not_know_has_failed_only_when_it_can_no_more_be_paid(desk: Desk) -> None:
    desk.office.order_payment()
    desk.office.sql("UPDATE payments SET state = 'pending', asking_since = now(), next_ask_at = now()")
    assert desk.asks()["not_found"] == 1
    assert desk.row().state == "pending"
    desk.hours_pass()
    assert desk.asks()["not_found"] == 1
    assert desk.row().state == "failed"
    said = desk.office.sql("SELECT said, state_after FROM payment_words ORDER BY id")
    assert [tuple(row) for row in said] == [("absent", "pending"), ("absent", "failed")]


def test_what_is_asked_to_the_end_without_one_is_in_doubt(desk: Desk) -> None:
    desk.ordered()
    desk.hours_pass()
    desk.asks()
    row = desk.row()
    assert (row.state, row.doubt, row.next_step, row.owner) == ("in_doubt", "unanswered", "wait_statement", "hub")
    assert "answered" not in desk.asks()
    desk.office.settle(row.our_reference)
    assert desk.row().state == "paid", "a late word is money"


def test_an_order_whose_answer_was_lost_with_its_address_is_pending_and_ends_as_the_partner_says(desk: Desk) -> None:
    reference = desk.office.order_payment()
    desk.momo.fault("drop_after")
    for _ in range(2):  # sent, and asked about since the answer was lost
        desk.office.sql("UPDATE outbox SET not_before = now()")
        desk.due()
        steps.deliver(desk.office.store, desk.momo.connection, ("payment",))
    assert (desk.row().state, desk.row().pay_url) == ("pending", None)
    [item] = desk.office.sql("SELECT item, reason FROM set_aside WHERE state = 'open'")
    assert tuple(item) == (reference, "pay_url_not_given")
    desk.citizen(reference, 1005)
    desk.asks()
    assert (desk.row().state, desk.row().next_ask_at) == ("expired", None), "the partner's own end, no callback needed"


def test_a_failed_attempt_that_a_fast_clock_dates_after_the_payment_is_asked_about_and_stays_paid(desk: Desk) -> None:
    reference = desk.ordered()
    desk.citizen(reference)
    desk.asks()
    ahead = datetime.now(UTC) + timedelta(minutes=10)
    desk.office.settle(reference, state="failed", occurred_at=ahead)
    row = desk.row()
    assert (row.state, row.doubt, row.next_step) == ("in_doubt", "contradicts_paid", "ask")
    desk.asks()
    assert (desk.row().state, desk.row().doubt) == ("paid", None)
    assert len(desk.office.sql("SELECT FROM ledger_entries")) == 1


@pytest.mark.parametrize("mode", ["unavailable", "silent_before", "error_after", "refuse"])
def test_a_partner_that_does_not_answer_stops_the_run_and_is_asked_again(desk: Desk, mode: str) -> None:
    for _ in range(4):
        desk.office.order_payment()
    steps.deliver(desk.office.store, desk.momo.connection, ("payment",))
    desk.momo.fault(mode, operation="query", times=2)
    done = desk.asks()
    assert done["unreachable"] == 1
    assert done["unreached"] <= 2, "half of the party's four slots"
    assert {row.state for row in desk.office.sql("SELECT state FROM payments")} == {"pending"}
    assert sum(desk.asks().get("answered", 0) for _ in range(4)) >= 4


def test_a_partner_that_always_says_later_is_asked_to_the_end_and_then_in_doubt(desk: Desk) -> None:
    desk.ordered()
    desk.momo.control("insist", {"operation": "query", "codes": [98] * 2})
    assert desk.asks()["unreached"] == 1
    assert desk.row().state == "pending"
    desk.hours_pass()
    desk.asks()
    assert (desk.row().state, desk.row().doubt) == ("in_doubt", "unanswered")


@pytest.mark.parametrize("mode", ["silent_before", "error_after", "refuse", "unavailable"])
def test_a_partner_that_nobody_reaches_is_asked_beyond_the_end(desk: Desk, mode: str) -> None:
    desk.ordered()
    desk.hours_pass()
    desk.momo.fault(mode, operation="query")
    assert desk.asks()["unreached"] == 1
    assert (desk.row().state, desk.row().next_ask_at is not None) == ("pending", True)


@pytest.mark.parametrize("mode", ["garbage", "truncated"])
def test_an_answer_that_cannot_be_read_costs_one_question_and_books_nothing(desk: Desk, mode: str) -> None:
    desk.ordered()
    desk.momo.fault(mode, operation="query")
    desk.asks()
    assert (desk.row().state, desk.row().asks) == ("pending", 1)
    assert desk.asks()["answered"] == 1


def test_a_run_that_dies_after_it_kept_an_answer_leaves_it_to_the_next(desk: Desk, monkeypatch: Any) -> None:
    desk.citizen(desk.ordered())
    with monkeypatch.context() as dying:
        dying.setattr(inbox, "book_kept", lambda *_, **__: None)
        desk.asks()
    assert desk.row().state == "pending"
    assert steps.ask_payments(desk.office.store, desk.momo.connection, ("query",)) == {"unreachable": 0}
    assert desk.row().state == "paid"
    assert desk.row().asks == 1


def test_a_run_that_dies_before_the_answer_leaves_the_question_due_after_its_lease(
    desk: Desk, monkeypatch: Any
) -> None:
    desk.citizen(desk.ordered())
    desk.due()
    with monkeypatch.context() as dying:
        dying.setattr(question_runs.Run, "_call", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            steps.ask_payments(desk.office.store, desk.momo.connection, ("query",))
    assert desk.office.sql("SELECT FROM couriers") == [], "its slots are free"
    assert desk.row().next_ask_at is not None
    assert desk.asks()["answered"] == 1
    assert desk.row().state == "paid"


def test_runs_at_once_ask_each_question_once(desk: Desk) -> None:
    for _ in range(6):
        desk.office.order_payment()
    steps.deliver(desk.office.store, desk.momo.connection, ("payment",))
    desk.due()
    with ThreadPoolExecutor(3) as pool:
        runs = [pool.submit(steps.ask_payments, desk.office.store, desk.momo.connection, ("query",)) for _ in range(3)]
        done = [run.result() for run in runs]
    assert sum(one.get("answered", 0) for one in done) == 6
    assert [row.asks for row in desk.office.sql("SELECT asks FROM payments")] == [1] * 6


def test_settings_the_partner_refuses_end_the_run_and_the_question_stays(desk: Desk) -> None:
    desk.ordered()
    wrong = Connection("momo", {**desk.momo.connection.fields, "password": "wrong"})
    with pytest.raises(SetupError):
        desk.asks(wrong)
    assert (desk.row().state, desk.row().next_ask_at is not None) == ("pending", True)
    assert desk.office.sql("SELECT FROM couriers") == []


def test_a_refused_request_is_in_doubt_for_a_person_and_pending_when_it_went_after_all(desk: Desk) -> None:
    reference = desk.office.order_payment()
    desk.office.sql("UPDATE outbox SET state = 'refused', reason = 'momo_22' WHERE external_id = :r", r=reference)
    steps.deliver(desk.office.store, desk.momo.connection, ("payment",))
    row = desk.row()
    assert (row.state, row.doubt, row.next_step, row.owner) == ("in_doubt", "not_delivered", "person", "finance")
    desk.office.sql(
        "UPDATE outbox SET state = 'sent', drawer = drawer_of(120, now()) WHERE external_id = :r", r=reference
    )
    asking.take_stock(desk.office.store, "momo")
    assert (desk.row().state, desk.row().doubt) == ("pending", None)


def test_a_corrected_request_is_known_by_its_place(desk: Desk) -> None:
    reference = desk.office.order_payment()
    desk.office.sql("UPDATE outbox SET state = 'refused', reason = 'momo_22' WHERE external_id = :r", r=reference)
    asking.take_stock(desk.office.store, "momo")
    assert desk.row().doubt == "not_delivered"
    [row] = desk.office.sql("SELECT id, message_id FROM outbox WHERE external_id = :r", r=reference)
    with desk.office.store.begin() as transaction:
        written = bodies.read(transaction, row.message_id, context=outbox.CONTEXT)
        correct.correct_outgoing(transaction, row.id, written, Order(actor="hoa", reason="mended"))
    assert asking.take_stock(desk.office.store, "momo") == {}, "it waits"
    sent = "UPDATE outbox SET state = 'sent', drawer = drawer_of(120, now()) WHERE external_id = :r"
    desk.office.sql(sent, r=f"{reference}~2")
    asking.take_stock(desk.office.store, "momo")
    assert (desk.row().state, desk.row().doubt) == ("pending", None)


def test_a_request_of_which_nobody_knows_is_asked_about_and_a_dropped_one_has_failed(desk: Desk) -> None:
    reference = desk.office.order_payment()
    desk.office.sql(
        "UPDATE outbox SET state = 'set_aside', reason = 'outcome_unknown' WHERE external_id = :r", r=reference
    )
    asking.take_stock(desk.office.store, "momo")
    assert (desk.row().state, desk.row().next_step, desk.row().owner) == ("in_doubt", "ask", "hub")
    desk.office.sql(
        "UPDATE outbox SET state = 'superseded', drawer = drawer_of(120, now()), reason = 'dropped'"
        " WHERE external_id = :r",
        r=reference,
    )
    asking.take_stock(desk.office.store, "momo")
    assert desk.row().state == "failed"


def test_a_party_that_cannot_be_asked_is_waited_for_as_long_as_its_orders_live(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = parties.manifest
    silent = replace(declared("vietinbank"), payments=PaymentTerms(lives_s=900))
    monkeypatch.setattr(parties, "manifest", lambda party: silent if party == "vietinbank" else declared(party))
    office.order_payment(party="vietinbank")
    asking.take_stock(office.store, "vietinbank")
    assert office.sql("SELECT state FROM payments")[0].state == "pending"
    office.sql("UPDATE payments SET next_ask_at = now()")
    assert asking.take_stock(office.store, "vietinbank") == {"unanswered": 1}
    [row] = office.sql("SELECT state, doubt, next_step FROM payments")
    assert tuple(row) == ("in_doubt", "unanswered", "wait_statement")
    assert Capability.FETCH_STATEMENT in silent.capabilities


def test_a_refund_the_partner_refuses_outright_leaves_the_payment_paid(office: Any) -> None:
    reference = office.order_payment()
    office.settle(reference)
    office.sql(
        "INSERT INTO refunds (refund_reference, source, source_reference, payment_id, amount_vnd, state, actor, reason,"
        " requested_at) SELECT 'R1', 's', 'r', id, 50000, 'requested', 'hoa', 'why', now() FROM payments"
    )
    office.sql("UPDATE payments SET state = 'refunding'")
    office.sql("UPDATE outbox_names SET operation = 'refund', external_id = 'R1' WHERE party = 'momo'")
    office.sql("UPDATE outbox SET state = 'refused', reason = 'momo_1088' WHERE party = 'momo'")
    assert asking.take_stock(office.store, "momo")["refund_refused"] == 1
    [row] = office.sql("SELECT payments.state, refunds.state AS refund, refused_because FROM payments, refunds")
    assert tuple(row) == ("paid", "refused", "momo_1088")
