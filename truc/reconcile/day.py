"""Reconciles one party's business day against its newest statement and keeps the result as a version of the day."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date

from sqlalchemy import ARRAY, ColumnElement, Row, Text, any_, insert, literal, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from truc.errors import TransientError
from truc.reconcile.matching import CorePayment, Outcome, PartnerLine, match
from truc.store.opened import Transaction
from truc.store.tables.money import PAYMENTS
from truc.store.tables.reconciliation import (
    RECONCILIATION_BREAKS,
    RECONCILIATION_MATCHES,
    RECONCILIATION_RUNS,
    STATEMENT_LINES,
    STATEMENTS,
)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a run found. `new` is False when the inputs were those of the last version."""

    party: str
    business_on: date
    version: int
    new: bool
    matched: int
    breaks: dict[str, int]
    difference_vnd: int


def in_use(transaction: Transaction, party: str) -> bool:
    """Tell whether anything was ever paid for through the party, or any statement of it came."""
    payments = select(PAYMENTS.c.id).where(PAYMENTS.c.party == party)
    statements = select(STATEMENTS.c.id).where(STATEMENTS.c.party == party)
    return bool(transaction.sql.execute(select(or_(payments.exists(), statements.exists()))).scalar_one())


def reconcile(transaction: Transaction, party: str, business_on: date) -> Reconciled:
    """Reconcile the day. Raise TransientError while its statement has not come."""
    transaction.lock("reconciliation", party, str(business_on))
    statement = _newest_statement(transaction, party, business_on)
    lines = _lines(transaction, statement.id)
    payments = _payments(transaction, party, business_on, lines)
    outcome = match(party, payments, lines)
    digest = _input_digest(payments, lines)
    last = _last_run(transaction, party, business_on)
    if last is not None and last.input_digest == digest:
        return _told(party, business_on, last.version, outcome, new=False)
    version = 1 if last is None else last.version + 1
    values = {"party": party, "business_on": business_on, "version": version, "statement_id": statement.id}
    run_id = _insert_run(transaction, {**values, "input_digest": digest, **_totals(payments, lines, outcome)})
    _insert_outcome(transaction, run_id, outcome)
    return _told(party, business_on, version, outcome, new=True)


def _newest_statement(transaction: Transaction, party: str, business_on: date) -> Row[tuple[object, ...]]:
    found = transaction.sql.execute(
        select(STATEMENTS)
        .where(STATEMENTS.c.party == party, STATEMENTS.c.business_on == business_on)
        .order_by(STATEMENTS.c.version.desc())
        .limit(1)
    ).one_or_none()
    if found is None:
        raise TransientError(f"{party}: no statement of {business_on} has come yet", reason="statement_missing")
    return found


def _lines(transaction: Transaction, statement_id: int) -> list[PartnerLine]:
    rows = transaction.sql.execute(
        select(STATEMENT_LINES)
        .where(
            STATEMENT_LINES.c.statement_id == statement_id,
            STATEMENT_LINES.c.kind == "payment",
            STATEMENT_LINES.c.state == "paid",
        )
        .order_by(STATEMENT_LINES.c.line_no)
    )
    return [PartnerLine(row.line_no, row.our_reference, row.partner_reference, row.amount_vnd) for row in rows]


def _payments(transaction: Transaction, party: str, business_on: date, lines: list[PartnerLine]) -> list[CorePayment]:
    """The party's payments of the day, and those of other days or states that the statement names."""
    ours = _texts(line.our_reference for line in lines)
    theirs = _texts(line.partner_reference for line in lines)
    rows = transaction.sql.execute(
        select(PAYMENTS)
        .where(
            PAYMENTS.c.party == party,
            (PAYMENTS.c.business_on == business_on)  # its money is booked, whatever became of it since
            | (PAYMENTS.c.our_reference == any_(ours))
            | (PAYMENTS.c.partner_reference == any_(theirs)),
        )
        .order_by(PAYMENTS.c.id)
    ).all()
    earlier = _on_earlier_statements(transaction, party, business_on, ours)
    return [
        CorePayment(
            id=row.id,
            our_reference=row.our_reference,
            partner_reference=row.partner_reference or "",
            amount_vnd=row.amount_vnd,
            paid=row.business_on is not None,
            of_day=row.business_on == business_on,
            on_earlier_statement=row.our_reference in earlier,
        )
        for row in rows
    ]


def _on_earlier_statements(
    transaction: Transaction, party: str, business_on: date, ours: ColumnElement[list[str]]
) -> set[str]:
    """Which of these references the newest statements of earlier days have as paid."""
    newest = (
        select(STATEMENTS.c.id)
        .where(STATEMENTS.c.party == party, STATEMENTS.c.business_on < business_on)
        .ext(distinct_on(STATEMENTS.c.business_on))
        .order_by(STATEMENTS.c.business_on, STATEMENTS.c.version.desc())
    )
    rows = transaction.sql.execute(
        select(STATEMENT_LINES.c.our_reference).where(
            STATEMENT_LINES.c.our_reference == any_(ours),
            STATEMENT_LINES.c.statement_id.in_(newest),
            STATEMENT_LINES.c.kind == "payment",
            STATEMENT_LINES.c.state == "paid",
        )
    )
    return {str(row.our_reference) for row in rows}


def _texts(values: Iterable[str]) -> ColumnElement[list[str]]:
    """One array parameter, however many values: a statement may hold more lines than a query takes parameters."""
    return literal(sorted({value for value in values if value}), ARRAY(Text))


def _input_digest(payments: list[CorePayment], lines: list[PartnerLine]) -> str:
    everything: list[CorePayment | PartnerLine] = [*payments, *lines]
    rows = [repr(sorted(asdict(one).items())) for one in everything]
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def _last_run(transaction: Transaction, party: str, business_on: date) -> Row[tuple[object, ...]] | None:
    return transaction.sql.execute(
        select(RECONCILIATION_RUNS)
        .where(RECONCILIATION_RUNS.c.party == party, RECONCILIATION_RUNS.c.business_on == business_on)
        .order_by(RECONCILIATION_RUNS.c.version.desc())
        .limit(1)
    ).one_or_none()


def _totals(payments: list[CorePayment], lines: list[PartnerLine], outcome: Outcome) -> dict[str, int]:
    of_day = [payment.amount_vnd for payment in payments if payment.of_day]
    matched = [one.payment.amount_vnd for one in outcome.matches]
    return {
        "core_count": len(of_day),
        "core_vnd": sum(of_day),
        "partner_count": len(lines),
        "partner_vnd": sum(line.amount_vnd for line in lines),
        "matched_count": len(matched),
        "matched_vnd": sum(matched),
    }


def _insert_run(transaction: Transaction, values: dict[str, object]) -> int:
    created = transaction.sql.execute(insert(RECONCILIATION_RUNS).values(values).returning(RECONCILIATION_RUNS.c.id))
    return int(created.scalar_one())


def _insert_outcome(transaction: Transaction, run_id: int, outcome: Outcome) -> None:
    matches = [
        {"run_id": run_id, "payment_id": one.payment.id, "line_no": one.line.line_no, "rule": one.rule}
        for one in outcome.matches
    ]
    breaks = [{"run_id": run_id, "difference_vnd": one.difference_vnd, **asdict(one)} for one in outcome.breaks]
    if matches:
        transaction.sql.execute(insert(RECONCILIATION_MATCHES), matches)
    if breaks:
        transaction.sql.execute(insert(RECONCILIATION_BREAKS), breaks)


def _told(party: str, business_on: date, version: int, outcome: Outcome, *, new: bool) -> Reconciled:
    return Reconciled(
        party=party,
        business_on=business_on,
        version=version,
        new=new,
        matched=len(outcome.matches),
        breaks=dict(Counter(one.break_class for one in outcome.breaks)),
        difference_vnd=sum(one.difference_vnd for one in outcome.breaks),
    )
