"""A statement file is believed only when it is whole and its own totals hold."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truc.errors import MalformedError, SetupError
from truc.statements.profiles import Amounts, Delimited, Meaning
from truc.statements.read import read as read_file

PROFILE = Delimited(
    party="bank",
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
    means=Meaning(kinds={"TT": "payment", "HT": "refund"}, states={"00": "paid", "99": "failed"}),
)
GOOD = (
    "H|20250603\nD|1|TT-1|B1|TT|200000|0|00|20250603081500\nD|2|TT-2|B2|HT|31500|1100|99|20250603235959\nT|2|231500\n"
)


def read(text, profile=PROFILE):
    return read_file(text.encode(), profile).whole()


def with_amounts(**amounts):
    return replace(PROFILE, means=replace(PROFILE.means, amounts=Amounts(**amounts)))


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
    changed = read(GOOD.replace("\n", ending))
    assert [replace(line, row=0) for line in changed.lines] == [replace(line, row=0) for line in read(GOOD).lines]


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
    "text_not_storable": GOOD.replace("TT-1", "TT\0-1"),
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
    grouped = with_amounts(thousands=".")
    assert read(GOOD.replace("|200000|", f"|{text}|"), grouped).lines[0].amount_vnd == amount_vnd


@pytest.mark.parametrize("text", ["2.00000", "20.00", ".200", "200..000"])
def test_thousands_in_the_wrong_place_are_no_amount(text):
    with pytest.raises(MalformedError):
        read(GOOD.replace("|200000|", f"|{text}|"), with_amounts(thousands="."))


def test_bytes_that_are_not_text_name_their_line():
    with pytest.raises(MalformedError, match="line 2") as caught:
        read_file(GOOD.encode().replace(b"TT-1", b"TT-\xff"), PROFILE)
    assert caught.value.reason == "not_text"


def test_an_unclosed_quote_is_a_truncated_file():
    with pytest.raises(MalformedError) as caught:
        read(GOOD.replace("TT-2", '"TT-2'), replace(PROFILE, quoted="as_needed"))
    assert caught.value.reason == "truncated"


def test_a_line_of_another_day_is_read_when_the_profile_allows_it():
    late = GOOD.replace("20250603081500", "20250604081500")
    assert len(read(late, replace(PROFILE, means=replace(PROFILE.means, occurs="any_day"))).lines) == 2


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
        read_file(body, PROFILE).whole()


@pytest.mark.parametrize(
    ("amounts", "text", "signed_vnd"),
    [
        ({"thousands": ".", "decimals": ","}, "1.000,00", 1_000),
        ({"thousands": ",", "decimals": "."}, "1,234,000.0", 1_234_000),
        ({"thousands": " "}, "1 500 000", 1_500_000),
        ({"decimals": "."}, "200000.00", 200_000),
        ({"sign": "leading"}, "-200000", -200_000),
        ({"sign": "leading"}, "+200000", 200_000),
        ({"sign": "trailing"}, "200000-", -200_000),
        ({"sign": "parentheses", "thousands": "."}, "(200.000)", -200_000),
        ({"empty": "zero"}, "", 0),
    ],
)
def test_amounts_are_read_as_the_profile_writes_them(amounts, text, signed_vnd):
    reading = read_file(GOOD.replace("|200000|", f"|{text}|").encode(), with_amounts(**amounts))
    assert reading.unread == ()
    assert (reading.lines[0].signed_vnd, reading.lines[0].amount_vnd) == (signed_vnd, abs(signed_vnd))


@pytest.mark.parametrize(
    ("amounts", "text"),
    [
        ({"decimals": ","}, "1000,50"),
        ({"decimals": ",", "thousands": "."}, "1000.00"),
        ({"decimals": "."}, "1.000.00"),
        ({"sign": "leading"}, "200000-"),
        ({"sign": "leading"}, "--200000"),
        ({"sign": "parentheses"}, "(200000"),
        ({"thousands": ".", "decimals": ","}, "1.000," + "0" * 4),
    ],
)
def test_what_could_be_read_two_ways_is_not_read(amounts, text):
    reading = read_file(GOOD.replace("|200000|", f"|{text}|").encode(), with_amounts(**amounts))
    assert [one.reason for one in reading.unread] == ["amount_not_integer"]


def test_every_line_that_cannot_be_read_is_listed_and_the_others_are_read():
    lines = [f"D|{n}|TT-{n}|B{n}|TT|1000|0|00|20250603081500" for n in range(1, 7)]
    lines[1], lines[3], lines[4] = "D|2|broken", lines[3].replace("|TT|", "|ZZ|"), lines[4].replace("1000", "1e3")
    reading = read_file("\n".join(["H|20250603", *lines, "T|6|6000", ""]).encode(), PROFILE)
    assert [(one.row, one.reason) for one in reading.unread] == [
        (3, "wrong_columns"),
        (5, "unknown_kind"),
        (6, "amount_not_integer"),
    ]
    assert [line.line_no for line in reading.lines] == [1, 3, 6]
    assert [one.name for one in reading.differences] == ["count", "amount_vnd"]
    with pytest.raises(MalformedError, match=r"line 3: .* 2 more") as caught:
        reading.whole()
    assert caught.value.reason == "wrong_columns"


TITLED = Delimited(
    party="bank",
    delimiter=",",
    quoted="as_needed",
    titles=("STT", "Nội dung", "Ghi có", "Ghi nợ", "Ngày"),
    line=("line_no", "our_reference", "credit_vnd", "debit_vnd", "occurred_on"),
    means=Meaning(
        kinds={"+": "payment", "-": "refund"},
        states={"": "paid"},
        date_format="%d/%m/%Y",
        amounts=Amounts(thousands=".", empty="zero"),
        reference_pattern=r"TT-\d+",
    ),
)
EXPORTED = (
    "STT,Nội dung,Ghi có,Ghi nợ,Ngày\r\n"
    '1,"NOP LE PHI TT-7, HO SO",200.000,,03/06/2025\r\n'
    "2,HOAN TIEN TT-8,,31.500,03/06/2025\r\n3,LAI TIEN GUI,10,,03/06/2025\r\n"
)


def test_a_bank_s_export_without_marks_is_read_by_its_titles():
    file = read(EXPORTED, TITLED)
    assert [(one.our_reference, one.kind, one.signed_vnd) for one in file.lines] == [
        ("TT-7", "payment", 200_000),
        ("TT-8", "refund", -31_500),
        ("", "payment", 10),
    ]
    assert (file.business_on, file.count_declared) == (date(2025, 6, 3), None)
    assert file.lines[0].occurred_at.isoformat() == "2025-06-03T00:00:00+07:00"


def test_columns_that_moved_are_noticed():
    with pytest.raises(MalformedError) as caught:
        read(EXPORTED.replace("Ghi có,Ghi nợ", "Ghi nợ,Ghi có"), TITLED)
    assert caught.value.reason == "titles_differ"


def test_a_line_with_credit_and_debit_is_refused():
    with pytest.raises(MalformedError) as caught:
        read(EXPORTED.replace(",,31.500", ",1,31.500"), TITLED)
    assert caught.value.reason == "credit_and_debit"


@pytest.mark.parametrize(
    "change",
    [
        {"delimiter": "||"},
        {"delimiter": "a"},
        {"line": ("mark", "line_no", "fee")},
        {"line": (*PROFILE.line[:-1], "occured_at")},
        {"line": tuple(name for name in PROFILE.line if name != "kind")},
        {"line_mark": ""},
        {"trailer_mark": ""},
        {"header": ("mark", "day")},
        {"line": (*PROFILE.line, "fee_vnd")},
    ],
)
def test_a_profile_that_cannot_be_is_refused_at_once(change):
    with pytest.raises(SetupError) as caught:
        replace(PROFILE, **change)
    assert caught.value.reason == "profile_malformed"


@pytest.mark.parametrize("words", [{"kinds": {"TT": "paid"}}, {"states": {"00": "payment"}}])
def test_a_profile_has_only_our_words(words):
    with pytest.raises(SetupError):
        replace(PROFILE.means, **words)
