"""Numbers of electronic receipts: from 1, without gaps, per series and year (NĐ 254/2026; egov.md 6.5)."""

from datetime import datetime

from truc.domain.calendar import local_day
from truc.errors import MalformedError

MAX_RECEIPT_NUMBER = 99_999_999  # at most eight digits; NĐ 123/2020 allowed seven


def receipt_year(issued_at: datetime) -> int:
    """The year a number belongs to: the calendar year in Vietnam, not in the server's zone."""
    return local_day(issued_at).year


def next_receipt_number(last: int) -> int:
    """The number after `last` (0 when none was drawn this year); raises MalformedError when used up."""
    if not 0 <= last < MAX_RECEIPT_NUMBER:
        raise MalformedError(
            "receipt number: the series is used up at eight digits; open a new series",
            reason="receipt_series_used_up",
        )
    return last + 1
