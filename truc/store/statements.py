"""The store of partners' daily statements, in versions: a restated file is the next one."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Row, extract, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from truc.errors import MalformedError
from truc.messages import Statement
from truc.statements.reading import Computed, Declared, differences, not_made
from truc.store.opened import Transaction
from truc.store.tables.gate import DAY_FILES
from truc.store.tables.reconciliation import STATEMENT_LINES, STATEMENTS

Kept = Row[Any]

# The lines of one version that the other does not have as they are; `line_no` apart, which a restated file counts anew.
_ONLY_IN = text(
    """
    SELECT * FROM (
        SELECT our_reference, partner_reference, kind, amount_vnd, fee_vnd, state, occurred_at, settled_on
        FROM statement_lines WHERE statement_id = :one
        EXCEPT ALL
        SELECT our_reference, partner_reference, kind, amount_vnd, fee_vnd, state, occurred_at, settled_on
        FROM statement_lines WHERE statement_id = :other) AS line
    ORDER BY our_reference COLLATE "C", partner_reference COLLATE "C", kind, amount_vnd, fee_vnd, state, occurred_at,
        settled_on
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stood:
    """What a line says besides whose it is."""

    amount_vnd: int
    fee_vnd: int
    state: str
    occurred_at: datetime
    settled_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one line from a version to the next: `before` is None for one added, `after` for one removed."""

    our_reference: str
    partner_reference: str
    kind: str
    before: Stood | None
    after: Stood | None

    @property
    def what(self) -> Literal["added", "removed", "changed"]:
        """In one word."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"

    @property
    def before_vnd(self) -> int:
        """The amount that stood, 0 for a line that did not."""
        return 0 if self.before is None else self.before.amount_vnd

    @property
    def after_vnd(self) -> int:
        """The amount that stands, 0 for a line that does not."""
        return 0 if self.after is None else self.after.amount_vnd


def keep(transaction: Transaction, party: str, statement: Statement, *, inbox_id: int, digest: str) -> int:
    """Book a verified statement and return its id.

    Raise MalformedError when this very file is booked already ("delivered_twice"), or when its lines do not make what
    it declares (as truc.statements.reading.not_made): a mapping of another's hand may not have looked.
    """
    _refuse_half(statement)
    lock(transaction, party, statement.business_on)
    day = (STATEMENTS.c.party == party, STATEMENTS.c.business_on == statement.business_on)
    if transaction.sql.execute(select(STATEMENTS.c.id).where(*day, STATEMENTS.c.digest == digest)).first():
        raise MalformedError(f"statement of {statement.business_on} was delivered before", reason="delivered_twice")
    last = transaction.sql.execute(select(func.coalesce(func.max(STATEMENTS.c.version), 0)).where(*day)).scalar_one()
    created = transaction.sql.execute(
        insert(STATEMENTS)
        .values(
            party=party,
            version=last + 1,
            digest=digest,
            inbox_id=inbox_id,
            count=len(statement.lines),
            amount_vnd=statement.amount_vnd,
            **statement.model_dump(exclude={"lines"}),
        )
        .returning(STATEMENTS.c.id)
    )
    statement_id = int(created.scalar_one())
    if statement.lines:
        transaction.sql.execute(
            insert(STATEMENT_LINES), [{"statement_id": statement_id, **line.model_dump()} for line in statement.lines]
        )
    return statement_id


def lock(transaction: Transaction, party: str, business_on: date) -> None:
    """Hold back every other version of that day until the transaction ends."""
    transaction.lock("statement", party, str(business_on))


def asked_for(transaction: Transaction, party: str, business_on: date, inbox_id: int) -> None:
    """Note that this kept file is what the party gave for that day: one that cannot be read does not say it."""
    values = {"party": party, "business_on": business_on, "inbox_id": inbox_id}
    transaction.sql.execute(upsert(DAY_FILES).values(values).on_conflict_do_nothing())


def files_of(transaction: Transaction, party: str, business_on: date) -> list[int]:
    """Return the inbox ids of the files that the party gave for that day, the oldest first."""
    query = select(DAY_FILES.c.inbox_id).where(DAY_FILES.c.party == party, DAY_FILES.c.business_on == business_on)
    return [int(row.inbox_id) for row in transaction.sql.execute(query.order_by(DAY_FILES.c.inbox_id))]


def newest(transaction: Transaction, party: str, business_on: date) -> Kept | None:
    """Return the newest version of the day's statement, None while none has come."""
    query = select(STATEMENTS).where(STATEMENTS.c.party == party, STATEMENTS.c.business_on == business_on)
    return transaction.sql.execute(query.order_by(STATEMENTS.c.version.desc()).limit(1)).one_or_none()


def numbered(transaction: Transaction, party: str, *, years: tuple[int, ...]) -> list[Kept]:
    """Return the party's statements of these years that carry a number, all versions, in order of day."""
    query = select(STATEMENTS).where(
        STATEMENTS.c.party == party,
        STATEMENTS.c.sequence_last.is_not(None),
        extract("year", STATEMENTS.c.business_on).in_(years),
    )
    return list(transaction.sql.execute(query.order_by(STATEMENTS.c.business_on, STATEMENTS.c.version)))


def booked(transaction: Transaction, statement_id: int) -> tuple[int, int]:
    """Return how many lines of the statement are booked, and their sum in đồng."""
    lines = STATEMENT_LINES.c
    query = select(func.count(), func.coalesce(func.sum(lines.amount_vnd), 0)).where(lines.statement_id == statement_id)
    count, amount_vnd = transaction.sql.execute(query).one()
    return int(count), int(amount_vnd)


def changes(transaction: Transaction, party: str, business_on: date, version: int) -> list[Change]:
    """Return what changed from the version before to this one, in order of reference; nothing for the first one.

    Lines are told apart by our reference, the partner's and the kind. Of several that share them, those that stand as
    they stood are no change; of the others, equal amounts are held against each other first, then the smallest.
    Raise MalformedError `unknown_version`.
    """
    before_id, after_id = (_id(transaction, party, business_on, number) for number in (version - 1, version))
    if after_id is None:
        raise MalformedError(f"{party} {business_on}: has no version {version}", reason="unknown_version")
    if before_id is None:
        return []
    removed = _only_in(transaction, before_id, after_id)
    added = _only_in(transaction, after_id, before_id)
    keys = sorted(removed.keys() | added.keys())
    return [
        Change(our_reference=ours, partner_reference=theirs, kind=kind, before=before, after=after)
        for ours, theirs, kind in keys
        for before, after in _pairs(removed[ours, theirs, kind], added[ours, theirs, kind])
    ]


def _refuse_half(statement: Statement) -> None:
    declared = Declared(
        count=statement.count_declared,
        amount_vnd=statement.amount_declared_vnd,
        opening_vnd=statement.opening_vnd if statement.moved_vnd is not None else None,
        closing_vnd=statement.closing_vnd,
    )
    made = Computed(
        count=len(statement.lines),
        amount_vnd=statement.amount_vnd,
        credit_vnd=0,
        debit_vnd=0,
        moved_vnd=statement.moved_vnd or 0,
    )
    for one in differences(declared, made):
        raise not_made(one)


def _id(transaction: Transaction, party: str, business_on: date, version: int) -> int | None:
    found = transaction.sql.execute(
        select(STATEMENTS.c.id).where(
            STATEMENTS.c.party == party, STATEMENTS.c.business_on == business_on, STATEMENTS.c.version == version
        )
    ).scalar_one_or_none()
    return None if found is None else int(found)


def _only_in(transaction: Transaction, one: int, other: int) -> dict[tuple[str, str, str], list[Stood]]:
    found = defaultdict[tuple[str, str, str], list[Stood]](list)
    for row in transaction.sql.execute(_ONLY_IN, {"one": one, "other": other}):
        stood = Stood(
            amount_vnd=row.amount_vnd,
            fee_vnd=row.fee_vnd,
            state=row.state,
            occurred_at=row.occurred_at,
            settled_on=row.settled_on,
        )
        found[row.our_reference, row.partner_reference, row.kind].append(stood)
    return found


def _pairs(removed: list[Stood], added: list[Stood]) -> Iterator[tuple[Stood | None, Stood | None]]:
    """Yield who is held against whom; both lists are in order of amount."""
    left, rest = list(added), list[Stood]()
    for before in removed:
        same = next((after for after in left if after.amount_vnd == before.amount_vnd), None)
        if same is None:
            rest.append(before)
        else:
            left.remove(same)
            yield before, same
    yield from zip(rest, left, strict=False)
    yield from ((before, None) for before in rest[len(left) :])
    yield from ((None, after) for after in left[len(rest) :])
