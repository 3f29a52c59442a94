"""`truc payments`: what a person sees of doubts, and that each deed is checked, done once, and written down."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result

from sandbox.momo.server import start as start_momo
from sandbox.vietinbank.server import start as start_bank
from truc.operating.payments import payments
from truc.store.opened import Store
from truc.store.tables import METADATA


class Finance:
    """Types `truc payments …` over the store of the test."""

    def __init__(self, office: Any) -> None:
        self.office, self.store = office, office.store

    def types(self, *words: object) -> Result:
        return CliRunner().invoke(payments, list(map(str, words)))

    def does(self, *words: object) -> str:
        done = self.types(*words, "--reason", "the statement says so", "--actor", "hoa")
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    def fails(self, *words: object) -> str:
        done = self.types(*words, "--reason", "the statement says so", "--actor", "hoa")
        assert done.exit_code != 0, done.output
        return f"{done.output} {done.exception}"

    def deeds(self) -> list[tuple[str, ...]]:
        return [
            tuple(row) for row in self.office.sql("SELECT actor, action, target, detail FROM audit_log ORDER BY id")
        ]

    def doubted(self, **word: Any) -> str:
        """A payment that this word put in doubt."""
        reference: str = self.office.order_payment()
        self.office.settle(reference, **word)
        assert self.row().state == "in_doubt"
        return reference

    def row(self) -> Any:
        [row] = self.office.sql("SELECT * FROM payments")
        return row


@pytest.fixture
def finance(office: Any, terminal: Any) -> Finance:
    terminal(office.store)
    return Finance(office)


def tables(store: Store) -> dict[str, list[str]]:
    """What the tables of money and the audit log hold."""
    names = ["payments", "payment_words", "refunds", "ledger_lines", "receipts", "outbox", "audit_log"]
    assert set(names) <= set(METADATA.tables)
    with store.begin() as transaction:
        read = transaction.sql.exec_driver_sql
        return {name: [str(row) for row in read(f"SELECT * FROM {name}")] for name in names}  # noqa: S608  (names are ours)


def test_list_show_and_doubts_tell_state_words_and_owner_and_nothing_of_the_person(finance: Finance) -> None:
    reference = finance.doubted(amount_vnd=49_999)
    assert "in_doubt" in finance.types("list").output
    assert reference in finance.types("list", "--state", "in_doubt", "--party", "momo").output
    assert finance.types("list", "--state", "paid").output == "no payment\n"
    assert "amount_differs → person (finance)" in finance.types("doubts").output
    assert finance.types("doubts", "--owner", "hub").output == "no payment is in doubt\n"
    shown = finance.types("show", reference).output
    assert "momo says paid 49.999 ₫" in shown
    assert "created → in_doubt [amount_differs]" in shown
    assert "Ánh" not in shown
    assert "0905" not in shown


def test_show_says_where_the_time_is_ours(finance: Finance) -> None:
    told, untold = finance.office.order_payment(), finance.office.order_payment()
    finance.office.settle(told)
    finance.office.settle(untold, occurred_at=None)
    assert "when we heard of it" not in finance.types("show", told).output
    assert "when we heard of it: the party names no time" in finance.types("show", untold).output


def test_paid_needs_proof_once_and_books_it(finance: Finance) -> None:
    reference = finance.doubted(amount_vnd=49_999)
    assert "say which transaction" in finance.fails("resolve", reference, "paid")
    proof = ("--partner-reference", "T9", "--at", "2026-03-04T10:00")
    before = tables(finance.store)
    assert "would become paid" in finance.does("resolve", reference, "paid", *proof, "--dry-run")
    assert tables(finance.store) == before
    assert finance.does("resolve", reference, "paid", *proof) == f"{reference} is paid\n"
    assert (finance.row().partner_reference, str(finance.row().business_on)) == ("T9", "2026-03-04")
    assert len(finance.office.sql("SELECT FROM ledger_entries")) == len(finance.office.sql("SELECT FROM receipts")) == 1
    assert finance.deeds() == [("hoa", "resolve payment", reference, "amount_differs, person → paid")]
    assert "in no doubt" in finance.fails("resolve", reference, "paid")


def test_what_holds_money_does_not_fail_and_goes_back_to_paid_without_a_second_entry(finance: Finance) -> None:
    reference = finance.office.order_payment()
    finance.office.settle(reference)
    finance.office.settle(reference, partner_reference="T-2")
    assert "its money is booked" in finance.fails("resolve", reference, "failed")
    finance.does("resolve", reference, "paid")
    assert finance.row().state == "paid"
    assert len(finance.office.sql("SELECT FROM ledger_entries")) == 1


@pytest.mark.parametrize("verdict", ["failed", "expired"])
def test_what_holds_no_money_may_end_without(finance: Finance, verdict: str) -> None:
    reference = finance.doubted(amount_vnd=49_999)
    finance.does("resolve", reference, verdict)
    assert (finance.row().state, finance.row().doubt) == (verdict, None)
    assert finance.office.sql("SELECT FROM ledger_entries") == []


def test_money_that_went_back_without_us_is_booked_back(finance: Finance) -> None:
    reference = finance.doubted(state="refunded")
    proof = ("--partner-reference", "B1", "--at", "2026-03-05T10:00")
    assert "resolve it paid first" in finance.fails("resolve", reference, "refunded", *proof)
    finance.office.settle(reference)
    assert finance.row().state == "in_doubt"
    finance.does("resolve", reference, "refunded", *proof)
    assert (finance.row().state, finance.row().refunded_vnd) == ("refunded", 50_000)
    assert finance.office.sql("SELECT sum(amount_vnd) AS s FROM ledger_lines WHERE account = 'clearing:momo'")[0].s == 0


def test_a_next_step_gets_its_owner(finance: Finance) -> None:
    reference = finance.doubted(amount_vnd=49_999)
    finance.does("resolve", reference, "person", "--owner", "lan")
    assert (finance.row().state, finance.row().next_step, finance.row().owner) == ("in_doubt", "person", "lan")
    assert reference in finance.types("doubts", "--owner", "lan").output
    assert "no money is booked" in finance.fails("resolve", reference, "refund")


def test_a_refund_is_asked_once_and_a_dry_run_changes_nothing(finance: Finance) -> None:
    reference = finance.office.order_payment()
    assert "only money that is booked" in finance.fails("refund", reference, 50_000, "--dry-run")
    finance.office.settle(reference)
    before = tables(finance.store)
    assert "can go back" in finance.does("refund", reference, 20_000, "--dry-run")
    assert tables(finance.store) == before
    assert "asked for" in finance.does("refund", reference, 20_000)
    assert "was asked for before" in finance.does("refund", reference, 20_000)
    assert "asked for" in finance.does("refund", reference, 20_000, "--as", "the second child's")
    assert "is left of" in finance.fails("refund", reference, 20_000, "--as", "a third")
    assert finance.row().state == "refunding"
    assert [deed[1] for deed in finance.deeds()] == ["refund payment"] * 2
    assert "refund R26" in finance.types("show", reference).output


def test_only_what_waits_for_an_end_is_asked(finance: Finance) -> None:
    reference = finance.office.order_payment()
    assert "only a pending or doubted one" in finance.fails("ask", reference)
    finance.office.settle(reference, state="pending")
    assert "is due" in finance.does("ask", reference)
    assert finance.row().next_ask_at is not None
    assert finance.office.sql("SELECT FROM payments WHERE next_ask_at <= now()") != []
    assert [deed[1] for deed in finance.deeds()] == ["ask about payment"]


def test_without_a_reason_nothing_is_done(finance: Finance) -> None:
    reference = finance.doubted(amount_vnd=49_999)
    before = tables(finance.store)
    for words in (["resolve", reference, "failed"], ["ask", reference], ["refund", reference, 1]):
        assert finance.types(*words).exit_code == 2
        assert "must not be blank" in str(finance.types(*words, "--reason", " ").exception)
    assert tables(finance.store) == before


@pytest.fixture
def bank(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """VietinBank's stand-in, known by the file of connections."""
    running = start_bank(0, tmp_path / "vietinbank", "http://127.0.0.1:1")
    monkeypatch.setenv("TRUC_CONNECTIONS_FILE", str(tmp_path / "connections.json"))
    (tmp_path / "connections.json").write_text(json.dumps({"vietinbank": running.connection}), encoding="utf-8")
    yield running
    running.close()


def test_a_transaction_is_inquired_beside_our_order_and_nothing_is_booked(finance: Finance, bank: Any) -> None:
    reference = finance.office.order_payment(party="vietinbank")
    elsewhere = finance.office.order_payment()
    told = [
        {"reference": reference, "amount_vnd": 50_000, "state": "paid"},
        {"reference": elsewhere, "amount_vnd": 49_000, "state": "paid"},
        {"reference": "P1", "amount_vnd": 50_000, "state": "pending"},
    ]
    requests.post(f"{bank.control_url}/_control/wallet", json={"transactions": told}, timeout=10).raise_for_status()
    before = tables(finance.store)
    shown = finance.types("inquire", "vietinbank", reference).output
    assert f"vietinbank says paid 50.000 ₫ of {reference}, its transaction VTB{reference}" in shown
    assert "not our order's" not in shown
    assert "another party" not in shown
    other = finance.types("inquire", "vietinbank", elsewhere).output
    assert "another party" in other
    assert "not our order's" in other
    assert "no payment of ours" in finance.types("inquire", "vietinbank", "P1").output
    assert "no such transaction" in str(finance.types("inquire", "vietinbank", "P2").exception)
    assert tables(finance.store) == before


def test_a_party_that_says_nothing_of_transactions_says_so(finance: Finance, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("TRUC_CONNECTIONS_FILE", str(tmp_path / "connections.json"))
    running = start_momo(0, tmp_path / "momo", "http://127.0.0.1:1")
    try:
        (tmp_path / "connections.json").write_text(json.dumps({"momo": running.connection}), encoding="utf-8")
        assert "says nothing of single transactions" in str(finance.types("inquire", "momo", "T1").exception)
    finally:
        running.close()
