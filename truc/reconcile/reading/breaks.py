"""What is read of breaks: the list with its filters, one with its life and its sides, ageing.

Every function takes an open transaction and changes nothing. `today` is the day ages are counted to; the caller gives
it, so that a report of a past day says the same tomorrow.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Date, Row, Select, case, func, literal, or_, select
from sqlalchemy.dialects.postgresql import INTEGER

from truc.errors import MalformedError
from truc.reconcile.reading import sides as break_sides
from truc.reconcile.reading.sides import SideRow
from truc.reconcile.words import BREAK_CLASSES, EXECUTED, STATES
from truc.reconcile.work.breaks import SEALED_AS
from truc.store import breaks as store
from truc.store.opened import Transaction
from truc.store.tables.breaks import BREAK_ATTACHMENTS, BREAK_EVENTS, BREAK_ITEMS
from truc.store.tables.reconciliation import RECONCILIATION_BREAKS, RECONCILIATION_RUNS

__all__ = [
    "BUCKETS",
    "Aged",
    "Attachment",
    "BreakLine",
    "BreakPage",
    "BreakSeen",
    "Event",
    "SideRow",
    "Wanted",
    "ageing",
    "attachment",
    "get_break",
    "list_breaks",
]
BreakState = Literal["open", "assigned", "proposed", "resolved"]
Order = Literal["age", "at_risk", "party", "class", "state"]
# Key → days since the day a break belongs to, first and last; None: without end.
BUCKETS: dict[str, tuple[int, int | None]] = {
    "0-1": (0, 1),
    "2-3": (2, 3),
    "4-7": (4, 7),
    "8-30": (8, 30),
    ">30": (31, None),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which breaks are listed; a field left as it is asks for nothing. `state` "unresolved" is all but resolved.

    `since` and `until` are days a break belongs to, both included. `text` is looked for in both references and in the
    break's id. `run_id` asks for the breaks that stand in that run, whatever day they belong to.
    """

    party: str = ""
    since: date | None = None
    until: date | None = None
    break_class: str = ""
    state: BreakState | Literal["unresolved", ""] = ""
    assignee: str = ""  # "-" asks for those of nobody
    text: str = ""
    run_id: int | None = None
    bucket: str = ""
    order: Order = "age"
    page: int = 1
    page_size: int = 50  # at most 500


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakLine:
    """One break in a list. `difference_vnd`, references and rule are those of the last run in which it stood."""

    break_id: str
    party: str
    business_on: date
    break_class: str
    leg: str
    rule: str
    kind: str
    our_reference: str
    partner_reference: str
    core_vnd: int
    partner_vnd: int
    difference_vnd: int
    at_risk_vnd: int
    state: BreakState
    assignee: str
    reason_code: str
    proposal: str
    proposed_by: str
    resolution: str
    carried: bool  # somebody carried it forward, with a reason
    age_days: int  # of a resolved one: until it was


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakPage:
    """One page of the list; `found` and `at_risk_vnd` are of all pages together."""

    lines: tuple[BreakLine, ...]
    found: int
    at_risk_vnd: int
    page: int
    pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One step in a break's life."""

    at: datetime
    actor: str
    action: str
    from_state: str
    to_state: str
    reason_code: str
    proposal: str
    remark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that was attached; its bytes are read by `attachment`."""

    number: int
    name: str
    media_type: str
    digest: str
    bytes: int
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakSeen:
    """One break, wholly: what it is, its sides, its life."""

    line: BreakLine
    first_run_id: int
    first_run_on: date
    first_version: int
    last_run_id: int
    last_run_on: date
    last_version: int
    proposed_at: datetime | None
    proposal_text: str
    approved_by: str
    approved_at: datetime | None
    resolved_at: datetime | None
    resolved_by_run: int | None
    sides: tuple[SideRow, ...]  # core, then partner, receipt, remittance
    events: tuple[Event, ...]  # oldest first
    attachments: tuple[Attachment, ...]
    suggestions: tuple[str, ...]  # kinds of proposal whose cause can be asked for this class


@dataclass(frozen=True, slots=True, kw_only=True)
class Aged:
    """The unresolved breaks of one party, class and age."""

    party: str
    break_class: str
    bucket: str
    breaks: int
    at_risk_vnd: int


PAGE_SIZE_MAX = 500


def list_breaks(transaction: Transaction, wanted: Wanted, *, today: date) -> BreakPage:
    """Return one page of what is wanted; a page past the last is empty. MalformedError for a filter nobody knows."""
    _check(wanted)
    filters = _filters(wanted, today)
    counted = select(func.count().label("found"), func.coalesce(func.sum(BREAK_ITEMS.c.at_risk_vnd), 0).label("vnd"))
    of_all = transaction.sql.execute(counted.select_from(_STANDING).where(*filters)).one()
    offset = (wanted.page - 1) * wanted.page_size
    page = _lines(today).where(*filters).order_by(*_ORDERS[wanted.order], BREAK_ITEMS.c.break_id)
    rows = transaction.sql.execute(page.limit(wanted.page_size).offset(offset))
    return BreakPage(
        lines=tuple(_line(row) for row in rows),
        found=of_all.found,
        at_risk_vnd=int(of_all.vnd),
        page=wanted.page,
        pages=-(-of_all.found // wanted.page_size),
    )


def get_break(transaction: Transaction, break_id: str, *, today: date) -> BreakSeen:
    """Return the break; raise MalformedError `unknown_break` where there is none."""
    row = transaction.sql.execute(_lines(today).where(BREAK_ITEMS.c.break_id == break_id)).one_or_none()
    if row is None:
        raise store.unknown(break_id)
    item = transaction.sql.execute(select(BREAK_ITEMS).where(BREAK_ITEMS.c.break_id == break_id)).one()
    runs = RECONCILIATION_RUNS.c
    known = select(runs.id, runs.business_on, runs.version).where(runs.id.in_([item.first_run_id, item.last_run_id]))
    ran = {run.id: run for run in transaction.sql.execute(known)}
    first, last = ran[item.first_run_id], ran[item.last_run_id]
    line = _line(row)
    named = break_sides.Named(
        party=line.party,
        our_reference=line.our_reference,
        partner_reference=line.partner_reference,
        run_id=item.last_run_id,
    )
    return BreakSeen(
        line=line,
        first_run_id=first.id,
        first_run_on=first.business_on,
        first_version=first.version,
        last_run_id=last.id,
        last_run_on=last.business_on,
        last_version=last.version,
        proposed_at=item.proposed_at,
        proposal_text=item.proposal_text,
        approved_by=item.approved_by or "",
        approved_at=item.approved_at,
        resolved_at=item.resolved_at,
        resolved_by_run=item.resolved_by_run,
        sides=break_sides.rows(transaction, named),
        events=_events(transaction, break_id),
        attachments=_attachments(transaction, break_id),
        suggestions=EXECUTED.get(line.break_class, ()),
    )


def attachment(transaction: Transaction, break_id: str, number: int) -> tuple[Attachment, bytes]:
    """Return an attachment with its bytes; raise MalformedError where there is none or its seal does not hold."""
    query = select(BREAK_ATTACHMENTS).where(
        BREAK_ATTACHMENTS.c.break_id == break_id, BREAK_ATTACHMENTS.c.number == number
    )
    row = transaction.sql.execute(query).one_or_none()
    if row is None:
        raise MalformedError(f"number: {break_id} has no attachment {number}", reason="unknown_attachment")
    return _attachment(row), transaction.sealer.unseal(bytes(row.body), context=SEALED_AS)


def ageing(transaction: Transaction, *, today: date, party: str = "") -> list[Aged]:
    """Count what is unresolved by party, class and bucket, in that order; empty ones are left out."""
    items = BREAK_ITEMS.c
    age = _age(today)
    names = list(BUCKETS)
    number = case(*((_within(age, name), index) for index, name in enumerate(names)), else_=len(names)).label("bucket")
    query = select(
        items.party,
        items.break_class,
        number,
        func.count().label("breaks"),
        func.sum(items.at_risk_vnd).label("at_risk_vnd"),
    ).where(items.state != "resolved")
    query = query.where(items.party == party) if party else query
    grouped = query.group_by(items.party, items.break_class, number).order_by(items.party, items.break_class, number)
    return [
        Aged(
            party=row.party,
            break_class=row.break_class,
            bucket=names[row.bucket],
            breaks=row.breaks,
            at_risk_vnd=int(row.at_risk_vnd),
        )
        for row in transaction.sql.execute(grouped)
    ]


# Each break beside its row in the newest run in which it stood.
_STANDING = BREAK_ITEMS.join(
    RECONCILIATION_BREAKS,
    (RECONCILIATION_BREAKS.c.run_id == BREAK_ITEMS.c.last_run_id)
    & (RECONCILIATION_BREAKS.c.break_id == BREAK_ITEMS.c.break_id),
)
_ORDERS: dict[Order, tuple[ColumnElement[Any], ...]] = {
    "age": (BREAK_ITEMS.c.business_on,),
    "at_risk": (BREAK_ITEMS.c.at_risk_vnd.desc(),),
    "party": (BREAK_ITEMS.c.party, BREAK_ITEMS.c.business_on),
    "class": (BREAK_ITEMS.c.break_class, BREAK_ITEMS.c.business_on),
    "state": (BREAK_ITEMS.c.state, BREAK_ITEMS.c.business_on),
}
_OF_RUN = ("leg", "rule", "kind", "our_reference", "partner_reference", "core_vnd", "partner_vnd", "difference_vnd")
_OF_ITEM = (
    "break_id",
    "party",
    "business_on",
    "break_class",
    "at_risk_vnd",
    "state",
    "assignee",
    "reason_code",
    "proposal",
    "proposed_by",
    "resolution",
)


def _lines(today: date) -> Select[Any]:
    columns = [*(BREAK_ITEMS.c[name] for name in _OF_ITEM), *(RECONCILIATION_BREAKS.c[name] for name in _OF_RUN)]
    return select(*columns, _age(today).label("age_days")).select_from(_STANDING)


def _line(row: Row[Any]) -> BreakLine:
    values = dict(row._mapping)
    values["proposed_by"] = values["proposed_by"] or ""
    return BreakLine(**values, carried=row.reason_code == "carried" and row.state != "resolved")


def _age(today: date) -> ColumnElement[int]:
    """Days from the day it belongs to until today, or until the day in Vietnam on which it was resolved."""
    resolved_on = func.date(func.timezone("Asia/Ho_Chi_Minh", BREAK_ITEMS.c.resolved_at))
    until = func.least(literal(today), func.coalesce(resolved_on, literal(today)))
    return func.greatest(until - BREAK_ITEMS.c.business_on, 0, type_=INTEGER)


def _within(age: ColumnElement[int], bucket: str) -> ColumnElement[bool]:
    first, last = BUCKETS[bucket]
    return age >= first if last is None else age.between(first, last)


def _check(wanted: Wanted) -> None:
    known: dict[str, tuple[str, tuple[str, ...]]] = {
        "break_class": (wanted.break_class, tuple(BREAK_CLASSES)),
        "state": (wanted.state, (*STATES, "unresolved")),
        "bucket": (wanted.bucket, tuple(BUCKETS)),
        "order": (wanted.order, tuple(_ORDERS)),
    }
    for name, (value, allowed) in known.items():
        if value and value not in allowed:
            raise MalformedError(f"{name}: must be one of {', '.join(allowed)}", reason=f"{name}_unknown")
    if wanted.page < 1 or not 1 <= wanted.page_size <= PAGE_SIZE_MAX:
        raise MalformedError(f"page: from 1; page_size: 1 to {PAGE_SIZE_MAX}", reason="page_malformed")


def _filters(wanted: Wanted, today: date) -> list[ColumnElement[bool]]:
    items, found = BREAK_ITEMS.c, RECONCILIATION_BREAKS.c
    given: list[tuple[object, ColumnElement[bool]]] = [
        (wanted.party, items.party == wanted.party),
        (wanted.since, items.business_on >= literal(wanted.since, Date)),
        (wanted.until, items.business_on <= literal(wanted.until, Date)),
        (wanted.break_class, items.break_class == wanted.break_class),
        (wanted.state == "unresolved", items.state != "resolved"),
        (wanted.state not in ("", "unresolved"), items.state == wanted.state),
        (wanted.assignee, items.assignee == ("" if wanted.assignee == "-" else wanted.assignee)),
        (wanted.text, _holds(wanted.text)),
    ]
    filters = [condition for asked, condition in given if asked]
    if wanted.bucket:
        filters.append(_within(_age(today), wanted.bucket))
    if wanted.run_id is not None:
        of_run = select(found.break_id).where(found.run_id == wanted.run_id).correlate(None)
        filters.append(items.break_id.in_(of_run))
    return filters


def _holds(words: str) -> ColumnElement[bool]:
    found = RECONCILIATION_BREAKS.c
    text = words.strip()
    return or_(
        *(
            column.icontains(text, autoescape=True)
            for column in (found.our_reference, found.partner_reference, BREAK_ITEMS.c.break_id)
        )
    )


def _events(transaction: Transaction, break_id: str) -> tuple[Event, ...]:
    names = list(Event.__slots__)
    query = select(*(BREAK_EVENTS.c[name] for name in names)).where(BREAK_EVENTS.c.break_id == break_id)
    rows = transaction.sql.execute(query.order_by(BREAK_EVENTS.c.number))
    return tuple(Event(**row._mapping) for row in rows)


def _attachments(transaction: Transaction, break_id: str) -> tuple[Attachment, ...]:
    columns = [BREAK_ATTACHMENTS.c[name] for name in Attachment.__slots__]
    query = select(*columns).where(BREAK_ATTACHMENTS.c.break_id == break_id)
    return tuple(_attachment(row) for row in transaction.sql.execute(query.order_by(BREAK_ATTACHMENTS.c.number)))


def _attachment(row: Row[Any]) -> Attachment:
    return Attachment(**{name: getattr(row, name) for name in Attachment.__slots__})
