"""A statement ends the doubts that wait for it; a transfer that none of its bank's ever named is left to finance."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from truc.exchange.inbox import Origin
from truc.messages import Statement, StatementLine
from truc.services import statement_words
from truc.store import statements

MORNING = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)


def test_what_cannot_be_asked_waits_for_the_statement_and_the_statement_ends_the_doubt(office: Any) -> None:
    reference = office.order_payment(party="vietinbank")
    office.settle(reference, party="vietinbank")
    office.settle(reference, party="vietinbank", state="failed")
    [row] = office.sql("SELECT state, next_step, owner FROM payments")
    assert tuple(row) == ("in_doubt", "wait_statement", "hub")
    _told_by_statement(office, reference)
    assert office.sql("SELECT state FROM payments")[0].state == "paid"


def test_a_statement_of_a_later_day_without_it_leaves_it_to_finance(office: Any) -> None:
    reference = office.order_payment(party="vietinbank")
    office.settle(reference, party="vietinbank")
    office.settle(reference, party="vietinbank", state="failed")
    _told_by_statement(office, "P26030499999999")
    assert office.sql("SELECT next_step FROM payments")[0].next_step == "wait_statement"
    office.sql("UPDATE payments SET state_at = '2026-03-03T00:00:00Z'")
    _told_by_statement(office, "P26030499999998")
    [row] = office.sql("SELECT state, doubt, next_step, owner FROM payments")
    assert tuple(row) == ("in_doubt", "contradicts_paid", "person", "finance")


def test_a_transfer_that_no_statement_names_for_a_month_is_left_to_finance(office: Any) -> None:
    evening = datetime(2026, 2, 3, 16, 59, tzinfo=UTC)  # 23:59 in Vietnam, 29 days before
    reference = office.order_payment(party="vietinbank", requested_at=evening + timedelta(minutes=1))
    _told_by_statement(office, "P26030499999999")
    assert office.sql("SELECT state FROM payments")[0].state == "pending"
    office.sql("UPDATE payments SET requested_at = :at - interval '1 day'", at=evening)
    _told_by_statement(office, reference, party="vietcombank")  # another bank's word
    _told_by_statement(office, "P26030499999998")
    [row] = office.sql("SELECT state, doubt, next_step, owner FROM payments")
    assert tuple(row) == ("in_doubt", "unanswered", "person", "finance")
    office.settle(reference, party="vietinbank")
    assert office.sql("SELECT state FROM payments")[0].state == "paid", "late money is money"


def test_a_transfer_that_any_statement_of_its_bank_named_is_reconciliations(office: Any) -> None:
    reference = office.order_payment(party="vietinbank", requested_at=MORNING - timedelta(days=20))
    _told_by_statement(office, reference)
    office.sql("UPDATE payments SET requested_at = requested_at - interval '20 days'")
    _told_by_statement(office, "P26030499999998")
    assert office.sql("SELECT state FROM payments")[0].state == "pending"


def _told_by_statement(office: Any, reference: str, *, party: str = "vietinbank") -> None:
    line = StatementLine(
        line_no=1,
        our_reference=reference,
        partner_reference=f"T-{reference}",
        amount_vnd=50_000,
        occurred_at=MORNING,
    )
    statement = Statement(business_on=MORNING.date(), lines=(line,), count_declared=1, amount_declared_vnd=50_000)
    with office.store.begin() as transaction:
        digest = hashlib.sha256(f"{party} {reference}".encode()).hexdigest()
        statements.keep(transaction, party, statement, inbox_id=1, digest=digest)
        statement_words.hear(transaction, party, statement, Origin(1, party, "statement", digest))
