"""A cause is booked as the difference to what stands under it, and its entries are found by name."""

from datetime import date

from truc.store import ledger
from truc.store.opened import Store

DAY = date(2026, 3, 4)


def bring(store: Store, cause: str = "statement/momo/2026-03-04", **wanted: int) -> bool:
    with store.begin() as transaction:
        return ledger.bring(transaction, cause, wanted, DAY, "x")


def balances(store: Store, *accounts: str) -> list[int]:
    with store.begin() as transaction:
        return [ledger.balance_vnd(transaction, one) for one in accounts]


def references(store: Store) -> list[str]:
    with store.begin() as transaction:
        found = transaction.sql.exec_driver_sql("SELECT reference FROM ledger_entries ORDER BY id")
        return [row.reference for row in found]


def test_what_lacks_is_booked_and_nothing_twice(empty_store: Store) -> None:
    assert bring(empty_store, a=5, b=-5)
    assert not bring(empty_store, a=5, b=-5)
    assert bring(empty_store, a=7, b=-5, c=-2)
    assert bring(empty_store)
    assert not bring(empty_store)
    assert bring(empty_store, a=1, b=-1)
    assert balances(empty_store, "a", "b", "c") == [1, -1, 0]
    assert references(empty_store) == [f"statement/momo/2026-03-04/{number}" for number in (1, 2, 3, 4)]


def test_nothing_wanted_is_no_entry(empty_store: Store) -> None:
    assert not bring(empty_store, a=0)
    assert references(empty_store) == []


def test_a_cause_is_no_part_of_another_s_name(empty_store: Store) -> None:
    bring(empty_store, cause="remittance/K1", a=5, b=-5)
    bring(empty_store, cause="remittance/K1/1", a=3, b=-3)
    bring(empty_store, cause="remittance/K", a=2, b=-2)
    assert not bring(empty_store, cause="remittance/K1", a=5, b=-5)
    assert balances(empty_store, "a") == [10]
