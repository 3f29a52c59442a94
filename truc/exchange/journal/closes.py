"""Closes a business day, channel by channel: count, sum and root of what was decided, signed with the hub's key.

Closes tile a chain. The first begins at number 1, each next one behind the last number of the one before. The close
of a day takes the unclosed entries up to the first that was decided after the day's end. So an entry that is
chained late lies in a later close than its day's, but in exactly one, and nothing that is closed ever changes.
"""

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date, datetime, time, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from truc.domain.calendar import BUSINESS_ZONE
from truc.errors import TransientError
from truc.exchange.journal import chain
from truc.exchange.journal.records import CLOSE_COLUMNS, ORIGIN, Close
from truc.exchange.journal.signatures import key_id
from truc.store.opened import Store, Transaction

CHAINED_AT_ONCE = 5000
Stamp = Callable[[bytes], bytes]  # the bytes that are stamped → the authority's answer

_LAST = text(
    f"""
    SELECT {CLOSE_COLUMNS} FROM journal_closes LEFT JOIN journal_stamps USING (channel, day)
    WHERE channel = :channel ORDER BY day DESC LIMIT 1
    """  # noqa: S608  (no value is written into it)
)
_OPEN = text(
    """
    SELECT min(number) AS first, max(number) AS last, count(*) AS entries,
        coalesce(sum(amount_vnd), 0)::bigint AS sum_vnd
    FROM journal
    WHERE channel = :channel AND number > :closed AND number < coalesce(
        (SELECT number FROM journal WHERE channel = :channel AND number > :closed AND at >= :until
         ORDER BY number LIMIT 1), 9223372036854775807)
    """
)
_ROOT = text("SELECT encode(hash, 'hex') FROM journal WHERE channel = :channel AND number = :number")
_KEEP = text(
    """
    INSERT INTO journal_closes (channel, day, first, last, count, sum_vnd, root, previous, key_id, signature)
    VALUES (:channel, CAST(:day AS date), :first, :last, :count, :sum_vnd, decode(:root, 'hex'),
        decode(:previous, 'hex'), decode(:key_id, 'hex'), decode(:signature, 'hex'))
    """
)
_UNSTAMPED = text(
    f"""
    SELECT {CLOSE_COLUMNS} FROM journal_closes LEFT JOIN journal_stamps USING (channel, day)
    WHERE day = :day AND stamp IS NULL ORDER BY channel
    """  # noqa: S608  (no value is written into it)
)
_KEEP_STAMP = text(
    """
    INSERT INTO journal_stamps (channel, day, stamp) VALUES (:channel, CAST(:day AS date), :stamp)
    ON CONFLICT DO NOTHING
    """
)


def end_of(day: date) -> datetime:
    """Return the instant at which a business day is over: midnight in Vietnam."""
    return datetime.combine(day + timedelta(days=1), time(), BUSINESS_ZONE)


def last_day(store: Store) -> date:
    """Return the newest business day that is over by the database's clock."""
    with store.begin() as transaction:
        now: datetime = transaction.sql.execute(text("SELECT now()")).scalar_one()
    return now.astimezone(BUSINESS_ZONE).date() - timedelta(days=1)


def close_day(store: Store, key: Ed25519PrivateKey, day: date, *, stamp: Stamp | None = None) -> int:
    """Close the day in every channel and return how many closes are new; a second time is a no-op.

    What is pending is chained first. A channel without entries to close gets none, and so does one that has a close
    of this day or of a later one. With `stamp`, every close of the day that has no time-stamp gets one; what the
    authority's call raises is raised when all closes are kept, and the next try stamps what is missing.
    Raise TransientError while the day is not over by the database's clock.
    """
    if day > last_day(store):
        raise TransientError(f"{day} is not over: close it after midnight in Vietnam", reason="day_not_over")
    chain.chain(store, most=CHAINED_AT_ONCE)
    with store.begin() as transaction:
        channels = sorted({*chain.chained(transaction), *chain.waiting(transaction)})
    closed = sum(_close_channel(store, key, channel, day) for channel in channels)
    if stamp is not None:
        _stamp(store, day, stamp)
    return closed


def _close_channel(store: Store, key: Ed25519PrivateKey, channel: str, day: date) -> int:
    with store.begin() as transaction:
        chain.lock(transaction, channel)
        while chain.append(transaction, channel, most=CHAINED_AT_ONCE) == CHAINED_AT_ONCE:
            pass
        close = _next_close(transaction, channel, day, key_id(key.public_key()))
        if close is None:
            return 0
        signature = key.sign(close.signed).hex()
        transaction.sql.execute(_KEEP, asdict(replace(close, signature=signature)))
        return 1


def _next_close(transaction: Transaction, channel: str, day: date, signed_by: str) -> Close | None:
    row = transaction.sql.execute(_LAST, {"channel": channel}).one_or_none()
    before = Close(*row) if row else None
    if before is not None and before.day >= day.isoformat():
        return None
    closed = before.last if before else 0
    found = transaction.sql.execute(_OPEN, {"channel": channel, "closed": closed, "until": end_of(day)}).one()
    if not found.entries:
        return None
    root = transaction.sql.execute(_ROOT, {"channel": channel, "number": found.last}).scalar_one()
    return Close(
        channel=channel,
        day=day.isoformat(),
        first=found.first,
        last=found.last,
        count=found.entries,
        sum_vnd=found.sum_vnd,
        root=root,
        previous=before.hash if before else ORIGIN,
        key_id=signed_by,
        signature="",
        stamp=None,
    )


def _stamp(store: Store, day: date, stamp: Stamp) -> None:
    with store.begin() as transaction:
        closes = [Close(*row) for row in transaction.sql.execute(_UNSTAMPED, {"day": day})]
    for close in closes:
        # No transaction is open while the authority is called.
        answer = stamp(close.signed)
        with store.begin() as transaction:
            transaction.sql.execute(_KEEP_STAMP, {"channel": close.channel, "day": close.day, "stamp": answer})
