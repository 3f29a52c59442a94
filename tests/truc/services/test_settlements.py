"""What statements say of fees, payouts and credits is booked as they say it newest, and every account ends at zero."""

from collections import defaultdict
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.truc.services import remitting
from tests.truc.services.remitting import AGENCIES, BANK, FIRST, INTERMEDIARIES, TERMS, Province, line
from truc.domain.remittance_terms import FeeRule, Terms
from truc.errors import MalformedError
from truc.manifest import SettlementRule
from truc.services import clearing, remittance, settlements

A, B = AGENCIES
NEXT = FIRST + timedelta(days=1)
DAYS = [FIRST + timedelta(days=number) for number in range(3)]


def test_a_fee_is_what_the_intermediary_owes_us_no_more(province: Province) -> None:
    province.pays(A, "momo", 100_000)
    province.states("momo", FIRST)
    assert province.books(FIRST) == 1
    assert (province.vnd("fees:momo"), province.vnd("clearing:momo")) == (1_000, 99_000)
    assert province.books(FIRST) == 0


def test_a_restated_statement_is_booked_as_the_difference(province: Province) -> None:
    province.pays(A, "momo", 100_000)
    province.states("momo", FIRST)
    province.books(FIRST)
    province.pays(A, "momo", 50_000)
    province.states("momo", FIRST, line("", 700, FIRST, kind="fee", theirs="F1"))
    assert province.books(FIRST) == 1
    assert province.vnd("fees:momo") == 1_500 + 700
    entries = province.sql("SELECT reference FROM ledger_entries WHERE reference LIKE 'statement/%' ORDER BY id")
    assert [row.reference for row in entries] == [f"statement/momo/{FIRST}/{number}" for number in (1, 2)]


def test_a_fee_that_the_payout_alone_names_counts_and_one_that_both_name_counts_once(province: Province) -> None:
    payout = line("", 99_000, FIRST, kind="settlement", theirs="PO", fee_vnd=1_000)
    province.states("momo", FIRST, payout)
    province.books(FIRST)
    assert province.vnd("fees:momo") == 1_000
    province.pays(A, "vnpay", 100_000)
    province.states("vnpay", FIRST, payout)
    province.books(FIRST)
    assert province.vnd("fees:vnpay") == 1_000


@pytest.mark.parametrize("state", ["failed", "pending"])
def test_a_line_that_moved_no_money_has_no_fee(province: Province, state: Any) -> None:
    province.states("momo", FIRST, line("P1", 100_000, FIRST, fee_vnd=1_000, state=state))
    assert province.books(FIRST) == 0


def test_a_payout_is_known_by_the_reference_that_both_statements_name(province: Province) -> None:
    province.pays(A, "momo", 100_000)
    province.pays(A, "vnpay", 50_000)
    province.pays_over("momo", 99_000, FIRST)
    province.pays_over("vnpay", 49_500, FIRST)
    province.books(FIRST)
    assert (province.vnd("clearing:momo"), province.vnd("clearing:vnpay")) == (0, 0)
    assert province.vnd(f"bank:{BANK}") == 148_500


def test_a_credit_of_nobody_known_is_shown_until_a_statement_or_a_person_says_whose_it_was(province: Province) -> None:
    province.pays(A, "momo", 100_000)
    province.pays_over("momo", 40_000, FIRST, named=False)
    province.pays_over("momo", 60_000, FIRST, named=False)
    province.books(FIRST)
    assert province.vnd(f"unidentified:{BANK}") == -100_000
    province.payouts[0]["named"] = True
    province.states("momo", FIRST)
    province.books(FIRST)
    assert (province.vnd(f"unidentified:{BANK}"), province.vnd("clearing:momo")) == (-60_000, 99_000 - 40_000)
    said: dict[str, Any] = {"bank": BANK, "party": "momo", "as_what": "payout", "on": FIRST}
    said["reference"] = province.payouts[1]["reference"]
    with pytest.raises(MalformedError) as caught:
        settlements.identify(province.transaction, amount_vnd=60_001, **said)
    assert caught.value.reason == "nothing_unidentified"
    done = [settlements.identify(province.transaction, amount_vnd=60_000, **said) for _ in range(2)]
    assert done == [True, False]
    assert province.vnd(f"unidentified:{BANK}") == 0
    assert province.books(FIRST) == 0


def test_a_reference_that_two_parties_name_is_nobody_s(province: Province) -> None:
    for party in INTERMEDIARIES:
        province.states(party, FIRST, line("", 40_000, FIRST, kind="settlement", theirs="PO"))
    province.states(BANK, FIRST, line("", 40_000, FIRST, kind="settlement", theirs="PO"))
    province.books(FIRST)
    assert province.vnd(f"unidentified:{BANK}") == -40_000


def test_a_transfer_to_our_account_is_paid_over_when_the_bank_says_it_came(province: Province) -> None:
    reference = province.pays(A, BANK, 100_000)
    province.states(BANK, FIRST, line("who knows", 5_000, FIRST), line("", 200, FIRST, kind="fee"))
    province.books(FIRST)
    assert province.vnd(f"clearing:{BANK}") == 0
    assert province.vnd(f"bank:{BANK}") == 100_000 + 5_000 - 200
    assert (province.vnd(f"unidentified:{BANK}"), province.vnd(f"fees:{BANK}")) == (-5_000, 200)
    [held] = [one for one in clearing.report(province.transaction) if one.account == f"unidentified:{BANK}"]
    assert [(one.cause, one.vnd, one.why) for one in held.behind] == [
        (f"statement/{BANK}/{FIRST}", -5_000, "payer_unknown")
    ]
    assert reference


def test_a_statement_that_the_gate_holds_back_says_nothing(province: Province) -> None:
    province.pays(A, "momo", 100_000)
    province.states("momo", FIRST)
    province.sql(
        "INSERT INTO statement_gates (party, business_on, version, statement_id, state, reason, reason_text, checks)"
        " SELECT party, business_on, version, id, 'waits', 'sequence', '', '[]' FROM statements"
    )
    assert province.books(FIRST) == 0
    [order] = province.orders(FIRST).references
    assert province.order(order).amount_vnd == 100_000


def test_a_fee_that_the_province_bears_is_open_until_it_is_covered(province: Province) -> None:
    rules = tuple(FeeRule(party=party, borne_by="province", valid_from=FIRST) for party in INTERMEDIARIES)
    province.agrees(Terms(accounts=TERMS.accounts, sub_items=TERMS.sub_items, fees=rules, banks=TERMS.banks))
    province.pays(A, "momo", 100_000)
    province.pays_over("momo", 99_000, FIRST)
    province.states(BANK, NEXT, line("", 1_000, NEXT, kind="settlement", theirs="COVER"))
    province.books(NEXT)
    [order] = province.orders(FIRST).references
    assert province.order(order).amount_vnd == 100_000
    assert whys(province)["fees:momo"] == ["fee_of_province"]
    province.hears(order)
    settlements.identify(
        province.transaction,
        bank=BANK,
        party="momo",
        as_what="fee_cover",
        amount_vnd=1_000,
        reference="COVER",
        on=NEXT,
    )
    assert clearing.report(province.transaction) == ()


def whys(province: Province) -> dict[str, list[str]]:
    return {one.account: [each.why for each in one.behind] for one in clearing.report(province.transaction)}


def test_the_report_names_what_stands_behind_each_balance(province: Province) -> None:
    first = province.pays(A, "momo", 100_000)
    second = province.pays(A, "momo", 50_000, NEXT)
    other = province.pays(B, "momo", 7_000)
    province.agrees(Terms(accounts=TERMS.accounts[:1], sub_items=TERMS.sub_items, fees=TERMS.fees, banks=TERMS.banks))
    province.gives_back(first, 10_000)
    found = {one.account: one for one in clearing.report(province.transaction)}
    assert [(one.cause, one.vnd, one.why) for one in found["clearing:momo"].behind] == [
        (f"payment/{first}", 90_000, "not_paid_over"),
        (f"payment/{other}", 7_000, "not_paid_over"),
        (f"payment/{second}", 50_000, "not_paid_over"),
    ]
    assert [(one.cause, one.why) for one in found[f"collected:{B}"].behind] == [
        (f"payment/{other}", "no_treasury_account")
    ]
    [order] = province.orders(FIRST).references
    assert whys(province)[f"collected:{A}"] == ["not_ordered"]
    assert whys(province)["remitting:treasury"] == ["order_created"]
    province.hears(order, "refused")
    assert whys(province)[f"collected:{A}"] == [f"order_refused:{order}", "not_ordered"]
    province.pays_over("momo", 96_600, NEXT)
    province.books(NEXT)
    behind = {one.account: one for one in clearing.report(province.transaction, most=1)}["clearing:momo"]
    assert (behind.causes, len(behind.behind)) == (1, 1)
    assert behind.behind[0].cause == f"payment/{second}", "the oldest are met first"


def test_what_is_not_paid_over_says_when_it_should_come(province: Province, monkeypatch: pytest.MonkeyPatch) -> None:
    province.pays(A, "momo", 100_000)
    province.pays(A, "momo", 50_000, FIRST + timedelta(days=4))  # a Friday
    province.pays(B, "vnpay", 7_000)
    remitting.settles_by(monkeypatch, "momo", SettlementRule(settles_after=1))
    found = whys(province)
    assert found["clearing:momo"] == ["not_paid_over:2026-03-03", "not_paid_over:2026-03-09"]
    assert found["clearing:vnpay"] == ["not_paid_over"], "nobody told its term"


def causes(province: Province) -> dict[str, list[tuple[str, int]]]:
    found = clearing.report(province.transaction)
    return {one.account: [(each.cause, each.vnd) for each in one.behind] for one in found}


def test_the_report_takes_a_duplicate_and_its_refund_as_one_cause(province: Province) -> None:
    reference = province.pays(A, "momo", 100_000)
    province.takes_twice(reference, "T2")
    assert causes(province)["clearing:momo"] == [("break/T2", 100_000), (f"payment/{reference}", 100_000)]
    province.gives_back(reference, 100_000, duplicate="T2")
    assert causes(province)["clearing:momo"] == [(f"payment/{reference}", 100_000)]
    assert causes(province)[f"collected:{A}"] == [(f"payment/{reference}", -100_000)]


def test_more_than_is_owed_is_told_as_that(province: Province) -> None:
    province.pays_over("momo", 5_000, FIRST)
    reference = province.pays(A, "momo", 100_000)
    [order] = province.orders(FIRST).references
    province.gives_back(reference, 30_000, NEXT)
    province.books(FIRST)
    told = whys(province)
    assert told[f"collected:{A}"] == ["more_went_back_than_is_owed"]
    province.gives_back(reference, 70_000, NEXT)
    assert whys(province)["clearing:momo"] == ["paid_over_too_much"]
    assert told[f"bank:{BANK}"] == ["on_our_account"]
    province.hears(order)
    assert whys(province)[f"bank:{BANK}"] == ["order_confirmed"]


def test_an_open_break_is_shown_with_the_account_of_its_party(province: Province) -> None:
    province.pays(A, "momo", 100_000)
    province.sql(
        "WITH run AS (INSERT INTO reconciliation_runs (party, business_on, version, input_digest, core_count, core_vnd,"
        " partner_count, partner_vnd, matched_count, matched_vnd)"
        " VALUES ('momo', :day, 1, repeat('0', 64), 1, 1, 0, 0, 0, 0) RETURNING id),"
        " found AS (INSERT INTO reconciliation_breaks (run_id, break_id, break_class, our_reference, partner_reference,"
        " core_vnd, partner_vnd, difference_vnd, rule, party, business_on)"
        " SELECT id, 'b1', 'missing_at_partner', 'P1', '', 100000, 0, 100000, 'none', 'momo', :day FROM run)"
        " INSERT INTO break_items (break_id, party, business_on, break_class, at_risk_vnd, first_run_id, last_run_id,"
        " state) SELECT 'b1', 'momo', :day, 'missing_at_partner', 100000, id, id, 'open' FROM run",
        day=FIRST,
    )
    found = {one.account: one for one in clearing.report(province.transaction)}
    [shown] = found["clearing:momo"].breaks
    assert (shown.break_id, shown.our_reference, shown.at_risk_vnd) == ("b1", "P1", 100_000)
    assert found[f"collected:{A}"].breaks == ()


# What may happen, in any order and as often as it likes. Each step may be cut off at its end and be done again.
parties = st.sampled_from([*INTERMEDIARIES, BANK])
days = st.sampled_from(DAYS)
STEPS = st.one_of(
    st.tuples(st.just("pay"), st.sampled_from(AGENCIES), parties, st.integers(1_000, 1_000_000), days),
    st.tuples(st.just("back"), st.integers(0, 9), st.integers(1, 100), days),
    st.tuples(st.just("state"), parties, days),
    st.tuples(st.just("pay_over"), st.sampled_from(INTERMEDIARIES), st.integers(1, 100), days, st.booleans()),
    st.tuples(st.just("book"), days),
    st.tuples(st.just("order"), days),
    st.tuples(st.just("carry"), st.integers(0, 9), st.sampled_from(["sent", "refused", "set_aside"])),
    st.tuples(st.just("hear"), st.integers(0, 9), st.sampled_from(["confirmed", "refused"]), st.integers(0, 1)),
    st.tuples(st.just("decide"), st.integers(0, 9), st.sampled_from(["confirmed", "refused"])),
    st.tuples(st.just("release"), st.integers(0, 9)),
)


class Play:
    """One run of such steps, with what must hold after each."""

    def __init__(self, province: Province) -> None:
        self.province = province

    def do(self, step: tuple[Any, ...], *, killed: bool) -> None:
        """Do a step; a killed one is done, undone, and done again."""
        if killed:
            kept = (list(self.province.paid), [list(one["back"]) for one in self.province.paid])
            payouts = list(self.province.payouts)
            with suppress(InterruptedError, MalformedError), self.province.transaction.sql.begin_nested():
                self._do(step)
                raise InterruptedError
            self.province.paid, self.province.payouts = kept[0], payouts
            for one, back in zip(kept[0], kept[1], strict=True):
                one["back"] = back
        with suppress(MalformedError), self.province.transaction.sql.begin_nested():
            self._do(step)
        self.holds()

    def _do(self, step: tuple[Any, ...]) -> None:
        name, *given = step
        getattr(self, f"_{name}")(*given)

    def _pay(self, agency: str, party: str, vnd: int, day: Any) -> None:
        self.province.pays(agency, party, vnd, day)

    def _back(self, number: int, percent: int, day: Any) -> None:
        paid = [one for one in self.province.paid if one["party"] == "momo"]
        if paid:
            one = paid[number % len(paid)]
            left = one["vnd"] - sum(back["vnd"] for back in one["back"])
            self.province.gives_back(one["reference"], max(1, left * percent // 100), max(day, one["day"]))

    def _state(self, party: str, day: Any) -> None:
        self.province.states(party, day)

    def _pay_over(self, party: str, percent: int, day: Any, named: bool) -> None:
        left = self.province.vnd(f"clearing:{party}") * percent // 100
        if left > 0:
            self.province.pays_over(party, left, day, named=named)

    def _book(self, day: Any) -> None:
        self.province.books(day)

    def _order(self, day: Any) -> None:
        self.province.orders(day)

    def _carry(self, number: int, end: str) -> None:
        if (one := self._one(number)) is not None and one.state == "created":
            self.province.is_carried(one.remittance_reference, end)

    def _hear(self, number: int, state: str, off: int) -> None:
        if (one := self._one(number)) is not None:
            self.province.hears(one.remittance_reference, state, amount_vnd=one.amount_vnd + off)

    def _decide(self, number: int, state: Any) -> None:
        if (one := self._one(number)) is not None:
            remittance.decide(
                self.province.transaction, one.remittance_reference, state, remark="seen", at=one.ordered_at
            )

    def _release(self, number: int) -> None:
        if (one := self._one(number)) is not None:
            remittance.release(self.province.transaction, one.remittance_reference, remark="again")

    def _one(self, number: int) -> Any:
        found = self._orders()
        return found[number % len(found)] if found else None

    def _orders(self) -> list[Any]:
        return self.province.sql("SELECT * FROM remittance_orders ORDER BY id")

    def holds(self) -> None:
        """The balances are what the books outside the ledger say, and the report adds up to each."""
        owed: dict[str, int] = defaultdict(int)
        for one in self.province.paid:
            owed[one["agency"]] += one["vnd"] - sum(back["vnd"] for back in one["back"])
        for row in self.province.sql(
            "SELECT agency_code, sum(CASE what WHEN 'payment' THEN line.amount_vnd WHEN 'refund' THEN -line.amount_vnd"
            " ELSE 0 END) AS vnd FROM remittance_orders AS one JOIN remittance_lines AS line ON order_id = one.id"
            " WHERE one.state IN ('created', 'sent', 'confirmed')"
            " OR (one.state = 'in_doubt' AND EXISTS (SELECT FROM ledger_entries AS entry JOIN ledger_lines AS booked"
            " ON booked.entry_id = entry.id WHERE entry.reference LIKE 'remittance/' || remittance_reference || '/%'"
            " AND booked.account LIKE 'collected:%' HAVING sum(booked.amount_vnd) <> 0))"
            " GROUP BY agency_code"
        ):
            owed[row.agency_code] -= int(row.vnd)
        for agency in AGENCIES:
            assert self.province.vnd(f"collected:{agency}") == -owed[agency]
        for one in clearing.report(self.province.transaction, most=1_000):
            assert sum(each.vnd for each in one.behind) == one.balance_vnd, one
            assert all(each.vnd * one.balance_vnd > 0 for each in one.behind), one
        paid = self.province.sql(
            "SELECT payment_id FROM remittance_lines WHERE what = 'payment' AND NOT released"
            " GROUP BY payment_id HAVING count(*) > 1"
        )
        assert paid == []

    def settle_all(self) -> None:
        """Bring everything to its end: whoever owes pays, each statement is whole, each order is confirmed."""
        last = DAYS[-1] + timedelta(days=1)
        for one in self._orders():
            self._end(one)
        for agency in AGENCIES:
            for party in INTERMEDIARIES:
                self.province.pays(agency, party, 15_000_000, last)  # so that nothing carried is left below zero
        for day in [*DAYS, last]:
            for party in (*INTERMEDIARIES, BANK):
                self.province.states(party, day)
        for one in self.province.payouts:
            one["named"] = True
        for party in INTERMEDIARIES:
            for day in [*DAYS, last]:
                self.province.states(party, day)
        self.province.books(last)
        for party in INTERMEDIARIES:
            self.province.pays_over(party, self.province.vnd(f"clearing:{party}"), last)
        self.province.books(last)
        for one in self.province.orders(last).references:
            self.province.is_carried(one)
            self.province.hears(one)

    def _end(self, one: Any) -> None:
        reference = one.remittance_reference
        if self.province.sql("SELECT FROM outbox WHERE external_id = :it AND state = 'waiting'", it=reference):
            self.province.is_carried(reference)
            one = self.province.order(reference)
        if one.state in ("created", "sent"):
            self.province.hears(reference)
        if one.state == "in_doubt":
            state: Any = "refused" if one.released_at is not None else "confirmed"
            remittance.decide(self.province.transaction, reference, state, remark="seen", at=one.ordered_at)
        if one.state == "refused" and one.released_at is None:
            remittance.release(self.province.transaction, reference, remark="again")


@pytest.fixture
def played(office: Any, dossiers: dict[str, str]) -> Any:
    def play(steps: list[tuple[tuple[Any, ...], bool]]) -> None:
        with suppress(InterruptedError), office.store.begin() as transaction:
            province = Province(transaction, dossiers)
            province.agrees()
            one = Play(province)
            for step, killed in steps:
                one.do(step, killed=killed)
            one.settle_all()
            one.holds()
            transaction.sql.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
            assert clearing.report(transaction) == ()
            raise InterruptedError  # nothing of it is to stay

    return play


# A refund of what was remitted, an order refused and made again, a doubt, with each step cut off once.
LONG = [
    ("pay", A, "momo", 500_000, DAYS[0]),
    ("pay", B, BANK, 70_000, DAYS[0]),
    ("back", 0, 20, DAYS[0]),
    ("state", "momo", DAYS[0]),
    ("book", DAYS[0]),
    ("order", DAYS[0]),
    ("carry", 0, "sent"),
    ("hear", 0, "refused", 0),
    ("release", 0),
    ("back", 0, 50, DAYS[1]),
    ("pay_over", "momo", 40, DAYS[1], False),
    ("order", DAYS[1]),
    ("hear", 2, "confirmed", 0),
    ("hear", 1, "confirmed", 1),
    ("back", 0, 100, DAYS[2]),
    ("book", DAYS[2]),
]


@example(steps=[(step, True) for step in LONG])
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.tuples(STEPS, st.booleans()), max_size=12))
def test_whatever_happens_balances_are_right_and_all_are_zero_when_all_is_settled(
    played: Any, steps: list[tuple[tuple[Any, ...], bool]]
) -> None:
    played(steps)
