"""Approved proposals are done through the exchange and the ledger, once; and the same work typed at a terminal."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.truc.operating.break_office import a_break, a_duplicate, approve, paid, propose, refused
from tests.truc.reconcile.runs import BOTH, DAY, HOA, MINH, THU, item, name
from truc.errors import MalformedError
from truc.messages import RefundResult
from truc.operating import breaks, doubts
from truc.operating.break_commands import work_commands
from truc.reconcile.report.minutes import sealed_digest
from truc.reconcile.report.stored import from_store
from truc.reconcile.work import breaks as work
from truc.services import refunds
from truc.services.refunds import RefundWish
from truc.store import ledger

OTHER_KEY = "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29"


def life(office: Any) -> list[tuple[str, str]]:
    rows = office.sql("SELECT action, remark FROM break_events ORDER BY number")
    return [(row.action, row.remark) for row in rows]


def give_back(office: Any, reference: str) -> None:
    """The payment's own money goes back."""
    wish = RefundWish(
        source="finance",
        source_reference=reference,
        our_reference=reference,
        amount_vnd=50_000,
        actor="hoa",
        reason="paid by mistake",
        requested_at=datetime(2026, 3, 4, 2, 0, tzinfo=UTC),
    )
    with office.store.begin() as transaction:
        refund, _ = refunds.request(transaction, wish)
    hear_refunded(office, refund)


def hear_refunded(office: Any, refund: str) -> None:
    word = RefundResult(refund_reference=refund, partner_reference="R1", amount_vnd=50_000, state="refunded")
    with office.store.begin() as transaction:
        refunds.settle(transaction, "momo", word)


def balance(office: Any, account: str) -> int:
    with office.store.begin() as transaction:
        return ledger.balance_vnd(transaction, account)


def at_once(office: Any, *people: Any) -> list[str]:
    """Approve from as many connections at the same time; return how each ended."""
    gate = Barrier(len(people))

    def one(by: Any) -> str:
        gate.wait(20)
        try:
            return approve(office, by).state
        except MalformedError as error:
            return error.reason

    with ThreadPoolExecutor(len(people)) as pool:
        return sorted(pool.map(one, people))


def test_a_decision_ends_the_break_and_does_nothing_else(office: Any) -> None:
    a_break(office, "receipt_missing", paid(office))
    propose(office, "accept")
    assert approve(office) == breaks.Outcome(break_id=name("b1"), proposal="accept", state="resolved", done="")
    assert office.sql("SELECT FROM audit_log") == []


def without_receipt(office: Any) -> str:
    """A paid payment whose receipt was never issued."""
    reference = paid(office)
    with office.store.begin() as transaction:
        transaction.sql.exec_driver_sql("SET LOCAL session_replication_role = replica")
        transaction.sql.exec_driver_sql("DELETE FROM receipts")
    return reference


def test_the_missing_receipt_is_issued_once_with_the_next_number(office: Any) -> None:
    reference = without_receipt(office)
    a_break(office, "receipt_missing", reference, leg="receipts")
    propose(office, "issue_receipt", "receipt_not_issued")
    assert office.sql("SELECT FROM receipts") == []
    outcome = approve(office)
    [receipt] = office.sql("SELECT * FROM receipts")
    assert (receipt.amount_vnd, receipt.number) == (50_000, 2)
    assert (outcome.state, item(office.store, "b1").resolution) == ("resolved", "issue_receipt")
    assert outcome.done == f"receipt H32.01 00000002 for {reference}"
    assert life(office)[-2:] == [("approved", ""), ("executed", outcome.done)]
    assert [tuple(row) for row in office.sql("SELECT actor, action, reason FROM audit_log")] == [
        ("minh", "break: issue_receipt", "vì vậy")
    ]
    assert refused(office, THU) == "is_resolved"


def test_a_receipt_that_is_there_is_not_issued_again_and_the_proposal_stands(office: Any) -> None:
    a_break(office, "receipt_missing", paid(office), leg="receipts")
    propose(office, "issue_receipt")
    assert refused(office) == "receipt_exists"
    assert item(office.store, "b1").state == "proposed"
    assert len(office.sql("SELECT FROM receipts")) == 1


def test_of_two_who_approve_at_once_one_issues_the_receipt(office: Any) -> None:
    a_break(office, "receipt_missing", without_receipt(office), leg="receipts")
    propose(office, "issue_receipt")
    assert at_once(office, MINH, THU) == ["is_resolved", "resolved"]
    assert len(office.sql("SELECT FROM receipts")) == 1


def test_who_proposed_does_not_have_it_done(office: Any) -> None:
    a_break(office, "receipt_missing", without_receipt(office), leg="receipts")
    propose(office, "issue_receipt")
    assert refused(office, HOA) == "role_missing"
    assert refused(office, BOTH) == "same_person"
    assert office.sql("SELECT FROM receipts") == []


def test_an_unpaid_payment_gets_no_receipt(office: Any) -> None:
    a_break(office, "receipt_missing", office.order_payment(), leg="receipts")
    propose(office, "issue_receipt")
    assert refused(office) == "no_receipt_due"


def test_a_second_payment_is_booked_and_asked_back_through_the_exchange_once(office: Any) -> None:
    reference = paid(office)
    before = {account: balance(office, account) for account in ("clearing:momo", "collected:H32.01")}
    a_duplicate(office, reference)
    propose(office, "request_refund", "paid_twice")
    outcome = approve(office)
    [refund] = office.sql("SELECT * FROM refunds")
    assert (refund.source, refund.source_reference, refund.amount_vnd, refund.actor) == (
        "reconcile",
        name("b1"),
        50_000,
        "minh",
    )
    assert refund.partner_transaction == f"T2-{reference}"
    [sent] = office.sql("SELECT * FROM outbox WHERE operation = 'refund'")
    assert (sent.external_id, sent.state) == (refund.refund_reference, "waiting")
    assert balance(office, "clearing:momo") == before["clearing:momo"] + 50_000
    assert balance(office, "collected:H32.01") == before["collected:H32.01"] - 50_000
    assert outcome.done == f"refund {refund.refund_reference} of {reference}, asked for"
    assert item(office.store, "b1").resolution == "request_refund"
    assert refused(office, THU) == "is_resolved"
    hear_refunded(office, refund.refund_reference)
    assert {account: balance(office, account) for account in before} == before  # one payment is left at the partner
    assert len(office.sql("SELECT FROM refunds")) == 1
    [payment] = office.sql("SELECT state, refunded_vnd FROM payments")
    assert tuple(payment) == ("paid", 0)
    assert len(office.sql("SELECT FROM receipts")) == 1
    assert office.sql("SELECT FROM receipts_to_cancel") == []
    with office.store.begin() as transaction:
        lines = list(doubts.shown(transaction, reference))
    assert f"50.000 ₫ of T2-{reference} refunded" in lines[-1]


@pytest.mark.parametrize("named", ["T-{}", ""])
def test_a_repeated_line_names_no_second_transaction_and_gives_back_nothing(office: Any, named: str) -> None:
    reference = paid(office)
    accounts = ("clearing:momo", "collected:H32.01")
    before = [balance(office, one) for one in accounts]
    a_break(office, "duplicate_at_partner", reference, partner_reference=named.format(reference))
    propose(office, "request_refund", "paid_twice")
    assert refused(office) == "no_second_transaction"
    assert [balance(office, one) for one in accounts] == before
    assert [tuple(row) for row in office.sql("SELECT state, refunded_vnd FROM payments")] == [("paid", 0)]
    assert office.sql("SELECT FROM refunds") == office.sql("SELECT FROM outbox WHERE operation = 'refund'") == []
    assert office.sql("SELECT FROM receipts_to_cancel") == office.sql("SELECT FROM audit_log") == []
    assert item(office.store, "b1").state == "proposed"


def test_of_two_who_approve_at_once_one_asks_for_the_refund(office: Any) -> None:
    a_duplicate(office, paid(office))
    propose(office, "request_refund")
    assert at_once(office, MINH, THU) == ["is_resolved", "resolved"]
    assert len(office.sql("SELECT FROM refunds")) == 1


@pytest.mark.parametrize(
    ("went_back", "doubt", "after"), [(0, "paid_twice", "paid"), (1, "paid_after_refund", "refunded")]
)
def test_a_second_payment_that_a_callback_told_of_goes_back_by_the_same_two_persons_word(
    office: Any, went_back: int, doubt: str, after: str
) -> None:
    reference = paid(office)
    if went_back:
        give_back(office, reference)
    office.settle(reference, partner_reference=f"T2-{reference}")
    [doubted] = office.sql("SELECT state, doubt FROM payments")
    assert tuple(doubted) == ("in_doubt", doubt)
    a_duplicate(office, reference)
    propose(office, "request_refund")
    approve(office)
    assert [row.state for row in office.sql("SELECT state FROM payments")] == ["refunding"]
    hear_refunded(office, office.sql("SELECT refund_reference FROM refunds ORDER BY id DESC")[0].refund_reference)
    assert [row.state for row in office.sql("SELECT state FROM payments")] == [after]
    assert balance(office, "clearing:momo") == 50_000 * (1 - went_back)


def test_a_refund_that_cannot_be_leaves_break_and_ledger_alone(office: Any) -> None:
    a_duplicate(office, office.order_payment())
    propose(office, "request_refund")
    assert refused(office) == "nothing_to_refund"
    assert (item(office.store, "b1").state, balance(office, "clearing:momo")) == ("proposed", 0)
    assert office.sql("SELECT FROM audit_log") == []


def test_the_partner_is_asked_in_its_next_run_and_the_break_waits_for_the_answer(office: Any) -> None:
    reference = office.order_payment()
    office.settle(reference, state="pending")
    a_break(office, "state_differs", reference)
    propose(office, "query_partner")
    outcome = approve(office)
    assert office.sql("SELECT FROM payments WHERE next_ask_at <= now()") != []
    found = item(office.store, "b1")
    assert (outcome.state, found.state, found.assignee, found.proposal, found.approved_by) == (
        "assigned",
        "assigned",
        "hoa",
        "",
        None,
    )
    assert [action for action, _ in life(office)] == ["opened", "proposed", "approved", "executed"]


def test_a_payment_nobody_can_be_asked_about_is_not_asked_about(office: Any) -> None:
    a_break(office, "state_differs", paid(office))
    propose(office, "query_partner")
    assert refused(office) == "not_open"
    with office.store.begin() as transaction:
        work.reject(transaction, name("b1"), by=MINH, remark="không hỏi được")


def test_an_order_of_nobody_cannot_be_asked_about(office: Any) -> None:
    a_break(office, "missing_in_core", "P99999999999")
    propose(office, "query_partner")
    assert refused(office) == "unknown_order"


class Finance:
    """Types `truc reconcile …`."""

    def __init__(self) -> None:
        self.group = click.Group("reconcile", commands=list(work_commands))

    def types(self, *words: object) -> Result:
        return CliRunner().invoke(self.group, list(map(str, words)))

    def does(self, *words: object, by: str = "hoa") -> str:
        done = self.types(*words, "--actor", by)
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    def fails(self, *words: object, by: str = "hoa") -> str:
        done = self.types(*words, "--actor", by)
        assert done.exit_code != 0, done.output
        return f"{done.output} {done.exception}"


@pytest.fixture
def finance(office: Any, terminal: Any, monkeypatch: pytest.MonkeyPatch) -> Finance:
    terminal(office.store)
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    monkeypatch.setattr("truc.operating.break_commands.hub_key", lambda _secrets: key)
    return Finance()


def test_a_morning_at_the_terminal(office: Any, finance: Finance, tmp_path: Any) -> None:
    reference = paid(office)
    a_duplicate(office, reference)
    listed = finance.types("breaks").output
    assert "Trùng ở đối tác" in listed
    assert listed.splitlines()[-1] == "1: 50.000 ₫"
    assert "Duplicate at partner" in finance.types("breaks", "--lang", "en", "--party", "momo").output
    assert finance.types("breaks", "--state", "resolved").output == "0: 0 ₫\n"
    assert finance.does("assign", name("b1"), "--to", "hoa") == "1 given to hoa\n"
    assert finance.does("comment", name("b1"), "--remark", "gọi MoMo") == "kept\n"
    proof = tmp_path / "proof.txt"
    proof.write_text("x")
    assert finance.does("attach", name("b1"), proof) == "attachment 1\n"
    letter = tmp_path / "letter.pdf"
    letter.write_text("<html>")
    assert "what it says" in finance.fails("attach", name("b1"), letter)
    given = ("propose", name("b1"), "request_refund", "--reason", "paid_twice", "--remark", "hai lần")
    assert "second person" in finance.does(*given)
    assert "second person" in finance.fails("approve", name("b1"))
    assert "request_refund: resolved; refund R26" in finance.does("approve", name("b1"), by="minh")
    content_hash = finance.does("prepare", "--party", "momo", "--day", DAY).strip()
    day = ("--party", "momo", "--day", DAY)
    assert "second person" in finance.fails("sign", *day, "--hash", content_hash)
    assert "not the one" in finance.fails("sign", *day, "--hash", "0" * 64, by="minh")
    assert "is signed by minh" in finance.does("sign", *day, "--hash", content_hash, by="minh")
    assert finance.types("verify", *day).output == "holds\n"
    assert "does not hold: key" in finance.types("verify", *day, "--key", OTHER_KEY).output
    with office.store.begin() as transaction:
        signed = from_store(transaction, "momo", DAY)
    assert signed.signing.report_digest == sealed_digest(signed)
    deeds = [tuple(row) for row in office.sql("SELECT actor, action FROM audit_log ORDER BY id")]
    assert ("minh", "sign day") in deeds
    assert ("hoa", "prepare day") in deeds


def test_explain_tells_class_rule_what_was_tried_the_sides_and_the_steps(office: Any, finance: Finance) -> None:
    reference = paid(office)
    both = {"partner_rows": 1, "partner_vnd": 60_000, "partner_money_vnd": 60_000, "difference_vnd": -10_000}
    a_break(office, "amount_differs", reference, rule="exact_reference", **both)
    told = finance.types("explain", name("b1"), "--lang", "en").output
    assert "Amount differs" in told
    assert "50.000 ₫ − 60.000 ₫: -10000 đ" in told
    assert "Our exact reference: met here" in told
    assert "The partner's transaction" not in told
    assert f"Our books [payment 1] payment: {reference}, T-{reference}, 50000" in told
    assert "Receipt [receipt H32.01 2026/00000001]" in told
    assert "statement_exact_pairs" in told
    assert "receipts_pairs" not in told
    assert "SELECT 1" not in told
    assert "    SELECT 1\n    FROM rows" in finance.types("explain", name("b1"), "--sql").output
    assert "no break" in str(finance.types("explain", name("no")).exception)


def test_what_no_rule_matched_was_tried_by_all(office: Any, finance: Finance) -> None:
    a_break(office, "missing_in_core", "P1")
    told = finance.types("explain", name("b1"), "--lang", "en").output
    assert told.count("found nothing") == 7
    assert "statement_places" in told


def test_carried_and_given_back_at_the_terminal(office: Any, finance: Finance) -> None:
    a_break(office, "missing_in_core", "P1")
    assert "1 carried forward" in finance.does("carry", name("b1"), "--remark", "chờ")
    finance.does("propose", name("b1"), "accept", "--reason", "other", "--remark", "x")
    assert finance.does("reject", name("b1"), "--remark", "không", by="minh") == "given back\n"
    assert "1 carried forward" in finance.does("carry", name("b1"), "--remark", "chờ")
    day = ("--party", "momo", "--day", DAY)
    finance.does("prepare", *day)
    assert finance.does("withdraw", *day, "--remark", "xem lại") == "open again\n"
