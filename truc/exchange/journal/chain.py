"""Numbers and hash-chains what was noted, channel by channel; couriers never wait for it."""

import hashlib

from sqlalchemy import text

from truc.exchange.journal.records import ORIGIN, Entry, hash_of, instant
from truc.store.opened import Store, Transaction

# From channel to channel through the key, however many rows one of them has.
_CHANNELS = """
    WITH RECURSIVE found(channel) AS (
        (SELECT channel FROM {table} ORDER BY channel LIMIT 1)
        UNION ALL
        SELECT (SELECT channel FROM {table} AS next WHERE next.channel > found.channel ORDER BY channel LIMIT 1)
        FROM found WHERE found.channel IS NOT NULL
    )
    SELECT channel FROM found WHERE channel IS NOT NULL
"""
# What was chained leaves holes in `journal_pending` until it is cleaned. Only a walk along the key steps over them and
# marks them; any other plan reads them all again every time, and statistics of a table that fills and empties mislead.
_ALONG_THE_KEY = "set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)"
_WALK = text(f"SELECT {_ALONG_THE_KEY}")
_LOCK = text(f"SELECT pg_advisory_xact_lock(:number), {_ALONG_THE_KEY}")
_TRY_LOCK = text(f"SELECT pg_try_advisory_xact_lock(:number), {_ALONG_THE_KEY}")
_HEAD = text(
    "SELECT number, encode(hash, 'hex') AS hash FROM journal WHERE channel = :channel ORDER BY number DESC LIMIT 1"
)
_PENDING = text(
    f"""
    SELECT id, {instant("at")} AS at, exchange_id, key, external_id, outcome, encode(digest_out, 'hex') AS digest_out,
        encode(digest_in, 'hex') AS digest_in, amount_vnd, encode(sha256(handler), 'hex') AS handled_by
    FROM journal_pending WHERE channel = :channel ORDER BY id LIMIT :most
    """  # noqa: S608  (no value is written into it)
)
# The rows move inside the database; only their hashes come from here.
_APPEND = text(
    """
    WITH taken AS (
        DELETE FROM journal_pending WHERE channel = :channel AND id = ANY(CAST(:ids AS bigint[]))
        RETURNING *
    ), handlers AS (
        INSERT INTO journal_handlers (handled_by, mapping_digest, schema_digest, connector_digest)
        SELECT DISTINCT sha256(handler), substr(handler, 1, 32), substr(handler, 33, 32), substr(handler, 65, 32)
        FROM taken ORDER BY 1
        ON CONFLICT DO NOTHING
    )
    INSERT INTO journal (number, exchange_id, at, amount_vnd, channel, key, external_id, outcome, digest_out,
        digest_in, handled_by, previous, hash)
    SELECT :number + chained.place, exchange_id, at, amount_vnd, channel, key, external_id, outcome, digest_out,
        digest_in, sha256(handler), chained.previous, chained.hash
    FROM unnest(CAST(:ids AS bigint[]), CAST(:previous AS bytea[]), CAST(:hashes AS bytea[]))
        WITH ORDINALITY AS chained(id, previous, hash, place)
    JOIN taken ON taken.id = chained.id
    ORDER BY chained.place
    """
)


def chain(store: Store, *, most: int = 5000) -> int:
    """Chain what is pending, at most `most` rows in one transaction; return how many were chained.

    A channel that somebody else chains at this moment is left to them.
    """
    with store.begin() as transaction:
        channels = waiting(transaction)
    return sum(_chain_channel(store, channel, most=most) for channel in channels)


def waiting(transaction: Transaction) -> list[str]:
    """Return the channels that have pending receipts."""
    transaction.sql.execute(_WALK)
    return list(transaction.sql.execute(text(_CHANNELS.format(table="journal_pending"))).scalars())


def chained(transaction: Transaction) -> list[str]:
    """Return the channels that have entries."""
    return list(transaction.sql.execute(text(_CHANNELS.format(table="journal"))).scalars())


def lock(transaction: Transaction, channel: str) -> None:
    """Wait until nobody else chains this channel, and keep them off until the transaction ends."""
    transaction.sql.execute(_LOCK, {"number": _lock_number(channel)})


def append(transaction: Transaction, channel: str, *, most: int) -> int:
    """Chain at most `most` pending receipts of a channel whose lock the caller holds; return how many."""
    head = transaction.sql.execute(_HEAD, {"channel": channel}).one_or_none()
    number, previous = (int(head.number), str(head.hash)) if head else (0, ORIGIN)
    rows = transaction.sql.execute(_PENDING, {"channel": channel, "most": most}).all()
    if not rows:
        return 0
    hashes = [previous]
    for place, (_, *fields) in enumerate(rows, start=1):
        hashes.append(hash_of(Entry._make((channel, number + place, *fields, hashes[-1], ""))))
    kept = [bytes.fromhex(one) for one in hashes]
    values = {"channel": channel, "number": number, "ids": [row.id for row in rows]}
    transaction.sql.execute(_APPEND, {**values, "previous": kept[:-1], "hashes": kept[1:]})
    return len(rows)


def _chain_channel(store: Store, channel: str, *, most: int) -> int:
    done = 0
    while True:
        with store.begin() as transaction:
            if not _try_lock(transaction, channel):
                return done
            taken = append(transaction, channel, most=most)
        done += taken
        if taken < most:
            return done


def _try_lock(transaction: Transaction, channel: str) -> bool:
    return bool(transaction.sql.execute(_TRY_LOCK, {"number": _lock_number(channel)}).scalar())


def _lock_number(channel: str) -> int:
    return int.from_bytes(hashlib.sha256(f"journal\0{channel}".encode()).digest()[:8], "big", signed=True)
