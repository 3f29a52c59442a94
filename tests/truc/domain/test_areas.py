"""Area codes of the order in force since 1 July 2025, and the table from the older one."""

import pytest

from truc.domain.areas import (
    NEW_BY_OLD_PROVINCE,
    commune_name,
    communes,
    is_inside,
    new_province_code,
    province_name,
    provinces,
)
from truc.errors import MalformedError


def test_the_package_holds_the_34_provinces_and_3321_communes() -> None:
    assert len(provinces()) == 34
    assert sum(len(communes(province.code)) for province in provinces()) == 3321


def test_khanh_hoa_holds_its_own_and_ninh_thuans_communes() -> None:
    assert province_name("56") == "Khánh Hòa"
    names = {area.name for area in communes("56")}
    assert len(names) == 65
    assert {"Phường Nha Trang", "Phường Phan Rang", "Đặc khu Trường Sa"} <= names
    assert commune_name("22366") == "Phường Nha Trang"


def test_inside_a_province_is_decided_by_code() -> None:
    assert is_inside("22366", "56")
    assert is_inside("56", "56")
    assert not is_inside("22366", "01")
    assert is_inside("00070", "01")  # leading zeros are part of the code


@pytest.mark.parametrize("code", ["58", "5", "99", "", "00000"])
def test_a_code_of_no_present_area_is_refused(code: str) -> None:
    with pytest.raises(MalformedError) as caught:
        is_inside(code, "56") if len(code) != 2 else province_name(code)
    assert caught.value.reason == "unknown_area"


def test_the_recalled_table_partitions_63_codes_into_todays_34() -> None:
    assert len(NEW_BY_OLD_PROVINCE) == 63
    assert set(NEW_BY_OLD_PROVINCE.values()) == {province.code for province in provinces()}
    assert new_province_code("58") == "56"


def test_the_same_code_can_mean_another_province_before_the_merger() -> None:
    # 15 was Yên Bái and is Lào Cai: it maps to itself, so only dates tell the two apart
    assert new_province_code("15") == "15"
    with pytest.raises(MalformedError):
        new_province_code("05")
