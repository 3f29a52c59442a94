"""Amounts in words: said as people say them, and read back by a reader that shares no code with the writer."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from truc.domain.amount_words import MAX_NAMED, amount_in_words, in_english, in_vietnamese
from truc.errors import MalformedError

# Said by hand, from how receipts are written.
VIETNAMESE = {
    0: "không",
    4: "bốn",
    5: "năm",
    10: "mười",
    11: "mười một",
    14: "mười bốn",
    15: "mười lăm",
    20: "hai mươi",
    21: "hai mươi mốt",
    24: "hai mươi bốn",
    25: "hai mươi lăm",
    55: "năm mươi lăm",
    91: "chín mươi mốt",
    100: "một trăm",
    101: "một trăm lẻ một",
    105: "một trăm lẻ năm",
    110: "một trăm mười",
    115: "một trăm mười lăm",
    121: "một trăm hai mươi mốt",
    1_000: "một nghìn",
    1_005: "một nghìn không trăm lẻ năm",
    1_015: "một nghìn không trăm mười lăm",
    1_050: "một nghìn không trăm năm mươi",
    1_105: "một nghìn một trăm lẻ năm",
    10_010: "mười nghìn không trăm mười",
    21_021: "hai mươi mốt nghìn không trăm hai mươi mốt",
    105_000: "một trăm lẻ năm nghìn",
    1_000_000: "một triệu",
    1_000_005: "một triệu không trăm lẻ năm",
    1_005_000: "một triệu không trăm lẻ năm nghìn",
    144_886_308: "một trăm bốn mươi bốn triệu tám trăm tám mươi sáu nghìn ba trăm lẻ tám",
    1_000_000_000: "một tỷ",
    1_000_000_001: "một tỷ không trăm lẻ một",
    1_050_000_000: "một tỷ không trăm năm mươi triệu",
    10**12: "một nghìn tỷ",
    10**12 + 5 * 10**9: "một nghìn không trăm lẻ năm tỷ",
    10**15: "một triệu tỷ",
    10**18: "một tỷ tỷ",
    -25_000: "âm hai mươi lăm nghìn",
}
ENGLISH = {
    0: "zero",
    5: "five",
    13: "thirteen",
    21: "twenty-one",
    40: "forty",
    100: "one hundred",
    105: "one hundred five",
    1_005: "one thousand five",
    10_010: "ten thousand ten",
    144_886_308: ("one hundred forty-four million eight hundred eighty-six thousand three hundred eight"),
    1_000_000_001: "one billion one",
    10**15: "one quadrillion",
    -25_000: "minus twenty-five thousand",
}
NAMED = st.integers(min_value=-MAX_NAMED + 1, max_value=MAX_NAMED - 1)
# Most numbers hypothesis thinks of have no empty group; money has many.
SPARSE = st.lists(st.sampled_from([0, 0, 1, 5, 10, 15, 21, 24, 100, 105, 400, 999]), min_size=1, max_size=7).map(
    lambda groups: int("".join(f"{group:03}" for group in groups))
)


@pytest.mark.parametrize(("number", "said"), VIETNAMESE.items())
def test_vietnamese_is_said_as_receipts_say_it(number: int, said: str) -> None:
    assert in_vietnamese(number) == said


@pytest.mark.parametrize(("number", "said"), ENGLISH.items())
def test_english_is_said_as_receipts_say_it(number: int, said: str) -> None:
    assert in_english(number) == said


def test_both_forms_of_a_lone_unit_and_of_four_can_be_asked_for() -> None:
    assert in_vietnamese(24_104, odd="linh", four="tư") == "hai mươi tư nghìn một trăm linh bốn"
    assert in_vietnamese(14, four="tư") == "mười bốn"  # never «mười tư»


def test_an_amount_names_its_currency_and_begins_with_a_capital() -> None:
    said = "Một trăm bốn mươi bốn triệu tám trăm tám mươi sáu nghìn ba trăm lẻ tám đồng"
    assert amount_in_words(144_886_308) == said
    assert amount_in_words(0) == "Không đồng"
    assert amount_in_words(-5) == "Âm năm đồng"
    assert amount_in_words(21_000, "en") == "Twenty-one thousand dong"


@pytest.mark.parametrize("value", [1.0, True, None, "5", MAX_NAMED, -MAX_NAMED])
def test_what_has_no_name_is_refused(value: object) -> None:
    for say in (in_vietnamese, in_english):
        with pytest.raises(MalformedError) as caught:
            say(value)  # type: ignore[arg-type]
        assert caught.value.reason == "bad_amount"


@given(number=NAMED | SPARSE, odd=st.sampled_from(["lẻ", "linh"]), four=st.sampled_from(["bốn", "tư"]))
@example(number=10**15 + 5, odd="lẻ", four="bốn")
def test_vietnamese_reads_back(number: int, odd: str, four: str) -> None:
    assert read_vietnamese(in_vietnamese(number, odd=odd, four=four)) == number  # type: ignore[arg-type]


@given(number=NAMED | SPARSE)
def test_english_reads_back(number: int) -> None:
    assert read_english(in_english(number)) == number


@given(first=NAMED | SPARSE, second=NAMED | SPARSE)
def test_no_two_numbers_sound_alike(first: int, second: int) -> None:
    assert (in_vietnamese(first) == in_vietnamese(second)) == (first == second)


# --- readers: a stack of places, from the words alone ---

UNITS = dict(zip(["không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"], range(10), strict=True))
UNITS |= {"mốt": 1, "tư": 4, "lăm": 5}
TEENS = {"zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9}
TEENS |= {"ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16}
TEENS |= {"seventeen": 17, "eighteen": 18, "nineteen": 19}
TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
SCALES |= {"quadrillion": 10**15, "quintillion": 10**18}


def read_vietnamese(text: str) -> int:
    words = text.split()
    if words[0] == "âm":
        return -read_vietnamese(" ".join(words[1:]))
    if "tỷ" in words:
        at = len(words) - 1 - words[::-1].index("tỷ")
        return read_vietnamese(" ".join(words[:at])) * 10**9 + _under_a_billion(words[at + 1 :])
    return _under_a_billion(words)


def _under_a_billion(words: list[str]) -> int:
    whole = group = 0
    for word in words:
        if word in ("triệu", "nghìn"):
            whole, group = whole + group * {"triệu": 10**6, "nghìn": 10**3}[word], 0
        elif word == "trăm":
            group *= 100
        elif word == "mươi":
            group += group % 10 * 9  # the unit just added was a ten
        elif word == "mười":
            group += 10
        elif word not in ("lẻ", "linh"):
            group += UNITS[word]
    return whole + group


def read_english(text: str) -> int:
    words = text.replace("-", " ").split()
    if words[0] == "minus":
        return -read_english(" ".join(words[1:]))
    whole = group = 0
    for word in words:
        if word in SCALES:
            whole, group = whole + group * SCALES[word], 0
        elif word == "hundred":
            group *= 100
        else:
            group += TEENS[word] if word in TEENS else TENS[word]
    return whole + group
