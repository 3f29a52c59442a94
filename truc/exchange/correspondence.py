"""Tells whether the hub and a party have ever written to each other."""

from sqlalchemy import or_, select

from truc.store.opened import Transaction
from truc.store.tables.exchange import INBOX_NAMES, OUTBOX_NAMES


def exists_with(transaction: Transaction, party: str) -> bool:
    """Tell whether any message to the party was ever to be sent, or any from it was kept; names outlive the bodies."""
    sent = select(OUTBOX_NAMES.c.outbox_id).where(OUTBOX_NAMES.c.party == party)
    kept = select(INBOX_NAMES.c.inbox_id).where(INBOX_NAMES.c.party == party)
    return bool(transaction.sql.execute(select(or_(sent.exists(), kept.exists()))).scalar_one())
