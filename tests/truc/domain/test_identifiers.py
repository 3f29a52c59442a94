"""Identifiers are parsed once, to one canonical text, and errors never repeat a personal value."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truc.domain import identifiers
from truc.errors import MalformedError


def refused(function: str, value: str) -> MalformedError:
    with pytest.raises(MalformedError) as caught:
        getattr(identifiers, function)(value)
    return caught.value


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("H32", "H32"), ("H32.14", "H32.14"), ("h32.14 ", "H32.14"), ("000.00.00.H30", "H30"),
     ("000.00.01.H22", "H22.01"), ("003.05.14.H32", "H32.14.05.003"), ("003.00.14.H32", "H32.14.00.003"),
     ("H32.366", "H32.366")],
)  # fmt: skip
def test_agency_codes_of_both_orders_come_out_in_the_new_one(text: str, canonical: str) -> None:
    assert identifiers.agency_code(text) == canonical


@given(st.from_regex(r"\A[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Y][0-9]{2}\Z"))
def test_the_old_order_survives_both_conversions(old: str) -> None:
    assert identifiers.old_agency_code(identifiers.agency_code(old)) == old


def test_an_agency_the_old_form_has_no_room_for_is_refused() -> None:
    assert refused("old_agency_code", "H55.242").reason == "no_old_agency_code"
    assert refused("old_agency_code", "H32.01.01.001.02").reason == "no_old_agency_code"


@pytest.mark.parametrize("text", ["", "Z01", "H3", "H32..1", "H32.", "32.H", "H32." + "1" * 40, "H٣٢"])
def test_other_text_is_no_agency_code(text: str) -> None:
    assert refused("agency_code", text).reason == "bad_agency_code"


@pytest.mark.parametrize(
    "text", ["H56.14-250214-0007", "000.00.01.H22-200214-0007", "H32-261121-12345", "G01.099.01-261121-010001"]
)
def test_a_dossier_code_is_given_back_as_written(text: str) -> None:
    assert str(identifiers.dossier_code(text)) == text


def test_a_dossier_code_tells_agency_day_and_serial() -> None:
    code = identifiers.dossier_code("H56.14-250214-0007")
    assert (code.agency, code.day, code.serial) == ("H56.14", date(2025, 2, 14), 7)
    assert identifiers.format_dossier_code("H32.01", date(2026, 11, 21), 3) == "H32.01-261121-0003"
    assert identifiers.format_dossier_code("H32.01", date(2026, 11, 21), 12345).endswith("-12345")


@pytest.mark.parametrize("text", ["H32-261121-007", "H32-261321-0007", "H32-261121-0000", "H32_261121_0007", ""])
def test_other_text_is_no_dossier_code(text: str) -> None:
    assert refused("dossier_code", text).reason == "bad_dossier_code"


def test_procedure_codes_of_three_forms_share_the_national_code() -> None:
    parsed = [identifiers.procedure_code(text) for text in ("1.003560", "1.003560.H56", "1.003560.000.00.00.H56")]
    assert {code.national for code in parsed} == {"1.003560"}
    assert [code.agency for code in parsed] == ["", "H56", "H56"]
    assert str(parsed[1]) == "1.003560.H56"
    assert refused("procedure_code", "T-BPC-280421").reason == "bad_procedure_code"


def test_personal_ids_are_kept_as_issued() -> None:
    assert identifiers.personal_id("056 198 001 234") == "056198001234"
    assert identifiers.personal_id("225012345") == "225012345"
    # 058 was Ninh Thuận, merged in 2025: still valid, never remapped
    assert identifiers.personal_id("058098004321") == "058098004321"


@pytest.mark.parametrize("text", ["111111111111", "123456789", "012345678901", "000198001234"])
def test_dummy_numbers_typed_to_get_past_a_form_are_refused(text: str) -> None:
    assert refused("personal_id", text).reason == "placeholder_personal_id"


@pytest.mark.parametrize("text", ["12345678", "05619800123A", "0561980012345", "", "٠٥٦١٩٨٠٠١٢٣٤"])
def test_other_text_is_no_personal_id(text: str) -> None:
    assert refused("personal_id", text).reason == "bad_personal_id"


@pytest.mark.parametrize(
    ("text", "digits"),
    [("0100233488", "0100233488"), ("0314409058-002", "0314409058002"), ("056198001234", "056198001234")],
)
def test_tax_codes_of_10_13_and_12_digits_are_read(text: str, digits: str) -> None:
    assert identifiers.tax_code(text) == digits


@pytest.mark.parametrize("text", ["0100233480", "0314409058-000", "123", "abc"])
def test_a_tax_code_with_a_wrong_check_digit_is_refused(text: str) -> None:
    assert refused("tax_code", text).reason == "bad_tax_code"


@pytest.mark.parametrize("text", ["0912345678", "+84 912 345 678", "84912345678", "0912.345.678", "(091) 234-5678"])
def test_phones_become_ten_digits(text: str) -> None:
    assert identifiers.phone(text) == "0912345678"


def test_a_fixed_line_gets_no_sms_and_says_so() -> None:
    assert refused("phone", "0258 3822 123").reason == "not_mobile"


@pytest.mark.parametrize("text", ["", "12345", "01212345678", "+1 202 555 0123", "0912345678 ext 5", "không có"])
def test_other_text_is_no_phone(text: str) -> None:
    assert refused("phone", text).reason == "bad_phone"


@pytest.mark.parametrize(
    ("function", "value"),
    [("personal_id", "05619800123X"), ("personal_id", "111111111111"), ("tax_code", "0100233480"),
     ("phone", "09123456789999")],
)  # fmt: skip
def test_an_error_never_repeats_a_personal_value(function: str, value: str) -> None:
    error = refused(function, value)
    assert value not in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
