"""Takes a stopped message out of the way for good, where the same thing is done through another party instead."""

from sqlalchemy import text

from truc import parties
from truc.exchange import set_aside, tallies
from truc.exchange.journal import entries
from truc.store.opened import Transaction

# Stopped for such a reason after it was written once, the partner may have it: it never goes another way.
MAY_HAVE_ARRIVED = ("outcome_unknown", "bytes_dropped", "seal_broken")
_LOCK = text("SELECT state, reason, body_id FROM outbox WHERE drawer = 0 AND id = :id FOR UPDATE")
_WITHDRAW = text(
    """
    UPDATE outbox
    SET state = 'superseded', drawer = drawer_of(:months, now()), finished_at = now(), reason = 'other_way',
        reason_text = :why, leased_by = NULL, leased_until = NULL
    WHERE drawer = 0 AND id = :id AND state IN ('refused', 'set_aside')
    RETURNING key, external_id, amount_vnd
    """
)


def surely_absent(transaction: Transaction, exchange_id: int) -> bool:
    """Tell whether the message was stopped and the partner surely does not have it; it stands so until this ends."""
    row = transaction.sql.execute(_LOCK, {"id": exchange_id}).one_or_none()
    if row is None or row.state not in ("refused", "set_aside"):
        return False
    return row.state == "refused" or row.body_id is None or row.reason not in MAY_HAVE_ARRIVED


def withdraw(transaction: Transaction, party: str, operation: str, exchange_id: int, *, why: str) -> None:
    """End a message that is `surely_absent`: its open item is resolved with it, and nobody can replay it any more."""
    months = parties.manifest(party).operation(operation).retention.metadata_months
    row = transaction.sql.execute(_WITHDRAW, {"id": exchange_id, "months": months, "why": why}).one()
    set_aside.resolve_outgoing(transaction, [exchange_id], how="superseded")
    tallies.count(transaction, [(party, operation, "superseded", None)])
    decision = entries.Decision(
        exchange_id=exchange_id,
        direction="out",
        party=party,
        kind=operation,
        key=row.key,
        external_id=row.external_id,
        outcome="superseded",
        digest_out=None,
        digest_in=None,
        amount_vnd=row.amount_vnd,
    )
    entries.note(transaction, [decision])
