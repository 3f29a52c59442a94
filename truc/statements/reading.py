"""What came of reading a statement file: its lines, its totals, and every line that could not be read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from truc.errors import MalformedError

LINES_MAX = 5_000_000
# What moves an account: a pending or failed line is told, but moves nothing.
MOVING = frozenset({"paid", "refunded"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line in the neutral row (partners.md §18.5), in the words of truc.messages.StatementLine.

    `row` is the line of the file it began on, from 1. `signed_vnd` is the amount with the sign the file gave it.
    """

    row: int
    line_no: int
    our_reference: str
    partner_reference: str
    kind: str
    amount_vnd: int
    signed_vnd: int
    fee_vnd: int
    state: str
    occurred_at: datetime
    settled_on: date | None


@dataclass(frozen=True, slots=True)
class Unread:
    """A line that could not be read. `text` names the field and the fix, never what stands in the line."""

    row: int
    reason: str
    text: str
    field: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What the file says of itself; None where it says nothing. Balances and sums in whole đồng."""

    business_on: date | None = None
    count: int | None = None
    amount_vnd: int | None = None  # of all lines, whatever their kind, state and sign
    credit_vnd: int | None = None
    debit_vnd: int | None = None
    opening_vnd: int | None = None
    closing_vnd: int | None = None
    sequence_first: int | None = None  # the number of the file, and of its last part where it holds several
    sequence_last: int | None = None
    end_marked: bool = False  # the form has a mark at its end: a file without it is not read

    @property
    def sum_vnd(self) -> int | None:
        """The sum of all lines: as declared, or as the declared credits and debits make it."""
        if self.amount_vnd is None and self.credit_vnd is not None and self.debit_vnd is not None:
            return self.credit_vnd + self.debit_vnd
        return self.amount_vnd


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """The same, made from the lines that were read. `moved_vnd` is what they add to the opening balance."""

    count: int
    amount_vnd: int
    credit_vnd: int
    debit_vnd: int
    moved_vnd: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A total of the file that its lines do not make."""

    name: str
    declared: int
    computed: int

    @property
    def reason(self) -> str:
        """The stable word for it."""
        return {"count": "control_count_differs", "closing_vnd": "balance_differs"}.get(
            self.name, "control_total_differs"
        )


@dataclass(frozen=True, slots=True)
class StatementFile:
    """A whole file whose control totals hold, in the shape of truc.messages.Statement.

    A mapping makes the message with `Statement.model_validate(file, from_attributes=True)`. What it declares stands
    beside it, for the gate before reconciliation (truc.reconcile.gate); `moved_vnd` is what its lines make.
    """

    business_on: date
    lines: tuple[Line, ...]
    count_declared: int | None
    amount_declared_vnd: int | None
    opening_vnd: int | None
    closing_vnd: int | None
    moved_vnd: int
    sequence_first: int | None
    sequence_last: int | None
    end_marked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that was found, `unread` in order of row. Anything in `unread` or `differences`: the file is not whole."""

    party: str
    business_on: date | None
    lines: tuple[Line, ...] = field(repr=False)
    unread: tuple[Unread, ...]
    declared: Declared
    computed: Computed

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Every declared total that the lines do not make."""
        return differences(self.declared, self.computed)

    def whole(self) -> StatementFile:
        """Return the file, or raise MalformedError: a file is believed whole or not at all.

        `reason` is that of the first line that could not be read, or of the first total that differs.
        """
        business_on = believed(self.business_on, self.unread, self.differences)
        said = self.declared
        return StatementFile(
            business_on=business_on,
            lines=self.lines,
            count_declared=said.count,
            amount_declared_vnd=said.sum_vnd,
            opening_vnd=said.opening_vnd,
            closing_vnd=said.closing_vnd,
            moved_vnd=self.computed.moved_vnd,
            sequence_first=said.sequence_first,
            sequence_last=said.sequence_last,
            end_marked=said.end_marked,
        )


def believed(business_on: date | None, unread: Sequence[Unread], differing: Sequence[Difference]) -> date:
    """Return the business day of a file that is whole; raise MalformedError as `Reading.whole` says."""
    if unread:
        more = f" (and {len(unread) - 1:,} more)" if len(unread) > 1 else ""
        raise MalformedError(f"line {unread[0].row}: {unread[0].text}{more}", reason=unread[0].reason)
    if differing:
        raise not_made(differing[0])
    if business_on is None:
        raise MalformedError("the file names no business day and has no line", reason="empty")
    return business_on


def not_made(one: Difference) -> MalformedError:
    """Return why a file is refused whose lines do not make that total."""
    text = f"{one.name} says {one.declared}, the lines make {one.computed}: ask for the file again"
    return MalformedError(text, reason=one.reason)


def differences(declared: Declared, computed: Computed) -> tuple[Difference, ...]:
    """Compare count, sums and closing balance, each where the file declares it."""
    pairs = [
        ("count", declared.count, computed.count),
        ("amount_vnd", declared.amount_vnd, computed.amount_vnd),
        ("credit_vnd", declared.credit_vnd, computed.credit_vnd),
        ("debit_vnd", declared.debit_vnd, computed.debit_vnd),
    ]
    if declared.opening_vnd is not None:
        pairs.append(("closing_vnd", declared.closing_vnd, declared.opening_vnd + computed.moved_vnd))
    return tuple(Difference(name, said, made) for name, said, made in pairs if said is not None and said != made)


def computed(lines: Iterable[Line]) -> Computed:
    """Add the lines up."""
    count = amount_vnd = credit_vnd = debit_vnd = moved_vnd = 0
    for line in lines:
        count += 1
        amount_vnd += line.amount_vnd
        credit_vnd += max(line.signed_vnd, 0)
        debit_vnd += max(-line.signed_vnd, 0)
        moved_vnd += line.signed_vnd if line.state in MOVING else 0
    return Computed(count=count, amount_vnd=amount_vnd, credit_vnd=credit_vnd, debit_vnd=debit_vnd, moved_vnd=moved_vnd)
