"""The store of payments and their receipts."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Row, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from truc.domain.receipt import next_receipt_number, receipt_year
from truc.errors import MalformedError
from truc.store.opened import Transaction
from truc.store.tables.money import PAYMENTS, RECEIPT_SERIES, RECEIPTS


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPayment:
    """A payment as it is requested."""

    our_reference: str
    source: str
    source_reference: str
    dossier_code: str
    party: str
    amount_vnd: int
    requested_at: datetime


def find(transaction: Transaction, source: str, source_reference: str) -> Row[tuple[object, ...]] | None:
    """Return the payment its source already asked for, or None."""
    return transaction.sql.execute(
        select(PAYMENTS).where(PAYMENTS.c.source == source, PAYMENTS.c.source_reference == source_reference)
    ).one_or_none()


def create(transaction: Transaction, new: NewPayment) -> None:
    """Book a pending payment."""
    transaction.sql.execute(
        insert(PAYMENTS).values(
            our_reference=new.our_reference,
            source=new.source,
            source_reference=new.source_reference,
            dossier_code=new.dossier_code,
            party=new.party,
            amount_vnd=new.amount_vnd,
            state="pending",
            requested_at=new.requested_at,
        )
    )


def get_locked(transaction: Transaction, our_reference: str) -> Row[tuple[object, ...]]:
    """Return the payment's row, locked until the transaction ends; raise MalformedError for an unknown order."""
    row = transaction.sql.execute(
        select(PAYMENTS).where(PAYMENTS.c.our_reference == our_reference).with_for_update()
    ).one_or_none()
    if row is None:
        raise MalformedError(f"our_reference: no payment {our_reference!r}", reason="unknown_order")
    return row


def mark_paid(
    transaction: Transaction, payment_id: int, partner_reference: str, paid_at: datetime, business_on: date
) -> None:
    """The money was taken."""
    transaction.sql.execute(
        update(PAYMENTS)
        .where(PAYMENTS.c.id == payment_id)
        .values(state="paid", partner_reference=partner_reference, paid_at=paid_at, business_on=business_on)
    )


def mark(transaction: Transaction, payment_id: int, state: str) -> None:
    """Book an end without money (`failed`, `expired`)."""
    transaction.sql.execute(update(PAYMENTS).where(PAYMENTS.c.id == payment_id).values(state=state))


def keep_pay_url(transaction: Transaction, our_reference: str, pay_url: str) -> None:
    """Keep where the citizen pays."""
    transaction.sql.execute(update(PAYMENTS).where(PAYMENTS.c.our_reference == our_reference).values(pay_url=pay_url))


def issue_receipt(transaction: Transaction, series: str, payment_id: int, amount_vnd: int, issued_at: datetime) -> int:
    """Draw the next number of the series' year and book the receipt; return the number.

    The series' row lock lasts until the caller's transaction ends, and a rollback gives the number
    back: no gap, no double, and one receipt per payment (NĐ 254/2026: from 1 each year, at most 8 digits).
    """
    year = receipt_year(issued_at)
    transaction.sql.execute(upsert(RECEIPT_SERIES).values(series=series, year=year, last=0).on_conflict_do_nothing())
    which = (RECEIPT_SERIES.c.series == series, RECEIPT_SERIES.c.year == year)
    last = transaction.sql.execute(select(RECEIPT_SERIES.c.last).where(*which).with_for_update()).scalar_one()
    number = next_receipt_number(int(last))
    transaction.sql.execute(update(RECEIPT_SERIES).where(*which).values(last=number))
    transaction.sql.execute(
        insert(RECEIPTS).values(
            series=series,
            year=year,
            number=number,
            payment_id=payment_id,
            amount_vnd=amount_vnd,
            issued_at=issued_at,
        )
    )
    return number
