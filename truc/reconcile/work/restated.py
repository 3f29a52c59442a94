"""Tells whether a statement has come that a run did not read: its day is run again before anybody signs it."""

from sqlalchemy import text

from truc.store import statements
from truc.store.opened import Transaction
from truc.store.reconciliation import RunRow

# Of a line, what a run reads: the same lines in another file, or in another order, give the same run.
_DIFFERS = text("""
    WITH line AS (
        SELECT our_reference, partner_reference, kind, amount_vnd, fee_vnd, state, occurred_at,
            CASE statement_id WHEN :new THEN 1 ELSE -1 END AS times
        FROM statement_lines WHERE statement_id IN (:old, :new))
    SELECT EXISTS (
        SELECT FROM line GROUP BY our_reference, partner_reference, kind, amount_vnd, fee_vnd, state, occurred_at
        HAVING sum(times) <> 0)""")


def is_restated(transaction: Transaction, run: RunRow) -> bool:
    """Tell whether the newest statement of the run's day says other lines than the one that the run read."""
    newest = statements.newest(transaction, run.party, run.business_on)
    if newest is None or newest.id == run.statement_id:
        return False
    if run.statement_id is None:
        return True
    return bool(transaction.sql.execute(_DIFFERS, {"old": run.statement_id, "new": newest.id}).scalar_one())
