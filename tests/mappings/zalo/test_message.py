"""What one ZNS message says, and to which number."""

import contextlib
import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mappings.zalo.message import write
from truc.errors import MalformedError
from truc.messages import NoticeDue, NoticeFacts

SCHEMA = Draft202012Validator(
    json.loads((Path(__file__).parents[3] / "schemas" / "zalo" / "message.json").read_text(encoding="utf-8"))
)


CODE = "H32.1-250102-0001"
SOUND = NoticeDue(notice_id="n-1", dossier_code=CODE, notice="ready", phone="0912345678", facts=NoticeFacts())
OLD = SOUND.model_copy(update={"facts": None, "text": "Hồ sơ đã xong"})  # of before there were facts


def notice(phone: str) -> NoticeDue:
    return SOUND.model_copy(update={"phone": phone})  # unchecked: the mapping must hold by itself


def test_a_notice_is_written_exactly() -> None:
    facts = NoticeFacts(amount_vnd=50_000, last_on=date(2025, 1, 20))
    assert json.loads(write(SOUND.model_copy(update={"notice": "fee_reminder", "facts": facts}))) == {
        "phone": "84912345678",
        "notice": "fee_reminder",
        "template_data": {"dossier_code": CODE, "amount_vnd": "50.000 đồng", "last_on": "20/01/2025"},
        "tracking_id": "n-1",
    }


def test_every_field_of_the_template_is_filled() -> None:
    assert json.loads(write(SOUND))["template_data"] == {"dossier_code": CODE, "place": "theo giấy hẹn"}


def test_a_message_of_before_there_were_facts_goes_with_its_text() -> None:
    written = json.loads(write(OLD))
    assert written["template_data"] == {"dossier_code": CODE, "text": "Hồ sơ đã xong"}
    assert SCHEMA.is_valid(written)


@pytest.mark.parametrize("phone", ["0912345678", "84912345678", "+84912345678", "0912 345 678", "0912.345.678"])
def test_every_way_to_write_a_mobile_number_becomes_84(phone: str) -> None:
    assert json.loads(write(notice(phone)))["phone"] == "84912345678"


@pytest.mark.parametrize("phone", ["", "02583000000", "091234567", "0112345678", "+1912345678", "０912345678"])
def test_what_is_no_vietnamese_mobile_number_is_named_but_not_quoted(phone: str) -> None:
    with pytest.raises(MalformedError, match="phone") as raised:
        write(notice(phone))
    assert raised.value.reason == "not_a_mobile_number"
    assert not phone or phone not in str(raised.value)


@pytest.mark.parametrize(("text", "reason"), [(" ", "text_empty"), ("a\x00b", "text_unprintable")])
def test_a_text_that_cannot_be_sent_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(MalformedError, match="text") as raised:
        write(OLD.model_copy(update={"text": text}))
    assert raised.value.reason == reason


@given(st.text(max_size=200), st.from_regex(r"(0|84|\+84)?[0-9]{9}", fullmatch=True), st.booleans())
def test_whatever_the_notice_what_is_written_fits_the_schema_or_is_refused(text: str, phone: str, old: bool) -> None:
    told = OLD.model_copy(update={"text": text, "phone": phone}) if old else notice(phone)
    with contextlib.suppress(MalformedError):
        assert SCHEMA.is_valid(json.loads(write(told)))
