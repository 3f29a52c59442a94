"""24 kinds of notices: each is written from its own fields, in two alphabets, and names nobody."""

import re
import unicodedata
from datetime import UTC, date, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truc.domain.money import MAX_VND
from truc.domain.notice_fields import FIELDS, PLACE_MAX, SHORT_MESSAGE_FIELDS, Fact, FieldName, can_be_written
from truc.domain.notice_kinds import KINDS, OF_STATUS, NoticeName
from truc.domain.notice_lengths import Coding, measure
from truc.domain.notice_words import WORDS
from truc.domain.notices import Letter, check, letter, plain_text, unicode_text, zalo_data
from truc.domain.status import Status
from truc.errors import MalformedError

AT = datetime(2026, 3, 4, 2, 30, tzinfo=UTC)  # 09:30 in Vietnam
USUAL: dict[FieldName, Fact] = {
    "dossier_code": "H32.01-260304-0001",
    "happened_at": AT,
    "happened_on": date(2026, 3, 4),
    "due_on": date(2026, 3, 11),
    "last_on": date(2026, 3, 20),
    "amount_vnd": 1_500_000,
    "place": "UBND phường Bắc Nha Trang",
    "tracking_code": "EH123456789VN",
    "receipt_number": "AB/26E-0001234",
}
# The longest of each field: an agency of 35 characters with a serial of ten digits, the largest amount, a full name.
LONGEST: dict[FieldName, Fact] = USUAL | {
    "dossier_code": f"H32.{'A' * 31}-260304-1234567890",
    "amount_vnd": MAX_VND,
    "place": "ễ" * PLACE_MAX,
    "tracking_code": "9" * 40,
    "receipt_number": "9" * 40,
}
PERSONAL = ("name", "phone", "email", "address", "personal_id", "tax_code", "birth", "account", "officer")
EACH = pytest.mark.parametrize("kind", KINDS)

days = st.dates(date(2000, 1, 1), date(2099, 12, 31))
codes = st.from_regex(re.compile(r"[0-9A-Za-z][0-9A-Za-z./-]{0,39}", re.ASCII), fullmatch=True)
letters = "abcxyzABCXYZ đĐơƯấẫỵ.,-()'&:"
VALUES: dict[FieldName, st.SearchStrategy[Any]] = {
    "dossier_code": st.builds(
        lambda day, serial: f"H32.01-{day:%y%m%d}-{serial:04d}", days, st.integers(1, 9_999_999_999)
    ),
    "happened_at": st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  (bounds)
    "happened_on": days,
    "due_on": days,
    "last_on": days,
    "amount_vnd": st.integers(1, MAX_VND),
    "place": st.text(letters, min_size=1, max_size=PLACE_MAX).map(str.strip).filter(bool),
    "tracking_code": codes,
    "receipt_number": codes,
}
noticed = st.sampled_from(sorted(KINDS)).flatmap(
    lambda kind: st.tuples(
        st.just(kind),
        st.fixed_dictionaries(
            {name: VALUES[name] for name in KINDS[kind].fields},
            optional={name: VALUES[name] for name in KINDS[kind].optional},
        ),
    )
)


def facts_of(kind: NoticeName, source: dict[FieldName, Fact] = USUAL) -> dict[FieldName, Fact]:
    return {name: source[name] for name in KINDS[kind].known}


def reason(kind: NoticeName, facts: dict[Any, Any]) -> str:
    with pytest.raises(MalformedError) as caught:
        unicode_text(kind, facts)
    for value in facts.values():
        assert not isinstance(value, str) or len(value) < 4 or value not in str(caught.value)
    return caught.value.reason


def test_there_are_24_kinds_each_with_words() -> None:
    assert len(KINDS) == 24
    assert list(KINDS) == list(WORDS) == list(get_args(NoticeName))
    assert len({kind.title for kind in KINDS.values()}) == 24
    assert len({words.text for words in WORDS.values()}) == 24


def test_every_national_status_but_in_process_is_told_by_one_kind() -> None:
    told = [kind.status for kind in KINDS.values() if kind.status is not None]
    assert sorted(told) == sorted(set(Status) - {Status.IN_PROCESS})


def test_what_the_report_names_is_there() -> None:
    assert {name for name, kind in KINDS.items() if kind.named_by == "report"} == {
        *("received", "supplement", "refused", "ready", "financial_duty", "payment_confirmed", "postal_ordered"),
        *("fee_due", "receipt_issued", "shipment_sent", "survey"),
    }


@EACH
def test_the_words_use_the_fields_of_their_kind_and_every_required_one(kind: NoticeName) -> None:
    words = WORDS[kind]
    everything = "\n".join((words.text, words.subject, words.more))
    clauses = "".join(re.findall(r"\[.*?\]", everything))
    always = re.sub(r"\[.*?\]", "", everything)
    assert set(re.findall(r"\{(.*?)\}", always)) == set(KINDS[kind].fields)
    assert set(re.findall(r"\{(.*?)\}", clauses)) == set(KINDS[kind].optional)


@EACH
def test_a_short_message_names_only_what_a_locked_screen_may_show(kind: NoticeName) -> None:
    assert set(re.findall(r"\{(.*?)\}", WORDS[kind].text)) <= SHORT_MESSAGE_FIELDS
    for text in (unicode_text(kind, facts_of(kind)), plain_text(kind, facts_of(kind))):
        assert "EH123456789VN" not in text
        assert "0001234" not in text


def test_no_field_is_a_persons() -> None:
    assert [name for name in FIELDS for word in PERSONAL if word in name] == []
    assert frozenset(FIELDS) - SHORT_MESSAGE_FIELDS == {"tracking_code", "receipt_number"}


@EACH
def test_a_plain_text_is_one_message_as_a_rule_and_two_at_the_very_most(kind: NoticeName) -> None:
    usual, longest = (measure(plain_text(kind, facts_of(kind, source))) for source in (USUAL, LONGEST))
    assert (usual.coding, usual.segments) == (Coding.GSM7, 1)
    assert longest.coding is Coding.GSM7
    assert longest.segments <= 2


@EACH
def test_a_text_with_accents_is_two_messages_as_a_rule_and_three_at_the_very_most(kind: NoticeName) -> None:
    usual, longest = (measure(unicode_text(kind, facts_of(kind, source))) for source in (USUAL, LONGEST))
    assert (usual.coding, longest.coding) == (Coding.UCS2, Coding.UCS2)
    assert usual.segments <= 2
    assert longest.segments <= 3


@given(noticed)
def test_whatever_the_facts_no_text_is_longer_than_with_the_longest(
    notice: tuple[NoticeName, dict[FieldName, Fact]],
) -> None:
    kind, facts = notice
    plain = plain_text(kind, facts)
    assert measure(plain).coding is Coding.GSM7
    assert measure(plain).units <= measure(plain_text(kind, facts_of(kind, LONGEST))).units
    assert len(plain) == len(unicode_text(kind, facts))


@given(noticed)
def test_nothing_of_a_template_is_left_and_every_fact_given_is_said(
    notice: tuple[NoticeName, dict[FieldName, Fact]],
) -> None:
    kind, facts = notice
    mail = letter(kind, facts)
    for text in (unicode_text(kind, facts), plain_text(kind, facts), mail.text, mail.subject):
        assert not set("[]{}") & set(text)
    said = zalo_data(kind, facts)
    assert tuple(said) == KINDS[kind].known
    assert [name for name in facts if said[name] not in mail.text] == []
    assert mail.subject.isprintable()


def test_an_unknown_field_is_refused() -> None:
    assert reason("survey", {"dossier_code": USUAL["dossier_code"], "due_on": USUAL["due_on"]}) == "field_unknown"
    assert reason("survey", {"dossier_code": USUAL["dossier_code"], "phone": "0912345678"}) == "field_unknown"


@EACH
def test_a_required_field_that_is_missing_is_refused_and_an_optional_one_is_not(kind: NoticeName) -> None:
    for missing in KINDS[kind].fields:
        assert reason(kind, {name: fact for name, fact in facts_of(kind).items() if name != missing}) == "field_missing"
    for missing in KINDS[kind].optional:
        assert unicode_text(kind, {name: fact for name, fact in facts_of(kind).items() if name != missing})


@pytest.mark.parametrize(
    ("kind", "field", "value", "why"),
    [
        ("survey", "dossier_code", "H32.01", "bad_dossier_code"),
        ("survey", "dossier_code", "H32.01-261340-0001", "bad_dossier_code"),
        ("survey", "dossier_code", 12, "field_bad"),
        ("supplement", "happened_at", datetime(2026, 3, 4, 9, 30), "field_bad"),  # noqa: DTZ001  (the mistake)
        ("supplement", "happened_at", date(2026, 3, 4), "field_bad"),
        ("supplement", "happened_at", "09:30", "field_bad"),
        ("due_moved", "due_on", AT, "field_bad"),
        ("due_moved", "due_on", "11/03/2026", "field_bad"),
        ("fee_due", "amount_vnd", 0, "field_bad"),
        ("fee_due", "amount_vnd", -1, "field_bad"),
        ("fee_due", "amount_vnd", True, "field_bad"),
        ("fee_due", "amount_vnd", "30000", "field_bad"),
        ("fee_due", "amount_vnd", MAX_VND + 1, "field_bad"),
        ("ready", "place", "", "field_bad"),
        ("ready", "place", " UBND", "field_bad"),
        ("ready", "place", "x" * (PLACE_MAX + 1), "field_bad"),
        ("ready", "place", "UBND\nphường", "field_bad"),
        ("ready", "place", "UBND [phường]", "field_bad"),
        ("ready", "place", "UBND `phường`", "field_bad"),
        ("ready", "place", "nhà ông 056123456789", "field_bad"),
        ("ready", "place", "gọi 0912 345 678", "field_bad"),
        ("ready", "place", "gọi 0912.345.678", "field_bad"),
        ("ready", "place", "区役所", "not_ascii"),
        ("shipment_sent", "tracking_code", "EH1\r\nBcc: x", "field_bad"),
        ("shipment_sent", "tracking_code", "EH1\n", "field_bad"),
        ("shipment_sent", "tracking_code", "", "field_bad"),
        ("shipment_sent", "tracking_code", "9" * 41, "field_bad"),
        ("receipt_issued", "receipt_number", "{due_on}", "field_bad"),
    ],
)
def test_a_value_of_another_form_is_refused_and_not_quoted(
    kind: NoticeName, field: FieldName, value: Any, why: str
) -> None:
    assert reason(kind, facts_of(kind) | {field: value}) == why


def test_a_place_with_a_street_number_is_taken() -> None:
    text = plain_text("ready", facts_of("ready") | {"place": "Số 01, đường 23/10, P. Tây Nha Trang"})
    assert text.endswith("den Bo phan Mot cua So 01, duong 23/10, P. Tay Nha Trang de nhan.")


@pytest.mark.parametrize(("number", "fits"), [("12345678", True), ("123456789", False), ("1234-5678-9", False)])
def test_a_place_may_have_a_number_but_no_persons(number: str, fits: bool) -> None:
    assert can_be_written("place", f"UBND {number}") is fits


def test_a_place_is_written_one_way_however_its_accents_came() -> None:
    apart = unicodedata.normalize("NFD", "UBND phường Nha Trang")
    assert FIELDS["place"].write("place", apart) == "UBND phường Nha Trang"


def test_one_kind_in_all_its_forms() -> None:
    facts = facts_of("payment_confirmed")
    text = "Đã nhận 1.500.000 đồng thanh toán cho hồ sơ H32.01-260304-0001 lúc 09:30 04/03."
    assert unicode_text("payment_confirmed", facts) == text
    assert plain_text("payment_confirmed", facts) == (
        "Da nhan 1.500.000 dong thanh toan cho ho so H32.01-260304-0001 luc 09:30 04/03."
    )
    assert letter("payment_confirmed", facts) == Letter(
        "Đã nhận thanh toán cho hồ sơ H32.01-260304-0001",
        f"Kính gửi Ông/Bà,\n\n{text}\nÔng/Bà không cần nộp lại.\n\nThư này được gửi tự động, vui lòng không trả lời.\n",
    )
    assert zalo_data("payment_confirmed", facts) == {
        "dossier_code": "H32.01-260304-0001",
        "amount_vnd": "1.500.000 đồng",
        "happened_at": "09:30 04/03",
    }


def test_clauses_fall_away_one_by_one() -> None:
    code, kind = USUAL["dossier_code"], "financial_duty"
    start = f"Ho so {code} can thuc hien nghia vu tai chinh"
    assert plain_text(kind, {"dossier_code": code}) == f"{start}."
    assert plain_text(kind, {"dossier_code": code, "amount_vnd": 5_000}) == f"{start}: 5.000 dong."
    assert plain_text(kind, {"dossier_code": code, "last_on": date(2026, 3, 20)}) == f"{start}, han 20/03/2026."
    assert plain_text(kind, facts_of(kind)) == f"{start}: 1.500.000 dong, han 20/03/2026."


def test_zalo_hears_every_field_where_one_is_not_given() -> None:
    code = USUAL["dossier_code"]
    assert zalo_data("ready", {"dossier_code": code}) == {"dossier_code": code, "place": "theo giấy hẹn"}


def test_a_text_is_written_from_its_fields_as_a_citizen_reads_it() -> None:
    code = USUAL["dossier_code"]
    assert plain_text("received", facts_of("received")) == f"Ho so {code} da duoc tiep nhan. Ngay hen tra: 11/03/2026."
    assert plain_text("received", {"dossier_code": code}) == f"Ho so {code} da duoc tiep nhan."
    assert plain_text("supplement", facts_of("supplement")) == (
        f"Ho so {code} can bo sung giay to (09:30 04/03). Vui long lien he Bo phan Mot cua."
    )
    assert plain_text("ready", {"dossier_code": code}) == (
        f"Ho so {code} da co ket qua. Vui long den Bo phan Mot cua de nhan."
    )


@EACH
def test_what_can_be_written_passes_the_check_and_what_cannot_is_named(kind: NoticeName) -> None:
    check(kind, facts_of(kind))
    with pytest.raises(MalformedError) as raised:
        check(kind, {})
    assert raised.value.reason == "field_missing"


def test_a_value_that_others_name_can_be_asked_about_first() -> None:
    assert can_be_written("tracking_code", "EH123456789VN")
    assert not can_be_written("tracking_code", "")
    assert not can_be_written("tracking_code", "a b")


def test_every_status_but_the_one_that_asks_nothing_has_its_kind() -> None:
    assert set(OF_STATUS) == set(Status) - {Status.IN_PROCESS}
    assert all(KINDS[kind].status is status and KINDS[kind].sent_by == "status" for status, kind in OF_STATUS.items())
