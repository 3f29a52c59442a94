"""Sends again what was sent, for a partner that lost its books: copies of the same bytes, once under a name."""

import re
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import text

from truc.errors import MalformedError
from truc.exchange import outbox
from truc.exchange.journal.rows import picture
from truc.operating import audit, search
from truc.operating.audit import Order
from truc.operating.replay import MOST, Going, Plan, Skip, bytes_kept, check_asked, noted, plan_of, rows_of, told
from truc.operating.search import Wanted
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
        going, left = _sent(transaction, ids, name)
        return plan_of(transaction, name, ids, going, left)


def send_again(store: Store, ids: Sequence[int], by: Order, *, name: str) -> Plan:
    """Send a copy of each of these messages that were sent: the same bytes, once under this name, in order of each key.

    A copy stands in the place of its original, so it goes before what waits. Raise MalformedError for no name.
    """
    if not re.fullmatch(r"[\w.-]{1,60}", name):
        raise MalformedError("as: give a name of letters, digits, '.', '-' or '_'", reason="name_malformed")
    with store.begin() as transaction:
        transaction.lock("replays", name)
        going, left = _sent(transaction, ids, name)
        if going:
            values = {"ids": [one.row.id for one in going], "drawers": [one.row.drawer for one in going]}
            transaction.sql.execute(_COPY, {**values, "name": name, "woken": outbox.WOKEN})
            audit.note(transaction, by, "send_again", f"replay {name}", told(going))
        return plan_of(transaction, name, ids, going, left)


def _sent(transaction: Transaction, ids: Sequence[int], name: str) -> tuple[list[Going], list[Skip]]:
    rows = rows_of(transaction, "outbox", ids)
    before, kept = noted(transaction, name, ids), bytes_kept(transaction, rows)
    copies = {row.copy_id: row.name for row in transaction.sql.execute(_COPIES, {"ids": [row.id for row in rows]})}
    used = transaction.sql.execute(_USED, {"name": name}).first() is not None
    going: list[Going] = []
    left: list[Skip] = []
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
        if why:
            left.append(Skip(id=row.id, why=why))
        else:
            going.append(Going(row, "copied"))
    left += [
        Skip(id=row.id, why="came in: only what was sent can be sent again")
        for row in rows_of(transaction, "inbox", ids)
    ]
    return going, left
