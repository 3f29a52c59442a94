"""The double-entry ledger in whole đồng. The database refuses an entry that does not balance."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from truc.store.opened import Transaction
from truc.store.tables.money import LEDGER_ENTRIES, LEDGER_LINES


def clearing(party: str) -> str:
    """Name the account of what an intermediary has collected for us and not yet paid over."""
    return f"clearing:{party}"


def collected(agency_code: str) -> str:
    """Name the account of what was collected on behalf of an agency."""
    return f"collected:{agency_code}"


def bank(party: str) -> str:
    """Name the account of what lies on our own account at a bank."""
    return f"bank:{party}"


def fees(party: str) -> str:
    """Name the account of what a party kept for its service and nobody has borne yet."""
    return f"fees:{party}"


def remitting(party: str) -> str:
    """Name the account of what a treasury was ordered to be paid and has not confirmed."""
    return f"remitting:{party}"


def unidentified(party: str) -> str:
    """Name the account of what moved on our account at a bank and is nobody's yet."""
    return f"unidentified:{party}"


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


def is_booked(transaction: Transaction, reference: str) -> bool:
    """Tell whether there is an entry of that name."""
    found = select(LEDGER_ENTRIES.c.id).where(LEDGER_ENTRIES.c.reference == reference)
    return transaction.sql.execute(found).first() is not None


# The entries of one cause, by number: each is found by its name, however many entries there are of others.
_BROUGHT = text(
    """
    WITH RECURSIVE entry AS (
        SELECT id, 1 AS number FROM ledger_entries WHERE reference = :cause || '/1'
        UNION ALL
        SELECT further.id, entry.number + 1
        FROM entry JOIN ledger_entries AS further ON further.reference = :cause || '/' || (entry.number + 1)
    )
    SELECT line.account, sum(line.amount_vnd) AS vnd, (SELECT max(number) FROM entry) AS last
    FROM entry JOIN ledger_lines AS line ON line.entry_id = entry.id
    GROUP BY line.account
    """
)


def bring(transaction: Transaction, cause: str, wanted: Mapping[str, int], business_on: date, words: str) -> bool:
    """Have the entries of `cause` add up to `wanted`, account → đồng (debit positive): book what lacks.

    They are `cause/1`, `cause/2`, …: what is booked stays, and what was said anew is booked as the difference. Return
    False when nothing lacks. Lock what `cause` names before.
    """
    rows = transaction.sql.execute(_BROUGHT, {"cause": cause}).all()
    booked = {row.account: int(row.vnd) for row in rows}
    lacking = {one: wanted.get(one, 0) - booked.get(one, 0) for one in sorted({*wanted, *booked})}
    lines = [(account, vnd) for account, vnd in lacking.items() if vnd]
    if not lines:
        return False
    return book(transaction, f"{cause}/{(rows[0].last if rows else 0) + 1}", business_on, words, lines)


def balance_vnd(transaction: Transaction, account: str) -> int:
    """Return the account's balance, debit positive."""
    total = select(func.coalesce(func.sum(LEDGER_LINES.c.amount_vnd), 0)).where(LEDGER_LINES.c.account == account)
    return int(transaction.sql.execute(total).scalar_one())
