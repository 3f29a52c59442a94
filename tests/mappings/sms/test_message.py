"""What one short message says, how it is coded, and what it costs."""

import contextlib
import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mappings.sms.message import GSM_BASIC, GSM_ESCAPED, SEGMENTS_MAX, content_type, segments, write
from truc.errors import MalformedError
from truc.messages import NoticeDue

SCHEMA = Path(__file__).parents[3] / "schemas" / "sms" / "message.json"


def notice(text: str = "Ho so da xong", phone: str = "0912345678") -> NoticeDue:
    sound = NoticeDue(notice_id="n-1", dossier_code="H32.1-250102-0001", notice="ready", phone="", text="")
    return sound.model_copy(update={"phone": phone, "text": text})  # unchecked: the mapping must hold by itself


def test_a_plain_notice_is_written_exactly() -> None:
    assert write(notice()) == (
        b'{"UserID": "84912345678", "ReceiverID": "84912345678", "Content": "Ho so da xong", "ContentType": "0"}'
    )


def test_vietnamese_goes_as_unicode_and_composed() -> None:
    text = "Hồ sơ đã xong"
    written = json.loads(write(notice(unicodedata.normalize("NFD", text))))
    assert written["Content"] == unicodedata.normalize("NFC", text)
    assert written["ContentType"] == "1"


@pytest.mark.parametrize("text", ["Ho so da xong", "Hồ sơ đã có kết quả 😀", "x" * 765])
def test_what_is_written_fits_the_schema(text: str) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    assert Draft202012Validator(schema).is_valid(json.loads(write(notice(text))))


@given(
    st.text(max_size=400) | st.text("a{€ồ😀", min_size=60, max_size=900),
    st.from_regex(r"(0|84|\+84)?[0-9]{9}", fullmatch=True) | st.from_regex(r"09\d{8}", fullmatch=True),
)
def test_whatever_the_notice_what_is_written_fits_the_schema_or_is_refused(text: str, phone: str) -> None:
    schema = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    with contextlib.suppress(MalformedError):
        assert schema.is_valid(json.loads(write(notice(text, phone))))


@pytest.mark.parametrize("phone", ["0912345678", "84912345678", "+84912345678", "0912 345 678", "0912.345.678"])
def test_every_way_to_write_a_mobile_number_becomes_84(phone: str) -> None:
    assert json.loads(write(notice(phone=phone)))["ReceiverID"] == "84912345678"


@pytest.mark.parametrize(
    "phone",
    [
        "",
        "02583000000",
        "091234567",
        "09123456789",
        "0112345678",
        "912345678",
        "+1912345678",
        "０912345678",
        "091234567８",
    ],
)
def test_what_is_no_vietnamese_mobile_number_is_named_but_not_quoted(phone: str) -> None:
    with pytest.raises(MalformedError, match="phone") as raised:
        write(notice(phone=phone))
    assert raised.value.reason == "not_a_mobile_number"
    assert not phone or phone not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "coding"),
    [("Ho so", "0"), ("a\nb", "0"), ("{a}", "0"), ("Hồ sơ", "1"), ("à", "1"), ("`", "1"), ("€", "1"), ("😀", "1")],
)
def test_the_coding_is_plain_only_for_ascii_of_the_gsm_alphabet(text: str, coding: str) -> None:
    assert content_type(text) == coding


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("{" * 80, 1),
        ("{" * 81, 2),
        ("a" * 152 + "{" + "a" * 152, 3),  # the escape is not cut: 152, then "{" and 151, then 1
        ("ồ" * 70, 1),
        ("ồ" * 71, 2),
        ("ồ" * 134, 2),
        ("ồ" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 66, 2),
        ("😀" * 67, 3),  # 33 whole pairs in a part of 67, not 33 and a half
    ],
)
def test_segments_are_counted_as_carriers_count_them(text: str, count: int) -> None:
    assert segments(text) == count


def test_the_gsm_alphabet_has_its_128_and_10_characters() -> None:
    assert len(GSM_BASIC) == 127  # 128 places, one of them the escape itself
    assert len(GSM_ESCAPED) == 10
    assert not GSM_BASIC & GSM_ESCAPED


@given(st.text(min_size=1, max_size=400))
def test_a_longer_text_never_costs_less(text: str) -> None:
    assert segments(text + "a") >= segments(text) >= 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "text_empty"),
        ("  ", "text_empty"),
        ("a\x00b", "text_unprintable"),
        ("a\x1bb", "text_unprintable"),
        ("a" * (153 * SEGMENTS_MAX + 1), "text_too_long"),
        ("ồ" * (67 * SEGMENTS_MAX + 1), "text_too_long"),
    ],
)
def test_a_text_that_cannot_be_sent_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(MalformedError, match="text") as raised:
        write(notice(text))
    assert raised.value.reason == reason


def test_the_longest_text_is_taken() -> None:
    write(notice("a" * (153 * SEGMENTS_MAX)))
