"""What an agency is owed, which orders pay it, and where an order stands: the rules alone."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truc.domain.remittance import (
    Doubt,
    End,
    Held,
    Item,
    Standing,
    State,
    after_message,
    after_word,
    agency_days,
    plan,
)
from truc.domain.remittance_terms import Account, Bank, FeeRule, SubItem, Terms, read
from truc.errors import SetupError

DAY = date(2026, 3, 2)
SINCE = date(2026, 1, 1)


def account(agency="A", **changes):
    given = {
        "agency_code": agency,
        "beneficiary": "B",
        "treasury": "T",
        "account": f"7111.{agency}",
        "chapter": "554",
        "party": "treasury",
        "paid_from": "bank",
        "valid_from": SINCE,
    }
    return Account(**(given | changes))


def terms(**changes):
    given = {
        "accounts": (account("A"), account("B")),
        "sub_items": (SubItem(kind="fees", sub_item="2663", valid_from=SINCE),),
        "fees": (FeeRule(party="momo", borne_by="agency", valid_from=SINCE),),
    }
    return Terms(**(given | changes))


def item(number, amount=100, **changes):
    given = {
        "what": "payment",
        "payment_id": number,
        "agency_code": "A",
        "party": "momo",
        "kind": "fees",
        "paid_on": DAY,
        "business_on": DAY,
        "amount_vnd": amount,
    }
    return Item(**(given | changes))


def refund(number, amount, **changes):
    return item(number, amount, what="refund", refund_id=number, **changes)


def fee(number, amount, **changes):
    return item(number, amount, what="fee", **changes)


def amounts(made):
    return [(one.account.agency_code, one.sub_item, one.amount_vnd) for one in made.orders]


def held(made):
    return [(one.agency_code, one.reason, one.items, one.owed_vnd) for one in made.held]


def test_what_was_collected_less_what_went_back_and_what_was_kept_is_owed():
    made = plan([item(1, 100), item(2, 50), refund(1, 30), fee(2, 5), item(3, 70, agency_code="B")], terms(), DAY)
    assert amounts(made) == [("A", "2663", 115), ("B", "2663", 70)]
    assert made.held == ()


def test_a_day_of_an_agency_is_told_by_kind():
    found = agency_days(
        [item(1, 100), item(2, 50, kind="fine"), item(3, 7), refund(1, 30), fee(2, 5), item(4, 1, agency_code="B")],
        terms(),
    )
    first, second = found
    assert (first.agency_code, first.business_on) == ("A", DAY)
    assert first.collected == (("fees", 107), ("fine", 50))
    assert (first.collected_vnd, first.refunded_vnd, first.fees_vnd, first.owed_vnd) == (157, 30, 5, 122)
    assert second.owed_vnd == 1


def test_a_fee_is_the_agency_s_only_where_that_is_agreed():
    for rules in ((), (FeeRule(party="momo", borne_by="province", valid_from=SINCE),)):
        agreed = terms(fees=rules)
        assert amounts(plan([item(1, 100), fee(1, 5)], agreed, DAY)) == [("A", "2663", 100)]
        assert agency_days([fee(1, 5)], agreed) == ()
        assert plan([fee(1, 5)], agreed, DAY).held == ()


def test_without_an_account_or_a_sub_item_it_is_held_with_the_reason():
    made = plan([item(1, agency_code="C"), item(2, kind="fine"), item(3)], terms(), DAY)
    assert amounts(made) == [("A", "2663", 100)]
    assert held(made) == [("A", "no_sub_item:fine", 1, 100), ("C", "no_treasury_account", 1, 100)]


def test_what_was_paid_before_the_account_was_agreed_is_not_remitted():
    late = terms(accounts=(account("A", valid_from=DAY),))
    before = DAY - timedelta(days=1)
    made = plan([item(1, paid_on=before, business_on=before), refund(1, 40, paid_on=before), item(2)], late, DAY)
    assert amounts(made) == [("A", "2663", 100)]
    assert held(made) == [("A", "no_treasury_account", 2, 60)]


def test_an_account_that_ended_gets_nothing_more():
    ended = terms(accounts=(account("A", valid_to=DAY),))
    assert amounts(plan([item(1)], ended, DAY)) == [("A", "2663", 100)]
    assert held(plan([item(1)], ended, DAY + timedelta(days=1))) == [("A", "no_treasury_account", 1, 100)]


def test_the_account_is_that_of_the_day_of_the_order_and_the_sub_item_that_of_the_payment():
    moved = terms(
        accounts=(account("A", valid_to=DAY), account("A", account="new", valid_from=DAY + timedelta(days=1))),
        sub_items=(
            SubItem(kind="fees", sub_item="1111", valid_from=SINCE, valid_to=DAY),
            SubItem(kind="fees", sub_item="2222", valid_from=DAY + timedelta(days=1)),
        ),
    )
    after = DAY + timedelta(days=1)
    made = plan([item(1), item(2, paid_on=after, business_on=after)], moved, after)
    assert [(one.account.account, one.sub_item) for one in made.orders] == [("new", "1111"), ("new", "2222")]


def test_an_agency_s_own_sub_item_comes_before_that_of_all():
    own = terms(
        sub_items=(
            SubItem(kind="fees", sub_item="2663", valid_from=SINCE),
            SubItem(kind="fees", sub_item="9999", agency_code="B", valid_from=SINCE, valid_to=DAY),
        )
    )
    assert amounts(plan([item(1), item(2, agency_code="B")], own, DAY)) == [("A", "2663", 100), ("B", "9999", 100)]
    assert own.sub_item("fees", "B", DAY + timedelta(days=1)) == "2663"


def test_a_debt_that_is_not_above_zero_is_carried():
    assert held(plan([item(1, 100), refund(2, 100)], terms(), DAY)) == [("A", "nothing_owed", 2, 0)]
    assert held(plan([item(1, 100), refund(2, 130)], terms(), DAY)) == [("A", "nothing_owed", 2, -30)]


def test_what_is_in_doubt_waits_with_all_that_is_of_it():
    doubted = [item(1, 100, hold="in_doubt"), refund(1, 40, hold="in_doubt"), item(2, 60)]
    made = plan(doubted, terms(), DAY)
    assert amounts(made) == [("A", "2663", 60)]
    assert held(made) == [("A", "in_doubt", 2, 60)]


def test_what_comes_after_the_day_s_order_goes_with_the_next():
    made = plan([item(1)], terms(), DAY, ordered={("A", "2663")})
    assert made.orders == ()
    assert made.held == (Held(agency_code="A", reason="ordered_already", items=1, owed_vnd=100),)


things = st.builds(
    item,
    st.integers(1, 6),
    st.integers(1, 10**15),
    what=st.sampled_from(["payment", "fee"]),
    agency_code=st.sampled_from("ABC"),
    kind=st.sampled_from(["fees", "fine"]),
    party=st.sampled_from(["momo", "vnpay"]),
    hold=st.sampled_from(["", "in_doubt"]),
)


@given(st.lists(things), st.randoms())
def test_every_dong_is_ordered_or_held_in_any_order(given_items, random):
    agreed = terms()
    made = plan(given_items, agreed, DAY)
    shuffled = list(given_items)
    random.shuffle(shuffled)
    again = plan(shuffled, agreed, DAY)
    assert (amounts(again), again.held) == (amounts(made), made.held)
    counted = [one for one in given_items if one.what == "payment" or one.party == "momo"]
    total = sum(one.amount_vnd for one in made.orders) + sum(one.owed_vnd for one in made.held)
    assert total == sum(one.owed_vnd for one in counted)
    assert sum(len(one.items) for one in made.orders) + sum(one.items for one in made.held) == len(counted)
    assert all(one.amount_vnd > 0 for one in made.orders)


CREATED, SENT, CONFIRMED, REFUSED = (
    Standing(one) for one in (State.CREATED, State.SENT, State.CONFIRMED, State.REFUSED)
)
DOUBTS = {one: Standing(State.IN_DOUBT, one) for one in Doubt}


@pytest.mark.parametrize(
    ("stands", "end", "then"),
    [
        (CREATED, End.SENT, SENT),
        (CREATED, End.STOPPED, REFUSED),
        (CREATED, End.SET_ASIDE, DOUBTS[Doubt.UNANSWERED]),
        (CREATED, End.OPEN, CREATED),
        (DOUBTS[Doubt.UNANSWERED], End.SENT, SENT),
        (DOUBTS[Doubt.UNANSWERED], End.OPEN, DOUBTS[Doubt.UNANSWERED]),
        (DOUBTS[Doubt.AMOUNT_DIFFERS], End.SENT, DOUBTS[Doubt.AMOUNT_DIFFERS]),
        (CONFIRMED, End.SENT, CONFIRMED),
        (REFUSED, End.SENT, REFUSED),
    ],
)
def test_what_became_of_the_message(stands, end, then):
    assert after_message(stands, end) == then


@pytest.mark.parametrize(
    ("stands", "said", "ours", "then"),
    [
        *((one, "confirmed", True, CONFIRMED) for one in (CREATED, SENT, CONFIRMED, DOUBTS[Doubt.UNANSWERED])),
        *((one, "refused", True, REFUSED) for one in (CREATED, SENT, REFUSED, DOUBTS[Doubt.UNANSWERED])),
        *((one, "confirmed", False, DOUBTS[Doubt.AMOUNT_DIFFERS]) for one in (CREATED, SENT, CONFIRMED, REFUSED)),
        (CONFIRMED, "refused", True, DOUBTS[Doubt.REFUSED_AFTER_CONFIRMED]),
        (REFUSED, "confirmed", True, DOUBTS[Doubt.CONFIRMED_AFTER_REFUSED]),
        *((DOUBTS[one], "confirmed", True, DOUBTS[one]) for one in Doubt if one is not Doubt.UNANSWERED),
    ],
)
def test_what_the_treasury_says(stands, said, ours, then):
    assert after_word(stands, said=said, amount_is_ours=ours) == then


TOML = """
[[account]]
agency_code = "H32.01"
beneficiary = "Sở Tư pháp"
treasury = "KBNN Khánh Hòa"
account = "7111.0.1"
chapter = "014"
party = "treasury"
paid_from = "vietinbank"
valid_from = 2026-01-01
[[sub_item]]
kind = "fees"
sub_item = "2663"
valid_from = 2026-01-01
valid_to = 2026-12-31
[[fee]]
party = "momo"
borne_by = "province"
valid_from = 2026-01-01
[[bank]]
party = "vietinbank"
valid_from = 2026-01-01
"""


def test_terms_are_read():
    found = read(TOML)
    assert found.agencies == {"H32.01"}
    assert found.account("H32.01", date(2026, 5, 1)).chapter == "014"
    assert found.account("H32.01", date(2025, 12, 31)) is None
    assert found.sub_item("fees", "H32.01", date(2027, 1, 1)) is None
    assert found.fee_bearer("momo", DAY) == "province"
    assert found.is_bank("vietinbank", DAY)
    assert not found.is_bank("momo", DAY)
    assert read("") == Terms()


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("[[account]]", "[[acount]]", "acount: no such table"),
        ("[[account]]", "[account]", "write \\[\\[account"),
        ('chapter = "014"', 'chapter = "14"', "account 1: chapter: 3 digits"),
        ('chapter = "014"', "chapter = 14", "account 1: chapter"),
        ('chapter = "014"', "", "account 1: .*chapter"),
        ('sub_item = "2663"', 'sub_item = "266x"', "sub_item 1: sub_item: 4 digits"),
        ('kind = "fees"', 'kind = "fee"', "sub_item 1: kind: one of fees"),
        ('borne_by = "province"', 'borne_by = "nobody"', "fee 1: borne_by: one of agency"),
        ('account = "7111.0.1"', 'account = "7111\\n"', "account 1: account"),
        ('account = "7111.0.1"', 'account = " "', "account 1: account: is empty"),
        ('account = "7111.0.1"', 'acount = "7111.0.1"', "no field 'acount'"),
        ("valid_to = 2026-12-31", 'valid_to = "2026-12-31"', "sub_item 1: valid_to: write a day"),
        ("valid_to = 2026-12-31", "valid_to = 2025-12-31", "valid_to is before valid_from"),
        ("[[fee]]", "[[fee]", "no TOML"),
    ],
)
def test_terms_that_cannot_be_are_refused_by_row_and_field(right, wrong, said):
    assert right in TOML
    with pytest.raises(SetupError, match=said) as caught:
        read(TOML.replace(right, wrong, 1))
    assert caught.value.reason == "terms_malformed"


@pytest.mark.parametrize(
    "rows",
    [
        {"accounts": (account("A", valid_to=DAY), account("A", valid_from=DAY))},
        {"accounts": (account("A"), account("A", valid_from=DAY))},
        {"sub_items": (SubItem(kind="fees", sub_item="1111", valid_from=SINCE),) * 2},
        {"fees": (FeeRule(party="momo", borne_by="agency", valid_from=SINCE),) * 2},
        {"banks": (Bank(party="b", valid_from=SINCE), Bank(party="b", valid_from=DAY))},
    ],
)
def test_two_rows_that_hold_on_one_day_are_refused(rows):
    with pytest.raises(SetupError) as caught:
        Terms(**rows)
    assert caught.value.reason == "terms_overlap"


def test_rows_that_follow_each_other_hold_each_in_its_time():
    found = Terms(
        accounts=(account("A", valid_to=DAY), account("A", account="new", valid_from=DAY + timedelta(days=1)))
    )
    assert found.account("A", DAY).account == "7111.A"
    assert found.account("A", DAY + timedelta(days=1)).account == "new"
