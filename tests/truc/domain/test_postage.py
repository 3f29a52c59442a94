"""The postal fee by address, with province codes of the order before and after 1 July 2025."""

from collections import Counter
from datetime import date

import pytest

from truc.domain import areas
from truc.domain.postage import PRESENT_OF, postage_vnd
from truc.errors import MalformedError

BEFORE, FROM_THEN_ON = date(2025, 6, 30), date(2025, 7, 1)
INSIDE, OUTSIDE = 23_000, 31_500


@pytest.mark.parametrize(
    ("address", "home", "ordered_on", "fee_vnd"),
    [
        ("56", "56", BEFORE, INSIDE),
        ("56", "56", FROM_THEN_ON, INSIDE),
        ("79", "56", BEFORE, OUTSIDE),
        ("79", "56", FROM_THEN_ON, OUTSIDE),
        ("58", "56", BEFORE, OUTSIDE),  # Ninh Thuận, a province of its own …
        ("58", "56", FROM_THEN_ON, INSIDE),  # … and part of Khánh Hòa
        ("56", "58", FROM_THEN_ON, INSIDE),  # an office whose catalogue still has the older code
        ("60", "67", BEFORE, OUTSIDE),  # Bình Thuận and Đắk Nông, both in Lâm Đồng now
        ("60", "67", FROM_THEN_ON, INSIDE),
        ("10", "15", FROM_THEN_ON, INSIDE),  # the older Lào Cai; 15 was Yên Bái and is Lào Cai
        ("01", "20", FROM_THEN_ON, OUTSIDE),  # two that stayed as they were
    ],
)
def test_the_fee_follows_the_provinces_of_the_day(address: str, home: str, ordered_on: date, fee_vnd: int) -> None:
    assert postage_vnd(address, home, ordered_on=ordered_on) == fee_vnd


def test_every_older_province_is_part_of_one_present_province() -> None:
    present = {one.code for one in areas.provinces()}
    assert len(PRESENT_OF) == 63
    assert set(PRESENT_OF.values()) == present
    assert Counter(PRESENT_OF.values())["01"] == 1


def test_a_present_code_stands_for_itself() -> None:
    assert [PRESENT_OF[one.code] for one in areas.provinces()] == [one.code for one in areas.provinces()]


@pytest.mark.parametrize("code", ["", "5", "056", "03", "99", "５６"])
@pytest.mark.parametrize("ordered_on", [BEFORE, FROM_THEN_ON])
def test_a_code_no_province_ever_had_has_no_fee(code: str, ordered_on: date) -> None:
    for address, home in ((code, "56"), ("56", code)):
        with pytest.raises(MalformedError) as caught:
            postage_vnd(address, home, ordered_on=ordered_on)
        assert caught.value.reason == "unknown_area"
