"""Area codes of provinces and communes, from the maintained package vietnam_provinces.

The installed 2025.10.1 holds the order in force since 1 July 2025 only: 34 provinces, 3,321 communes
(Resolution 202/2025/QH15). The same code can mean another province in the older order (15, 24, 44, 52,
80, 82, 91), so a stored code always goes with its dates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from truc.errors import MalformedError


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


def provinces() -> tuple[Area, ...]:
    """All 34, by code."""
    return tuple(_provinces().values())


def communes(province_code: str) -> tuple[Area, ...]:
    """The communes of a province, by code."""
    province = _find(_provinces(), province_code, "province code")
    return tuple(area for area in _communes().values() if area.province_code == province.code)


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
