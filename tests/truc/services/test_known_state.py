"""Whatever is said and done of a payment, in any order: when all times are over it has an end, or an owner."""

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from truc import parties
from truc.domain.payment_states import Doubt, State
from truc.errors import MalformedError
from truc.exchange.inbox import Origin
from truc.manifest import PaymentTerms
from truc.messages import PaymentAddress, RefundResult
from truc.operating import doubts
from truc.operating.audit import Order
from truc.operating.doubts import Finding, Verdict
from truc.services import asking, payments, refunds
from truc.services.refunds import RefundWish
from truc.store import ledger

MORNING = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
NUMBERS = itertools.count(1)
ASKED = PaymentTerms(lives_s=900, ask_after_s=(60,), refunds="partial", refund_ask_after_s=(60,), refund_within_s=900)
NEVER_ASKED = PaymentTerms(lives_s=900, refunds="partial", refund_within_s=900)
ENDS = {State.PAID, State.FAILED, State.EXPIRED, State.REFUNDED}
BY = Order(actor="hoa", reason="looked at the partner")

words = st.builds(
    lambda **said: ("word", said),
    state=st.sampled_from(["pending", "paid", "paid", "failed", "expired", "refunded"]),
    amount_vnd=st.sampled_from([50_000, 50_000, 50_000, 49_999]),
    partner_reference=st.sampled_from(["T1", "T1", "T2", ""]),
    # None: it names no time; else its clock is up to ten minutes off.
    occurred_at=st.none() | st.integers(-10, 10).map(lambda minutes: MORNING + timedelta(minutes=minutes)),
    party=st.sampled_from(["momo", "momo", "momo", "vnpay"]),
)
requests = st.sampled_from(["sent", "refused", "set_aside", "dropped"]).map(lambda how: ("request", how))
wishes = st.sampled_from([20_000, 50_000]).map(lambda amount_vnd: ("give_back", amount_vnd))
back_words = st.tuples(
    st.integers(0, 2), st.sampled_from(["pending", "refunded", "refused"]), st.sampled_from([0, 0, 0, 1])
).map(lambda said: ("refund_word", said))
people = st.sampled_from(list(Verdict)).map(lambda verdict: ("person", verdict))
others = st.sampled_from(
    [("address", None), ("refund_stopped", "set_aside"), ("refund_stopped", "sent"), ("over", None)]
)
PAID = ("word", {"state": "paid", "partner_reference": "T1"})
# Where a payment may have come to before: few orders of words by chance go far.
begun = st.sampled_from(
    [[], [PAID], [PAID, ("give_back", 50_000)], [PAID, ("give_back", 20_000), ("refund_word", (0, "pending", 0))]]
)
acts = st.builds(
    lambda before, after: [*before, *after],
    begun,
    st.lists(st.one_of(words, words, requests, wishes, back_words, people, others), max_size=8),
)


@dataclass
class Life:
    """One payment of 50,000 đồng, and what everybody does to it."""

    office: Any
    reference: str = ""
    made: list[tuple[str, int]] = field(default_factory=list)

    def begin(self) -> None:
        self.reference = self.office.order_payment()

    def act(self, act: tuple[str, Any]) -> None:
        name, how = act
        try:
            getattr(self, f"_{name}")(how)
        except MalformedError:
            return  # refused, and nothing changed: that too may come at any time

    def _word(self, said: dict[str, Any]) -> None:
        self.office.settle(self.reference, **said)

    def _request(self, how: str) -> None:
        state, drawer = {"dropped": "superseded"}.get(how, how), how in ("sent", "dropped")
        self.office.sql(
            "UPDATE outbox SET state = :state, reason = :why, drawer = CASE WHEN :drawer THEN drawer_of(120, now())"
            " ELSE 0 END WHERE external_id = :r AND drawer = 0",
            state=state,
            why="outcome_unknown" if how == "set_aside" else how,
            drawer=drawer,
            r=self.reference,
        )
        asking.take_stock(self.office.store, "momo")

    def _give_back(self, amount_vnd: int) -> None:
        wish = RefundWish(
            source="finance",
            source_reference=f"{self.reference}/{len(self.made)}",
            our_reference=self.reference,
            amount_vnd=amount_vnd,
            actor="hoa",
            reason="paid by mistake",
            requested_at=MORNING,
        )
        with self.office.store.begin() as transaction:
            self.made.append((refunds.request(transaction, wish)[0], amount_vnd))

    def _refund_word(self, said: tuple[int, str, int]) -> None:
        which, state, off = said
        if which < len(self.made):
            reference, amount_vnd = self.made[which]
            result = RefundResult(
                refund_reference=reference,
                partner_reference="B1",
                amount_vnd=amount_vnd + off,
                state=state,  # type: ignore[arg-type]  # one of the three
            )
            with self.office.store.begin() as transaction:
                refunds.settle(transaction, "momo", result, self._origin("refund"))

    def _refund_stopped(self, how: str) -> None:
        for reference, _ in self.made:
            self.office.sql(
                "UPDATE outbox SET state = :how, drawer = CASE WHEN :how = 'sent' THEN drawer_of(120, now()) ELSE 0 END"
                " WHERE external_id = :r AND drawer = 0",
                how=how,
                r=reference,
            )
        asking.take_stock(self.office.store, "momo")

    def _person(self, verdict: Verdict) -> None:
        proof = {"partner_reference": "T9", "at": MORNING}
        with self.office.store.begin() as transaction:
            doubts.resolve(transaction, Finding(reference=self.reference, verdict=verdict, **proof), BY)

    def _address(self, _: None) -> None:
        with self.office.store.begin() as transaction:
            payments.take(
                transaction, "momo", PaymentAddress(our_reference=self.reference, pay_url="https://a.example")
            )

    def _over(self, _: None) -> None:
        """All times go by, with nobody answering a question."""
        for silent in (False, True):  # what is counted from when the party took it is counted first
            asking.take_stock(self.office.store, "momo")
            self.office.sql("UPDATE refunds SET state_at = state_at - interval '1 day'")
            self.office.sql(
                "UPDATE payments SET asking_since = asking_since - interval '1 day',"
                " next_ask_at = CASE WHEN :silent THEN now() END WHERE next_ask_at IS NOT NULL",
                silent=silent,
            )
            asking.take_stock(self.office.store, "momo")

    def _origin(self, kind: str) -> Origin:
        return Origin(next(NUMBERS), "momo", kind, "0" * 64)

    def row(self) -> Any:
        [row] = self.office.sql("SELECT * FROM payments WHERE our_reference = :r", r=self.reference)
        return row


@pytest.fixture(params=[ASKED, NEVER_ASKED], ids=["asked", "never_asked"])
def terms(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> PaymentTerms:
    declared = parties.manifest

    def manifest(party: str) -> Any:
        found = declared(party)
        return replace(found, payments=request.param) if party == "momo" else found

    monkeypatch.setattr(parties, "manifest", manifest)
    return request.param


MANY = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@MANY
@given(acts=acts)
def test_in_any_order_of_words_and_deeds_it_ends_or_has_an_owner_and_a_next_step(
    office: Any, terms: PaymentTerms, acts: list[tuple[str, Any]]
) -> None:
    with office.store.begin() as transaction:
        before = ledger.balance_vnd(transaction, "clearing:momo")
    life = Life(office)
    life.begin()
    for one in acts:
        life.act(one)
        row = life.row()
        assert (row.state == "in_doubt") == (row.doubt is not None)
        if row.doubt is not None:
            assert Doubt(row.doubt)
            assert row.next_step in ("ask", "wait_statement", "person", "refund")
            assert row.owner
    life.act(("request", "sent"))
    life.act(("refund_stopped", "sent"))
    life.act(("over", None))
    row = life.row()
    assert State(row.state) in ENDS or (row.state == "in_doubt" and row.next_step != "ask" and row.owner), row
    held = row.amount_vnd - row.refunded_vnd if row.business_on else 0
    with office.store.begin() as transaction:
        assert ledger.balance_vnd(transaction, "clearing:momo") - before == held, "no word takes money back"
