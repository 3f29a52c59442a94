"""The store of partners' daily statements, in versions: a restated file is the next one."""

from sqlalchemy import func, insert, select

from truc.errors import MalformedError
from truc.messages import Statement
from truc.store.opened import Transaction
from truc.store.tables.reconciliation import STATEMENT_LINES, STATEMENTS


def keep(transaction: Transaction, party: str, statement: Statement, *, inbox_id: int, digest: str) -> int:
    """Book a verified statement and return its id.

    Raise MalformedError when this very file is booked already ("delivered_twice").
    """
    transaction.lock("statement", party, str(statement.business_on))
    day = (STATEMENTS.c.party == party, STATEMENTS.c.business_on == statement.business_on)
    if transaction.sql.execute(select(STATEMENTS.c.id).where(*day, STATEMENTS.c.digest == digest)).first():
        raise MalformedError(f"statement of {statement.business_on} was delivered before", reason="delivered_twice")
    last = transaction.sql.execute(select(func.coalesce(func.max(STATEMENTS.c.version), 0)).where(*day)).scalar_one()
    created = transaction.sql.execute(
        insert(STATEMENTS)
        .values(
            party=party,
            business_on=statement.business_on,
            version=last + 1,
            digest=digest,
            inbox_id=inbox_id,
            count=len(statement.lines),
            amount_vnd=sum(line.amount_vnd for line in statement.lines),
        )
        .returning(STATEMENTS.c.id)
    )
    statement_id = int(created.scalar_one())
    if statement.lines:
        transaction.sql.execute(
            insert(STATEMENT_LINES), [{"statement_id": statement_id, **line.model_dump()} for line in statement.lines]
        )
    return statement_id
