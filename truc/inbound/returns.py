"""Has payments asked about at once whose citizens have just come back from paying: that is a hint, and no word.

Nothing but the time of the next question is moved, and only where the party can be asked and an end is awaited. The
commit wakes the party's `ask_payments` pipeline, as one with new messages wakes its couriers.
"""

from collections.abc import Collection

from sqlalchemy import text

from truc import parties
from truc.exchange.outbox import WOKEN
from truc.store.opened import Transaction

# What another transaction works on is being asked about or booked right now.
_DUE_NOW = text(
    """
    UPDATE payments SET next_ask_at = now() WHERE id IN (
        SELECT id FROM payments
        WHERE our_reference = ANY(CAST(:references AS text[])) AND party = ANY(CAST(:parties AS text[]))
            AND next_ask_at > now() AND (state = 'pending' OR (state = 'in_doubt' AND next_step = 'ask'))
        ORDER BY id FOR UPDATE SKIP LOCKED)
    RETURNING party
    """
)
_WAKE = text("SELECT pg_notify(:woken, name) FROM unnest(CAST(:names AS text[])) AS name")


def ask_at_once(transaction: Transaction, references: Collection[str]) -> int:
    """Make the next question about these payments due now; return of how many."""
    askable = {one.party: _queues(one.party) for one in parties.manifests()}
    given = {"references": list(references), "parties": [party for party, queues in askable.items() if queues]}
    due = [str(row.party) for row in transaction.sql.execute(_DUE_NOW, given)]
    if due:
        names = sorted({queue for party in due for queue in askable[party]})
        transaction.sql.execute(_WAKE, {"woken": WOKEN, "names": names})
    return len(due)


def _queues(party: str) -> list[str]:
    """Return what the party's questions are called on the channel; none for a party that cannot be asked."""
    asking = [one for one in parties.manifest(party).pipelines if one.does == "ask_payments"]
    return [f"{party}/{kind}" for one in asking for kind in one.of]
