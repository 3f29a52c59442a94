"""Finds exchanges, out and in, however many are kept: every question goes by an index, and open ones lie apart.

A finished message lies in the drawer of its month, which its number does not tell: each drawer is asked in turn.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from truc import parties
from truc.errors import MalformedError
from truc.exchange import set_aside
from truc.exchange.set_aside import SetAside
from truc.store import drawers
from truc.store.opened import Transaction

OPEN = ("waiting", "sending", "unknown", "refused", "set_aside", "kept")
_STATES = {
    "outbox": ("waiting", "sending", "unknown", "refused", "set_aside", "sent", "superseded"),
    "inbox": ("kept", "booked", "set_aside"),
}
STATES = tuple(dict.fromkeys(state for states in _STATES.values() for state in states))
LIMIT = 100

_OUT_COLUMNS = """
    id, drawer, 'out' AS direction, party, operation AS kind, key, place, external_id, dossier_code, state, reason,
    published_at AS at, finished_at, corrects
"""
_IN_COLUMNS = """
    id, drawer, 'in' AS direction, party, kind, '' AS key, id AS place, external_id, '' AS dossier_code, state,
    NULL AS reason, received_at AS at, booked_at AS finished_at, corrects
"""
_SOURCES = {"outbox": _OUT_COLUMNS, "inbox": _IN_COLUMNS}
_KIND = {"outbox": "operation", "inbox": "kind"}
_DECIDED = {"outbox": "coalesce(finished_at, published_at)", "inbox": "coalesce(booked_at, received_at)"}
# OFFSET 0: one look into one drawer's index at a time, instead of a plan that reads all drawers.
_BY_IDS = """
    SELECT one.* FROM unnest(CAST(:drawers AS integer[])) AS place(number)
    CROSS JOIN LATERAL (
        SELECT {columns} FROM {table} WHERE drawer = place.number AND id = ANY(CAST(:ids AS bigint[])) OFFSET 0
    ) AS one
"""
_ROW = {table: text(f"SELECT * FROM {table} WHERE drawer = :drawer AND id = :id") for table in _SOURCES}  # noqa: S608  (ours, no value of anybody's)
_BY_DOSSIER = text(f"SELECT {_OUT_COLUMNS} FROM outbox WHERE dossier_code = :code ORDER BY id LIMIT :limit")  # noqa: S608  (ours, no value of anybody's)
# From pair to pair through the key, however many names there are.
_NAMED = """
    WITH RECURSIVE pair(party, kind) AS (
        (SELECT party, {kind} FROM {names} ORDER BY party, {kind} LIMIT 1)
        UNION ALL
        SELECT next.party, next.{kind} FROM pair CROSS JOIN LATERAL (
            SELECT party, {kind} FROM {names} WHERE (party, {kind}) > (pair.party, pair.kind)
            ORDER BY party, {kind} LIMIT 1) AS next
    )
    SELECT named.{number} AS id FROM pair CROSS JOIN LATERAL (
        SELECT {number} FROM {names}
        WHERE party = pair.party AND {kind} = pair.kind AND external_id = :external_id OFFSET 0) AS named
"""
_NAMES = (
    text(_NAMED.format(kind="operation", names="outbox_names", number="outbox_id")),
    text(_NAMED.format(kind="kind", names="inbox_names", number="inbox_id")),
)
_COUNTS = text(
    """
    SELECT 'out' AS direction, party, operation AS kind, state, count(*) AS times
    FROM outbox WHERE drawer = 0 GROUP BY party, operation, state
    UNION ALL SELECT 'in', party, kind, state, count(*) FROM inbox WHERE drawer = 0 GROUP BY party, kind, state
    UNION ALL SELECT 'in', party, kind, 'items_open', count(*) FROM set_aside
    WHERE state = 'open' AND inbox_id IS NOT NULL GROUP BY party, kind
    UNION ALL
    SELECT CASE WHEN outcome IN ('booked', 'unbooked') THEN 'in' ELSE 'out' END, party, kind,
        CASE outcome WHEN 'asked_arrived' THEN 'sent' ELSE outcome END, sum(times)::bigint
    FROM tallies WHERE outcome IN ('sent', 'asked_arrived', 'superseded', 'booked', 'unbooked') GROUP BY 1, 2, 3, 4
    ORDER BY 1 DESC, 2, 3, 4
    """
)
_UNDER_WAY = "outbox.drawer = 0 AND outbox.party = known.party AND outbox.state IN ('waiting', 'sending', 'unknown')"
_LINES = text(
    f"""
    SELECT known.party, coalesce(breaker, 'closed') AS breaker, coalesce(failures, 0) AS failures, retry_at,
        (SELECT coalesce(sum(slots), 0) FROM couriers
         WHERE couriers.party = known.party AND leased_until >= now()) AS slots,
        (SELECT min(reason) FROM maintenance WHERE maintenance.party = known.party AND from_at <= now()
            AND (until_at IS NULL OR until_at > now())) AS maintenance,
        (SELECT count(*) FROM outbox WHERE {_UNDER_WAY}) AS waiting,
        (SELECT published_at FROM outbox WHERE {_UNDER_WAY} ORDER BY place LIMIT 1) AS oldest_at
    FROM (SELECT unnest(CAST(:parties AS text[])) AS party UNION SELECT party FROM lines) AS known
    LEFT JOIN lines USING (party)
    ORDER BY known.party
    """  # noqa: S608  (no value is written into it)
)
_JOURNAL = text(
    """
    SELECT number, at, outcome, encode(digest_out, 'hex') AS digest_out, encode(digest_in, 'hex') AS digest_in
    FROM journal WHERE exchange_id = :id AND channel = :channel
    UNION ALL
    SELECT NULL, at, outcome, encode(digest_out, 'hex'), encode(digest_in, 'hex')
    FROM journal_pending WHERE channel = :channel AND exchange_id = :id
    ORDER BY at, number
    """
)
_BODIES = text(
    """
    SELECT id, digest, content_type, octet_length(sealed) AS sealed_bytes, kept_at
    FROM kept_bodies WHERE id = ANY(CAST(:ids AS bigint[]))
    """
)
_SAME_KEY = text(
    """
    SELECT id, operation, state, place FROM outbox
    WHERE drawer = 0 AND party = :party AND key = :key AND id <> :id ORDER BY place LIMIT :limit
    """
)
# What corrects or repeats a message stands in its place.
_SAME_PLACE = text(
    f"""
    SELECT {_OUT_COLUMNS} FROM outbox WHERE party = :party AND key = :key AND place = :place AND id <> :id
    ORDER BY id
    """  # noqa: S608  (no value is written into it)
)
_REPLAYS = text(
    "SELECT name, exchange_id, copy_id, at FROM replays WHERE exchange_id = :id OR copy_id = :id ORDER BY at"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One message, out or in. It holds no personal data: names, codes and reasons only."""

    id: int
    drawer: int
    direction: str  # out, in
    party: str
    kind: str  # operation, feed or callback kind
    key: str
    place: int
    external_id: str
    dossier_code: str
    state: str
    reason: str | None
    at: datetime  # published or received
    finished_at: datetime | None
    corrects: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for; an empty word asks for nothing. `since` and `until` bound when it was decided, or came."""

    party: str = ""
    kind: str = ""
    state: str = ""
    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_all(self) -> bool:
        """Tell whether nothing in particular is asked for."""
        return self == Wanted()


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """Everything the hub knows about one exchange, without what its bytes say."""

    exchange: Exchange
    columns: dict[str, Any]
    bodies: dict[str, dict[str, Any] | None]  # role → digest, type, size; None for bytes that were dropped
    journal: list[Any]
    items: list[SetAside]
    held_by: list[Any]
    holds: list[Any]
    others: list[Exchange]  # what it corrects or repeats, and what corrects or repeats it
    replays: list[Any]


def by_ids(transaction: Transaction, ids: Iterable[int]) -> list[Exchange]:
    """Return the exchanges of these numbers that are kept, in order of number."""
    missing, found = set(ids), list[Exchange]()
    for table, columns in _SOURCES.items():
        query = text(_BY_IDS.format(columns=columns, table=table))
        if missing:
            places = [0, *drawers.numbers(transaction.sql, table)]
            found += _exchanges(transaction.sql.execute(query, {"ids": sorted(missing), "drawers": places}))
            missing -= {one.id for one in found}
    return sorted(found, key=lambda one: one.id)


def by_dossier(transaction: Transaction, code: str, *, limit: int = LIMIT) -> list[Exchange]:
    """Return the outgoing messages of a dossier, oldest first. Incoming ones are pages of many and name none."""
    return _exchanges(transaction.sql.execute(_BY_DOSSIER, {"code": code, "limit": limit}))


def by_external_id(transaction: Transaction, external_id: str) -> list[Exchange]:
    """Return the exchanges that go by this name, with any party, out or in."""
    return by_ids(
        transaction,
        [row.id for names in _NAMES for row in transaction.sql.execute(names, {"external_id": external_id})],
    )


def matching(transaction: Transaction, wanted: Wanted, *, limit: int = LIMIT) -> list[Exchange]:
    """Return at most `limit`: open ones first, the oldest first; then finished ones by months, the newest first.

    Finished ones of a month are read back from the newest until `limit` are found: what is rare takes longer.
    """
    tables = [table for table, states in _STATES.items() if wanted.state in ("", *states)]
    places = [(table, 0) for table in tables if wanted.state in ("", *OPEN)]
    places += [(table, number) for table in tables for number in _drawers_within(transaction, table, wanted)]
    found: list[Exchange] = []
    for table, number in places:
        if len(found) < limit:
            found += _of_drawer(transaction, table, number, wanted, limit=limit - len(found))
    return found


def counts(transaction: Transaction) -> list[tuple[str, str, str, str, int]]:
    """Return (direction, party, kind, state, count): open ones as they lie, finished ones as they were tallied."""
    return [tuple(row) for row in transaction.sql.execute(_COUNTS)]


def lines(transaction: Transaction) -> list[Any]:
    """Return every party's line: breaker, failures, retry_at, slots, maintenance, waiting, oldest_at."""
    return list(transaction.sql.execute(_LINES, {"parties": list(parties.names())}))


def detail(transaction: Transaction, exchange_id: int) -> Detail:
    """Return everything about one exchange, or raise MalformedError when none of this number is kept."""
    exchange = one(transaction, exchange_id)
    columns = _columns(transaction, exchange)
    kept = {role: columns[role] for role in ("message_id", "body_id", "receipt_id") if columns.get(role)}
    bodies = {row.id: row._asdict() for row in transaction.sql.execute(_BODIES, {"ids": list(kept.values())})}
    channel = f"{exchange.party}/{exchange.kind}/{exchange.direction}"
    journal = list(transaction.sql.execute(_JOURNAL, {"id": exchange_id, "channel": channel}))
    is_open = exchange.direction == "out" and exchange.state in OPEN
    beside = _same_key(transaction, exchange) if is_open else []
    return Detail(
        exchange=exchange,
        columns=columns,
        bodies={role: bodies.get(body_id) for role, body_id in kept.items()},
        journal=journal,
        items=set_aside.of_exchanges(transaction, [exchange_id]),
        held_by=[row for row in beside if row.place < exchange.place],
        holds=[row for row in beside if row.place > exchange.place],
        others=_others(transaction, exchange),
        replays=list(transaction.sql.execute(_REPLAYS, {"id": exchange_id})),
    )


def one(transaction: Transaction, exchange_id: int) -> Exchange:
    """Return one exchange, or raise MalformedError when none of this number is kept."""
    found = by_ids(transaction, [exchange_id])
    if not found:
        raise MalformedError(f"no exchange {exchange_id} is kept", reason="no_such_exchange")
    return found[0]


def _exchanges(rows: Iterable[Any]) -> list[Exchange]:
    return [Exchange(**row._mapping) for row in rows]


def _of_drawer(transaction: Transaction, table: str, number: int, wanted: Wanted, *, limit: int) -> list[Exchange]:
    conditions = {
        "party = :party": wanted.party,
        f"{_KIND[table]} = :kind": wanted.kind,
        "state = :state": wanted.state,
        f"{_DECIDED[table]} >= :since": wanted.since,
        f"{_DECIDED[table]} < :until": wanted.until,
    }
    if table == "outbox":
        conditions["reason = :reason"] = wanted.reason
    elif wanted.reason:  # of an incoming message the items have reasons
        conditions["EXISTS (SELECT FROM set_aside WHERE inbox_id = inbox.id AND reason = :reason)"] = wanted.reason
    order = "id DESC" if number else "id"
    asked = " AND ".join(["drawer = :drawer", *(condition for condition, value in conditions.items() if value)])
    query = f"SELECT {_SOURCES[table]} FROM {table} WHERE {asked} ORDER BY {order} LIMIT :limit"  # noqa: S608  (ours, no value of anybody's)
    values = {name: getattr(wanted, name) for name in wanted.__dataclass_fields__ if getattr(wanted, name)}
    return _exchanges(transaction.sql.execute(text(query), {**values, "drawer": number, "limit": limit}))


def _drawers_within(transaction: Transaction, table: str, wanted: Wanted) -> list[int]:
    """Return the drawers whose month can hold what is wanted, the newest first."""
    first = drawers.month_of(wanted.since.astimezone(UTC).date()) if wanted.since else 0
    # A message that came at the end of a month may be set aside in the next one.
    last = drawers.month_of(wanted.until.astimezone(UTC).date()) + 1 if wanted.until else drawers.MONTH_MAX
    if wanted.state in OPEN and (table, wanted.state) != ("inbox", "set_aside"):
        return []
    numbers = drawers.numbers(transaction.sql, table)
    return [number for number in numbers if first <= drawers.drawer(number).month <= last]


def _columns(transaction: Transaction, exchange: Exchange) -> dict[str, Any]:
    query = _ROW["outbox" if exchange.direction == "out" else "inbox"]
    return dict(transaction.sql.execute(query, {"drawer": exchange.drawer, "id": exchange.id}).one()._mapping)


def _same_key(transaction: Transaction, exchange: Exchange) -> Sequence[Any]:
    values = {"party": exchange.party, "key": exchange.key, "id": exchange.id, "limit": LIMIT}
    return transaction.sql.execute(_SAME_KEY, values).all()


def _others(transaction: Transaction, exchange: Exchange) -> list[Exchange]:
    if exchange.direction == "out":
        values = {"party": exchange.party, "key": exchange.key, "place": exchange.place, "id": exchange.id}
        return _exchanges(transaction.sql.execute(_SAME_PLACE, values))
    before = by_ids(transaction, [exchange.corrects]) if exchange.corrects else []
    return before + [found for found in _generations(transaction, exchange) if found.corrects == exchange.id]


def free_name(transaction: Transaction, exchange: Exchange) -> str:
    """Return the name of the exchange's next correction: its own with ~2, ~3, …"""
    return f"{_first_name(exchange)}~{len(_generations(transaction, exchange)) + 2}"


def _generations(transaction: Transaction, exchange: Exchange) -> list[Exchange]:
    """Return the corrections that were made of this exchange and of its forerunners, in order."""
    found: list[Exchange] = []
    channel = (exchange.party, exchange.kind, exchange.direction)
    while True:
        named = by_external_id(transaction, f"{_first_name(exchange)}~{len(found) + 2}")
        new = [one for one in named if (one.party, one.kind, one.direction) == channel]
        if not new:
            return found
        found.append(new[0])


def _first_name(exchange: Exchange) -> str:
    return re.sub(r"~\d+$", "", exchange.external_id)
