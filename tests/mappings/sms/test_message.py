"""What one short message says, how it is coded, and what it costs."""

import contextlib
import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mappings.sms.message import SEGMENTS_MAX, write
from truc.errors import MalformedError
from truc.messages import NoticeDue, NoticeFacts

SCHEMA = Path(__file__).parents[3] / "schemas" / "sms" / "message.json"


CODE = "H32.1-250102-0001"
SOUND = NoticeDue(notice_id="n-1", dossier_code=CODE, notice="ready", phone="0912345678", facts=NoticeFacts())
OLD = SOUND.model_copy(update={"facts": None, "text": "Ho so da xong"})  # of before there were facts


def notice(text: str = "Ho so da xong", phone: str = "0912345678") -> NoticeDue:
    return OLD.model_copy(update={"phone": phone, "text": text})  # unchecked: the mapping must hold by itself


def test_a_notice_is_written_exactly() -> None:
    facts = NoticeFacts(place="UBND phường Bắc Nha Trang")
    text = f"Ho so {CODE} da co ket qua. Vui long den Bo phan Mot cua UBND phuong Bac Nha Trang de nhan."
    assert json.loads(write(SOUND.model_copy(update={"facts": facts}))) == {
        "UserID": "84912345678",
        "ReceiverID": "84912345678",
        "Content": text,
        "ContentType": "0",
    }


def test_a_message_of_before_there_were_facts_goes_with_its_text() -> None:
    assert write(OLD) == (
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
    for told in (notice(text, phone), SOUND.model_copy(update={"phone": phone})):
        with contextlib.suppress(MalformedError):
            assert schema.is_valid(json.loads(write(told)))


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


@pytest.mark.parametrize(("text", "coding"), [("{a}", "0"), ("Hồ sơ", "1"), ("à", "1"), ("€", "1")])
def test_the_coding_is_plain_only_for_ascii_of_the_gsm_alphabet(text: str, coding: str) -> None:
    assert json.loads(write(notice(text)))["ContentType"] == coding


@pytest.mark.parametrize(
    ("text", "reason"),
    [
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
