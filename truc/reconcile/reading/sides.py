"""The rows of each side that a break is about, found by its references, with what differs from our own row."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Row, false, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from truc.domain.calendar import local_day
from truc.domain.payment_states import State
from truc.store.opened import Transaction
from truc.store.tables.money import LEDGER_ENTRIES, PAYMENTS, RECEIPTS, REFUNDS
from truc.store.tables.reconciliation import (
    RECONCILIATION_BREAKS,
    RECONCILIATION_MATCHES,
    STATEMENT_LINES,
    STATEMENTS,
)
from truc.store.tables.remittance import REMITTANCE_LINES, REMITTANCE_ORDERS

ROWS_MAX = 20  # of one side: more are no help to a person
COMPARED = ("our_reference", "partner_reference", "amount_vnd", "fee_vnd", "state", "business_on")
NOT_COMPARED = ("fee", "refund")  # they stand beside the payment, and are no payment
# How a payment's state reads as a neutral row's; the money of one in doubt was booked, or it is open.
_STATES = {
    State.CREATED: "pending",
    State.PENDING: "pending",
    State.PAID: "paid",
    State.FAILED: "failed",
    State.EXPIRED: "failed",
    State.REFUNDING: "paid",
    State.REFUNDED: "refunded",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Which rows are looked for."""

    party: str
    our_reference: str
    partner_reference: str
    run_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SideRow:
    """One row of one side. `differs` names the fields in which it differs from the core's row."""

    side: Literal["core", "partner", "receipt", "remittance"]
    our_reference: str
    partner_reference: str
    kind: str
    amount_vnd: int
    fee_vnd: int
    state: str
    business_on: date | None
    occurred_at: datetime | None
    number: str  # of a receipt, or of a statement's line
    source: str  # where it lies: "payments 12", "statement 3 line 7", "BL 2026/00000012"
    differs: frozenset[str] = field(default_factory=frozenset)


def rows(transaction: Transaction, named: Named) -> tuple[SideRow, ...]:
    """Return the rows of core, partner, receipt and remittance, in that order; each compared with the first of core.

    A receipt is compared by its amount alone, a remittance by its amount and reference: they say no more.
    """
    core = list(_core(transaction, named))
    ours = {row.our_reference for row in core} | {named.our_reference} - {""}
    beside = [
        *_partner(transaction, named),
        *_receipts(transaction, sorted(ours)),
        *_remittances(transaction, named, sorted(ours)),
    ]
    if not core:
        return tuple(beside)
    return (*core, *(replace(row, differs=_differences(core[0], row)) for row in beside))


def _core(transaction: Transaction, named: Named) -> Iterator[SideRow]:
    """The payment of our reference, and those that bear the partner's; then what went back of them."""
    payments = PAYMENTS.c
    query = select(PAYMENTS).where(payments.party == named.party, _bears(payments, named)).order_by(payments.id)
    found = transaction.sql.execute(query.limit(ROWS_MAX)).all()
    for row in found:
        yield _of_payment(row)
    refunds = REFUNDS.c
    wanted = or_(refunds.payment_id.in_([row.id for row in found]), refunds.refund_reference == named.our_reference)
    entry = LEDGER_ENTRIES.c
    booked = REFUNDS.outerjoin(LEDGER_ENTRIES, entry.reference == "refund/" + refunds.refund_reference)
    given_back = select(REFUNDS, entry.business_on).select_from(booked).where(wanted)
    for row in transaction.sql.execute(given_back.order_by(refunds.id).limit(ROWS_MAX)):
        yield SideRow(
            side="core",
            our_reference=row.refund_reference,
            partner_reference=row.partner_reference,
            kind="refund",
            amount_vnd=row.amount_vnd,
            fee_vnd=0,
            state={"refunded": "refunded", "refused": "failed"}.get(row.state, "pending"),
            business_on=row.business_on,  # of its entry: until it is booked it has none
            occurred_at=row.requested_at,
            number="",
            source=f"refund {row.id}",
        )


def _of_payment(row: Row[Any]) -> SideRow:
    booked = "pending" if row.business_on is None else "paid"
    return SideRow(
        side="core",
        our_reference=row.our_reference,
        partner_reference=row.partner_reference or "",
        kind="payment",
        amount_vnd=row.amount_vnd,
        fee_vnd=0,
        state=_STATES.get(State(row.state), booked),
        business_on=row.business_on,
        occurred_at=row.paid_at,
        number="",
        source=f"payment {row.id}",
    )


def _partner(transaction: Transaction, named: Named) -> Iterator[SideRow]:
    """The lines of the newest version of each day's statement that bear either reference."""
    newest = (
        select(STATEMENTS.c.id)
        .where(STATEMENTS.c.party == named.party)
        .ext(distinct_on(STATEMENTS.c.business_on))
        .order_by(STATEMENTS.c.business_on, STATEMENTS.c.version.desc())
    )
    query = (
        select(STATEMENT_LINES, STATEMENTS.c.business_on.label("said_on"))
        .join(STATEMENTS, STATEMENTS.c.id == STATEMENT_LINES.c.statement_id)
        .where(STATEMENT_LINES.c.statement_id.in_(newest), _bears(STATEMENT_LINES.c, named))
        .order_by(STATEMENTS.c.business_on, STATEMENT_LINES.c.line_no)
    )
    for row in transaction.sql.execute(query.limit(ROWS_MAX)):
        yield SideRow(
            side="partner",
            our_reference=row.our_reference,
            partner_reference=row.partner_reference,
            kind=row.kind,
            amount_vnd=row.amount_vnd,
            fee_vnd=row.fee_vnd,
            state=row.state,
            business_on=row.said_on,
            occurred_at=row.occurred_at,
            number=str(row.line_no),
            source=f"statement {row.statement_id} line {row.line_no}",
        )


def _receipts(transaction: Transaction, ours: list[str]) -> Iterator[SideRow]:
    query = (
        select(RECEIPTS, PAYMENTS.c.our_reference)
        .join(PAYMENTS, PAYMENTS.c.id == RECEIPTS.c.payment_id)
        .where(PAYMENTS.c.our_reference.in_(ours))
        .order_by(RECEIPTS.c.id)
    )
    for row in transaction.sql.execute(query.limit(ROWS_MAX)):
        number = f"{row.series} {row.year}/{row.number:08d}"
        yield SideRow(
            side="receipt",
            our_reference=row.our_reference,
            partner_reference="",
            kind="payment",
            amount_vnd=row.amount_vnd,
            fee_vnd=0,
            state="paid",
            business_on=local_day(row.issued_at),
            occurred_at=row.issued_at,
            number=number,
            source=f"receipt {number}",
        )


def _remittances(transaction: Transaction, named: Named, ours: list[str]) -> list[SideRow]:
    """What orders to the treasury pay of the payments; where there is none, what the run compared them with."""
    return list(_ordered(transaction, ours)) or list(_compared(transaction, named))


def _ordered(transaction: Transaction, ours: list[str]) -> Iterator[SideRow]:
    lines, orders = REMITTANCE_LINES.c, REMITTANCE_ORDERS.c
    query = (
        select(
            lines.what,
            lines.amount_vnd,
            PAYMENTS.c.our_reference,
            orders.remittance_reference,
            orders.state,
            orders.business_on,
            orders.confirmed_at,
        )
        .join(REMITTANCE_ORDERS, orders.id == lines.order_id)
        .join(PAYMENTS, PAYMENTS.c.id == lines.payment_id)
        .where(PAYMENTS.c.our_reference.in_(ours), lines.released.is_(False))
        .order_by(lines.id)
    )
    for row in transaction.sql.execute(query.limit(ROWS_MAX)):
        yield SideRow(
            side="remittance",
            our_reference=row.our_reference,
            partner_reference="",
            kind=row.what,
            amount_vnd=row.amount_vnd,
            fee_vnd=0,
            state={"confirmed": "paid", "refused": "failed"}.get(row.state, "pending"),
            business_on=row.business_on,
            occurred_at=row.confirmed_at,
            number=row.remittance_reference,
            source=f"remittance {row.remittance_reference}",
        )


def _compared(transaction: Transaction, named: Named) -> Iterator[SideRow]:
    """What the run placed in the leg of remittance under our reference, in a match or a break."""
    if not named.our_reference:
        return
    for table in (RECONCILIATION_MATCHES, RECONCILIATION_BREAKS):
        one = table.c
        query = select(table).where(
            one.run_id == named.run_id, one.leg == "remittance", one.our_reference == named.our_reference
        )
        for row in transaction.sql.execute(query.where(one.partner_rows > 0).limit(ROWS_MAX)):
            yield SideRow(
                side="remittance",
                our_reference=row.our_reference,
                partner_reference=row.partner_reference,
                kind=row.kind,
                amount_vnd=row.partner_vnd,
                fee_vnd=0,
                state="paid",
                business_on=row.business_on,
                occurred_at=None,
                number="",
                source=f"run {named.run_id} remittance",
            )


def _bears(columns: Any, named: Named) -> Any:
    """The condition that a row bears one of the references; none of them empty."""
    given = [
        columns[name] == value
        for name, value in (
            ("our_reference", named.our_reference),
            ("partner_reference", named.partner_reference),
        )
        if value
    ]
    return or_(false(), *given)


def _differences(core: SideRow, row: SideRow) -> frozenset[str]:
    if row.kind in NOT_COMPARED:
        return frozenset()
    compared: Iterable[str] = {
        "receipt": ("amount_vnd",),
        "remittance": ("our_reference", "amount_vnd"),
    }.get(row.side, COMPARED)
    return frozenset(name for name in compared if getattr(core, name) != getattr(row, name))
