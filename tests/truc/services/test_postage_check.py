"""The post's own prices are asked for and held against the fees we charge: the real client and the stand-in."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from truc import steps
from truc.errors import MalformedError, TransientError
from truc.services import postage_check

TODAY, BEFORE_THE_MERGER = date(2026, 3, 4), date(2025, 6, 30)


def test_the_posts_prices_are_the_fees_we_charge(office: Any, partner: Callable[[str], Any]) -> None:
    found = steps.check_postage(office.store, partner("vnpost").connection, ("price",), TODAY)
    assert found == {"56-56": 23_000, "56-01": 31_500}


@pytest.mark.parametrize(
    ("prices", "told"),
    [
        ({"inside_vnd": 25_000, "outside_vnd": 31_500}, "56-56"),
        ({"inside_vnd": 23_000, "outside_vnd": 31_501}, "56-01"),
    ],
)
def test_another_price_is_told_with_both(
    office: Any, partner: Callable[[str], Any], prices: dict[str, int], told: str
) -> None:
    post = partner("vnpost")
    post.control("prices", prices)
    with pytest.raises(MalformedError, match=told) as caught:
        steps.check_postage(office.store, post.connection, ("price",), TODAY)
    assert caught.value.reason == "postage_differs"
    assert len(str(caught.value).split(";")) == 1, "only what differs"


def test_a_post_that_does_not_answer_is_asked_again_later(office: Any, partner: Callable[[str], Any]) -> None:
    post = partner("vnpost")
    post.fault("silent_before", operation="price", times=9)
    with pytest.raises(TransientError):
        steps.check_postage(office.store, post.connection, ("price",), TODAY)


def test_each_province_of_the_day_is_asked_about_inside_and_outside(office: Any) -> None:
    with office.store.begin() as transaction:
        asked = postage_check.questions(transaction, BEFORE_THE_MERGER)
    assert [(one.sender_province, one.receiver_province) for one in asked] == [
        ("56", "56"),
        ("56", "01"),
        ("58", "58"),
        ("58", "01"),
    ]
