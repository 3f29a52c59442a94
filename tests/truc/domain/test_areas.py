"""Area codes of the order in force since 1 July 2025."""

import pytest

from truc.domain.areas import communes, province_name, provinces
from truc.errors import MalformedError


def test_the_package_holds_the_34_provinces_and_3321_communes() -> None:
    assert len(provinces()) == 34
    assert sum(len(communes(province.code)) for province in provinces()) == 3321


def test_khanh_hoa_holds_its_own_and_ninh_thuans_communes() -> None:
    assert province_name("56") == "Khánh Hòa"
    found = {area.code: area.name for area in communes("56")}
    assert len(found) == 65
    assert {"Phường Nha Trang", "Phường Phan Rang", "Đặc khu Trường Sa"} <= set(found.values())
    assert found["22366"] == "Phường Nha Trang"


@pytest.mark.parametrize("code", ["58", "5", "99", "", "00000"])
def test_a_code_of_no_present_province_is_refused(code: str) -> None:
    for asked in (province_name, communes):
        with pytest.raises(MalformedError) as caught:
            asked(code)
        assert caught.value.reason == "unknown_area"
