"""A text's length is what a phone network counts: compared with a cut of the encoded text itself."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from truc.domain.notice_lengths import GSM_BASIC, GSM_ESCAPED, Coding, Length, coding_of, measure

ESCAPE = "\x1b"
TWICE = "^{}\\[~]|\f"  # of ASCII, what the GSM alphabet holds behind the escape
NOT_GSM = "`\t\x00\x1b\x7f"  # ASCII that the GSM alphabet does not hold

plain = st.text(st.sampled_from("aB9 .-" + TWICE), max_size=700)
accented = st.text(st.sampled_from("aố€é{`😀"), max_size=300)


def cut_septets(text: str) -> Length:
    """Write every escape out, then cut the row of septets where a part is full, before an escape at its end."""
    row = "".join(ESCAPE + one if one in TWICE else one for one in text)
    whole, parts, rest = len(row), 0, row
    while rest:
        full = len(rest) >= 153
        part = rest[:153].removesuffix(ESCAPE) if full else rest
        rest = rest[len(part) :]
        parts += 1
    return Length(Coding.GSM7, whole, 1 if whole <= 160 else parts)


def cut_units(text: str) -> Length:
    """Encode, then cut the octets where a part is full, before the first half of a character at its end."""
    octets = text.encode("utf-16-be")
    units, parts, rest = len(octets) // 2, 0, octets
    while rest:
        part = rest[:134]
        high = len(part) == 134 and 0xD8 <= part[-2] <= 0xDB
        rest = rest[132 if high else 134 :]
        parts += 1
    return Length(Coding.UCS2, units, 1 if units <= 70 else parts)


@given(plain)
@example("x" * 160)
@example("x" * 161)
@example("x" * 306)
@example("x" * 307)
@example("x" * 152 + "{" + "x" * 152)  # the escape would be the last septet of the first part
@example("{" * 80)
@example("{" * 153)
def test_a_plain_text_is_counted_as_its_septets_are_cut(text: str) -> None:
    assert measure(text) == cut_septets(text)


@given(accented.filter(lambda text: coding_of(text) is Coding.UCS2))
@example("ố" * 70)
@example("ố" * 71)
@example("ố" * 134)
@example("ố" * 135)
@example("ố" * 66 + "😀" + "ố" * 66)  # the first half would be the last unit of the first part
@example("😀" * 35)
@example("😀" * 67)
def test_an_accented_text_is_counted_as_its_units_are_cut(text: str) -> None:
    assert measure(text) == cut_units(text)


@given(st.text(max_size=200))
def test_any_text_is_counted_one_way_or_the_other(text: str) -> None:
    assert measure(text) in (cut_septets(text), cut_units(text))


@given(st.one_of(plain, accented), st.sampled_from("a{ố😀"))
def test_a_longer_text_never_costs_less(text: str, more: str) -> None:
    assert measure(text + more).segments >= measure(text).segments


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", Length(Coding.GSM7, 0, 1)),
        ("Ho so", Length(Coding.GSM7, 5, 1)),
        ("a{b", Length(Coding.GSM7, 4, 1)),
        ("Hồ sơ", Length(Coding.UCS2, 5, 1)),
        ("a`b", Length(Coding.UCS2, 3, 1)),  # one sign outside the alphabet, and 160 are 70
        ("é", Length(Coding.UCS2, 1, 1)),
        ("€", Length(Coding.UCS2, 1, 1)),
        ("😀", Length(Coding.UCS2, 2, 1)),
    ],
)
def test_known_texts(text: str, length: Length) -> None:
    assert measure(text) == length


def test_ascii_is_plain_but_for_the_signs_the_alphabet_lacks() -> None:
    lacking = {chr(code) for code in range(32)} - set("\n\r\f") | {"`", "\x7f"}
    assert {chr(code) for code in range(128) if coding_of(chr(code)) is Coding.UCS2} == lacking
    assert {chr(code) for code in range(128) if measure(chr(code)).units == 2} == set(TWICE)
    assert set(NOT_GSM) <= lacking


def test_the_alphabet_has_127_signs_beside_its_escape_and_10_behind_it() -> None:
    assert (len(GSM_BASIC), len(GSM_ESCAPED)) == (127, 10)
    assert not GSM_BASIC & GSM_ESCAPED
