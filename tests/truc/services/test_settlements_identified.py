"""A credit that a person identified is booked once, whatever statements say of it before or after."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.truc.locks import wait_until_it_waits_for
from tests.truc.services.remitting import AGENCIES, BANK, FIRST, NEXT, Province, line
from truc.errors import MalformedError
from truc.services import clearing, settlements

A, _ = AGENCIES


def identify(province: Province, reference: str, vnd: int, **changes: Any) -> bool:
    """Have a person say that a credit of the first day was momo's payout."""
    given: dict[str, Any] = {"bank": BANK, "party": "momo", "as_what": "payout", "on": FIRST} | changes
    return settlements.identify(province.transaction, amount_vnd=vnd, reference=reference, **given)


def named_later(province: Province) -> None:
    """Have momo's statement name every payout."""
    for one in province.payouts:
        one["named"] = True
    province.states("momo", FIRST)
    province.books(NEXT)


def test_a_credit_that_a_statement_names_after_a_person_did_is_booked_once(province: Province) -> None:
    province.pays(A, "momo", 100_000)
    province.pays_over("momo", 99_000, FIRST, named=False)
    province.books(FIRST)
    assert identify(province, "PO2", 99_000)
    assert (province.vnd(f"unidentified:{BANK}"), province.vnd("clearing:momo")) == (0, 0)
    named_later(province)
    assert (province.vnd(f"unidentified:{BANK}"), province.vnd("clearing:momo")) == (0, 0)
    [order] = province.orders(FIRST).references
    province.hears(order)
    assert clearing.report(province.transaction) == ()


def test_a_credit_that_a_person_names_after_a_statement_did_leaves_the_other_one_open(province: Province) -> None:
    province.pays(A, "momo", 100_000)
    province.pays_over("momo", 40_000, FIRST)
    province.pays_over("vnpay", 40_000, FIRST, named=False)
    province.books(FIRST)
    assert identify(province, "PO2", 40_000)
    province.books(FIRST)
    assert province.vnd("clearing:momo") == 99_000 - 40_000
    assert province.vnd(f"unidentified:{BANK}") == -40_000, "the other credit is nobody's still"


def test_a_transfer_that_was_identified_and_then_found_to_be_of_a_payment_is_booked_once(province: Province) -> None:
    province.states(BANK, FIRST, line("who knows", 5_000, FIRST, theirs="FT1"))
    province.books(FIRST)
    assert identify(province, "FT1", 5_000)
    reference = province.pays(A, BANK, 5_000)
    province.paid.clear()
    province.states(BANK, FIRST, line(reference, 5_000, FIRST, theirs="FT1"))
    province.books(FIRST)
    assert (province.vnd(f"unidentified:{BANK}"), province.vnd("clearing:momo")) == (0, -5_000)


def test_the_rest_of_a_credit_stays_open_and_has_a_reference_of_its_own(province: Province) -> None:
    province.pays_over("momo", 99_000, FIRST, named=False)
    province.books(FIRST)
    identify(province, "PO1", 98_000)
    named_later(province)
    assert province.vnd(f"unidentified:{BANK}") == -1_000
    assert identify(province, "PO1 fee", 1_000, as_what="fee_cover")
    assert province.vnd(f"unidentified:{BANK}") == 0


@pytest.mark.parametrize("changes", [{"vnd": 39_999}, {"party": "vnpay"}, {"as_what": "fee_cover"}])
def test_a_reference_that_stands_for_another_credit_is_refused(province: Province, changes: dict[str, Any]) -> None:
    province.pays_over("momo", 90_000, FIRST, named=False)
    province.books(FIRST)
    assert [identify(province, "PO1", 40_000) for _ in range(2)] == [True, False]
    with pytest.raises(MalformedError, match="40000 đồng of clearing:momo") as caught:
        identify(province, "PO1", **({"vnd": 40_000} | changes))
    assert caught.value.reason == "reference_reused"
    with pytest.raises(MalformedError) as caught:
        identify(province, " ", 1_000)
    assert caught.value.reason == "reference_missing"


def test_a_statement_is_not_booked_while_a_person_identifies_a_credit_of_that_bank(office: Any) -> None:
    def book() -> None:
        with office.store.begin() as transaction:
            settlements.book(transaction, BANK, NEXT)

    with ThreadPoolExecutor(1) as pool:
        with office.store.begin() as transaction:
            settlements.book(transaction, BANK, FIRST)
            with pytest.raises(MalformedError):
                settlements.identify(
                    transaction,
                    bank=BANK,
                    party="momo",
                    as_what="payout",
                    amount_vnd=1,
                    reference="PO1",
                    on=FIRST,
                )
            booking = pool.submit(book)
            wait_until_it_waits_for(transaction, booking)
        booking.result(timeout=20)
