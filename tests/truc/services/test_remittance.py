"""Orders to the treasury are made once, told with their ledger entry, and end as the treasury, or a person, says."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from tests.truc.locks import wait_until_it_waits_for
from tests.truc.services import remitting
from tests.truc.services.remitting import AGENCIES, BANK, FIRST, TERMS, Province, account, at, one_order
from truc.domain.remittance_terms import SubItem, Terms
from truc.errors import MalformedError, SetupError
from truc.exchange.inbox import Origin
from truc.messages import RemittanceConfirmed
from truc.services import booking, remittance
from truc.store import remittance as store

A, B = AGENCIES
NEXT = FIRST + timedelta(days=1)


def test_a_day_s_money_is_ordered_once_and_told_to_the_treasury_with_its_ledger_entry(province: Province) -> None:
    province.pays(A, "momo", 100_000)
    province.pays(A, "vnpay", 50_000)
    province.pays(B, "momo", 70_000)
    done = province.orders(FIRST)
    assert (len(done.references), done.amount_vnd) == (2, 220_000)
    first, second = (province.order(one) for one in done.references)
    assert (first.agency_code, first.amount_vnd, first.state) == (A, 150_000, "created")
    assert (first.chapter, first.sub_item, first.account, first.business_on) == ("554", "2663", f"7111.{A}", FIRST)
    assert first.remittance_reference.startswith("K260303")
    assert len(first.remittance_reference) == 15
    assert second.amount_vnd == 70_000
    assert province.vnd(f"collected:{A}") == province.vnd(f"collected:{B}") == 0
    assert province.vnd("remitting:treasury") == -220_000
    told = remitting.message(province, first.remittance_reference)
    assert (told["amount_vnd"], told["sub_item"], told["beneficiary"]) == (150_000, "2663", f"Cơ quan {A}")
    [row] = province.sql("SELECT count(*) AS times FROM outbox WHERE operation = 'remittance' AND party = 'treasury'")
    assert row.times == 2


def test_the_same_day_again_orders_nothing_and_what_came_since_goes_with_the_next(province: Province) -> None:
    one_order(province)
    province.pays(A, "momo", 30_000)
    again = province.orders(FIRST)
    assert again.references == ()
    assert [(one.agency_code, one.reason, one.owed_vnd) for one in again.held] == [(A, "ordered_already", 30_000)]
    done = province.orders(NEXT)
    assert done.amount_vnd == 30_000


def test_a_day_that_is_to_come_is_not_ordered_yet(province: Province) -> None:
    province.pays(A, "momo", 100_000, NEXT)
    assert province.orders(FIRST).references == ()
    assert province.orders(NEXT).amount_vnd == 100_000


def test_refunds_and_fees_are_taken_away_and_each_only_once(province: Province) -> None:
    reference = province.pays(A, "momo", 100_000)
    province.gives_back(reference, 30_000)
    province.states("momo", FIRST)
    province.books(FIRST)
    assert province.vnd("fees:momo") == 1_000
    [order] = province.orders(FIRST).references
    assert province.order(order).amount_vnd == 69_000
    assert province.vnd("fees:momo") == province.vnd(f"collected:{A}") == 0
    assert [(one.what, one.vnd) for one in store.summed(province.transaction, province.order(order).id)] == [
        ("fee", 1_000),
        ("payment", 100_000),
        ("refund", 30_000),
    ]
    assert province.orders(NEXT) == remittance.Ordered((), 0, ()), "nothing is left to order, nor held"


def test_a_duplicate_and_its_refund_change_nothing_of_what_the_agency_gets(province: Province) -> None:
    reference = province.pays(A, "momo", 100_000)
    province.takes_twice(reference, "T2")
    province.gives_back(reference, 100_000, duplicate="T2")
    assert province.orders(FIRST).amount_vnd == 100_000
    assert province.orders(NEXT).references == ()
    assert province.vnd(f"collected:{A}") == 0


def test_a_refund_of_what_was_remitted_lessens_a_later_order(province: Province) -> None:
    reference = province.pays(A, "momo", 100_000)
    province.orders(FIRST)
    province.gives_back(reference, 40_000, NEXT)
    held = province.orders(NEXT).held
    assert [(one.reason, one.owed_vnd) for one in held] == [("nothing_owed", -40_000)]
    province.pays(A, "momo", 90_000, NEXT + timedelta(days=1))
    assert province.orders(NEXT + timedelta(days=1)).amount_vnd == 50_000
    assert province.vnd(f"collected:{A}") == 0


def test_an_agency_without_an_account_and_a_kind_without_a_sub_item_are_told_with_the_reason(
    province: Province,
) -> None:
    province.agrees(Terms(accounts=(account(A),), fees=TERMS.fees, banks=TERMS.banks))
    province.pays(A, "momo", 100_000)
    province.pays(B, "momo", 70_000)
    done = province.orders(FIRST)
    assert done.references == ()
    assert [(one.agency_code, one.reason, one.items, one.owed_vnd) for one in done.held] == [
        (A, "no_sub_item:fees", 1, 100_000),
        (B, "no_treasury_account", 1, 70_000),
    ]


def test_money_in_doubt_and_money_about_to_go_back_wait(province: Province) -> None:
    doubted, going = province.pays(A, "momo", 100_000), province.pays(A, "momo", 50_000)
    state = "UPDATE payments SET state = 'in_doubt', doubt = 'paid_twice', next_step = 'person', owner = 'finance'"
    province.sql(f"{state} WHERE our_reference = :it", it=doubted)
    province.sql("UPDATE payments SET state = 'refunding' WHERE our_reference = :it", it=going)
    assert sorted((one.reason, one.owed_vnd) for one in province.orders(FIRST).held) == [
        ("in_doubt", 100_000),
        ("refunding", 50_000),
    ]


@pytest.mark.parametrize("mistyped", ["momo", "treasurry"])
def test_terms_that_name_no_treasury_hold_that_agency_only(province: Province, mistyped: str) -> None:
    province.pays(A, "momo", 100_000)
    province.pays(B, "momo", 70_000)
    province.agrees(Terms(accounts=(account(A, party=mistyped), account(B)), sub_items=TERMS.sub_items))
    done = province.orders(FIRST)
    assert [(one.agency_code, one.reason, one.items, one.owed_vnd) for one in done.held] == [
        (A, f"not_a_treasury:{mistyped}", 1, 100_000)
    ]
    assert (len(done.references), done.amount_vnd) == (1, 70_000)
    province.agrees()
    assert province.orders(FIRST).amount_vnd == 100_000, "nothing of it is lost"


def test_terms_are_not_taken_where_a_party_takes_no_orders(province: Province) -> None:
    before = store.terms(province.transaction)
    mistyped = Terms(accounts=(account(A, party="treasurry"),))
    with pytest.raises(SetupError, match=A) as caught:
        remittance.keep_terms(province.transaction, mistyped, FIRST)
    assert caught.value.reason == "not_a_treasury"
    assert store.terms(province.transaction) == before
    ended = Terms(accounts=(account(A, party="gone", valid_to=FIRST - timedelta(days=1)),))
    remittance.keep_terms(province.transaction, ended, FIRST)
    assert store.terms(province.transaction) == ended


def test_terms_do_not_change_while_orders_are_made(office: Any) -> None:
    with office.store.begin() as transaction:
        Province(transaction, {}).agrees()

    def change() -> None:
        with office.store.begin() as transaction:
            store.keep_terms(transaction, Terms())

    with ThreadPoolExecutor(1) as pool:
        with office.store.begin() as transaction:
            remittance.order_day(transaction, FIRST, at(NEXT))
            changing = pool.submit(change)
            wait_until_it_waits_for(transaction, changing)
        changing.result(timeout=20)


def test_other_terms_change_no_order_that_was_made(province: Province) -> None:
    reference = one_order(province)
    province.agrees(
        Terms(
            accounts=(account(A, account="other"),), sub_items=(SubItem(kind="fees", sub_item="1", valid_from=FIRST),)
        )
    )
    assert (province.order(reference).account, province.order(reference).sub_item) == (f"7111.{A}", "2663")


def test_an_order_is_sent_and_confirmed_and_the_money_leaves_our_bank(province: Province) -> None:
    reference = one_order(province)
    province.is_carried(reference)
    assert province.order(reference).state == "sent"
    assert province.hears(reference)
    order = province.order(reference)
    assert (order.state, order.treasury_reference) == ("confirmed", f"KB-{reference}")
    assert order.confirmed_at == at(NEXT) + timedelta(hours=3)
    assert province.vnd("remitting:treasury") == 0
    assert province.vnd(f"bank:{BANK}") == -100_000
    assert not province.hears(reference), "a file that comes twice says nothing new"
    assert len(store.words(province.transaction, order.id)) == 2


def test_a_confirmation_may_come_before_the_courier_knows_that_the_order_was_sent(province: Province) -> None:
    reference = one_order(province)
    province.hears(reference)
    province.is_carried(reference)
    assert province.order(reference).state == "confirmed"


def test_a_refusal_is_booked_back_and_what_it_was_for_waits_until_a_person_releases_it(province: Province) -> None:
    reference = one_order(province)
    province.is_carried(reference)
    province.hears(reference, "refused")
    assert province.order(reference).refused_because == "Sai số tài khoản"
    assert province.vnd("remitting:treasury") == 0
    assert province.vnd(f"collected:{A}") == -100_000
    assert province.orders(FIRST).references == ()
    remittance.release(province.transaction, reference, remark="account corrected")
    [again] = province.orders(FIRST).references
    assert again != reference
    assert province.order(again).amount_vnd == 100_000
    assert province.vnd(f"collected:{A}") == 0
    with pytest.raises(MalformedError) as caught:
        remittance.release(province.transaction, reference, remark="again")
    assert caught.value.reason == "not_refused"


@pytest.mark.parametrize(
    ("first", "then", "doubt"),
    [
        (None, {"amount_vnd": 99_999}, "amount_differs"),
        ({}, {"state": "refused"}, "refused_after_confirmed"),
        ({"state": "refused"}, {}, "confirmed_after_refused"),
        ({}, {"amount_vnd": 1}, "amount_differs"),
    ],
)
def test_a_word_that_does_not_fit_is_a_doubt_and_moves_no_money(
    province: Province, first: Any, then: Any, doubt: str
) -> None:
    reference = one_order(province)
    province.is_carried(reference)
    if first is not None:
        province.hears(reference, **first)
    accounts = ("remitting:treasury", f"bank:{BANK}", f"collected:{A}")
    before = [province.vnd(one) for one in accounts]
    assert province.hears(reference, **then)
    assert (province.order(reference).state, province.order(reference).doubt) == ("in_doubt", doubt)
    assert [province.vnd(one) for one in accounts] == before
    assert not province.hears(reference), "a doubt that a word raised is a person's to end"
    assert province.order(reference).state == "in_doubt"


@pytest.mark.parametrize(("state", "bank", "owed"), [("confirmed", -100_000, 0), ("refused", 0, -100_000)])
@pytest.mark.parametrize("words", [[{"amount_vnd": 1}], [{}, {"state": "refused"}], [{"state": "refused"}, {}]])
def test_a_person_ends_a_doubt_and_the_ledger_follows(
    province: Province, words: Any, state: Any, bank: int, owed: int
) -> None:
    reference = one_order(province)
    province.is_carried(reference)
    for word in words:
        province.hears(reference, **word)
    remittance.decide(province.transaction, reference, state, remark="seen at the treasury", at=at(NEXT))
    assert province.order(reference).state == state
    assert (province.vnd(f"bank:{BANK}"), province.vnd(f"collected:{A}")) == (bank, owed)
    assert province.vnd("remitting:treasury") == 0
    with pytest.raises(MalformedError) as caught:
        remittance.decide(province.transaction, reference, state, remark="again", at=at(NEXT))
    assert caught.value.reason == "not_in_doubt"


def test_money_that_another_order_pays_by_now_is_not_decided_to_be_confirmed(province: Province) -> None:
    reference = one_order(province)
    province.is_carried(reference)
    province.hears(reference, "refused")
    remittance.release(province.transaction, reference, remark="again, please")
    province.orders(FIRST)
    assert province.hears(reference)
    assert province.order(reference).doubt == "confirmed_after_refused"
    with pytest.raises(MalformedError) as caught:
        remittance.decide(province.transaction, reference, "confirmed", remark="it came", at=at(NEXT))
    assert caught.value.reason == "released"
    remittance.decide(province.transaction, reference, "refused", remark="they gave it back", at=at(NEXT))
    assert province.vnd("remitting:treasury") == -100_000, "the other order's"


@pytest.mark.parametrize(
    ("message", "state", "doubt"),
    [("refused", "refused", None), ("set_aside", "in_doubt", "unanswered"), ("unknown", "created", None)],
)
def test_what_became_of_the_message_is_where_the_order_stands(
    province: Province, message: str, state: str, doubt: str | None
) -> None:
    reference = one_order(province)
    province.is_carried(reference, message)
    assert (province.order(reference).state, province.order(reference).doubt) == (state, doubt)
    if message == "set_aside":  # a person had it sent again
        province.is_carried(reference, "sent")
        assert (province.order(reference).state, province.order(reference).doubt) == ("sent", None)


def test_a_word_on_no_order_or_of_another_treasury_is_set_aside(province: Province) -> None:
    reference = one_order(province)
    with pytest.raises(MalformedError) as caught:
        remittance.settle(province.transaction, "momo", said(reference))
    assert caught.value.reason == "wrong_party"
    with pytest.raises(MalformedError) as caught:
        remittance.settle(province.transaction, "treasury", said("K26030300000000"))
    assert caught.value.reason == "unknown_remittance"


def test_a_refusal_that_came_as_a_message_is_booked_and_shown_to_finance(province: Province) -> None:
    reference = one_order(province)
    origin = Origin(7, "treasury", "confirmation", "0" * 64)
    item = said(reference, state="refused", reason="Tài khoản đã đóng")
    booking.book(province.transaction, origin, item, None)  # type: ignore[arg-type]  # no working day is counted here
    [shown] = province.sql("SELECT item, reason, text FROM set_aside")
    assert tuple(shown) == (reference, "remittance_refused", "Tài khoản đã đóng")
    [_, word] = [None, *store.words(province.transaction, province.order(reference).id)]
    assert (word.inbox_id, word.state_before, word.state_after) == (7, "created", "refused")


def test_words_stay(province: Province) -> None:
    reference = one_order(province)
    province.hears(reference)
    with pytest.raises(IntegrityError, match="only ever added to"), province.transaction.sql.begin_nested():
        province.sql("UPDATE remittance_words SET said = 'nothing'")


def test_two_runs_at_once_make_one_order(office: Any) -> None:
    with office.store.begin() as transaction:
        province = Province(transaction, dict.fromkeys(AGENCIES, ""))
        province.agrees()
    office.settle(office.order_payment())

    together = Barrier(4)

    def order(_: int) -> int:
        with office.store.begin() as transaction:
            together.wait()
            done = remittance.order_day(transaction, date(2026, 3, 4), datetime(2026, 3, 5, tzinfo=UTC))
        return len(done.references)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(order, range(4))) == [0, 0, 0, 1]


def test_a_day_that_fails_at_its_end_leaves_nothing(office: Any) -> None:
    with office.store.begin() as transaction:
        Province(transaction, {}).agrees()
    office.settle(office.order_payment())
    with office.undone() as transaction:
        assert remittance.order_day(transaction, date(2026, 3, 4), datetime(2026, 3, 5, tzinfo=UTC)).references
    assert office.sql("SELECT FROM remittance_orders") == []
    assert office.sql("SELECT FROM outbox WHERE operation = 'remittance'") == []
    assert office.sql("SELECT FROM ledger_entries WHERE reference LIKE 'remittance/%'") == []


def test_the_engine_s_rows_say_what_of_a_party_s_day_was_paid_and_how_far_it_is(province: Province) -> None:
    first = province.pays(A, "momo", 100_000)
    province.pays(A, "vnpay", 50_000)
    province.gives_back(first, 10_000)
    province.states("momo", FIRST)
    province.books(FIRST)
    province.pays(B, "momo", 7_000)
    references = {province.order(one).agency_code: one for one in province.orders(FIRST).references}
    assert province.order(references[A]).amount_vnd == 100_000 + 50_000 - 10_000 - 1_000
    province.hears(references[A])
    rows = list(store.neutral(province.transaction, "momo", FIRST))
    assert rows == [
        {
            "party": "momo",
            "business_on": FIRST,
            "our_reference": "",
            "partner_reference": f"KB-{references[A]}",
            "kind": "settlement",
            "amount_vnd": 90_000,
            "fee_vnd": 1_000,
            "state": "paid",
            "occurred_at": at(NEXT) + timedelta(hours=3),
            "agency": A,
        },
        {**rows[1], "agency": B, "amount_vnd": 7_000, "fee_vnd": 0, "state": "pending", "partner_reference": ""},
    ]
    assert [one["amount_vnd"] for one in store.neutral(province.transaction, "vnpay", FIRST)] == [50_000]
    assert list(store.neutral(province.transaction, "momo", NEXT)) == []


def test_an_order_that_was_released_is_no_row_and_one_that_was_refused_paid_nothing(province: Province) -> None:
    reference = one_order(province)
    province.is_carried(reference)
    province.hears(reference, "refused")
    assert [one["state"] for one in store.neutral(province.transaction, "momo", FIRST)] == ["failed"]
    remittance.release(province.transaction, reference, remark="again")
    assert list(store.neutral(province.transaction, "momo", FIRST)) == []


def test_money_of_two_days_in_one_order_is_a_row_of_each_day(province: Province) -> None:
    province.pays(A, "momo", 100_000)
    province.pays(A, "momo", 30_000, NEXT)
    province.orders(NEXT)
    amounts = [one["amount_vnd"] for day in (FIRST, NEXT) for one in store.neutral(province.transaction, "momo", day)]
    assert amounts == [100_000, 30_000]


def said(reference: str, **changes: Any) -> RemittanceConfirmed:
    """A word on an order of 100,000."""
    given: dict[str, Any] = {
        "remittance_reference": reference,
        "treasury_reference": "KB1",
        "amount_vnd": 100_000,
        "state": "confirmed",
        "occurred_at": at(NEXT),
    }
    return RemittanceConfirmed(**(given | changes))
