"""Replays what was stopped: looked at first, in order of each key, and once under a name.

A replayed message goes back into the queue in its own place, so a set goes in order whatever order it is named in. What
may have arrived is asked about first, sent again with its key, or waits for a person's word, as its outcome class says.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import text

from truc import parties
from truc.errors import MalformedError, SetupError
from truc.exchange import inbox, outbox, set_aside, tallies
from truc.exchange.inbox import Book
from truc.exchange.journal import entries
from truc.exchange.journal.rows import picture
from truc.manifest import OutcomeClass
from truc.operating import audit, search
from truc.operating.audit import Order
from truc.operating.search import Wanted
from truc.store import drawers
from truc.store.opened import Store, Transaction, as_storable

OUTCOME_UNKNOWN = "outcome_unknown"
STOPPED = ("refused", "set_aside")
NOT_STOPPED = {
    "waiting": "it waits already",
    "sending": "it is on its way: what becomes of it is not known yet",
    "unknown": "it is being asked about",
    "sent": "it was sent",
    "superseded": "a newer message took its place",
}
# The bytes of such a message were lost after it was sent once.
BYTES_LOST = ("bytes_dropped", "seal_broken")
MOST = 2**31 - 1  # a set is replayed whole
TOLD = 20  # so many exchanges of a set are named in the audit log
Verdict = Literal["", "happened", "not_happened"]

_OUT_ROWS = """
    SELECT one.* FROM unnest(CAST(:drawers AS integer[])) AS place(number)
    CROSS JOIN LATERAL (
        SELECT id, drawer, party, operation AS kind, key, place, external_id, state, reason, amount_vnd, message_id,
            body_id, corrects, (SELECT digest FROM kept_bodies WHERE kept_bodies.id = outbox.body_id) AS digest
        FROM outbox WHERE drawer = place.number AND id = ANY(CAST(:ids AS bigint[])) OFFSET 0
    ) AS one
    ORDER BY place, id
"""
_LOCK = text("SELECT id FROM outbox WHERE drawer = 0 AND id = ANY(CAST(:ids AS bigint[])) ORDER BY id FOR UPDATE")
_BEFORE = text(
    """
    SELECT one.id, before.id AS before_id
    FROM outbox AS one CROSS JOIN LATERAL (
        SELECT id FROM outbox AS other
        WHERE other.drawer = 0 AND other.party = one.party AND other.key = one.key AND other.place < one.place
            AND other.state IN ('refused', 'set_aside') OFFSET 0) AS before
    WHERE one.drawer = 0 AND one.id = ANY(CAST(:ids AS bigint[]))
    """
)
_KEPT = text("SELECT id FROM kept_bodies WHERE id = ANY(CAST(:ids AS bigint[]))")
_AGAIN = text(
    """
    UPDATE outbox
    SET state = given.state, attempts = 0, asks = 0, not_before = now(), finished_at = NULL, reason = NULL,
        reason_text = NULL, leased_by = NULL, leased_until = NULL,
        body_id = CASE given.state WHEN 'waiting' THEN NULL ELSE body_id END
    FROM unnest(CAST(:ids AS bigint[]), CAST(:states AS text[])) AS given(id, state)
    WHERE outbox.drawer = 0 AND outbox.id = given.id
    """
)
_HAPPENED = text(
    """
    UPDATE outbox
    SET state = 'sent', drawer = drawer_of(given.months, now()), finished_at = now(), reason = 'told_happened',
        reason_text = 'a person said that the partner has it', leased_by = NULL, leased_until = NULL
    FROM unnest(CAST(:ids AS bigint[]), CAST(:months AS integer[])) AS given(id, months)
    WHERE outbox.drawer = 0 AND outbox.id = given.id
    """
)
_NOTED = text("SELECT exchange_id FROM replays WHERE name = :name AND exchange_id = ANY(CAST(:ids AS bigint[]))")
_NOTE = text(
    """
    INSERT INTO replays (name, exchange_id, at) SELECT :name, unnest(CAST(:ids AS bigint[])), now()
    ON CONFLICT DO NOTHING
    """
)
_KEEP_AGAIN = text(
    """
    UPDATE inbox SET drawer = 0, state = 'kept', booked_at = NULL, items_booked = 0, items_set_aside = 0
    WHERE drawer = :drawer AND id = :id AND state <> 'kept'
    """
)
_UNFINISHED = text(
    """
    SELECT id, party FROM inbox
    WHERE drawer = 0 AND state = 'kept' AND EXISTS (SELECT FROM replays WHERE exchange_id = inbox.id) ORDER BY id
    """
)
_IN_ROWS = """
    SELECT one.* FROM unnest(CAST(:drawers AS integer[])) AS place(number)
    CROSS JOIN LATERAL (
        SELECT id, drawer, party, kind, '' AS key, external_id, state, body_id, CAST(NULL AS bigint) AS message_id,
            digest
        FROM inbox
        WHERE drawer = place.number AND id = ANY(CAST(:ids AS bigint[])) OFFSET 0
    ) AS one
    ORDER BY id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a replay does with one exchange: `then` is the state it goes to, or `copied` or `booked`."""

    id: int
    party: str
    kind: str
    key: str
    external_id: str
    then: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """An exchange that a replay leaves as it is, and why."""

    id: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a replay does, in the order in which messages go, and what it leaves."""

    name: str
    steps: tuple[Step, ...]
    skips: tuple[Skip, ...]


@dataclass(frozen=True, slots=True)
class Going:
    """The row of one exchange (see `rows_of`), and what becomes of it."""

    row: Any
    then: str

    @property
    def step(self) -> Step:
        """Return what a person is told of it."""
        row = self.row
        return Step(id=row.id, party=row.party, kind=row.kind, key=row.key, external_id=row.external_id, then=self.then)


def name_of(ids: Iterable[int]) -> str:
    """Return the name that a set of exchanges has of itself: the first 16 digits of the SHA-256 of its numbers."""
    return hashlib.sha256(",".join(map(str, sorted(set(ids)))).encode()).hexdigest()[:16]


def stopped(transaction: Transaction, wanted: Wanted) -> list[int]:
    """Return the number of every exchange, out or in, that is stopped or has an open item, and that is wanted.

    Raise MalformedError when nothing is asked for.
    """
    check_asked(wanted)
    items = set_aside.open_items(transaction, party=wanted.party, kind=wanted.kind, reason=wanted.reason, limit=MOST)
    found = {
        one.exchange_id
        for one in items
        if (wanted.since is None or one.at >= wanted.since) and (wanted.until is None or one.at < wanted.until)
    }
    return sorted(found)


def preview(store: Store, ids: Sequence[int], *, name: str = "", verdict: Verdict = "") -> Plan:
    """Return what `replay` would do with these exchanges. Nothing is changed."""
    named = name or name_of(ids)
    with picture(store) as transaction:
        out, left = _outgoing(transaction, ids, named, verdict)
        incoming, left_in = _incoming(transaction, ids, named)
        return plan_of(transaction, named, ids, [*out, *incoming], [*left, *left_in])


def replay(store: Store, ids: Sequence[int], by: Order, *, book: Book, name: str = "", verdict: Verdict = "") -> Plan:
    """Replay what can be replayed of these exchanges, once under this name (default: that of the set); return it.

    All in one transaction, outgoing ones go back into the queue, and incoming ones to where they were before they were
    booked. Then these are booked from their kept bytes, which books nothing twice (truc.services.booking).
    """
    named = as_storable(name) or name_of(ids)
    plan, incoming = store.run(lambda transaction: order(transaction, ids, by, named, verdict))
    # A crash before this leaves them kept: `finish` books them, every minute (dags/exchange_sweep.py).
    for party in sorted({one.row.party for one in incoming}):
        inbox.book_these(store, party, [one.row.id for one in incoming if one.row.party == party], book=book)
    return plan


def finish(store: Store, book: Book) -> int:
    """Book what replays brought back and did not live to book, and return how many messages that were.

    No run of a pipeline would: a day's file is booked by the run that fetched it, a receipt with its delivery.
    """
    with store.begin() as transaction:
        left = transaction.sql.execute(_UNFINISHED).all()
    booked = 0
    for party in sorted({row.party for row in left}):
        booked += inbox.book_these(store, party, [row.id for row in left if row.party == party], book=book).messages
    return booked


def order(
    transaction: Transaction, ids: Sequence[int], by: Order, name: str, verdict: Verdict
) -> tuple[Plan, list[Going]]:
    """Order the replay under its name in a transaction; return the plan, and what came in and is to be booked anew.

    What was replayed before under this name is left, with its reason.
    """
    transaction.sql.execute(_LOCK, {"ids": list(ids)})
    out, left = _outgoing(transaction, ids, name, verdict)
    incoming, left_in = _incoming(transaction, ids, name)
    going = [*out, *incoming]
    if going:
        transaction.sql.execute(_NOTE, {"name": name, "ids": [one.row.id for one in going]})
        _send_again(transaction, out)
        _keep_again(transaction, [one.row for one in incoming])
        audit.note(transaction, by, "replay", f"replay {name}", told(going))
    return plan_of(transaction, name, ids, going, [*left, *left_in]), incoming


def check_asked(wanted: Wanted) -> None:
    """Raise MalformedError when nothing in particular is asked for: that is never meant."""
    if wanted.is_all:
        raise MalformedError("name exchanges, or say which: nothing was asked for", reason="nothing_asked")


def plan_of(
    transaction: Transaction, name: str, ids: Sequence[int], going: Sequence[Going], left: Sequence[Skip]
) -> Plan:
    """Return the plan with a word on every exchange that was named."""
    seen = {one.row.id for one in going} | {one.id for one in left}
    unknown = sorted(set(ids) - seen)
    known = {one.id for one in search.by_ids(transaction, unknown)}
    rest = [
        Skip(id=one, why="was changed meanwhile" if one in known else "no such exchange is kept") for one in unknown
    ]
    skips = sorted([*left, *rest], key=lambda one: one.id)
    return Plan(name=name, steps=tuple(one.step for one in going), skips=tuple(skips))


def _outgoing(
    transaction: Transaction, ids: Sequence[int], name: str, verdict: Verdict
) -> tuple[list[Going], list[Skip]]:
    rows = rows_of(transaction, "outbox", ids)
    before_now, kept = noted(transaction, name, ids), bytes_kept(transaction, rows)
    before: dict[int, list[int]] = defaultdict(list)
    for row in transaction.sql.execute(_BEFORE, {"ids": [row.id for row in rows]}):
        before[row.id].append(row.before_id)
    going: dict[int, Going] = {}
    left: list[Skip] = []
    for row in rows:
        then, why = (
            ("", f"was replayed before under the name {name}") if row.id in before_now else _then(row, verdict, kept)
        )
        held = [one for one in before[row.id] if one not in going]
        if not why and held:
            why = f"stands behind exchange {held[0]}, which is stopped and does not go with it"
        if why:
            left.append(Skip(id=row.id, why=why))
        else:
            going[row.id] = Going(row, then)
    return list(going.values()), left


def _then(row: Any, verdict: Verdict, kept: set[int]) -> tuple[str, str]:
    """Return the state that a message goes to, or why it does not go."""
    if row.state not in STOPPED:
        return "", NOT_STOPPED[row.state]
    if not may_have_arrived(row.reason, row.body_id):
        if verdict == "happened":
            return "", f"it did not happen: it is {row.state} ({row.reason})"
        return _with_bytes("waiting", row.message_id, kept)
    if verdict == "happened":
        return "sent", ""
    if verdict == "not_happened":
        return _with_bytes("waiting", row.message_id, kept)
    return _ask(row, kept)


def _ask(row: Any, kept: set[int]) -> tuple[str, str]:
    try:
        outcome = parties.manifest(row.party).operation(row.kind).outcome
    except (SetupError, KeyError):
        return "", f"{row.party} does not declare {row.kind} any more"
    if outcome is OutcomeClass.NEITHER:
        return "", "nobody knows whether it arrived: find out, then say so (happened, or not)"
    return _with_bytes("unknown", row.body_id, kept)


def may_have_arrived(reason: str | None, body_id: int | None) -> bool:
    """Tell whether a stopped message may have reached the partner: it went out, and no answer settled it."""
    return reason == OUTCOME_UNKNOWN or (body_id is not None and reason in BYTES_LOST)


def _with_bytes(then: str, body_id: int, kept: set[int]) -> tuple[str, str]:
    return (then, "") if body_id in kept else ("", "its bytes are past their period and were dropped")


def _incoming(transaction: Transaction, ids: Sequence[int], name: str) -> tuple[list[Going], list[Skip]]:
    rows = rows_of(transaction, "inbox", ids)
    before_now, kept = noted(transaction, name, ids), bytes_kept(transaction, rows)
    items = [one for one in set_aside.of_exchanges(transaction, [row.id for row in rows]) if one.state == "open"]
    failed = {one.exchange_id for one in items if one.reason != set_aside.INCIDENT}
    going: list[Going] = []
    left: list[Skip] = []
    for row in rows:
        if row.state == "kept":  # not booked yet, or not again: a replay may have died before it was
            why = _with_bytes("booked", row.body_id, kept)[1]
        elif row.id in before_now:
            why = f"was replayed before under the name {name}"
        elif row.id not in failed:
            why = "no item of it failed, or each is resolved"
        elif not is_read(row):
            why = f"nothing reads {row.kind}: it was kept as a proof"
        else:
            why = _with_bytes("booked", row.body_id, kept)[1]
        if why:
            left.append(Skip(id=row.id, why=why))
        else:
            going.append(Going(row, "booked"))
    return going, left


def is_read(row: Any) -> bool:
    """Tell whether a mapping reads what this row of the inbox keeps."""
    try:
        parties.reader(row.party, row.kind)
    except (SetupError, AttributeError):
        return False
    return True


def _send_again(transaction: Transaction, going: Sequence[Going]) -> None:
    queued = [one for one in going if one.then != "sent"]
    ids = [one.row.id for one in queued]
    transaction.sql.execute(_AGAIN, {"ids": ids, "states": [one.then for one in queued]})
    set_aside.resolve_outgoing(transaction, ids, how="replayed")
    _have_happened(transaction, [one.row for one in going if one.then == "sent"])
    for party in sorted({one.row.party for one in going}):
        outbox.wake(transaction, party)  # what stood behind them may be of any operation


def _keep_again(transaction: Transaction, rows: Sequence[Any]) -> None:
    """Put booked messages back as they were before they were booked; what fails again is open again by that."""
    for row in rows:
        transaction.sql.execute(_KEEP_AGAIN, {"id": row.id, "drawer": row.drawer})
    items = set_aside.of_exchanges(transaction, [row.id for row in rows])
    failed = [one.id for one in items if one.state == "open" and one.reason != set_aside.INCIDENT]
    set_aside.resolve_incoming(transaction, failed, how="replayed")


def _have_happened(transaction: Transaction, rows: Sequence[Any]) -> None:
    """The partner has them, says a person: they are as good as sent, and the later ones of their keys go on."""
    months = [parties.manifest(row.party).retention(row.kind).metadata_months for row in rows]
    transaction.sql.execute(_HAPPENED, {"ids": [row.id for row in rows], "months": months})
    set_aside.resolve_outgoing(transaction, [row.id for row in rows], how="happened")
    entries.note(transaction, [decision(row, "sent") for row in rows])
    tallies.count(transaction, [(row.party, row.kind, "sent", None) for row in rows])


def decision(row: Any, outcome: str) -> entries.Decision:
    """Return what the journal notes of an outgoing message that a person decided on."""
    return entries.Decision(
        exchange_id=row.id,
        direction="out",
        party=row.party,
        kind=row.kind,
        key=row.key,
        external_id=row.external_id,
        outcome=outcome,
        digest_out=row.digest,
        digest_in=None,
        amount_vnd=row.amount_vnd,
    )


def told(going: Sequence[Going]) -> str:
    """Name the first of them; the ledger has them all."""
    first = ", ".join(str(one.row.id) for one in going[:TOLD])
    return f"{len(going)} exchanges: {first}{', …' if len(going) > TOLD else ''}"


def rows_of(transaction: Transaction, table: str, ids: Sequence[int]) -> Sequence[Any]:
    """Return the rows of `outbox` in order of place, or of `inbox` in order of number; both have the same columns."""
    query = text(_OUT_ROWS if table == "outbox" else _IN_ROWS)
    numbers = [0, *drawers.numbers(transaction.sql, table)]
    return transaction.sql.execute(query, {"drawers": numbers, "ids": sorted(set(ids))}).all()


def noted(transaction: Transaction, name: str, ids: Sequence[int]) -> set[int]:
    """Return those that the ledger has under this name."""
    return set(transaction.sql.execute(_NOTED, {"name": name, "ids": list(ids)}).scalars())


def bytes_kept(transaction: Transaction, rows: Sequence[Any]) -> set[int]:
    """Return which of the rows' bytes are there."""
    wanted = {body for row in rows for body in (row.body_id, row.message_id) if body is not None}
    return set(transaction.sql.execute(_KEPT, {"ids": sorted(wanted)}).scalars())
