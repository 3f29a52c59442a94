"""Writes a bank's daily statement file in the stand-ins' own neutral form (no bank publishes its own).

H|bank|YYYYMMDD
D|line|our reference|bank reference|TT or HT|amount|fee|00, 01 or 99|YYYYMMDDHHMMSS, then a cell per further day
T|count|sum of the amounts of all lines
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
KINDS = {"payment": "TT", "refund": "HT"}
STATES = {"paid": "00", "pending": "01", "failed": "99"}


@dataclass(frozen=True, slots=True)
class Form:
    """How one bank's file differs: its mark in head and file name, and the days that end a line (empty: not known)."""

    bank: str
    days: tuple[str, ...] = ()


def with_breaks(lines: list[dict[str, Any]], breaks: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the lines as the bank wrongly tells them: some dropped, some of another amount, some added."""
    dropped, amounts = set(breaks.get("drop", ())), breaks.get("amount", {})
    kept = [line for line in lines if line["our_reference"] not in dropped]
    changed = [line | {"amount_vnd": amounts.get(line["our_reference"], line["amount_vnd"])} for line in kept]
    return changed + list(breaks.get("add", ()))


def statement_bytes(form: Form, day: str, lines: list[dict[str, Any]], *, too_much_vnd: int = 0) -> bytes:
    """Return the file of one ISO day; `too_much_vnd` makes the declared sum wrong by that much."""
    rows = [f"H|{form.bank}|{day.replace('-', '')}"]
    rows += [_line(form, number, line) for number, line in enumerate(lines, start=1)]
    total = sum(int(line["amount_vnd"]) for line in lines) + too_much_vnd
    rows.append(f"T|{len(lines)}|{total}")
    return "".join(f"{row}\n" for row in rows).encode()


def _line(form: Form, number: int, line: dict[str, Any]) -> str:
    at = datetime.fromisoformat(line["at"]).astimezone(VIETNAM)
    cells = (
        "D",
        str(number),
        line["our_reference"],
        line["partner_reference"],
        KINDS[line.get("kind", "payment")],
        str(int(line["amount_vnd"])),
        str(int(line.get("fee_vnd", 0))),
        STATES[line.get("state", "paid")],
        f"{at:%Y%m%d%H%M%S}",
        *(line.get(name, "").replace("-", "") for name in form.days),
    )
    return "|".join(cells)
