"""An agency bears what was kept of its own payment, once; what was kept of a duplicate is none of its."""

from datetime import date

import pytest

from tests.truc.services.remitting import AGENCIES, FIRST, NEXT, Province, line
from truc.store import remittance as store

A, _ = AGENCIES


def fees(province: Province, day: date = FIRST) -> int:
    """What the order of a day takes away as fees."""
    [order] = province.orders(day).references
    summed = store.summed(province.transaction, province.order(order).id)
    return sum(int(one.vnd) for one in summed if one.what == "fee")


@pytest.mark.parametrize("first", [True, False])
def test_the_fee_of_a_duplicate_is_not_taken_from_the_agency(province: Province, first: bool) -> None:
    reference = province.pays(A, "momo", 100_000)
    own = line(reference, 100_000, FIRST, theirs=f"T-{reference}", fee_vnd=1_000)
    second = line(reference, 100_000, FIRST, theirs="T2", fee_vnd=1_300)
    province.paid.clear()
    province.states("momo", FIRST, *((second, own) if first else (own, second)))
    province.books(FIRST)
    assert fees(province) == 1_000
    assert province.vnd("fees:momo") == 1_300, "it is shown until somebody bears it"


def test_a_line_that_another_day_s_file_repeats_has_one_fee(province: Province) -> None:
    reference = province.pays(A, "momo", 100_000)
    province.states("momo", FIRST)
    province.states("momo", NEXT, line(reference, 100_000, NEXT, theirs=f"T-{reference}", fee_vnd=1_000))
    assert fees(province, NEXT) == 1_000


@pytest.mark.parametrize("named", [0, 1])
def test_of_lines_without_a_transaction_one_has_a_fee(province: Province, named: int) -> None:
    reference = province.pays(A, "momo", 100_000)
    province.paid.clear()
    nameless = [line(reference, 100_000, FIRST, fee_vnd=vnd) for vnd in (1_000, 1_000)]
    own = [line(reference, 100_000, FIRST, theirs=f"T-{reference}", fee_vnd=900)] * named
    province.states("momo", FIRST, *nameless, *own)
    assert fees(province) == (900 if named else 1_000)


def test_where_the_payment_names_no_transaction_one_line_counts(province: Province) -> None:
    reference = province.pays(A, "momo", 100_000)
    province.sql("UPDATE payments SET partner_reference = '' WHERE our_reference = :it", it=reference)
    province.states("momo", FIRST, line(reference, 100_000, FIRST, theirs="T2", fee_vnd=1_000))
    assert fees(province) == 1_000


def test_what_was_kept_of_a_refund_counts_where_the_payment_s_own_money_went_back(province: Province) -> None:
    reference = province.pays(A, "momo", 100_000)
    province.takes_twice(reference, "T2")
    province.gives_back(reference, 100_000, duplicate="T2")
    province.gives_back(reference, 30_000)
    of_duplicate, own = [one["reference"] for one in province.paid[0]["back"]]
    province.paid.clear()
    province.states(
        "momo",
        FIRST,
        line(reference, 100_000, FIRST, kind="refund", theirs=f"B-{of_duplicate}", fee_vnd=500),
        line(reference, 30_000, FIRST, kind="refund", theirs=f"B-{own}", fee_vnd=70),
    )
    assert fees(province) == 70
