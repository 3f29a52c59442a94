"""How the queues to one party stand: what became of messages since ever, and what waits for how long."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from truc.store.opened import Store

# The outcomes as truc.exchange.outcomes counts them; an answer to a question ends a message just as well.
COUNTED = {
    "sent": "sent",
    "asked_arrived": "sent",
    "refused": "refused",
    "unknown": "unknown",
    "asked_not_said": "unknown",
    "set_aside": "set_aside",
}

_TALLIES = text(
    """
    SELECT kind, outcome, sum(times) AS times FROM tallies
    WHERE party = :party AND kind = ANY(CAST(:operations AS text[])) AND outcome = ANY(CAST(:outcomes AS text[]))
    GROUP BY kind, outcome
    """
)
# drawer = 0 holds what is open, and only that is looked through.
_WAITING = text(
    """
    SELECT operation, count(*) AS messages, extract(epoch FROM now() - min(published_at)) AS oldest_s
    FROM outbox
    WHERE drawer = 0 AND state = 'waiting' AND party = :party AND operation = ANY(CAST(:operations AS text[]))
    GROUP BY operation
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """One operation's queue: how often each outcome of COUNTED came since ever; what waits, the oldest since when."""

    times: Mapping[str, int]
    waiting: int
    oldest_waiting_s: float  # 0 when nothing waits


def queues(store: Store, party: str, operations: Sequence[str]) -> dict[str, Queue]:
    """Return the queue of each operation."""
    values = {"party": party, "operations": list(operations)}
    times: dict[str, Counter[str]] = {name: Counter() for name in operations}
    with store.begin() as transaction:
        for row in transaction.sql.execute(_TALLIES, {**values, "outcomes": list(COUNTED)}):
            times[row.kind][COUNTED[row.outcome]] += int(row.times)
        waiting = {row.operation: row for row in transaction.sql.execute(_WAITING, values)}
    return {
        name: Queue(
            times=times[name],
            waiting=waiting[name].messages if name in waiting else 0,
            oldest_waiting_s=float(waiting[name].oldest_s) if name in waiting else 0.0,
        )
        for name in operations
    }
