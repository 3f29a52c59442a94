"""From the cells of one record to the neutral line, and what is true of all lines together."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time

from truc.domain.text import storable
from truc.statements import cells as cell
from truc.statements.cells import VIETNAM, Cell, CellError
from truc.statements.profiles import Meaning
from truc.statements.reading import Declared, Line, Reading, Unread, computed

DUPLICATE = "line_no stands on an earlier line too"


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the file, cut into cells by our names. `place` counts the lines of the statement from 1."""

    row: int
    place: int
    cells: Mapping[str, Cell] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """What the reader of a form took from the file: records to be understood, and what it could not cut."""

    declared: Declared
    records: Iterable[Record] = field(repr=False)
    unread: tuple[Unread, ...] = ()


def understand(party: str, found: Found, means: Meaning) -> Reading:
    """Return the reading of a whole file."""
    lines: list[Line] = []
    unread = list(found.unread)
    for record in found.records:
        one = line_of(record, means)
        if isinstance(one, Line):
            lines.append(one)
        else:
            unread.append(one)
    return together(party, found.declared, lines, unread, means)


def together(party: str, declared: Declared, lines: list[Line], unread: list[Unread], means: Meaning) -> Reading:
    """Return the reading with what only all lines show: a number that stands twice, a line of another day."""
    kept, doubled = _once(lines)
    business_on = declared.business_on or (kept[0].occurred_at.date() if kept else None)
    kept, strayed = (kept, []) if means.occurs == "any_day" else _of_day(kept, business_on)
    return Reading(
        party=party,
        business_on=business_on,
        lines=tuple(kept),
        unread=tuple(sorted((*unread, *doubled, *strayed), key=lambda one: one.row)),
        declared=declared,
        computed=computed(kept),
    )


def line_of(record: Record, means: Meaning) -> Line | Unread:
    """Return the neutral line, or why it cannot be read."""
    try:
        return _line(record, means)
    except CellError as error:
        return Unread(record.row, error.reason, str(error), error.field)


def of_another_day(business_on: date | None) -> str:
    """Return what is said of a line that occurred on another day."""
    return f"occurred_at is not on the business day {business_on}"


def _line(record: Record, means: Meaning) -> Line:
    cells, amounts = record.cells, means.amounts
    signed_vnd = _signed(cells, means)
    return Line(
        row=record.row,
        line_no=cell.number("line_no", cells.get("line_no", record.place), least=1),
        our_reference=_reference(cells, means),
        partner_reference=_text("partner_reference", cells),
        kind=cell.word("kind", cells.get("kind", "-" if signed_vnd < 0 else "+"), means.kinds),
        amount_vnd=abs(signed_vnd),
        signed_vnd=signed_vnd,
        fee_vnd=cell.unsigned_amount("fee_vnd", cells.get("fee_vnd", 0), amounts),
        state=cell.word("state", cells.get("state", ""), means.states),
        occurred_at=_occurred_at(cells, means),
        settled_on=_settled_on(cells, means),
    )


def _signed(cells: Mapping[str, Cell], means: Meaning) -> int:
    if "amount_vnd" in cells:
        return cell.amount("amount_vnd", cells["amount_vnd"], means.amounts)
    credit_vnd = cell.unsigned_amount("credit_vnd", cells["credit_vnd"], means.amounts)
    debit_vnd = cell.unsigned_amount("debit_vnd", cells["debit_vnd"], means.amounts)
    if credit_vnd and debit_vnd:
        raise CellError("debit_vnd", "credit_and_debit", "and credit_vnd must not both be filled")
    return credit_vnd - debit_vnd


def _reference(cells: Mapping[str, Cell], means: Meaning) -> str:
    text = _text("our_reference", cells)
    if not means.reference_pattern:
        return text
    found = re.search(means.reference_pattern, text)
    return "" if found is None else (found[1] or "") if found.re.groups else found[0]


def _text(name: str, cells: Mapping[str, Cell]) -> str:
    text = str(cells.get(name, ""))
    if not storable(text):
        raise CellError(name, "text_not_storable", "holds NUL or half a character")
    return text


def _occurred_at(cells: Mapping[str, Cell], means: Meaning) -> datetime:
    if "occurred_at" in cells:
        return cell.instant("occurred_at", cells["occurred_at"], means.time_format)
    # A file that tells days only: the beginning of that day.
    return datetime.combine(cell.day("occurred_on", cells["occurred_on"], means.date_format), time(), VIETNAM)


def _settled_on(cells: Mapping[str, Cell], means: Meaning) -> date | None:
    text = cells.get("settled_on", "")
    return None if text == "" else cell.day("settled_on", text, means.date_format)


def _once(lines: list[Line]) -> tuple[list[Line], list[Unread]]:
    seen: set[int] = set()
    kept: list[Line] = []
    doubled: list[Unread] = []
    for line in lines:
        if line.line_no in seen:
            doubled.append(Unread(line.row, "duplicate_line", DUPLICATE, "line_no"))
        else:
            seen.add(line.line_no)
            kept.append(line)
    return kept, doubled


def _of_day(lines: list[Line], business_on: date | None) -> tuple[list[Line], list[Unread]]:
    kept = [line for line in lines if line.occurred_at.date() == business_on]
    text = of_another_day(business_on)
    strayed = [line for line in lines if line.occurred_at.date() != business_on]
    return kept, [Unread(line.row, "wrong_day", text, "occurred_at") for line in strayed]
