"""Reads a file of the treasury's confirmations (schemas/treasury/SOURCE.md: the layout is ours until one is agreed)."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from truc.domain.calendar import BUSINESS_ZONE
from truc.domain.money import MAX_VND
from truc.domain.text import storable
from truc.errors import MalformedError
from truc.messages import RemittanceConfirmed

STATES = {"00": "confirmed", "99": "refused"}
CELLS = {"H": 3, "D": 8, "T": 3}
NUMBER = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)
INSTANT = re.compile(r"[0-9]{14}", re.ASCII)


def read(body: bytes) -> Iterable[RemittanceConfirmed]:
    """Yield what the file says of each order, when all of it holds: marks, cells, count, sum.

    MalformedError names the line; of a file that does not hold nothing is taken.
    """
    head, *lines, end = _rows(body)
    if head[:2] != ["H", "KBNN"] or end[0] != "T":
        raise _malformed("the file has no head or no end", reason="truncated")
    found = [_confirmed(number, row) for number, row in enumerate(lines, start=1)]
    if _number(end[1], "end") != len(found):
        raise _malformed(f"the end declares {end[1]} lines, there are {len(found)}", reason="control_count_differs")
    if _number(end[2], "end") != (total := sum(one.amount_vnd for one in found)):
        raise _malformed(f"the end declares {end[2]} đồng, they are {total}", reason="control_total_differs")
    return found


def _rows(body: bytes) -> list[list[str]]:
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _malformed("the file is no UTF-8", reason="not_text") from error
    if not text.endswith("\n") or not storable(text):
        raise _malformed("the last line does not end, or the text cannot be kept", reason="truncated")
    rows = [line.split("|") for line in text.removesuffix("\n").split("\n")]
    if len(rows) < 2:
        raise _malformed("the file has no head or no end", reason="truncated")
    for number, row in enumerate(rows, start=1):
        if CELLS.get(row[0]) != len(row):
            raise _malformed(f"line {number}: no line begins so, or it has other cells", reason="bad_line")
    return rows


def _confirmed(number: int, row: Sequence[str]) -> RemittanceConfirmed:
    mark, line_no, reference, treasury_reference, code, amount, at, reason = row
    where = f"order {number}"
    if mark != "D" or line_no != str(number) or not reference:
        raise _malformed(f"{where}: is not the {number}. order of the file", reason="bad_line")
    if code not in STATES:
        raise _malformed(f"{where}: code {code!r} is none of {', '.join(STATES)}", reason="unknown_state")
    return RemittanceConfirmed.model_validate(
        {
            "remittance_reference": reference,
            "treasury_reference": treasury_reference,
            "amount_vnd": _number(amount, where),
            "state": STATES[code],
            "occurred_at": _instant(at, where),
            "reason": reason,
        }
    )


def _number(cell: str, where: str) -> int:
    if not NUMBER.fullmatch(cell) or int(cell) > MAX_VND:
        raise _malformed(f"{where}: not a whole number", reason="bad_amount")
    return int(cell)


def _instant(cell: str, where: str) -> datetime:
    wrong = _malformed(f"{where}: the time is not YYYYMMDDHHMMSS", reason="bad_time")
    if not INSTANT.fullmatch(cell):
        raise wrong
    try:
        return datetime.strptime(cell, "%Y%m%d%H%M%S").replace(tzinfo=BUSINESS_ZONE)
    except ValueError:
        raise wrong from None


def _malformed(text: str, *, reason: str) -> MalformedError:
    return MalformedError(f"confirmations: {text}", reason=reason)
