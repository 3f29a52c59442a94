"""Whatever partner, network or machine do, a refund that waits is asked about until it has an end, or is in doubt."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from truc import parties, steps
from truc.connections import Connection
from truc.errors import MalformedError
from truc.exchange import bodies, outbox
from truc.manifest import Manifest, PaymentTerms
from truc.messages import RefundResult
from truc.operating import correct, doubts
from truc.operating.audit import Order
from truc.operating.doubts import Finding, Verdict
from truc.services import ask_schedule, asking, refunds
from truc.services.refunds import RefundWish
from truc.store import ledger

MORNING = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
TERMS = PaymentTerms(
    lives_s=900, ask_after_s=(60, 300), refunds="partial", refund_ask_after_s=(600, 3600), refund_within_s=7200
)
SILENT = replace(TERMS, refund_ask_after_s=())
UNDER_WAY, DONE, REFUSED, LATER = 7002, 0, 1081, 98


@dataclass
class Finance:
    """An office that gives money back through MoMo's stand-in."""

    office: Any
    momo: Any
    asks_about_refunds: bool = True

    def paid(self) -> str:
        reference: str = self.office.order_payment()
        steps.deliver(self.office.store, self.momo.connection, ("payment",))
        self.momo.control("pay", {"orders": [{"reference": reference}], "notify": False})
        self.office.sql("UPDATE payments SET next_ask_at = now()")
        self.asks()
        assert self.row().state == "paid"
        return reference

    def gives_back(self, reference: str, amount_vnd: int = 50_000, name: str = "back") -> str:
        wish = RefundWish(
            source="finance",
            source_reference=f"{reference}/{name}",
            our_reference=reference,
            amount_vnd=amount_vnd,
            actor="hoa",
            reason="paid by mistake",
            requested_at=MORNING,
        )
        with self.office.store.begin() as transaction:
            return refunds.request(transaction, wish)[0]

    def under_way(self, reference: str, amount_vnd: int = 50_000, name: str = "back") -> str:
        """A refund that MoMo carries out, and says of that it is under way."""
        refund = self.gives_back(reference, amount_vnd, name)
        self.momo.fault("drop_after", operation="refund")
        self.momo.control("insist", {"operation": "query", "codes": [UNDER_WAY]})
        for _ in range(2):  # sent, and asked about since the answer was lost
            self.soon()
            steps.deliver(self.office.store, self.momo.connection, ("payment", "refund"))
        return refund

    def asks(self, connection: Connection | None = None) -> dict[str, int]:
        return steps.ask_payments(self.office.store, connection or self.momo.connection, ("query",))

    def corrects(self, refund: str) -> None:
        """Put the same message in the place of the stopped one; it did not happen, a person found."""
        [row] = self.office.sql("SELECT id, message_id FROM outbox WHERE external_id = :r", r=refund)
        with self.office.store.begin() as transaction:
            written = bodies.read(transaction, row.message_id, context=outbox.CONTEXT)
            by = Order(actor="hoa", reason="MoMo has none")
            correct.correct_outgoing(transaction, row.id, written, by, verdict="not_happened")

    def soon(self) -> None:
        """Let the time of every message come, and of an open breaker."""
        self.office.sql("UPDATE outbox SET not_before = now()")
        self.office.sql("UPDATE lines SET retry_at = now() WHERE breaker <> 'closed'")

    def due(self) -> None:
        self.office.sql("UPDATE payments SET next_ask_at = now() WHERE next_ask_at IS NOT NULL")
        self.office.sql("UPDATE lines SET retry_at = now() WHERE breaker <> 'closed'")

    def time_passes(self) -> None:
        """Let all the time go by in which a refund is waited for."""
        self.office.sql("UPDATE refunds SET state_at = state_at - interval '5 hours'")

    def row(self) -> Any:
        [row] = self.office.sql("SELECT *, next_ask_at - now() AS due_in FROM payments")
        return row

    def states(self) -> tuple[str, list[str]]:
        return self.row().state, [one.state for one in self.office.sql("SELECT state FROM refunds ORDER BY id")]

    def clearing_vnd(self) -> int:
        with self.office.store.begin() as transaction:
            return ledger.balance_vnd(transaction, "clearing:momo")

    def finds(self, reference: str, verdict: Verdict, **proof: Any) -> str:
        with self.office.store.begin() as transaction:
            return doubts.resolve(
                transaction,
                Finding(reference=reference, verdict=verdict, **proof),
                Order(actor="hoa", reason="looked at MoMo"),
            )


@pytest.fixture
def finance(office: Any, partner: Any, monkeypatch: pytest.MonkeyPatch) -> Finance:
    declared = parties.manifest  # with the limits of the tests
    there = partner("momo")
    made = Finance(office, there)

    def manifest(party: str) -> Manifest:
        found = declared(party)
        return replace(found, payments=TERMS if made.asks_about_refunds else SILENT) if party == "momo" else found

    monkeypatch.setattr(parties, "manifest", manifest)
    return made


def test_a_refund_the_partner_took_is_asked_by_its_schedule(finance: Finance) -> None:
    refund = finance.under_way(finance.paid())
    assert finance.states() == ("refunding", ["pending"])
    assert timedelta(seconds=540) < finance.row().due_in <= timedelta(seconds=600)
    assert "refund_answered" not in finance.asks(), "not due yet"
    finance.due()
    finance.momo.control("insist", {"operation": "query", "codes": [UNDER_WAY]})
    assert finance.asks()["refund_answered"] == 1
    assert finance.states() == ("refunding", ["pending"])
    [kept] = finance.office.sql("SELECT external_id FROM inbox WHERE kind = 'refund' AND external_id LIKE '%/%'")
    assert kept.external_id.startswith(f"{refund}/")


def test_an_end_that_nobody_called_back_is_found_by_asking_and_booked_once(finance: Finance) -> None:
    finance.under_way(finance.paid())
    finance.due()
    finance.asks()
    assert finance.states() == ("refunded", ["refunded"])
    assert finance.clearing_vnd() == 0
    assert (finance.row().next_ask_at, finance.row().asking_since) == (None, None)
    assert "refund_answered" not in finance.asks(), "who has an end is not asked about"


def test_a_refusal_that_comes_late_leaves_the_payment_paid(finance: Finance) -> None:
    finance.under_way(finance.paid())
    finance.due()
    finance.momo.control("insist", {"operation": "query", "codes": [REFUSED]})
    finance.asks()
    assert finance.states() == ("paid", ["refused"])
    assert finance.clearing_vnd() == 50_000


def test_each_part_is_asked_about(finance: Finance) -> None:
    payment = finance.paid()
    finance.under_way(payment, 20_000, "a")
    finance.under_way(payment, 30_000, "b")
    finance.due()
    assert finance.asks()["refund_answered"] == 2
    assert finance.states() == ("refunded", ["refunded", "refunded"])


def test_a_refund_asked_to_the_end_without_one_is_in_doubt_for_finance(finance: Finance) -> None:
    finance.under_way(finance.paid())
    finance.time_passes()
    finance.due()
    finance.momo.control("insist", {"operation": "query", "codes": [UNDER_WAY]})
    assert finance.asks()["refund_unanswered"] == 1
    row = finance.row()
    assert (row.state, row.doubt, row.next_step, row.owner) == ("in_doubt", "refund_unanswered", "person", "finance")
    assert finance.clearing_vnd() == 50_000, "no money is taken back by a clock"


def test_a_partner_that_knows_no_such_refund_is_not_believed_it_is_in_doubt(finance: Finance) -> None:
    finance.under_way(finance.paid())
    finance.office.sql("UPDATE refunds SET refund_reference = 'R26030499999999'")
    finance.due()
    assert finance.asks()["refund_not_found"] == 1
    assert finance.states() == ("refunding", ["pending"])
    finance.time_passes()
    finance.due()
    finance.asks()
    assert finance.row().doubt == "refund_unanswered"


def test_a_party_that_cannot_be_asked_is_waited_for_and_then_in_doubt(finance: Finance) -> None:
    finance.asks_about_refunds = False
    finance.under_way(finance.paid())
    assert timedelta(seconds=7100) < finance.row().due_in <= timedelta(seconds=7260)
    assert "refund_answered" not in finance.asks()
    finance.due()
    assert asking.take_stock(finance.office.store, "momo")["refund_unanswered"] == 1
    assert (finance.row().doubt, finance.row().owner) == ("refund_unanswered", "finance")


@pytest.mark.parametrize("mode", ["unavailable", "silent_before", "error_after", "refuse"])
def test_a_partner_that_does_not_answer_is_asked_again(finance: Finance, mode: str) -> None:
    finance.under_way(finance.paid())
    finance.due()
    finance.momo.fault(mode, operation="query")
    done = finance.asks()
    assert (done["refund_unreached"], done["unreachable"]) == (1, 1)
    assert finance.states() == ("refunding", ["pending"])
    finance.due()
    finance.asks()
    assert finance.states() == ("refunded", ["refunded"])


def test_a_question_that_no_setting_allows_yet_costs_no_run_and_the_doubt_comes_all_the_same(finance: Finance) -> None:
    finance.under_way(finance.paid())
    unset = Connection("momo", {**finance.momo.connection.fields, "refund_query_path": ""})
    finance.due()
    assert finance.asks(unset)["refund_refused"] == 1
    assert finance.states() == ("refunding", ["pending"])
    finance.office.sql("UPDATE refunds SET state_at = state_at - interval '5 days'")
    finance.due()
    assert finance.asks(unset)["refund_unanswered"] == 1
    assert finance.row().doubt == "refund_unanswered"


@pytest.mark.parametrize(("setting", "state"), [("refund_signed", "paid"), ("refund_query_path", "in_doubt")])
def test_a_refund_that_no_setting_allows_yet_holds_up_no_payment(finance: Finance, setting: str, state: str) -> None:
    payment = finance.paid()
    finance.gives_back(payment)
    finance.momo.fault("drop_after", operation="refund")
    unset = Connection("momo", {**finance.momo.connection.fields, setting: ""})
    later = [finance.office.order_payment() for _ in range(6)]
    for _ in range(12):
        finance.soon()
        steps.deliver(finance.office.store, unset, ("payment", "refund"))
    states = {row.our_reference: row.state for row in finance.office.sql("SELECT * FROM payments")}
    assert states == {payment: state} | dict.fromkeys(later, "pending")


def test_a_partner_that_always_says_later_is_asked_to_the_end_and_then_in_doubt(finance: Finance) -> None:
    finance.under_way(finance.paid())
    finance.due()
    finance.momo.control("insist", {"operation": "query", "codes": [LATER] * 2})
    assert finance.asks()["refund_unreached"] == 1
    assert finance.states() == ("refunding", ["pending"])
    finance.time_passes()
    finance.due()
    assert finance.asks()["refund_unanswered"] == 1
    assert finance.row().doubt == "refund_unanswered"


def test_a_partner_that_nobody_reaches_is_asked_beyond_the_end(finance: Finance) -> None:
    finance.under_way(finance.paid())
    finance.time_passes()
    finance.due()
    finance.momo.fault("error_after", operation="query")
    assert finance.asks()["refund_unreached"] == 1
    assert (finance.row().state, finance.row().next_ask_at is not None) == ("refunding", True)


def test_a_refund_is_not_held_by_the_request_of_its_payment_that_was_stopped(finance: Finance) -> None:
    payment = finance.office.order_payment()
    stopped = "UPDATE outbox SET state = 'set_aside', reason = 'outcome_unknown' WHERE external_id = :r"
    steps.deliver(finance.office.store, finance.momo.connection, ("payment",))
    finance.momo.control("pay", {"orders": [{"reference": payment}], "notify": False})
    finance.office.sql("UPDATE payments SET next_ask_at = now()")
    finance.asks()
    finance.office.sql(stopped.replace("SET state", "SET drawer = 0, state"), r=payment)
    finance.gives_back(payment)
    steps.deliver(finance.office.store, finance.momo.connection, ("payment", "refund"))
    assert finance.states() == ("refunded", ["refunded"])


def test_a_corrected_refund_is_known_by_its_place(finance: Finance) -> None:
    refund = finance.gives_back(finance.paid())
    stopped = "UPDATE outbox SET state = 'set_aside', reason = 'attempts_spent' WHERE external_id = :r"
    finance.office.sql(stopped, r=refund)
    asking.take_stock(finance.office.store, "momo")
    assert finance.row().doubt == "refund_unanswered"
    finance.corrects(refund)
    assert asking.take_stock(finance.office.store, "momo") == {}, "it waits"
    sent = "UPDATE outbox SET state = 'sent', drawer = drawer_of(120, now()) WHERE external_id = :r"
    finance.office.sql(sent, r=f"{refund}~2")
    assert asking.take_stock(finance.office.store, "momo")["refund_pending"] == 1
    assert finance.states() == ("refunding", ["pending"])


@pytest.mark.parametrize("reason", ["outcome_unknown", "attempts_spent"])
def test_a_refund_nobody_knows_of_whether_it_was_sent_is_in_doubt_at_once(finance: Finance, reason: str) -> None:
    refund = finance.gives_back(finance.paid())
    change = "UPDATE outbox SET state = 'set_aside', reason = :why WHERE external_id = :r"
    finance.office.sql(change, why=reason, r=refund)
    assert asking.take_stock(finance.office.store, "momo")["refund_unanswered"] == 1
    assert (finance.row().doubt, finance.row().next_step) == ("refund_unanswered", "person")
    assert asking.take_stock(finance.office.store, "momo") == {}, "it is doubted once"
    dropped = "UPDATE outbox SET state = 'superseded', reason = 'dropped', drawer = drawer_of(120, now())"
    finance.office.sql(f"{dropped} WHERE external_id = :r", r=refund)
    asking.take_stock(finance.office.store, "momo")
    assert finance.states() == ("paid", ["refused"]), "a person dropped it: it was not sent"


def test_a_copy_for_a_partner_that_lost_its_books_says_nothing_of_the_refund(finance: Finance) -> None:
    refund = finance.gives_back(finance.paid())
    finance.office.sql(
        "WITH copy AS (INSERT INTO outbox"
        " (id, place, party, operation, key, external_id, dossier_code, message_id, state, corrects)"
        " SELECT nextval('exchange_seq'), place, party, operation, key, external_id || '~lost', dossier_code,"
        " message_id, 'refused', id FROM outbox WHERE external_id = :r RETURNING id, corrects)"
        " INSERT INTO replays (name, exchange_id, copy_id) SELECT 'lost', corrects, id FROM copy",
        r=refund,
    )
    assert asking.take_stock(finance.office.store, "momo") == {}
    assert finance.states() == ("refunding", ["requested"])


def test_an_answer_nobody_could_read_leaves_the_refund_with_the_partner(finance: Finance) -> None:
    refund = finance.gives_back(finance.paid())
    sent = "UPDATE outbox SET state = 'sent', drawer = drawer_of(120, now()) WHERE external_id = :r"
    finance.office.sql(sent, r=refund)
    assert asking.take_stock(finance.office.store, "momo")["refund_pending"] == 1
    assert finance.states() == ("refunding", ["pending"])
    assert finance.row().next_ask_at is not None


def doubted(finance: Finance) -> tuple[str, str]:
    payment = finance.paid()
    refund = finance.under_way(payment)
    finance.office.sql("UPDATE payments SET next_ask_at = NULL")
    asking.take_stock(finance.office.store, "momo")
    assert finance.row().doubt == "refund_unanswered"
    return payment, refund


@pytest.mark.parametrize(("state", "after"), [("refunded", "refunded"), ("refused", "paid"), ("pending", "in_doubt")])
def test_a_late_word_ends_the_doubt(finance: Finance, state: Any, after: str) -> None:
    _, refund = doubted(finance)
    said = RefundResult(refund_reference=refund, partner_reference="B1", amount_vnd=50_000, state=state)
    with finance.office.store.begin() as transaction:
        refunds.settle(transaction, "momo", said)
    assert finance.row().state == after


def test_a_person_ends_it_by_what_the_partner_showed(finance: Finance) -> None:
    payment, _ = doubted(finance)
    with pytest.raises(MalformedError, match="say which transaction"):
        finance.finds(payment, Verdict.REFUNDED)
    assert finance.finds(payment, Verdict.REFUNDED, partner_reference="B7", at=MORNING) == "refunded"
    assert finance.clearing_vnd() == 0
    [row] = finance.office.sql("SELECT state, partner_reference FROM refunds")
    assert tuple(row) == ("refunded", "B7")


def test_a_person_who_finds_that_nothing_went_back_leaves_it_paid_and_it_may_be_asked_for_anew(
    finance: Finance,
) -> None:
    payment, _ = doubted(finance)
    assert finance.finds(payment, Verdict.PAID) == "paid"
    assert finance.states() == ("paid", ["refused"])
    assert finance.gives_back(payment, name="again")


def test_a_person_may_have_the_partner_asked_once_more(finance: Finance) -> None:
    payment, _ = doubted(finance)
    assert finance.finds(payment, Verdict.ASK) == "refunding"
    finance.asks()
    assert finance.states() == ("refunded", ["refunded"])


def test_a_doubt_about_something_else_resolved_paid_goes_on_with_the_refund(finance: Finance) -> None:
    payment = finance.paid()
    finance.under_way(payment)
    finance.office.settle(payment, partner_reference="T-second")
    assert finance.row().doubt == "paid_twice"
    assert finance.finds(payment, Verdict.PAID) == "refunding"
    asking.take_stock(finance.office.store, "momo")
    finance.due()
    finance.asks()
    assert finance.states() == ("refunded", ["refunded"])


def test_several_refunds_are_asked_by_the_earliest_and_over_when_all_are() -> None:
    def following(*since: timedelta) -> datetime | None:
        return ask_schedule.refund_following("momo", [MORNING - one for one in since], MORNING)

    old, new = timedelta(days=9), timedelta(seconds=0)
    assert following(new, old) == MORNING + timedelta(seconds=600)
    assert following(old) is None
