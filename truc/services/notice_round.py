"""Follows notices that were given: one that its party refused goes the next way, and one that arrived is over.

A message of which nobody knows whether it arrived stays with its party until a person or the party says: the citizen
may have it. Two rounds at once do no harm: each locks what it works on, and leaves what another has locked.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import Row, text

from truc import parties
from truc.exchange import withdrawals
from truc.manifest import Event
from truc.messages import NoticeFacts
from truc.services import notice_terms
from truc.services.notice_terms import Terms
from truc.services.notices import Booked, pass_on, ways
from truc.store import drawers
from truc.store import notices as store
from truc.store.opened import Store, Transaction

AT_ONCE = 200
# How long a notice waits for a channel to come into use before it is told as undelivered.
PATIENCE = timedelta(days=1)
# What is not in drawer 0 lies in the drawer of its month: looked up by number in each, newest first.
_ENDED = text(
    """
    SELECT one.id, one.state, one.reason FROM unnest(CAST(:drawers AS integer[])) AS place(number)
    CROSS JOIN LATERAL (
        SELECT id, state, reason FROM outbox
        WHERE drawer = place.number AND id = ANY(CAST(:ids AS bigint[])) OFFSET 0
    ) AS one
    """
)


def follow(hub: Store) -> Counter[str]:
    """Bring every notice on that may go on, and return what became of how many."""
    terms, found, after = notice_terms.read(), Counter[str](), ""
    while True:
        became, after = hub.run(partial(_followed, after=after, terms=terms))
        found += became
        if not after:
            return found


def _followed(transaction: Transaction, *, after: str, terms: Terms) -> tuple[Counter[str], str]:
    """Bring on the next ones; return what became of them and the key of the last, "" when there are no more."""
    rows = store.open_ones(transaction, _operations(), after=after, most=AT_ONCE, patience=PATIENCE)
    ended = _ended(transaction, [row.outbox_id for row in rows if row.state == "given" and row.stands is None])
    became = Counter(_brought_on(transaction, row, ended, terms) for row in rows)
    return became, rows[-1].event_key if len(rows) == AT_ONCE else ""


def _brought_on(transaction: Transaction, row: Row[Any], ended: dict[int, Row[Any]], terms: Terms) -> str:
    if row.state == "waiting":
        return _from_waiting(transaction, row, terms)
    if row.stands is not None:
        return _from_stopped(transaction, row, terms)
    over = ended.get(row.outbox_id)
    if over is not None and over.state != "sent":
        return _ends(transaction, row, "undelivered", over.reason or over.state)  # a person took it in hand
    return _ends(transaction, row, "sent")


def _from_waiting(transaction: Transaction, row: Row[Any], terms: Terms) -> str:
    if _next_way(transaction, row, terms):
        return "given"
    return _ends(transaction, row, "undelivered", "no_channel") if row.is_old else "waiting"


def _from_stopped(transaction: Transaction, row: Row[Any], terms: Terms) -> str:
    if not withdrawals.surely_absent(transaction, row.outbox_id):
        return "in_doubt"  # or somebody has it sent once more
    if _next_way(transaction, row, terms):
        return "given"
    return _ends(transaction, row, "undelivered", row.stands_because or row.stands)


def _next_way(transaction: Transaction, row: Row[Any], terms: Terms) -> bool:
    """Give it to the next party; before that, the message at the last one ends, so that nobody sends it after all."""
    booked = _booked(row)
    citizen = store.citizen_of(transaction, row.dossier_code)
    assert citizen is not None, "a notice refers to its dossier"  # noqa: S101  (a foreign key)
    found = ways(transaction, booked, terms, citizen)
    if not found.open:
        return False
    party = found.open[0]
    if row.channel:
        why = f"goes through {party} instead"
        withdrawals.withdraw(transaction, row.channel, row.operation, row.outbox_id, why=why)
    pass_on(transaction, booked, party, found.person, terms)
    return True


def _booked(row: Row[Any]) -> Booked:
    return Booked(
        event_key=row.event_key,
        kind=row.kind,
        dossier_code=row.dossier_code,
        facts=NoticeFacts.model_validate_json(row.facts_json),
        tried=tuple(row.tried),
    )


def _operations() -> list[str]:
    """Return by what names parties hear of notices."""
    declared = (one for manifest in parties.manifests() for one in manifest.operations)
    return sorted({one.name for one in declared if one.event is Event.NOTICE_DUE})


def _ends(transaction: Transaction, row: Row[Any], state: str, reason: str = "") -> str:
    store.end(transaction, row.event_key, state, reason)
    return state


def _ended(transaction: Transaction, ids: Sequence[int]) -> dict[int, Row[Any]]:
    if not ids:
        return {}
    values = {"ids": list(ids), "drawers": drawers.numbers(transaction.sql, "outbox")}
    return {int(row.id): row for row in transaction.sql.execute(_ENDED, values)}
