"""Money once booked balances and stays; receipts count from one without a gap."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg.errors
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError

from truc.errors import MalformedError
from truc.messages import PaymentResult
from truc.store import ledger, payments
from truc.store.opened import Store

DAY = date(2026, 3, 4)
MORNING = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
NEW_YEAR = datetime(2025, 12, 31, 17, 0, tzinfo=UTC)  # 1 January 2026, 0:00 in Vietnam
ONE_STORE = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ENTRY = "INSERT INTO ledger_entries (reference, business_on, text) VALUES ('raw', '2026-03-04', '') RETURNING id"
LINE = "INSERT INTO ledger_lines (entry_id, line, account, amount_vnd) VALUES (%s, %s, %s, %s)"


@pytest.mark.parametrize(
    "amounts",
    [(100, -99), (100, 100), (1,), (5, -5, 1), (), (10**15, -(10**15) + 1)],
    ids=["short", "same_side", "single_line", "third_line", "no_line", "one_dong_in_a_quadrillion"],
)
def test_the_database_refuses_at_commit_an_entry_that_does_not_balance(
    empty_store: Store, amounts: tuple[int, ...]
) -> None:
    with empty_store.begin() as transaction:
        _raw_entry(transaction, amounts)  # nothing wrong yet: the entry may still be completed
        with pytest.raises(IntegrityError, match="does not balance") as caught:
            transaction.sql.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
        assert isinstance(caught.value.orig, psycopg.errors.CheckViolation)
        transaction.sql.get_transaction().rollback()

    connection = empty_store.engine.raw_connection()
    try:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            entry = cursor.execute(ENTRY).fetchone()[0]  # type: ignore[attr-defined]  # psycopg's own cursor
            for line, amount in enumerate(amounts, start=1):
                cursor.execute(LINE, (entry, line, f"a{line}", amount))
        with pytest.raises(psycopg.errors.CheckViolation, match="does not balance"):
            connection.commit()
    finally:
        connection.close()
    with empty_store.begin() as transaction:
        assert transaction.sql.exec_driver_sql("SELECT count(*) FROM ledger_entries").scalar_one() == 0


def test_a_line_added_to_an_old_entry_is_refused(empty_store: Store) -> None:
    _book(empty_store, "old", [("a", 5), ("b", -5)])
    with pytest.raises(IntegrityError, match="does not balance"), empty_store.begin() as transaction:
        transaction.sql.exec_driver_sql(LINE, (1, 3, "c", 7))


def test_a_balanced_entry_of_many_lines_is_booked(empty_store: Store) -> None:
    assert _book(empty_store, "three", [("a", 7), ("b", -3), ("c", -4)])
    with empty_store.begin() as transaction:
        assert [ledger.balance_vnd(transaction, account) for account in ("a", "b", "c", "nobody")] == [7, -3, -4, 0]


def test_one_cause_is_booked_once(empty_store: Store) -> None:
    assert _book(empty_store, "payment/P1", [("a", 5), ("b", -5)])
    assert not _book(empty_store, "payment/P1", [("a", 5), ("b", -5)])
    with empty_store.begin() as transaction:
        assert ledger.balance_vnd(transaction, "a") == 5


def test_a_line_of_nothing_is_refused(empty_store: Store) -> None:
    with pytest.raises(IntegrityError, match="ck_ledger_lines_amount"):
        _book(empty_store, "zero", [("a", 0), ("b", 0)])


@pytest.mark.parametrize("table", ["ledger_entries", "ledger_lines", "receipts"])
@pytest.mark.parametrize("change", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0} CASCADE"])
def test_what_is_booked_is_never_changed_or_taken_away(office: Any, table: str, change: str) -> None:
    office.settle(office.order_payment())
    column = {"ledger_entries": "text", "ledger_lines": "amount_vnd", "receipts": "number"}[table]
    with pytest.raises(IntegrityError, match="is only ever added to"):
        office.sql(change.format(table, column))
    assert len(office.sql("SELECT FROM ledger_lines")) == 2


words = st.tuples(
    st.integers(0, 3),  # which order
    st.sampled_from(["paid", "paid", "paid", "failed", "expired", "pending", "refunded"]),
    st.sampled_from([0, 0, 0, 1]),  # how many đồng off
    st.sampled_from(["momo", "momo", "momo", "vietinbank"]),
    st.sampled_from(["T", "T", "other"]),  # the partner's transaction
)


@ONE_STORE
@given(said=st.lists(words, max_size=20), amounts=st.lists(st.integers(1_000, 20_000_000), min_size=4, max_size=4))
def test_whatever_partners_say_the_books_balance_and_clearing_is_what_was_paid(
    office: Any, said: list[tuple[int, str, int, str, str]], amounts: list[int]
) -> None:
    orders = [office.order_payment(amount_vnd=amount) for amount in amounts]
    settled: set[str] = set()
    for which, state, off, party, transaction_id in said:
        reference, word = orders[which], {"state": state, "amount_vnd": amounts[which] + off}
        office.settle(reference, party=party, partner_reference=f"{transaction_id}-{reference}", **word)
        if (state, off, party) == ("paid", 0, "momo"):
            settled.add(reference)

    assert office.sql("SELECT coalesce(sum(amount_vnd), 0) FROM ledger_lines")[0][0] == 0
    paid = office.sql("SELECT our_reference, amount_vnd FROM payments WHERE business_on IS NOT NULL")
    assert settled == {row.our_reference for row in paid if row.our_reference in orders}
    total = sum(row.amount_vnd for row in paid)
    with office.store.begin() as transaction:
        assert ledger.balance_vnd(transaction, ledger.clearing("momo")) == total
        assert ledger.balance_vnd(transaction, ledger.collected("H32.01")) == -total
    numbers = [row.number for row in office.sql("SELECT number FROM receipts ORDER BY id")]
    assert numbers == list(range(1, len(paid) + 1))


def test_receipts_are_dense_under_concurrency_and_rollback(office: Any) -> None:
    orders = [office.order_payment() for _ in range(24)]

    def settle(number: int) -> None:
        if number % 3:
            office.settle(orders[number])
            return
        with office.undone() as transaction:
            payments.issue_receipt(transaction, "H32.01", 1, 50_000, MORNING)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(settle, range(24)))

    rows = office.sql("SELECT number, payment_id FROM receipts ORDER BY number")
    assert [row.number for row in rows] == list(range(1, 17))
    assert len({row.payment_id for row in rows}) == 16


def test_a_payment_has_one_receipt(office: Any) -> None:
    office.settle(office.order_payment())
    with pytest.raises(IntegrityError, match="uq_receipts_payment_id"), office.store.begin() as transaction:
        payments.issue_receipt(transaction, "H32.01", 1, 50_000, MORNING)
    assert office.sql("SELECT last FROM receipt_series")[0].last == 1  # the number came back


def test_numbers_begin_again_with_the_year_in_vietnam(office: Any) -> None:
    for at in (NEW_YEAR - timedelta(seconds=2), NEW_YEAR - timedelta(seconds=1), NEW_YEAR):
        office.settle(office.order_payment(), occurred_at=at)
    rows = office.sql("SELECT series, year, number FROM receipts ORDER BY id")
    assert [tuple(row) for row in rows] == [("H32.01", 2025, 1), ("H32.01", 2025, 2), ("H32.01", 2026, 1)]


def test_each_series_counts_for_itself(office: Any) -> None:
    for agency in ("H32.01", "H32.02"):
        office.settle(office.order_payment(dossier_code=office.receive(agency_code=agency)))
    assert [tuple(row) for row in office.sql("SELECT series, number FROM receipts ORDER BY id")] == [
        ("H32.01", 1),
        ("H32.02", 1),
    ]


def test_a_used_up_series_says_so(office: Any) -> None:
    office.sql("INSERT INTO receipt_series VALUES ('H32.01', 2026, 99999999)")
    with pytest.raises(MalformedError) as caught:
        office.settle(office.order_payment())
    assert caught.value.reason == "receipt_series_used_up"
    assert office.sql("SELECT state FROM payments")[0].state == "created"


@pytest.mark.parametrize("amount", [50_000.0, "50000", 1.5, True, -1, 10**15 + 1])
def test_money_is_whole_dong(amount: object) -> None:
    with pytest.raises(ValidationError):
        PaymentResult(
            our_reference="P", partner_reference="T", amount_vnd=amount, state="paid", occurred_at=MORNING  # type: ignore[arg-type]  # the point of the test
        )  # fmt: skip


def test_the_database_keeps_whole_dong_too(office: Any) -> None:
    columns = office.sql(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'public' AND (column_name LIKE '%\\_vnd' OR column_name LIKE 'amount%')"
    )
    assert len(columns) > 8
    assert {row.data_type for row in columns} == {"bigint"}


def _raw_entry(transaction: Any, amounts: tuple[int, ...]) -> None:
    entry = transaction.sql.exec_driver_sql(ENTRY).scalar_one()
    for line, amount in enumerate(amounts, start=1):
        transaction.sql.exec_driver_sql(LINE, (entry, line, f"a{line}", amount))


def _book(store: Store, reference: str, lines: list[tuple[str, int]]) -> bool:
    with store.begin() as transaction:
        return ledger.book(transaction, reference, DAY, "", lines)
