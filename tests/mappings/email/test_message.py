"""What one e-mail says, and to whom."""

import contextlib
import json
import unicodedata
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mappings.email.message import TEXT_MAX, write
from truc.errors import MalformedError
from truc.messages import NoticeDue, NoticeFacts

DAY = date(2025, 1, 2)
SCHEMA = Draft202012Validator(
    json.loads((Path(__file__).parents[3] / "schemas" / "email" / "message.json").read_text(encoding="utf-8"))
)


CODE = "H32.1-250102-0001"
SOUND = NoticeDue(
    notice_id="n-1", dossier_code=CODE, notice="withdrawn", email="an@example.vn", facts=NoticeFacts(happened_on=DAY)
)


def notice(email: str = "an.nguyen@example.vn", text: str = "Ho so da xong", code: str = CODE) -> NoticeDue:
    """A message of before there were facts; unchecked, as a bug would write it."""
    return SOUND.model_copy(update={"facts": None, "email": email, "text": text, "dossier_code": code})


def test_a_notice_is_written_exactly() -> None:
    assert json.loads(write(SOUND)) == {
        "to": "an@example.vn",
        "subject": f"Hồ sơ {CODE} đã được rút",
        "text": "Kính gửi Ông/Bà,\n\n"
        f"Hồ sơ {CODE} đã được rút theo yêu cầu ngày 02/01/2025.\n"
        "Nếu không yêu cầu rút hồ sơ, Ông/Bà vui lòng liên hệ Bộ phận Một cửa.\n\n"
        "Thư này được gửi tự động, vui lòng không trả lời.\n",
    }


def test_a_message_of_before_there_were_facts_goes_with_its_text() -> None:
    assert json.loads(write(notice(text="Hồ sơ đã xong"))) == {
        "to": "an.nguyen@example.vn",
        "subject": "Thông báo về hồ sơ H32.1-250102-0001",
        "text": "Hồ sơ đã xong",
    }


def test_one_of_no_dossier_has_a_subject_too() -> None:
    assert json.loads(write(notice(code="")))["subject"] == "Thông báo về thủ tục hành chính"


def test_text_is_composed() -> None:
    written = json.loads(write(notice(text=unicodedata.normalize("NFD", "Hồ sơ"))))
    assert written["text"] == unicodedata.normalize("NFC", "Hồ sơ")


@pytest.mark.parametrize("email", ["", "  "])
def test_who_gave_no_address_cannot_be_written_to(email: str) -> None:
    with pytest.raises(MalformedError) as raised:
        write(notice(email))
    assert raised.value.reason == "no_address"


@pytest.mark.parametrize(
    "email",
    [
        "a@b.vn\r\nBcc: c@d.vn",
        "a@b.vn\nc",
        "a@b.vn,c@d.vn",
        "a@b.vn c@d.vn",
        "A <a@b.vn>",
        '"a b"@c.vn',
        "a@b",
        "a@b..vn",
        "a..b@c.vn",
        ".a@b.vn",
        "a@-b.vn",
        "ấn@b.vn",
        "a@tỉnh.vn",
        "a@@b.vn",
        "@b.vn",
        "a" * 65 + "@b.vn",
        "a@" + "b" * 250 + ".vn",
        "a@b.vn\x00",
    ],
)
def test_what_is_no_plain_address_is_named_but_not_quoted(email: str) -> None:
    with pytest.raises(MalformedError, match="email") as raised:
        write(notice(email))
    assert raised.value.reason == "address_malformed"
    assert email not in str(raised.value)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"text": " "}, "text_empty"),
        ({"text": "a\x1bb"}, "text_unprintable"),
        ({"text": "a" * (TEXT_MAX + 1)}, "text_too_long"),
        ({"code": "H32\r\nBcc: c@d.vn"}, "subject_malformed"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_its_reason(changed: dict[str, str], reason: str) -> None:
    with pytest.raises(MalformedError) as raised:
        write(notice(**changed))
    assert raised.value.reason == reason


@given(
    st.emails() | st.text(max_size=40) | st.from_regex(r"[a-z.]{1,9}@[a-z.\r\n-]{1,9}", fullmatch=True),
    st.text(max_size=200),
    st.text(max_size=40),
)
def test_whatever_the_notice_what_is_written_fits_the_schema_or_is_refused(email: str, text: str, code: str) -> None:
    with contextlib.suppress(MalformedError):
        assert SCHEMA.is_valid(json.loads(write(notice(email, text, code))))
        assert SCHEMA.is_valid(json.loads(write(SOUND.model_copy(update={"email": email}))))
