"""A published time limit read into a value and a unit, or left as it is with a reason."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from truc.errors import MalformedError


class Unit(StrEnum):
    """What a time limit counts; the unit decides the clock (egov.md 6.6)."""

    WORKING_DAY = "working_day"  # 8 working hours each
    DAY = "day"  # calendar days; ends at closing time, never on a day off
    HOUR = "hour"  # working hours
    MONTH = "month"  # calendar months
    YEAR = "year"
    SAME_DAY = "same_day"  # by closing time; received after 15:00, by the next working day's


@dataclass(frozen=True)
class TimeLimit:
    """`quantity` units; `quantity` is 0 for SAME_DAY and at least 1 for every other unit."""

    quantity: int
    unit: Unit

    def __post_init__(self) -> None:
        fits = self.quantity == 0 if self.unit is Unit.SAME_DAY else 1 <= self.quantity <= 10_000
        if not fits:
            raise MalformedError(
                f"time limit: {self.quantity} {self.unit.value} is not a limit; expected 1 to 10000",
                reason="bad_time_limit",
            )


@dataclass(frozen=True)
class Unread:
    """A wording that has no single value: kept word for word, with a stable snake_case reason."""

    wording: str
    reason: str


_UNITS = {
    "ngày làm việc": Unit.WORKING_DAY,
    "ngày": Unit.DAY,
    "giờ": Unit.HOUR,
    "giờ làm việc": Unit.HOUR,
    "tháng": Unit.MONTH,
    "năm": Unit.YEAR,
}
# «… kể từ ngày nhận đủ hồ sơ» only repeats the law's ordinary start; another start is a condition.
_FROM_RECEIPT = r"(?:,? kể từ (?:ngày|khi|thời điểm) [^\d;:]*?nhận (?:đủ |được )*hồ sơ[^\d;:,.]*)?"
_QUANTITY = re.compile(
    r"(?:tối đa |không quá )*0*(?P<quantity>[0-9]{1,4}) "
    r"(?P<unit>ngày làm việc|giờ làm việc|ngày|giờ|tháng|năm)" + _FROM_RECEIPT
)
_SAME_DAY = re.compile(
    r"(?:ngay )?trong ngày(?: làm việc)?(?: (?:tiếp nhận|nhận)(?: được)?(?: đủ)? (?:hồ sơ|yêu cầu))?"
    r"(?:[;,.] (?:trường hợp )?(?:nhận|tiếp nhận)(?: được)? (?:hồ sơ|yêu cầu) sau 15 giờ[^;]*"
    r"ngày làm việc tiếp theo)?"
)
_NOT_SPECIFIED = re.compile(r"khác|không có|(?:không|chưa) (?:quy định|xác định)(?: cụ thể)?|tùy theo đợt|tuỳ theo đợt")
_SET_ELSEWHERE = re.compile(r"(?:theo (?:hướng dẫn|quy định|kế hoạch|thông báo|lịch)|do .* quy định).*")


def read_time_limit(wording: str) -> TimeLimit | Unread:
    """The value of a published wording such as «07 Ngày làm việc», «1 Giờ», «Ngay trong ngày …».

    Nothing is guessed: a number without a unit, or a wording with cases, is Unread with its reason
    (not_published, unit_missing, zero, conditional, not_specified, set_elsewhere, free_text).
    """
    plain = plain_wording(wording)
    if _SAME_DAY.fullmatch(plain):
        return TimeLimit(0, Unit.SAME_DAY)
    found = _QUANTITY.fullmatch(plain)
    if found and int(found["quantity"]) > 0:
        return TimeLimit(int(found["quantity"]), _UNITS[found["unit"]])
    return Unread(wording, "zero" if found else _why_unread(plain))


def _why_unread(plain: str) -> str:
    if not plain:
        return "not_published"
    if plain.isdigit():
        return "unit_missing"
    if _NOT_SPECIFIED.fullmatch(plain):
        return "not_specified"
    if re.search(r"\d+ ?(?:ngày|giờ|tháng|năm)", plain):
        return "conditional"
    return "set_elsewhere" if _SET_ELSEWHERE.fullmatch(plain) else "free_text"


def plain_wording(wording: str) -> str:
    """One wording for comparison: NFC, lower case, single spaces, no closing full stop."""
    return " ".join(unicodedata.normalize("NFC", wording).casefold().split()).rstrip(" .;,")
