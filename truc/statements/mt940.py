"""SWIFT MT940 customer statements: one or more messages of one account, their balances a chain.

Tags (SWIFT's numbers): 20 reference, 25 account, 28C number, 60F/60M opening balance, 61 a line, 86 its narrative,
62F/62M closing balance. F is the first or the final one of a statement, M one in between.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise

from truc.errors import MalformedError
from truc.statements import cells as cell
from truc.statements.cells import VIETNAM, Cell, CellError
from truc.statements.encodings import decoded
from truc.statements.lines import Found, Record
from truc.statements.profiles import Amounts, Mt940
from truc.statements.reading import Declared, Unread
from truc.statements.records import Numbered, numbered

TAG = re.compile(r":([0-9]{2}[A-Z]?):(.*)")
BALANCE = re.compile(r"(?P<mark>[CD])(?P<on>[0-9]{6})(?P<currency>[A-Z]{3})(?P<amount>[0-9]{1,15},0{0,3})")
NUMBER = re.compile(r"(?P<statement>[0-9]{1,5})(?:/(?P<message>[0-9]{1,5}))?")
LINE = re.compile(
    r"(?P<valued>[0-9]{6})(?P<booked>[0-9]{4})?(?P<mark>R?[CD])(?P<funds>[A-Z])?(?P<amount>[0-9]{1,15},[0-9]{0,3})"
    r"(?P<type>[A-Z][A-Z0-9]{3})(?P<ours>.*?)(?://(?P<theirs>.*))?"
)
AMOUNTS = Amounts(decimals=",")
SIGNS = {"C": 1, "D": -1, "RC": -1, "RD": 1}  # a reversal moves the money the other way
ENDS = ("-", "-}")


@dataclass(frozen=True, slots=True)
class Tagged:
    """One field: its tag, its lines, and the line of the file it begins on."""

    row: int
    tag: str
    lines: list[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Balance:
    """A balance of the statement, credit above zero."""

    row: int
    on: date
    amount_vnd: int


def found(body: bytes, profile: Mt940) -> Found:
    """Return the lines of all messages.

    MalformedError `not_text`, `empty`, `truncated` (no final balance), `wrong_account`, `balance_differs` when a
    message does not begin with the balance the one before it ended with, or `sequence_gap` when it does not have the
    number after that one's.
    """
    fields = list(_fields(numbered(decoded(body, profile.encoding))))
    _check_account(fields, profile)
    declared = _declared(fields)
    good: list[Record] = []
    bad: list[Unread] = []
    for one in _lines(fields, profile):
        (good if isinstance(one, Record) else bad).append(one)  # type: ignore[arg-type]  # each to its own list
    return Found(declared, good, tuple(bad))


def _fields(lines: list[Numbered]) -> Iterator[Tagged]:
    """Cut the text into fields; the blocks around a message on the wire ({1:…}{4:) hold nothing for us."""
    open_field: Tagged | None = None
    for row, text in lines:
        tag = TAG.fullmatch(text)
        if tag:
            if open_field:
                yield open_field
            open_field = Tagged(row, tag[1], [tag[2]])
        elif text in ENDS or text.startswith("{"):
            if open_field:
                yield open_field
            open_field = None
        elif open_field:
            open_field.lines.append(text)
        else:
            raise MalformedError(f"line {row}: text that belongs to no field", reason="unknown_record")
    if open_field:
        yield open_field


def _check_account(fields: list[Tagged], profile: Mt940) -> None:
    accounts = {one.lines[0] for one in fields if one.tag in ("25", "25P")}
    if len(accounts) != 1 or (profile.account and accounts != {profile.account}):
        text = f"{len(accounts)} accounts in the file, the one of the profile expected"
        raise MalformedError(text, reason="wrong_account")


def _declared(fields: list[Tagged]) -> Declared:
    balances = [(one.tag, _balance(one)) for one in fields if one.tag[:2] in ("60", "62")]
    tags = [tag for tag, _ in balances]
    if tags[:1] != ["60F"] or tags[-1:] != ["62F"] or any(tag[:2] != ("60", "62")[n % 2] for n, tag in enumerate(tags)):
        text = "opening :60F: and closing :62F: must frame the lines: ask for the file again"
        raise MalformedError(text, reason="truncated")
    for (_, closed), (_, opened) in zip(balances[1::2], balances[2::2], strict=False):
        if closed.amount_vnd != opened.amount_vnd:
            text = f"line {opened.row}: the opening balance is not the closing one of the message before"
            raise MalformedError(text, reason="balance_differs")
    first, last = balances[0][1], balances[-1][1]
    numbers = _numbers(fields)
    return Declared(
        business_on=last.on,
        opening_vnd=first.amount_vnd,
        closing_vnd=last.amount_vnd,
        sequence_first=numbers[0] if numbers else None,
        sequence_last=numbers[-1] if numbers else None,
        end_marked=True,
    )


def _numbers(fields: list[Tagged]) -> list[int]:
    """Return the statement number of each message, none for a bank that does not count: it writes 0, or nothing."""
    found = [(one.row, NUMBER.fullmatch(one.lines[0].strip())) for one in fields if one.tag in ("28", "28C")]
    if any(read is None for _, read in found):
        row = next(row for row, read in found if read is None)
        raise MalformedError(f"line {row}: :28C: must be number/message", reason="number_malformed")
    counted = [(row, int(read["statement"]), int(read["message"] or 1)) for row, read in found if read]
    if any(number == 0 for _, number, _ in counted):
        return []
    for (_, number, message), (row, after, its_message) in pairwise(counted):
        if (after, its_message) not in ((number, message + 1), (number + 1, 1)):
            raise MalformedError(f"line {row}: :28C: does not follow the message before", reason="sequence_gap")
    return [number for _, number, _ in counted]


def _balance(one: Tagged) -> Balance:
    read = BALANCE.fullmatch("".join(one.lines).strip())
    if read is None or read["currency"] != "VND":
        text = f"line {one.row}: :{one.tag}: must be a balance in VND without parts of a đồng"
        raise MalformedError(text, reason="amount_not_integer")
    try:
        on = cell.day("balance", read["on"], "%y%m%d")
        return Balance(one.row, on, SIGNS[read["mark"]] * cell.amount("balance", read["amount"], AMOUNTS))
    except CellError as error:
        raise MalformedError(f"line {one.row}: :{one.tag}: {error}", reason=error.reason) from error


def _lines(fields: list[Tagged], profile: Mt940) -> Iterator[Record | Unread]:
    place = 0
    for one, after in zip(fields, [*fields[1:], None], strict=True):
        if one.tag != "61":
            continue
        place += 1
        narrative = after.lines if after is not None and after.tag == "86" else []
        try:
            yield Record(one.row, place, _cells(one, profile.narrative_joined_by.join(narrative), profile))
        except CellError as error:
            yield Unread(one.row, error.reason, str(error), error.field)


def _cells(one: Tagged, narrative: str, profile: Mt940) -> dict[str, Cell]:
    read = LINE.fullmatch(one.lines[0])
    if read is None:
        raise CellError(":61:", "wrong_columns", "is not a line of the standard's form")
    valued_on = cell.day("value date", read["valued"], "%y%m%d")
    customer = "" if read["ours"] == "NONREF" else read["ours"]
    return {
        "our_reference": customer if profile.reference == "customer" else narrative,
        "partner_reference": read["theirs"] or "",
        "kind": read["mark"],
        "amount_vnd": SIGNS[read["mark"]] * cell.amount("amount_vnd", read["amount"], AMOUNTS),
        "occurred_at": _booked_at(valued_on, read["booked"]),
        "settled_on": datetime(valued_on.year, valued_on.month, valued_on.day, tzinfo=VIETNAM),
    }


def _booked_at(valued_on: date, booked: str | None) -> datetime:
    """Return the beginning of the booking day; it has no year, and is the one nearest to the value date."""
    if booked is None:
        return datetime(valued_on.year, valued_on.month, valued_on.day, tzinfo=VIETNAM)
    for year in (valued_on.year, valued_on.year - 1, valued_on.year + 1):
        try:
            found = datetime(year, int(booked[:2]), int(booked[2:]), tzinfo=VIETNAM)
        except ValueError:
            continue
        if abs((found.date() - valued_on).days) <= 183:
            return found
    raise CellError("entry date", "date_malformed", "must be a day, MMDD")
