"""Amounts are whole đồng or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truc.domain.money import MAX_VND, format_vnd, vnd
from truc.errors import MalformedError


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("200000 Đồng", 200_000),
        ("1.500.000 đồng", 1_500_000),
        ("200,000đ", 200_000),
        ("8.000", 8_000),
        ("1 500 000 VNĐ", 1_500_000),
        ("VND 23000", 23_000),
        ("0 Đồng", 0),
        ("1.500.000\u00a0₫", 1_500_000),
        ("10000 \u0111o\u0302\u0300ng", 10_000),  # decomposed Unicode
    ],
)
def test_amounts_as_offices_write_them_are_read(text: str, amount: int) -> None:
    assert vnd(text) == amount


@pytest.mark.parametrize(
    "text",
    ["", "Đồng", "12.5", "1.50", "1,5 triệu", "-1000", "1.500,00", "1.500,000", "0.500", "01000",
     "1e6", "1.500.00", "200000.0", "10 20", str(MAX_VND + 1), "100 000 usd", "٢٠٠٠"],
)  # fmt: skip
def test_an_amount_that_could_be_read_two_ways_is_refused(text: str) -> None:
    with pytest.raises(MalformedError) as caught:
        vnd(text)
    assert caught.value.reason == "bad_amount"


@pytest.mark.parametrize("value", [1500.0, 1500, None, True])
def test_only_text_is_read_and_never_a_float(value: object) -> None:
    with pytest.raises(MalformedError):
        vnd(value)  # type: ignore[arg-type]  # the point of the test


def test_a_float_is_never_formatted() -> None:
    with pytest.raises(MalformedError):
        format_vnd(1500.0)  # type: ignore[arg-type]  # the point of the test


def test_formatting_is_vietnamese() -> None:
    assert format_vnd(1_500_000) == "1.500.000 ₫"
    assert format_vnd(-23_000) == "-23.000 ₫"


@given(st.integers(min_value=0, max_value=MAX_VND))
def test_what_is_formatted_is_read_back(amount: int) -> None:
    assert vnd(format_vnd(amount)) == amount
