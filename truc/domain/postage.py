"""What the post charges a citizen per dossier: one rate inside the province, another outside (mission.md)."""

from datetime import date
from types import MappingProxyType

from truc.errors import MalformedError

INSIDE_VND = 23_000
OUTSIDE_VND = 31_500

MERGED_ON = date(2025, 7, 1)  # Resolution 202/2025/QH15: 63 provinces became 34
# Present code → codes of the provinces it was made of (domain/partners.md 16.4); eleven provinces stayed as they were.
_MADE_OF = {
    "08": ("02", "08"),
    "15": ("10", "15"),
    "19": ("06", "19"),
    "24": ("24", "27"),
    "25": ("17", "25", "26"),
    "31": ("30", "31"),
    "33": ("33", "34"),
    "37": ("35", "36", "37"),
    "44": ("44", "45"),
    "48": ("48", "49"),
    "51": ("51", "62"),
    "52": ("52", "64"),
    "56": ("56", "58"),
    "66": ("54", "66"),
    "68": ("60", "67", "68"),
    "75": ("70", "75"),
    "79": ("74", "77", "79"),
    "80": ("72", "80"),
    "82": ("82", "87"),
    "86": ("83", "84", "86"),
    "91": ("89", "91"),
    "92": ("92", "93", "94"),
    "96": ("95", "96"),
    **{code: (code,) for code in ("01", "04", "11", "12", "14", "20", "22", "38", "40", "42", "46")},
}
PRESENT_OF = MappingProxyType({old: new for new, made_of in _MADE_OF.items() for old in made_of})


def postage_vnd(province_code: str, home_province_code: str, *, ordered_on: date) -> int:
    """Return the fee in whole đồng for an address, by the provinces of the day the post is asked.

    A code that ended on 1 July 2025 stands for the province it became part of, from that day on. A code of both
    orders is read in the present one. MalformedError ("unknown_area") for a code of neither.
    """
    inside = _province(province_code, ordered_on) == _province(home_province_code, ordered_on)
    return INSIDE_VND if inside else OUTSIDE_VND


def _province(code: str, on: date) -> str:
    if code not in PRESENT_OF:
        raise MalformedError("province_code: no province has or had it; two digits are needed", reason="unknown_area")
    return PRESENT_OF[code] if on >= MERGED_ON else code
