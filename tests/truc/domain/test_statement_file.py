"""A statement file is believed only when it is whole and its own totals hold."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truc.domain.statement_file import DelimitedProfile, read_delimited
from truc.errors import MalformedError

PROFILE = DelimitedProfile(
    delimiter="|",
    header=("mark", "business_on"),
    line=(
        "mark",
        "line_no",
        "our_reference",
        "partner_reference",
        "kind",
        "amount_vnd",
        "fee_vnd",
        "state",
        "occurred_at",
    ),
    trailer=("mark", "count", "amount_vnd"),
    header_mark="H",
    line_mark="D",
    trailer_mark="T",
    date_format="%Y%m%d",
    time_format="%Y%m%d%H%M%S",
    kinds={"TT": "payment", "HT": "refund"},
    states={"00": "paid", "99": "failed"},
)
GOOD = (
    "H|20250603\nD|1|TT-1|B1|TT|200000|0|00|20250603081500\nD|2|TT-2|B2|HT|31500|1100|99|20250603235959\nT|2|231500\n"
)


def read(text, profile=PROFILE):
    return read_delimited(text.encode(), profile)


def test_a_whole_file_is_read_in_our_words():
    statement = read(GOOD)
    assert statement.business_on == date(2025, 6, 3)
    assert (statement.count_declared, statement.amount_declared_vnd) == (2, 231_500)
    first, second = statement.lines
    assert (first.our_reference, first.kind, first.amount_vnd, first.state) == (
        "TT-1",
        "payment",
        200_000,
        "paid",
    )
    assert (second.kind, second.fee_vnd, second.state) == ("refund", 1_100, "failed")
    assert first.occurred_at == datetime(2025, 6, 3, 1, 15, tzinfo=UTC)


def test_an_empty_day_is_a_statement_with_no_lines():
    assert read("H|20250603\nT|0|0\n").lines == ()


@pytest.mark.parametrize("ending", ["\r\n", "\n\n"])
def test_line_endings_and_empty_lines_change_nothing(ending):
    assert read(GOOD.replace("\n", ending)) == read(GOOD)


BAD = {
    "empty": "\n",
    "header_missing": GOOD.removeprefix("H|20250603\n"),
    "truncated": GOOD.removesuffix("T|2|231500\n"),
    "unknown_record": GOOD.replace("D|2", "X|2"),
    "wrong_columns": GOOD.replace("|0|00|", "|00|"),
    "number_malformed": GOOD.replace("D|1|", "D|0|"),
    "date_malformed": GOOD.replace("H|20250603", "H|03/06/2025"),
    "time_malformed": GOOD.replace("20250603081500", "20250603256100"),
    "unknown_kind": GOOD.replace("|TT|200000", "|??|200000"),
    "unknown_state": GOOD.replace("|00|", "|01|"),
    "wrong_day": GOOD.replace("20250603081500", "20250604081500"),
    "duplicate_line": GOOD.replace("D|2|", "D|1|"),
    "control_count_differs": GOOD.replace("T|2|", "T|3|"),
    "control_total_differs": GOOD.replace("T|2|231500", "T|2|231501"),
}


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_file_is_refused_whole_with_its_reason(reason):
    with pytest.raises(MalformedError) as caught:
        read(BAD[reason])
    assert caught.value.reason == reason


@pytest.mark.parametrize("amount", ["200000.00", "200,000", "-200000", "2e5", "", " 200000", "２０００００", "1" * 16])
def test_an_amount_that_is_not_whole_dong_is_refused_and_its_line_named(amount):
    with pytest.raises(MalformedError, match="line 2: amount_vnd") as caught:
        read(GOOD.replace("|200000|", f"|{amount}|"))
    assert caught.value.reason == "amount_not_integer"


@pytest.mark.parametrize(("text", "amount_vnd"), [("200.000", 200_000), ("200000", 200_000)])
def test_thousands_are_read_when_the_profile_says_so(text, amount_vnd):
    grouped = replace(PROFILE, thousands=".")
    assert read(GOOD.replace("|200000|", f"|{text}|"), grouped).lines[0].amount_vnd == amount_vnd


@pytest.mark.parametrize("text", ["2.00000", "20.00", ".200", "200..000"])
def test_thousands_in_the_wrong_place_are_no_amount(text):
    with pytest.raises(MalformedError):
        read(GOOD.replace("|200000|", f"|{text}|"), replace(PROFILE, thousands="."))


def test_bytes_that_are_not_text_name_their_line():
    with pytest.raises(MalformedError, match="line 2") as caught:
        read_delimited(GOOD.encode().replace(b"TT-1", b"TT-\xff"), PROFILE)
    assert caught.value.reason == "not_text"


def test_an_unclosed_quote_is_a_truncated_file():
    with pytest.raises(MalformedError) as caught:
        read(GOOD.replace("TT-2", '"TT-2'), replace(PROFILE, quoted="as_needed"))
    assert caught.value.reason == "truncated"


def test_a_line_of_another_day_is_read_when_the_profile_allows_it():
    late = GOOD.replace("20250603081500", "20250604081500")
    assert len(read(late, replace(PROFILE, occurs="any_day")).lines) == 2


def test_an_error_never_shows_a_cell():
    for text in BAD.values():
        with pytest.raises(MalformedError) as caught:
            read(text)
        assert "TT-1" not in str(caught.value)


@given(st.integers(min_value=1, max_value=len(GOOD) - 2))
def test_a_file_cut_anywhere_is_never_believed(length):
    with pytest.raises(MalformedError):
        read(GOOD[:length])


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_and_nothing_else(body):
    with pytest.raises(MalformedError):
        read_delimited(body, PROFILE)
