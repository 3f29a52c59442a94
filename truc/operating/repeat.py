"""Sends again what was sent, for a partner that lost its books: copies of the same bytes, once under a name."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import TextClause, text

from truc.errors import MalformedError
from truc.exchange import outbox
from truc.exchange.journal.rows import picture
from truc.operating import audit, search
from truc.operating.audit import Order
from truc.operating.replay import MOST, Going, Plan, Skip, bytes_kept, check_asked, noted, plan_of, rows_of, told
from truc.operating.search import Wanted
from truc.store import drawers
from truc.store.opened import Store, Transaction

_COPY = text(
    """
    WITH given AS MATERIALIZED (
        SELECT nextval('exchange_seq') AS id, one.* FROM (
            SELECT old.* FROM unnest(CAST(:ids AS bigint[]), CAST(:drawers AS integer[])) AS asked(id, drawer)
            CROSS JOIN LATERAL (
                SELECT id AS old_id, place, party, operation, key, external_id || '~' || :name AS external_id,
                    dossier_code, amount_vnd, message_id, body_id
                FROM outbox WHERE outbox.drawer = asked.drawer AND outbox.id = asked.id OFFSET 0) AS old
            ORDER BY old.place, old.old_id) AS one
    ), named AS (
        INSERT INTO outbox_names (party, operation, external_id, outbox_id)
        SELECT party, operation, external_id, id FROM given ORDER BY party, operation, external_id
    ), noted AS (
        INSERT INTO replays (name, exchange_id, copy_id, at) SELECT :name, old_id, id, now() FROM given
    ), new AS (
        INSERT INTO outbox (id, place, party, operation, key, external_id, dossier_code, amount_vnd, message_id,
            body_id, corrects)
        SELECT id, place, party, operation, key, external_id, dossier_code, amount_vnd, message_id, body_id, old_id
        FROM given ORDER BY id
        RETURNING party, operation
    )
    SELECT pg_notify(:woken, party || '/' || operation) FROM new GROUP BY party, operation
    """
)
_USED = text("SELECT FROM replays WHERE name = :name LIMIT 1")
_COPIES = text("SELECT copy_id, name FROM replays WHERE copy_id = ANY(CAST(:ids AS bigint[]))")

# Locked where copies are made: one that is being finished right now is a race lost, and everything is looked at again.
_OPEN = """
    SELECT outbox.id, outbox.party, outbox.key
    FROM unnest(CAST(:parties AS text[]), CAST(:keys AS text[])) AS asked(party, key)
    JOIN outbox ON outbox.drawer = 0 AND outbox.party = asked.party AND outbox.key = asked.key
    ORDER BY outbox.id
"""
_SEE_OPEN, _LOCK_OPEN = text(_OPEN), text(f"{_OPEN} FOR UPDATE OF outbox")
# A copy that was sent is no message of its own: its original, which stands in the same place, speaks for it.
_LATER = text(
    """
    SELECT later.id, later.place, asked.party, asked.key
    FROM unnest(CAST(:drawers AS integer[])) AS there(number)
    CROSS JOIN unnest(CAST(:parties AS text[]), CAST(:keys AS text[]), CAST(:places AS bigint[]))
        AS asked(party, key, place)
    CROSS JOIN LATERAL (
        SELECT id, place FROM outbox
        WHERE drawer = there.number AND outbox.party = asked.party AND outbox.key = asked.key
            AND outbox.place > asked.place AND state = 'sent'
            AND NOT EXISTS (SELECT FROM replays WHERE copy_id = outbox.id) OFFSET 0) AS later
    ORDER BY later.place
    """
)


def sent(transaction: Transaction, wanted: Wanted) -> list[int]:
    """Return the number of every message that was sent and is wanted, but for copies: those repeat another one.

    Raise MalformedError when nothing is asked for.
    """
    check_asked(wanted)
    found = [one.id for one in search.matching(transaction, replace(wanted, state="sent"), limit=MOST)]
    copies = {row.copy_id for row in transaction.sql.execute(_COPIES, {"ids": found})}
    return [one for one in found if one not in copies]


def preview(store: Store, ids: Sequence[int], *, name: str) -> Plan:
    """Return what `send_again` would do with these messages. Nothing is changed."""
    with picture(store) as transaction:
        going, left = _sent(transaction, ids, name, see_open=_SEE_OPEN)
        return plan_of(transaction, name, ids, going, left)


def send_again(store: Store, ids: Sequence[int], by: Order, *, name: str) -> Plan:
    """Send a copy of each of these messages that were sent: the same bytes, once under this name, in order of each key.

    A key that has an open message is left, and so is what went before a sent message of its key that is not copied with
    it: the partner would have an old state last. Raise MalformedError for no name.
    """
    if not re.fullmatch(r"[\w.-]{1,60}", name):
        raise MalformedError("as: give a name of letters, digits, '.', '-' or '_'", reason="name_malformed")
    # An open message that is done meanwhile moves to another drawer, and the lock on it is a race lost.
    return store.run(lambda transaction: _copied(transaction, ids, by, name))


def _copied(transaction: Transaction, ids: Sequence[int], by: Order, name: str) -> Plan:
    transaction.lock("replays", name)
    going, left = _sent(transaction, ids, name, see_open=_LOCK_OPEN)
    if going:
        values = {"ids": [one.row.id for one in going], "drawers": [one.row.drawer for one in going]}
        transaction.sql.execute(_COPY, {**values, "name": name, "woken": outbox.WOKEN})
        audit.note(transaction, by, "send_again", f"replay {name}", told(going))
    return plan_of(transaction, name, ids, going, left)


def _sent(
    transaction: Transaction, ids: Sequence[int], name: str, *, see_open: TextClause
) -> tuple[list[Going], list[Skip]]:
    rows = rows_of(transaction, "outbox", ids)
    reasons = _whole_keys(transaction, rows, _of_themselves(transaction, rows, name), see_open)
    going = [Going(row, "copied") for row in rows if not reasons[row.id]]
    left = [Skip(id=row.id, why=reasons[row.id]) for row in rows if reasons[row.id]]
    left += [
        Skip(id=row.id, why="came in: only what was sent can be sent again")
        for row in rows_of(transaction, "inbox", ids)
    ]
    return going, left


def _of_themselves(transaction: Transaction, rows: Sequence[Any], name: str) -> dict[int, str]:
    """Return why each of the messages is not copied, whatever else its key has; "" where nothing speaks against it."""
    ids = [row.id for row in rows]
    before, kept = noted(transaction, name, ids), bytes_kept(transaction, rows)
    copies = {row.copy_id: row.name for row in transaction.sql.execute(_COPIES, {"ids": ids})}
    used = transaction.sql.execute(_USED, {"name": name}).first() is not None
    reasons: dict[int, str] = {}
    for row in rows:
        if row.id in before:
            why = f"was sent again before under the name {name}"
        elif used:
            # The same filter finds more by now: what was sent since then would be doubled.
            why = f"the name {name} was used for a set without it: take another one"
        elif row.id in copies:
            why = f"is a copy itself, made under the name {copies[row.id]}"
        elif row.state != "sent":
            why = f"is {row.state}, not sent"
        else:
            why = "" if {row.body_id, row.message_id} <= kept else "its bytes are past their period and were dropped"
        reasons[row.id] = why
    return reasons


def _whole_keys(
    transaction: Transaction, rows: Sequence[Any], reasons: dict[int, str], see_open: TextClause
) -> dict[int, str]:
    """Return the reasons with those that the other messages of a key give. The rows come in order of place."""
    first: dict[tuple[str, str], int] = {}
    for row in rows:
        if not reasons[row.id]:
            first.setdefault((row.party, row.key), row.place)
    keys = {"parties": [party for party, _ in first], "keys": [key for _, key in first]}
    still_open = {(row.party, row.key): row.id for row in transaction.sql.execute(see_open, keys)}
    # Asked after the open ones are locked: what was done before is found here.
    later: dict[tuple[str, str], list[Any]] = defaultdict(list)
    places = {**keys, "places": list(first.values()), "drawers": drawers.numbers(transaction.sql, "outbox")}
    for row in transaction.sql.execute(_LATER, places):
        later[row.party, row.key].append(row)
    found, named = dict(reasons), set(reasons)
    for row in reversed(rows):  # the later ones first: whether they go decides on those before them
        if found[row.id]:
            continue
        key = (row.party, row.key)
        missing = [one.id for one in later[key] if one.place > row.place and found.get(one.id, "not named")]
        if key in still_open:
            found[row.id] = f"exchange {still_open[key]} of its key is not done: settle it first"
        elif missing:
            cause = min(reversed(missing), key=lambda one: one in named)  # those between are left because of it
            where = "does not go with it" if cause in named else "is not in the set"
            found[row.id] = f"a later one was sent and {where}: exchange {cause}"
    return found
