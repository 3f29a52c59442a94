"""Money goes back once, never more than was paid, held by no other message, and has its own entry in the ledger."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from truc import parties
from truc.envelope import Envelope
from truc.errors import MalformedError
from truc.exchange import bodies, inbox, outbox
from truc.exchange.inbox import Origin
from truc.manifest import PaymentTerms
from truc.messages import RefundResult
from truc.services import refunds
from truc.services.refunds import RefundWish
from truc.store import ledger
from truc.store import refunds as store

MORNING = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
NEXT_DAY = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Finance:
    """Asks for refunds, and hears what the party says of them."""

    office: Any

    def paid(self) -> str:
        reference: str = self.office.order_payment()
        self.office.settle(reference)
        return reference

    def asks(
        self, payment: str, amount_vnd: int = 50_000, *, name: str = "back-1", transaction: str = ""
    ) -> tuple[str, bool]:
        wish = RefundWish(
            source="finance",
            source_reference=f"{payment}/{name}",
            our_reference=payment,
            amount_vnd=amount_vnd,
            actor="hoa",
            reason="paid by mistake",
            requested_at=MORNING,
            partner_transaction=transaction,
        )
        with self.office.store.begin() as opened:
            return refunds.request(opened, wish)

    def is_refused(self, payment: str, amount_vnd: int = 50_000, *, name: str, transaction: str = "") -> str:
        with pytest.raises(MalformedError) as caught:
            self.asks(payment, amount_vnd, name=name, transaction=transaction)
        return caught.value.reason

    def message(self, refund: str) -> Any:
        [row] = self.office.sql("SELECT message_id FROM outbox WHERE external_id = :r", r=refund)
        with self.office.store.begin() as transaction:
            return json.loads(bodies.read(transaction, row.message_id, context=outbox.CONTEXT))

    def hears(self, refund: str, state: Any, amount_vnd: int = 50_000, *, party: str = "momo") -> bool:
        result = RefundResult(
            refund_reference=refund,
            partner_reference=f"B-{refund}",
            amount_vnd=amount_vnd,
            state=state,
            occurred_at=NEXT_DAY,
            reason="1081 over the limit" if state == "refused" else "",
        )
        with self.office.store.begin() as transaction:
            return refunds.settle(transaction, party, result, Origin(1, party, "refund", "0" * 64))

    def states(self) -> tuple[str, list[str]]:
        [payment] = self.office.sql("SELECT state FROM payments")
        return payment.state, [row.state for row in self.office.sql("SELECT state FROM refunds ORDER BY id")]

    def balance_vnd(self, account: str) -> int:
        with self.office.store.begin() as transaction:
            return ledger.balance_vnd(transaction, account)


@pytest.fixture
def finance(office: Any) -> Finance:
    return Finance(office)


def test_a_refund_is_asked_of_the_party_behind_no_other_message_and_the_payment_is_refunding(finance: Finance) -> None:
    payment = finance.paid()
    refund, new = finance.asks(payment)
    assert (new, refund[0], len(refund)) == (True, "R", 15)
    rows = finance.office.sql("SELECT operation, key, external_id FROM outbox WHERE party = 'momo' ORDER BY place")
    assert [tuple(row) for row in rows] == [("payment", payment, payment), ("refund", refund, refund)]
    assert finance.states() == ("refunding", ["requested"])
    assert finance.balance_vnd("clearing:momo") == 50_000


def test_a_whole_refund_is_a_new_entry_and_its_receipt_needs_cancelling(finance: Finance) -> None:
    refund, _ = finance.asks(finance.paid())
    assert finance.hears(refund, "pending")
    assert finance.states() == ("refunding", ["pending"])
    assert [finance.hears(refund, "refunded") for _ in range(2)] == [True, False]
    assert finance.states() == ("refunded", ["refunded"])
    entries = finance.office.sql("SELECT reference, business_on FROM ledger_entries ORDER BY id")
    assert [one.reference.split("/")[0] for one in entries] == ["payment", "refund"]
    assert str(entries[1].business_on) == "2026-03-05"
    assert finance.balance_vnd("clearing:momo") == finance.balance_vnd("collected:H32.01") == 0
    [mark] = finance.office.sql("SELECT amount_vnd FROM receipts_to_cancel")
    assert mark.amount_vnd == 50_000
    assert len(finance.office.sql("SELECT FROM receipts")) == 1, "a receipt once issued stays"


def test_a_refund_in_parts_ends_when_all_is_back(finance: Finance) -> None:
    payment = finance.paid()
    first, _ = finance.asks(payment, 20_000, name="a")
    second, _ = finance.asks(payment, 30_000, name="b")
    finance.hears(first, "refunded", 20_000)
    assert finance.states() == ("refunding", ["refunded", "requested"])
    finance.hears(second, "refunded", 30_000)
    assert finance.states() == ("refunded", ["refunded", "refunded"])
    assert finance.office.sql("SELECT refunded_vnd FROM payments")[0].refunded_vnd == 50_000


def test_a_refused_refund_leaves_it_paid_and_an_open_item_for_finance(finance: Finance) -> None:
    payment = finance.paid()
    refund, _ = finance.asks(payment)
    assert finance.hears(refund, "refused")
    assert finance.states() == ("paid", ["refused"])
    [item] = finance.office.sql("SELECT item, reason, state FROM set_aside")
    assert tuple(item) == (payment, "refund_refused", "open")
    assert finance.office.sql("SELECT refused_because FROM refunds")[0].refused_because == "1081 over the limit"
    assert finance.asks(payment, name="again")[1], "what was refused may be asked for anew"


def test_the_same_wish_again_is_the_same_refund(finance: Finance) -> None:
    payment = finance.paid()
    first = finance.asks(payment, 20_000)
    assert finance.asks(payment, 20_000) == (first[0], False)
    assert len(finance.office.sql("SELECT FROM outbox WHERE operation = 'refund'")) == 1
    with pytest.raises(MalformedError) as caught:
        finance.asks(payment, 30_000)
    assert caught.value.reason == "reference_reused"


def test_many_wishes_at_once_never_give_back_more_than_was_paid(finance: Finance) -> None:
    payment, together = finance.paid(), Barrier(6)

    def ask(number: int) -> str:
        together.wait()
        try:
            finance.asks(payment, 20_000, name=str(number))
        except MalformedError as error:
            return error.reason
        return "asked"

    with ThreadPoolExecutor(6) as pool:
        assert Counter(pool.map(ask, range(6))) == {"asked": 2, "refund_too_large": 4}


def test_a_duplicate_goes_back_by_its_own_transaction_and_the_payment_stays_paid_with_its_receipt(
    finance: Finance,
) -> None:
    payment = finance.paid()
    refund, new = finance.asks(payment, transaction="T2")
    assert (new, finance.states()) == (True, ("refunding", ["requested"]))
    told = finance.message(refund)
    assert (told["partner_reference"], told["our_reference"], told["amount_vnd"]) == ("T2", payment, 50_000)
    finance.hears(refund, "pending")
    assert [finance.hears(refund, "refunded") for _ in range(2)] == [True, False]
    assert finance.states() == ("paid", ["refunded"])
    [row] = finance.office.sql("SELECT refunded_vnd, partner_reference FROM payments")
    assert tuple(row) == (0, f"T-{payment}")
    assert len(finance.office.sql("SELECT FROM receipts")) == 1
    assert finance.office.sql("SELECT FROM receipts_to_cancel") == []
    assert len(finance.office.sql("SELECT FROM ledger_entries WHERE reference = :r", r=f"refund/{refund}")) == 1


def test_the_payment_and_each_duplicate_go_back_once_beside_each_other(finance: Finance) -> None:
    payment = finance.paid()
    own, _ = finance.asks(payment, name="own")
    second, _ = finance.asks(payment, name="T2", transaction="T2")
    part, _ = finance.asks(payment, 20_000, name="T3", transaction="T3")
    assert finance.is_refused(payment, 1, name="own again") == "refund_too_large"
    assert finance.is_refused(payment, 1, name="T2 again", transaction="T2") == "refund_too_large"
    assert finance.is_refused(payment, 30_001, name="T3 again", transaction="T3") == "refund_too_large"
    finance.hears(second, "refunded")
    assert finance.states()[0] == "refunding"
    finance.hears(part, "refunded", 20_000)
    finance.hears(own, "refunded")
    assert finance.states() == ("refunded", ["refunded"] * 3)
    assert finance.office.sql("SELECT refunded_vnd FROM payments")[0].refunded_vnd == 50_000
    [mark] = finance.office.sql("SELECT refunds.source_reference FROM receipts_to_cancel, refunds WHERE id = refund_id")
    assert mark.source_reference == f"{payment}/own"


def test_a_duplicate_of_a_payment_that_went_back_goes_back_too(finance: Finance) -> None:
    payment = finance.paid()
    finance.hears(finance.asks(payment, name="own")[0], "refunded")
    assert finance.is_refused(payment, name="own again") == "nothing_to_refund"
    refund, _ = finance.asks(payment, name="T2", transaction="T2")
    assert finance.states()[0] == "refunding"
    finance.hears(refund, "refunded")
    assert finance.states() == ("refunded", ["refunded", "refunded"])


def test_the_same_wish_for_a_duplicate_is_the_same_refund_and_its_name_stands_for_no_other(finance: Finance) -> None:
    payment = finance.paid()
    first, _ = finance.asks(payment, transaction="T2")
    assert finance.asks(payment, transaction="T2") == (first, False)
    assert finance.is_refused(payment, name="back-1") == "reference_reused"
    assert finance.is_refused(payment, name="back-1", transaction="T3") == "reference_reused"
    assert finance.asks(payment, name="own")[1]
    assert finance.is_refused(payment, name="own", transaction="T2") == "reference_reused"
    assert len(finance.office.sql("SELECT FROM outbox WHERE operation = 'refund'")) == 2


def test_a_refused_refund_of_a_duplicate_leaves_it_paid_and_may_be_asked_for_anew(finance: Finance) -> None:
    payment = finance.paid()
    finance.hears(finance.asks(payment, transaction="T2")[0], "refused")
    assert finance.states() == ("paid", ["refused"])
    assert finance.asks(payment, name="again", transaction="T2")[1]


def test_the_payments_own_transaction_named_is_a_refund_of_the_payment(finance: Finance) -> None:
    payment = finance.paid()
    refund, _ = finance.asks(payment, transaction=f"T-{payment}")
    assert finance.asks(payment) == (refund, False)
    assert finance.message(refund)["partner_reference"] == f"T-{payment}"
    finance.hears(refund, "refunded")
    assert finance.states() == ("refunded", ["refunded"])
    assert len(finance.office.sql("SELECT FROM receipts_to_cancel")) == 1


def test_a_partner_is_asked_about_a_duplicates_refund_by_its_transaction(finance: Finance) -> None:
    payment = finance.paid()
    for name, transaction in (("own", ""), ("T2", "T2")):
        finance.hears(finance.asks(payment, name=name, transaction=transaction)[0], "pending")
    finance.office.sql("UPDATE payments SET asking_since = now(), next_ask_at = now()")
    with finance.office.store.begin() as transaction:
        asked = store.claim_due(transaction, "momo", most=4, lease_s=9)
    assert [one.paid_by for one in asked] == [f"T-{payment}", "T2"]


@pytest.mark.parametrize("amount_vnd", [50_001, 0, -1])
def test_more_than_is_left_is_refused(finance: Finance, amount_vnd: int) -> None:
    payment = finance.paid()
    with pytest.raises(MalformedError) as caught:
        finance.asks(payment, amount_vnd)
    assert caught.value.reason == "refund_too_large"


def test_what_is_not_paid_or_is_in_doubt_gives_nothing_back(finance: Finance) -> None:
    payment = finance.office.order_payment()
    for word in ({"state": "pending"}, {"state": "failed"}, {}, {"state": "expired"}):
        if word:
            finance.office.settle(payment, **word)
            with pytest.raises(MalformedError) as caught:
                finance.asks(payment)
            assert caught.value.reason == "nothing_to_refund"
        else:
            finance.office.settle(payment)
    assert finance.office.sql("SELECT state FROM payments")[0].state == "in_doubt"


@pytest.mark.parametrize("end", ["failed", "expired"])
def test_an_order_that_ended_without_money_gives_nothing_back_and_a_refund_of_it_is_a_doubt(
    finance: Finance, end: str
) -> None:
    payment = finance.office.order_payment()
    finance.office.settle(payment, state=end)
    with pytest.raises(MalformedError) as caught:
        finance.asks(payment)
    assert caught.value.reason == "nothing_to_refund"
    finance.office.settle(payment, state="refunded")
    [row] = finance.office.sql("SELECT state, doubt, next_step, owner FROM payments")
    assert tuple(row) == ("in_doubt", "refund_unmatched", "person", "finance")
    assert finance.balance_vnd("clearing:momo") == 0


@pytest.mark.parametrize("said_at", [None, datetime(2026, 3, 6, 17, 9, 1, tzinfo=UTC)])  # the second: 10 min 1 s on
def test_a_refund_whose_word_names_no_time_or_one_to_come_is_booked_as_of_when_it_came(
    finance: Finance, said_at: datetime | None
) -> None:
    refund, _ = finance.asks(finance.paid())
    with finance.office.store.begin() as transaction:
        kept = inbox.keep(transaction, Envelope("momo", "refund", refund, b"refunded"))
    came = datetime(2026, 3, 6, 16, 59, tzinfo=UTC)  # 23:59 in Vietnam
    finance.office.sql("UPDATE inbox SET received_at = :at WHERE id = :id", at=came, id=kept.inbox_id)
    said = RefundResult(
        refund_reference=refund, partner_reference="B1", amount_vnd=50_000, state="refunded", occurred_at=said_at
    )
    with finance.office.store.begin() as transaction:
        refunds.settle(transaction, "momo", said, Origin(kept.inbox_id, "momo", "refund", "0" * 64))
    [entry] = finance.office.sql("SELECT business_on FROM ledger_entries WHERE reference = :r", r=f"refund/{refund}")
    assert str(entry.business_on) == "2026-03-06"


def test_a_party_is_asked_for_what_it_offers_only(finance: Finance, monkeypatch: pytest.MonkeyPatch) -> None:
    payment = finance.paid()
    declared = parties.manifest
    terms = PaymentTerms(lives_s=900, refunds="whole")
    monkeypatch.setattr(parties, "manifest", lambda party: replace(declared(party), payments=terms))
    with pytest.raises(MalformedError) as caught:
        finance.asks(payment, 20_000)
    assert caught.value.reason == "refund_not_whole"
    monkeypatch.setattr(parties, "manifest", lambda party: replace(declared(party), operations=()))
    with pytest.raises(MalformedError) as caught:
        finance.asks(payment)
    assert caught.value.reason == "refunds_not_offered"


@pytest.mark.parametrize(("state", "amount_vnd"), [("refunded", 49_999), ("pending", 50_001), ("refused", 1)])
def test_a_word_that_does_not_fit_our_refund_is_a_doubt(finance: Finance, state: str, amount_vnd: int) -> None:
    refund, _ = finance.asks(finance.paid())
    assert finance.hears(refund, state, amount_vnd)
    assert finance.states() == ("in_doubt", ["requested"])
    [row] = finance.office.sql("SELECT doubt, next_step, owner FROM payments")
    assert tuple(row) == ("refund_contradicted", "person", "finance")
    assert finance.balance_vnd("clearing:momo") == 50_000


def test_a_refund_that_is_taken_back_is_a_doubt_and_the_books_stay(finance: Finance) -> None:
    refund, _ = finance.asks(finance.paid())
    finance.hears(refund, "refunded")
    assert finance.hears(refund, "refused")
    assert finance.states() == ("in_doubt", ["refunded"])
    assert finance.balance_vnd("clearing:momo") == 0


def test_another_partys_word_and_a_refund_of_nobody_are_refused(finance: Finance) -> None:
    refund, _ = finance.asks(finance.paid())
    for name, party, reason in ((refund, "vietinbank", "wrong_party"), ("R1", "momo", "unknown_refund")):
        with pytest.raises(MalformedError) as caught:
            finance.hears(name, "refunded", party=party)
        assert caught.value.reason == reason


ONE_STORE = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
words = st.tuples(
    st.integers(0, 2),
    st.sampled_from(["pending", "refunded", "refunded", "refused"]),
    st.sampled_from([0, 0, 0, 1]),
)


@ONE_STORE
@given(asked=st.lists(st.integers(1_000, 60_000), min_size=1, max_size=3), said=st.lists(words, max_size=8))
def test_in_any_order_of_words_no_more_goes_back_than_was_paid(
    office: Any, asked: list[int], said: list[tuple[int, str, int]]
) -> None:
    finance = Finance(office)
    before = finance.balance_vnd("clearing:momo")
    payment, made, left_vnd = finance.paid(), [], 50_000
    for number, amount_vnd in enumerate(asked):
        if amount_vnd > left_vnd:
            with pytest.raises(MalformedError, match="is left of"):
                finance.asks(payment, amount_vnd, name=str(number))
        else:
            made.append((finance.asks(payment, amount_vnd, name=str(number))[0], amount_vnd))
            left_vnd -= amount_vnd
    for which, state, off in said:
        if which < len(made):
            refund, amount_vnd = made[which]
            finance.hears(refund, state, amount_vnd + off)
    [row] = office.sql("SELECT state, refunded_vnd FROM payments WHERE our_reference = :r", r=payment)
    went_back = office.sql(
        "SELECT coalesce(sum(refunds.amount_vnd), 0) AS vnd FROM refunds JOIN payments ON payments.id = payment_id"
        " WHERE our_reference = :r AND refunds.state = 'refunded'",
        r=payment,
    )[0].vnd
    assert row.refunded_vnd == went_back <= 50_000
    assert finance.balance_vnd("clearing:momo") - before == 50_000 - went_back
    assert (row.state == "refunded") <= (went_back == 50_000)
