"""The line to one partner, as all couriers share it through the database: how many may call, how fast, and whether now.

    closed ──failures in a row──▶ open ──its time is over: one message tries──▶ half_open ──answered──▶ closed
                                    ▲                                              │
                                    └────────────────── not answered ──────────────┘

After an outage the allowance grows turn by turn, so that a partner that just came back is not trampled.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import text

from truc.domain.calendar import BUSINESS_ZONE
from truc.manifest import Limits
from truc.store.opened import Transaction

# After so many failures in a row the partner is taken to be away: the rest waits untouched.
FAILURES_MAX = 6
OPEN_MAX_S = 300.0
# A courier keeps its slots by looking in; those of a dead one are free again after this.
COURIER_LEASE = timedelta(seconds=30)
RAMP_FIRST, RAMP_LAST = 2, 64

_BOARD = text(
    """
    WITH gone AS (DELETE FROM couriers WHERE party = :party AND leased_until < now()),
    taken AS (SELECT coalesce(sum(slots), 0) AS slots FROM couriers WHERE party = :party AND leased_until >= now())
    INSERT INTO couriers (worker, party, slots, leased_until)
    SELECT :worker, :party, least(:wanted, :concurrency - taken.slots), now() + :lease FROM taken
    WHERE :concurrency > taken.slots
    RETURNING slots
    """
)
_LOOK = text(
    """
    SELECT breaker, failures, openings, ramp, extract(epoch FROM retry_at - now()) AS retry_in_s, now() AS now,
        EXISTS (
            SELECT FROM maintenance
            WHERE maintenance.party = lines.party AND from_at <= now() AND (until_at IS NULL OR until_at > now())
        ) AS kept_out
    FROM lines WHERE party = :party
    """
)
# A statement of its own: the next one sees what was committed while this one waited.
_LOCK = text("SELECT breaker, failures, openings, ramp FROM lines WHERE party = :party FOR UPDATE")
_TRY = text(
    """
    UPDATE lines SET breaker = 'half_open', retry_at = now() + :patience
    WHERE party = :party AND breaker <> 'closed' AND retry_at <= now()
    """
)
_SPEND = text(
    """
    UPDATE lines
    SET tokens = refilled - least(CAST(:wanted AS integer), floor(refilled)), tokens_at = now()
    FROM (SELECT party AS filled, least(:burst, tokens + extract(epoch FROM now() - tokens_at) * :rate) AS refilled
          FROM lines WHERE party = :party) AS filling
    WHERE party = filled
    RETURNING least(CAST(:wanted AS integer), floor(refilled))::integer AS given, tokens
    """
)
_WRITE = text(
    """
    UPDATE lines SET breaker = :breaker, failures = :failures, openings = :openings, ramp = :ramp,
        retry_at = CASE WHEN :breaker = 'open' THEN now() + :after WHEN :breaker = 'closed' THEN NULL ELSE retry_at END
    WHERE party = :party
    """
)


@dataclass(frozen=True, slots=True)
class Turn:
    """How many messages a courier may claim now; when none, why not and when to look again (None: not soon)."""

    allowed: int
    why: str = ""
    again_in_s: float | None = None


def board(transaction: Transaction, party: str, *, worker: str, limits: Limits) -> int:
    """Take what is left of the party's concurrency and return it: 0 when other couriers have it all."""
    transaction.sql.execute(text("INSERT INTO lines (party) VALUES (:party) ON CONFLICT DO NOTHING"), {"party": party})
    transaction.sql.execute(_LOCK, {"party": party})
    values = {"party": party, "worker": worker, "concurrency": limits.concurrency, "lease": COURIER_LEASE}
    slots = transaction.sql.execute(_BOARD, {**values, "wanted": limits.concurrency}).scalar()
    return int(slots or 0)


def leave(transaction: Transaction, worker: str) -> None:
    """Give the slots back."""
    transaction.sql.execute(text("DELETE FROM couriers WHERE worker = :worker"), {"worker": worker})


def turn(transaction: Transaction, party: str, *, worker: str, limits: Limits, most: int, unused: int) -> Turn:
    """Return how many of `most` messages may be claimed now. `unused` were allowed before and not taken."""
    if not _renewed(transaction, worker):
        return Turn(0, "lease_lost")
    give_back(transaction, party, limits, unused)
    if not most:  # whoever wants nothing now must not take the one try of a half-open line either
        return Turn(0)
    look = transaction.sql.execute(_LOOK, {"party": party}).one()
    if look.kept_out:
        return Turn(0, "maintenance")
    if closed_now(limits.closed_daily, look.now):
        return Turn(0, "closed_daily")
    if look.breaker != "closed":
        return _half_open(transaction, party, float(look.retry_in_s))
    allowed = min(most, look.ramp) if look.ramp is not None else most
    return _spend(transaction, party, limits, allowed) if limits.rate_per_s else Turn(allowed)


def give_back(transaction: Transaction, party: str, limits: Limits, unused: int) -> None:
    """Give back what was allowed under the party's rate and not taken."""
    if unused and limits.rate_per_s:
        transaction.sql.execute(
            text("UPDATE lines SET tokens = tokens + :unused WHERE party = :party"), {"party": party, "unused": unused}
        )


def not_tried(transaction: Transaction, party: str) -> None:
    """The one message that should have tried the line was not there: the next courier may try at once."""
    transaction.sql.execute(
        text("UPDATE lines SET breaker = 'open', retry_at = now() WHERE party = :party AND breaker = 'half_open'"),
        {"party": party},
    )


def report(transaction: Transaction, party: str, limits: Limits, calls: Iterable[tuple[bool, timedelta]]) -> None:
    """Tell the line what happened: (the partner answered, how long it asked us to wait), in order."""
    told = list(calls)
    if not told:
        return
    row = transaction.sql.execute(_LOCK, {"party": party}).one()
    breaker, failures, openings, ramp = row.breaker, row.failures, row.openings, row.ramp
    longest = timedelta()
    for reached, asked in told:
        failures = 0 if reached else failures + 1
        longest = max(longest, asked)
        if reached and breaker != "closed":
            breaker, openings, ramp = "closed", 0, RAMP_FIRST
        elif not reached and (breaker == "half_open" or (breaker == "closed" and failures >= FAILURES_MAX)):
            breaker, openings, ramp = "open", openings + 1, None
    if breaker == "closed" and ramp is not None and row.breaker == "closed" and failures == 0:
        ramp = ramp * 2 if ramp * 2 < RAMP_LAST else None
    if (breaker, failures, openings, ramp) == (row.breaker, row.failures, row.openings, row.ramp):
        return
    after = max(_open_for(limits, openings), longest)
    values = {"breaker": breaker, "failures": failures, "openings": openings, "ramp": ramp, "after": after}
    transaction.sql.execute(_WRITE, {**values, "party": party})


def closed_now(windows: Iterable[tuple[time, time]], now: datetime) -> bool:
    """Tell whether `now` lies in one of the partner's daily windows, counted in Asia/Ho_Chi_Minh."""
    at = now.astimezone(BUSINESS_ZONE).time()
    return any(start <= at < end if start <= end else (at >= start or at < end) for start, end in windows)


def _renewed(transaction: Transaction, worker: str) -> bool:
    done = transaction.sql.execute(
        text("UPDATE couriers SET leased_until = now() + :lease WHERE worker = :worker"),
        {"worker": worker, "lease": COURIER_LEASE},
    )
    return done.rowcount == 1


def _half_open(transaction: Transaction, party: str, retry_in_s: float) -> Turn:
    """Let one message try the line; should its courier die, another may try after a lease."""
    tries = transaction.sql.execute(_TRY, {"party": party, "patience": COURIER_LEASE}).rowcount == 1
    return Turn(1, "half_open") if tries else Turn(0, "breaker_open", max(0.0, retry_in_s))


def _spend(transaction: Transaction, party: str, limits: Limits, wanted: int) -> Turn:
    rate = limits.rate_per_s or 0.0
    values = {"party": party, "wanted": wanted, "rate": rate, "burst": max(1.0, rate)}
    transaction.sql.execute(_LOCK, {"party": party})
    row = transaction.sql.execute(_SPEND, values).one()
    return Turn(row.given) if row.given else Turn(0, "rate", (1.0 - float(row.tokens)) / rate)


def _open_for(limits: Limits, openings: int) -> timedelta:
    ceiling = min(OPEN_MAX_S, limits.backoff_max_s, limits.backoff_s * 2 ** min(openings, 30))
    return timedelta(seconds=ceiling * random.uniform(0.5, 1.0))
