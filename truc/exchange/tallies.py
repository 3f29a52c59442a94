"""Counts outcomes and how long they took, for the metrics; a few rows a batch, however many messages."""

import os
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal

from sqlalchemy import text

from truc.store.opened import Transaction

# Upper bounds of the latency histogram, in seconds from publishing to the receipt; beyond the last is +Inf.
BUCKETS_S = (0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400)
NO_TIME = -1
SHARDS = 8  # processes add to different rows, so that they do not wait for one another

_COUNT = text(
    """
    INSERT INTO tallies (party, kind, outcome, bucket, shard, times, taken_s)
    SELECT party, kind, outcome, bucket, :shard, times, taken_s
    FROM unnest(CAST(:parties AS text[]), CAST(:kinds AS text[]), CAST(:outcomes AS text[]),
                CAST(:buckets AS smallint[]), CAST(:times AS bigint[]), CAST(:taken_s AS numeric[]))
        AS given(party, kind, outcome, bucket, times, taken_s)
    ON CONFLICT (party, kind, outcome, bucket, shard)
    DO UPDATE SET times = tallies.times + excluded.times, taken_s = tallies.taken_s + excluded.taken_s
    """
)


def count(transaction: Transaction, outcomes: Iterable[tuple[str, str, str, float | None]]) -> None:
    """Add (party, kind, outcome, seconds taken or None) to what was counted."""
    times: Counter[tuple[str, str, str, int]] = Counter()
    taken_s: dict[tuple[str, str, str, int], Decimal] = defaultdict(Decimal)
    for party, kind, outcome, seconds in outcomes:
        bucket = NO_TIME if seconds is None else bisect_left(BUCKETS_S, seconds)
        times[party, kind, outcome, bucket] += 1
        taken_s[party, kind, outcome, bucket] += Decimal(f"{seconds or 0:.3f}")
    if not times:
        return
    rows = sorted(times)  # in one order everywhere: two batches never wait for each other in a circle
    transaction.sql.execute(
        _COUNT,
        {
            "parties": [party for party, *_ in rows],
            "kinds": [kind for _, kind, *_ in rows],
            "outcomes": [outcome for *_, outcome, _ in rows],
            "buckets": [bucket for *_, bucket in rows],
            "times": [times[row] for row in rows],
            "taken_s": [taken_s[row] for row in rows],
            "shard": os.getpid() % SHARDS,
        },
    )
