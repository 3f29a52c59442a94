"""The checks of a statement's completeness, as pure functions: what it declares against what was found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from truc.errors import MalformedError

CheckName = Literal["read", "digest", "end_mark", "count", "amount_vnd", "balance", "sequence"]
CheckState = Literal["holds", "fails", "not_offered"]


_NUMBERS = frozenset({"count", "amount_vnd", "opening_vnd", "closing_vnd", "sequence", "sequence_before"})
_NOT_NEGATIVE = _NUMBERS - {"opening_vnd", "closing_vnd"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check: what the file declares and what was found, whole numbers or đồng, None where there is no number.

    `reason` is a stable word and `text` a sentence, both "" unless the check fails.
    """

    name: CheckName
    state: CheckState
    declared: int | None = None
    found: int | None = None
    reason: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a file declares; None where it says nothing. `end_mark` is False for one that ends without its mark."""

    end_mark: bool | None = None
    count: int | None = None
    amount_vnd: int | None = None
    opening_vnd: int | None = None
    closing_vnd: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """A booked file that carries the partner's number: its business day, and the numbers of its parts."""

    business_on: date
    first: int
    last: int


def failing(checks: Sequence[Check]) -> Check | None:
    """Return the first check that fails: the reason why nothing is matched."""
    return next((one for one in checks if one.state == "fails"), None)


def failed(name: CheckName, reason: str, text: str, declared: int | None = None, found: int | None = None) -> Check:
    """Return a check that fails."""
    return Check(name=name, state="fails", declared=declared, found=found, reason=reason, text=text)


def whole(told: Told, *, count: int, amount_vnd: int, movement_vnd: int) -> list[Check]:
    """Check the end mark, the count, the sum and the balance against what the lines make."""
    closing_vnd = None if told.opening_vnd is None else told.opening_vnd + movement_vnd
    return [
        _ended(told),
        equal("count", "control_count_differs", told.count, count),
        equal("amount_vnd", "control_total_differs", told.amount_vnd, amount_vnd),
        equal("balance", "balance_differs", None if closing_vnd is None else told.closing_vnd, closing_vnd),
    ]


def equal(name: CheckName, reason: str, declared: int | None, found: int | None) -> Check:
    """Check a total of the file against what its lines make; not offered where it declares none."""
    if declared is None:
        return Check(name=name, state="not_offered", found=found)
    if declared == found:
        return Check(name=name, state="holds", declared=declared, found=found)
    text = f"{name}: the file says {declared}, its lines make {found}: ask for the file again"
    return failed(name, reason, text, declared, found)


def follows(number: int | None, before: int | None) -> Check:
    """Check a number against that of the earlier file; not offered where one of them is not told."""
    if number is None or before is None:
        return Check(name="sequence", state="not_offered", declared=number, found=before)
    return _holds(number, before) if number == before + 1 else _gap(number, before)


def in_sequence(own: Numbered | None, others: Sequence[Numbered]) -> Check:
    """Check that the file before this one is here, whenever it came, and that no other day's has its number.

    `others` are all other files of the party, of this year and the one before. Numbers begin anew with a year, or go
    on; the first file of a party that carries one has none before it.
    """
    if own is None:
        return Check(name="sequence", state="not_offered")
    year = own.business_on.year
    this_year = [one for one in others if one.business_on.year == year]
    for one in this_year:
        if one.business_on != own.business_on and one.first <= own.last and own.first <= one.last:
            text = f"sequence: the file of {one.business_on} has number {max(one.first, own.first)} too"
            return failed("sequence", "sequence_repeated", text, own.first, one.last)
    if any(one.last == own.first - 1 for one in this_year):
        return _holds(own.first, own.first - 1)
    if any(one.business_on < own.business_on for one in this_year):
        return _gap(own.first, max((one.last for one in this_year if one.last < own.first), default=None))
    before = max((one.last for one in others if one.business_on.year < year), default=None)
    return _holds(own.first, before) if own.first == 1 or before in (None, own.first - 1) else _gap(own.first, before)


def _ended(told: Told) -> Check:
    if told.end_mark is None:
        return Check(name="end_mark", state="not_offered")
    if told.end_mark:
        return Check(name="end_mark", state="holds")
    return failed("end_mark", "truncated", "the file ends without its end mark: ask for it again")


def _holds(number: int, before: int | None) -> Check:
    return Check(name="sequence", state="holds", declared=number, found=before)


def _gap(number: int, before: int | None) -> Check:
    text = f"sequence: the file has number {number}, and number {number - 1} has not come"
    return failed("sequence", "sequence_gap", text, number, before)


def check_declared(declared: Mapping[str, object], rows: int, amount_vnd: int, movement_vnd: int) -> list[Check]:
    """Hold rows that came without their file against what is declared of it; every check, in order.

    `declared` may hold count, amount_vnd, opening_vnd, closing_vnd, sequence, sequence_before (the number of the
    earlier file) and end_mark; whole numbers, true or false; null is not declared. `amount_vnd` is the sum of all rows,
    `movement_vnd` what the counted ones add to the balance. Raise MalformedError `declared_malformed` for another
    word or kind of value.
    """
    given = {name: value for name, value in declared.items() if value is not None}
    ended = given.pop("end_mark", None)
    if not isinstance(ended, bool | None):
        raise _malformed("end_mark", "must be true or false")
    said = {name: _number(name, value) for name, value in given.items()}
    sequence = follows(said.pop("sequence", None), said.pop("sequence_before", None))
    told = Told(end_mark=ended, **said)
    return [*whole(told, count=rows, amount_vnd=amount_vnd, movement_vnd=movement_vnd), sequence]


def _number(name: str, value: object) -> int:
    if name not in _NUMBERS:
        raise _malformed(name, f"must be one of {', '.join(sorted(_NUMBERS))}, end_mark")
    if isinstance(value, bool) or not isinstance(value, int) or (name in _NOT_NEGATIVE and value < 0):
        raise _malformed(name, "must be a whole number" + (" from 0 on" if name in _NOT_NEGATIVE else ""))
    return value


def _malformed(name: str, problem: str) -> MalformedError:
    return MalformedError(f"declared: {name}: {problem}", reason="declared_malformed")
