"""The double-entry ledger in whole đồng. The database refuses an entry that does not balance."""

from datetime import date

from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from truc.store.opened import Transaction
from truc.store.tables.money import LEDGER_ENTRIES, LEDGER_LINES


def clearing(party: str) -> str:
    """Name the account of what an intermediary has collected for us and not yet paid over."""
    return f"clearing:{party}"


def collected(agency_code: str) -> str:
    """Name the account of what was collected on behalf of an agency."""
    return f"collected:{agency_code}"


def book(transaction: Transaction, reference: str, business_on: date, text: str, lines: list[tuple[str, int]]) -> bool:
    """Book one entry of (account, đồng; debit positive). Return False when `reference` is booked already."""
    entry_id = transaction.sql.execute(
        upsert(LEDGER_ENTRIES)
        .values(reference=reference, business_on=business_on, text=text)
        .on_conflict_do_nothing(index_elements=["reference"])
        .returning(LEDGER_ENTRIES.c.id)
    ).scalar()
    if entry_id is None:
        return False
    transaction.sql.execute(
        insert(LEDGER_LINES),
        [
            {"entry_id": entry_id, "line": number, "account": account, "amount_vnd": amount}
            for number, (account, amount) in enumerate(lines, start=1)
        ],
    )
    return True


def balance_vnd(transaction: Transaction, account: str) -> int:
    """Return the account's balance, debit positive."""
    total = select(func.coalesce(func.sum(LEDGER_LINES.c.amount_vnd), 0)).where(LEDGER_LINES.c.account == account)
    return int(transaction.sql.execute(total).scalar_one())
