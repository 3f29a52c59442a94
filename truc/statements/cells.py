"""Single cells of a statement line: amounts, numbers, days and instants, words; each read or refused, never guessed."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo

from truc.statements.profiles import Amounts

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
DIGITS = "[0-9]{1,15}"
_NUMBER = re.compile(DIGITS)
_SIGNED = {
    "none": "{plain}",
    "leading": "[+-]?{plain}",
    "trailing": "{plain}[+-]?",
    "parentheses": r"{plain}|\({plain}\)",
}

Cell = str | int | datetime  # a sheet gives numbers and instants as such


class CellError(Exception):
    """A cell that cannot be read. `field` is our name for it; the text never holds what stands in it."""

    def __init__(self, field: str, reason: str, text: str) -> None:
        super().__init__(f"{field} {text}")
        self.field, self.reason = field, reason


@cache
def amount_pattern(amounts: Amounts) -> str:
    """Return the expression that a written amount fits as a whole; the same in Python and in Rust."""
    thousands, decimals = re.escape(amounts.thousands), re.escape(amounts.decimals)
    plain = f"(?:[0-9]{{1,3}}(?:{thousands}[0-9]{{3}}){{1,4}}|{DIGITS})" if thousands else DIGITS
    if decimals:
        plain += f"(?:{decimals}0{{0,3}})?"
    return f"(?:{_SIGNED[amounts.sign].format(plain=plain)})"


def amount(field: str, cell: Cell, amounts: Amounts) -> int:
    """Return whole đồng with their sign; CellError `amount_not_integer` for anything that is not exactly that."""
    if isinstance(cell, int):
        if abs(cell) < 10**15:
            return cell
    elif cell == "" and amounts.empty == "zero":
        return 0
    elif isinstance(cell, str) and re.fullmatch(amount_pattern(amounts), cell):
        plain = cell.rpartition(amounts.decimals)[0] if amounts.decimals and amounts.decimals in cell else cell
        digits = int(re.sub("[^0-9]", "", plain))
        return -digits if "-" in cell or "(" in cell else digits
    raise CellError(field, "amount_not_integer", "must be whole đồng as the profile writes them")


def unsigned_amount(field: str, cell: Cell, amounts: Amounts) -> int:
    """Return whole đồng of a cell that can hold no minus, such as a fee."""
    found = amount(field, cell, amounts)
    if found < 0:
        raise CellError(field, "amount_not_integer", "must not be below zero")
    return found


def number(field: str, cell: Cell, *, least: int = 0) -> int:
    """Return a whole number of at most 15 digits; CellError `number_malformed`."""
    text = str(cell)
    if not _NUMBER.fullmatch(text) or int(text) < least:
        raise CellError(field, "number_malformed", f"must be a whole number from {least} on")
    return int(text)


def word(field: str, cell: Cell, table: Mapping[str, str]) -> str:
    """Return our word for the partner's; CellError `unknown_kind` or `unknown_state`."""
    if str(cell) not in table:
        raise CellError(field, f"unknown_{field}", f"must be one of {', '.join(table)}")
    return table[str(cell)]


def instant(field: str, cell: Cell, form: str) -> datetime:
    """Return an aware instant, in Vietnam where the text names no zone; CellError `time_malformed`."""
    found = _parsed(cell, form)
    if found is None:
        raise CellError(field, "time_malformed", f"must be of the form {form}")
    return found.astimezone(VIETNAM) if found.tzinfo else found.replace(tzinfo=VIETNAM)


def day(field: str, cell: Cell, form: str) -> date:
    """Return a calendar day; CellError `date_malformed`."""
    found = _parsed(cell, form)
    if found is None:
        raise CellError(field, "date_malformed", f"must be of the form {form}")
    return found.date()


def _parsed(cell: Cell, form: str) -> datetime | None:
    if isinstance(cell, datetime):
        return cell
    try:
        # Python's own text repeats the cell, so it goes no further; who calls gives the zone.
        return datetime.strptime(str(cell), form)  # noqa: DTZ007  (as above)
    except ValueError:
        return None
