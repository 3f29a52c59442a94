"""Area codes of provinces and communes, from the maintained package vietnam_provinces.

The installed 2025.10.1 holds the order in force since 1 July 2025 only: 34 provinces, 3,321 communes
(Resolution 202/2025/QH15). The older codes are the table below; the same code can mean another
province in each order (15, 24, 44, 52, 80, 82, 91), so a stored code always goes with its dates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from types import MappingProxyType

from truc.errors import MalformedError

MERGED_ON = date(2025, 7, 1)

# New code: the codes before 1 July 2025 it was made of. RECALLED, not confirmed from the text of
# Decision 19/2025/QĐ-TTg (partners.md 16.4); what is checked is that it partitions all 63 old codes.
_MADE_OF = {
    "08": "02 08", "15": "10 15", "19": "06 19", "24": "24 27", "25": "17 25 26", "31": "30 31",
    "33": "33 34", "37": "35 36 37", "44": "44 45", "48": "48 49", "51": "51 62", "52": "52 64",
    "56": "56 58", "66": "54 66", "68": "60 67 68", "75": "70 75", "79": "74 77 79", "80": "72 80",
    "82": "82 87", "86": "83 84 86", "91": "89 91", "92": "92 93 94", "96": "95 96",
    "01": "01", "04": "04", "11": "11", "12": "12", "14": "14", "20": "20", "22": "22", "38": "38",
    "40": "40", "42": "42", "46": "46",
}  # fmt: skip
NEW_BY_OLD_PROVINCE: Mapping[str, str] = MappingProxyType(
    {old: new for new, olds in _MADE_OF.items() for old in olds.split()}
)


@dataclass(frozen=True)
class Area:
    """A province (two digits) or a commune (five digits, `province_code` set)."""

    code: str
    name: str
    kind: str  # tỉnh, thành phố trung ương, xã, phường, đặc khu
    province_code: str


def province_name(code: str) -> str:
    """The name of a province of the present order; raises MalformedError ("unknown_area")."""
    return _find(_provinces(), code, "province code").name


def commune_name(code: str) -> str:
    """The name of a commune of the present order; raises MalformedError ("unknown_area")."""
    return _find(_communes(), code, "commune code").name


def is_inside(code: str, province_code: str) -> bool:
    """Whether a province or commune code lies in a province; decides the postal fee, for one."""
    province = _find(_provinces(), province_code, "province code")
    area = _find(_provinces() if len(code) == 2 else _communes(), code, "area code")
    return area.province_code == province.code


def provinces() -> tuple[Area, ...]:
    """All 34, by code."""
    return tuple(_provinces().values())


def communes(province_code: str) -> tuple[Area, ...]:
    """The communes of a province, by code."""
    province = _find(_provinces(), province_code, "province code")
    return tuple(area for area in _communes().values() if area.province_code == province.code)


def new_province_code(old_code: str) -> str:
    """The present code of a province code used before 1 July 2025 (recalled table)."""
    try:
        return NEW_BY_OLD_PROVINCE[old_code]
    except KeyError:
        raise MalformedError("old province code: not one of the 63 two-digit codes", reason="unknown_area") from None


def _find(areas: Mapping[str, Area], code: str, field: str) -> Area:
    try:
        return areas[code]
    except KeyError:
        raise MalformedError(
            f"{field}: unknown; expected two digits of a province or five of a commune since 1 July 2025",
            reason="unknown_area",
        ) from None


@lru_cache(maxsize=1)
def _provinces() -> Mapping[str, Area]:
    from vietnam_provinces import Province

    found = [
        Area(f"{int(p.code):02d}", p.name, p.division_type.value, f"{int(p.code):02d}") for p in Province.iter_all()
    ]
    return MappingProxyType({area.code: area for area in sorted(found, key=lambda area: area.code)})


@lru_cache(maxsize=1)
def _communes() -> Mapping[str, Area]:
    from vietnam_provinces import Ward

    found = [
        Area(f"{int(w.code):05d}", w.name, w.division_type.value, f"{int(w.province_code):02d}")
        for w in Ward.iter_all()
    ]
    return MappingProxyType({area.code: area for area in sorted(found, key=lambda area: area.code)})
