"""Published wordings are read to values or kept with a reason; nothing is guessed."""

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truc import messages
from truc.domain.procedure import (
    Channel,
    Document,
    Fee,
    Procedure,
    TimeLimit,
    Unit,
    Unread,
    read_fees,
    read_terms,
    read_time_limit,
)
from truc.domain.receipt import MAX_RECEIPT_NUMBER, next_receipt_number
from truc.errors import MalformedError


@pytest.mark.parametrize(
    ("wording", "limit"),
    [
        ("07 Ngày làm việc", TimeLimit(7, Unit.WORKING_DAY)),
        ("30 Ngày", TimeLimit(30, Unit.DAY)),
        ("1 Giờ", TimeLimit(1, Unit.HOUR)),
        ("1 Tháng", TimeLimit(1, Unit.MONTH)),
        ("Không quá 5 ngày làm việc", TimeLimit(5, Unit.WORKING_DAY)),
        ("Tối đa 6 ngày làm việc kể từ ngày nhận đủ hồ sơ.", TimeLimit(6, Unit.WORKING_DAY)),
        ("Ngay trong ngày tiếp nhận hồ sơ", TimeLimit(0, Unit.SAME_DAY)),
        ("Trong ngày làm việc", TimeLimit(0, Unit.SAME_DAY)),
    ],
)
def test_time_limits_are_read_to_value_and_unit(wording: str, limit: TimeLimit) -> None:
    assert read_time_limit(wording) == limit
    assert read_time_limit(unicodedata.normalize("NFD", wording)) == limit


@pytest.mark.parametrize(
    ("wording", "reason"),
    [
        ("", "not_published"),
        ("0", "unit_missing"),
        ("30", "unit_missing"),
        ("0 Ngày", "zero"),
        ("Không xác định", "not_specified"),
        ("Khác", "not_specified"),
        ("03 ngày làm việc, trường hợp phải xác minh thì không quá 08 ngày làm việc.", "conditional"),
        ("6 ngày làm việc kể từ ngày có kết quả giám định", "conditional"),
        ("Do sở giáo dục và đào tạo quy định", "set_elsewhere"),
        ("Ngay sau khi xong", "free_text"),
    ],
)
def test_a_limit_without_one_value_keeps_its_wording_and_says_why(wording: str, reason: str) -> None:
    assert read_time_limit(wording) == Unread(wording, reason)


@pytest.mark.parametrize(
    ("wording", "fees"),
    [
        ("Lệ phí: 200000 Đồng", (Fee("le_phi", 200_000),)),
        ("Lệ phí: 200000 ĐồngXem chi tiết", (Fee("le_phi", 200_000),)),
        ("Phí: 250.000 ĐồngXem chi tiết Lệ phí: 150.000 Đồng", (Fee("phi", 250_000), Fee("le_phi", 150_000))),
        ("Lệ phí: 50.000 đồng/lần ĐồngXem chi tiết", (Fee("le_phi", 50_000, "lần"),)),
        ("Phí: 2.000 đồng/trang", (Fee("phi", 2_000, "trang"),)),
        ("Lệ phí: 0 Đồng", (Fee("le_phi", 0),)),
        ("Phí: Không Đồng", (Fee("phi", 0),)),
        ("Lệ phí: Miễn lệ phí", (Fee("le_phi", 0),)),
    ],
)
def test_fees_are_read_to_kind_and_whole_dong(wording: str, fees: tuple[Fee, ...]) -> None:
    assert read_fees(wording) == fees
    assert read_fees(unicodedata.normalize("NFD", wording)) == fees


@pytest.mark.parametrize(
    ("wording", "reason"),
    [
        ("", "not_published"),  # never «free»
        ("Lệ phí: ĐồngXem chi tiết", "amount_missing"),
        ("Phí: Đồng", "amount_missing"),
        ("Lệ phí: Theo quy định", "by_regulation"),
        ("Lệ phí: Theo mức thu do Hội đồng nhân dân cấp tỉnh quy định.", "set_by_council"),
        ("Lệ phí: Miễn phí đối với trường hợp hộ nghèo", "conditional"),
        ("Phí: 2.000 đồng/trang; từ trang thứ ba 1.000 đồng/trang", "conditional"),
        ("Phí: 12.5 Đồng", "conditional"),
        ("Phí: 100.000 Đồng Phí: Đồng", "amount_missing"),  # half a reading is no reading
        ("miễn cho người nghèo", "free_text"),
    ],
)
def test_a_fee_without_a_value_keeps_its_wording_and_says_why(wording: str, reason: str) -> None:
    assert read_fees(wording) == Unread(wording, reason)


@given(st.text(max_size=60))
def test_no_wording_at_all_breaks_the_readers_or_is_lost(wording: str) -> None:
    for read in (read_time_limit(wording), read_fees(wording)):
        if isinstance(read, Unread):
            assert read.wording == wording
            assert read.reason


def test_a_charge_is_only_offered_when_exactly_one_amount_is_published() -> None:
    def charge(fees: str) -> int | None:
        return read_terms(Channel.COUNTER, "", fees).fee_vnd

    assert charge("Lệ phí: 20000 Đồng") == 20_000
    assert charge("Lệ phí: 50.000 đồng/lần Đồng") == 50_000
    assert charge("Phí: 250000 Đồng Phí: 500000 Đồng") is None  # which case applies is not said
    assert charge("Phí: 2.000 đồng/trang") is None  # how many pages is not known
    assert charge("") is None


def test_terms_differ_by_channel_and_keep_the_original() -> None:
    terms = read_terms(Channel.ONLINE, "Khác", "Lệ phí: 10000 Đồng")
    assert (terms.time_limit, terms.time_limit_wording, terms.time_limit_reason) == (None, "Khác", "not_specified")
    assert (terms.fees, terms.fee_reason) == ((Fee("le_phi", 10_000),), "")


def procedure(**changes: object) -> Procedure:
    channels = (read_terms(Channel.COUNTER, "07 Ngày làm việc", "Lệ phí: 20000 Đồng"),)
    base = Procedure("1.004222", "Đăng ký thường trú", "Z00-CU", "Cư trú", "commune", "Công an cấp xã", channels)
    return replace(base, **changes)  # type: ignore[arg-type]  # of mixed types


def test_the_version_digest_changes_with_the_published_content_only() -> None:
    same = procedure(year=2026, code_source="seen", terms_source="recalled")
    assert same.version_digest == procedure().version_digest
    dearer = (read_terms(Channel.COUNTER, "07 Ngày làm việc", "Lệ phí: 25000 Đồng"),)
    changed = [procedure(channels=dearer), procedure(name="Khác"), procedure(documents=(Document("Tờ khai"),))]
    assert len({p.version_digest for p in [procedure(), *changed]}) == 4


def test_the_digest_does_not_depend_on_how_unicode_was_composed() -> None:
    decomposed = unicodedata.normalize("NFD", "Đăng ký thường trú")
    assert procedure(name=decomposed).version_digest == procedure().version_digest


def test_without_a_code_name_and_agency_identify_a_procedure() -> None:
    one = procedure(code="")
    assert one.key.startswith("export:")
    assert one.key == procedure(code="", name="  Đăng ký   thường trú ", documents=(Document("x"),)).key
    assert one.key != procedure(code="", agency="Công an tỉnh").key
    assert procedure().key == "1.004222"


def test_the_channels_are_those_of_the_canonical_messages() -> None:
    assert {c.name: c.value for c in Channel} == {c.name: c.value for c in messages.Channel}


def test_a_limit_outside_its_unit_cannot_be_built() -> None:
    for quantity, unit in ((0, Unit.DAY), (-1, Unit.HOUR), (1, Unit.SAME_DAY), (10_001, Unit.DAY)):
        with pytest.raises(MalformedError):
            TimeLimit(quantity, unit)


def test_receipt_numbers_start_at_one_and_end_at_eight_digits() -> None:
    assert next_receipt_number(0) == 1
    assert next_receipt_number(MAX_RECEIPT_NUMBER - 1) == 99_999_999
    with pytest.raises(MalformedError) as caught:
        next_receipt_number(MAX_RECEIPT_NUMBER)
    assert caught.value.reason == "receipt_series_used_up"
