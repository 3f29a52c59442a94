"""Claims messages for a courier: takes what may go, writes the partner's bytes, and commits SENDING before any call."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from truc import parties
from truc.envelope import digest_of
from truc.errors import MalformedError, TrucError
from truc.exchange import bodies, meaning, outbox, outcomes, set_aside, tallies
from truc.exchange.bodies import Body
from truc.exchange.journal import entries
from truc.exchange.outcomes import Claimed, Outcome
from truc.store.opened import Transaction

Kept = dict[int, bytes | MalformedError]  # as truc.exchange.bodies.read_each gives them

# Whatever lies in drawer 0 is not done, so the first of a key there holds the others back. (Not NOT EXISTS: that is
# planned as one join over the whole queue, this as one look into an index per message taken.)
_MAY_GO = """
    drawer = 0 AND party = :party AND operation = ANY(CAST(:operations AS text[]))
    AND state IN ('waiting', 'unknown', 'sending')
    AND place = (
        SELECT min(first.place) FROM outbox AS first
        WHERE first.drawer = 0 AND first.party = one.party AND first.key = one.key)
"""
# A send that nobody told the end of may have gone out as late as its lease allowed.
_TAKE = text(
    f"""
    SELECT id, operation, key, external_id, amount_vnd, message_id, state, attempts, asks, body_id, published_at, trace,
        leased_by, extract(epoch FROM now() - CASE state
            WHEN 'sending' THEN greatest(sending_at, leased_until) ELSE sending_at END) AS silent_s
    FROM outbox AS one
    WHERE {_MAY_GO} AND not_before <= now() AND (leased_until IS NULL OR leased_until < now())
        AND leased_by IS DISTINCT FROM :worker
    ORDER BY place LIMIT :most FOR UPDATE SKIP LOCKED
    """  # noqa: S608  (no value is written into it)
)
_NEXT_DUE = text(
    f"""
    SELECT extract(epoch FROM min(greatest(not_before, coalesce(leased_until, not_before))) - now())
    FROM outbox AS one WHERE {_MAY_GO}
    """  # noqa: S608  (no value is written into it)
)
_MARK = text(
    """
    UPDATE outbox
    SET state = CASE state WHEN 'waiting' THEN 'sending' ELSE state END,
        attempts = attempts + CASE state WHEN 'waiting' THEN 1 ELSE 0 END,
        sending_at = CASE state
            WHEN 'waiting' THEN now() WHEN 'sending' THEN greatest(sending_at, outbox.leased_until) ELSE sending_at END,
        body_id = given.body_id, leased_by = :worker, leased_until = now() + :lease
    FROM unnest(CAST(:ids AS bigint[]), CAST(:body_ids AS bigint[])) AS given(id, body_id)
    WHERE outbox.drawer = 0 AND outbox.id = given.id
    """
)
# Latest wins: of a key's messages of this operation only the newest counts, unless one may have arrived already.
_SUPERSEDE = text(
    """
    UPDATE outbox AS one
    SET state = 'superseded', drawer = drawer_of(:months, now()), finished_at = now(), reason = 'newer_message',
        reason_text = 'a newer message took its place', leased_by = NULL, leased_until = NULL
    WHERE drawer = 0 AND party = :party AND operation = :operation AND state IN ('waiting', 'refused', 'set_aside')
        AND NOT (state = 'set_aside' AND body_id IS NOT NULL
            AND reason IN ('outcome_unknown', 'bytes_dropped', 'seal_broken'))
        AND EXISTS (
            SELECT FROM outbox AS newer
            WHERE newer.drawer = 0 AND newer.party = one.party AND newer.key = one.key
                AND newer.operation = one.operation AND newer.place > one.place)
    RETURNING id, key, external_id, amount_vnd
    """
)


def claim(
    transaction: Transaction, party: str, operations: tuple[str, ...], *, worker: str, most: int, lease: timedelta
) -> tuple[list[Claimed], list[Outcome]]:
    """Claim up to `most` messages that may go now and mark them: what waits becomes SENDING, with its bytes kept.

    What is found SENDING or UNKNOWN keeps its state and its bytes. What `worker` itself let run out is not for it: it
    may still hold an outcome. Return the claimed ones, and what became of those that could not be written: they are
    set aside already.
    """
    for operation in operations:
        if parties.manifest(party).operation(operation).latest_wins:
            _supersede(transaction, party, operation)
    values = {"party": party, "operations": list(operations), "most": most, "worker": worker}
    rows = sorted(transaction.sql.execute(_TAKE, values), key=lambda row: int(row.id))
    claimed, problems = _written(transaction, rows, party, worker)
    outcomes.settle(transaction, problems)
    if claimed:
        marks = {"ids": [one.id for one in claimed], "body_ids": [one.body_id for one in claimed]}
        transaction.sql.execute(_MARK, {**marks, "worker": worker, "lease": lease})
    return claimed, problems


def next_due_s(transaction: Transaction, party: str, operations: tuple[str, ...]) -> float | None:
    """Return in how many seconds the next open message may go, or None when nothing is open or it is held."""
    found = transaction.sql.execute(_NEXT_DUE, {"party": party, "operations": list(operations)}).scalar()
    return None if found is None else max(0.0, float(found))


def _claimed(row: Any, party: str, worker: str | None, body: bytes = b"", body_id: int | None = None) -> Claimed:
    return Claimed(
        id=row.id,
        worker=worker,
        party=party,
        operation=row.operation,
        external_id=row.external_id,
        key=row.key,
        amount_vnd=row.amount_vnd,
        message_id=row.message_id,
        state=row.state,
        attempts=row.attempts,
        asks=row.asks,
        body_id=body_id,
        published_at=row.published_at,
        silent_s=float(row.silent_s or 0),
        trace=row.trace,
        body=body,
        digest=digest_of(body) if body_id is not None else "",
    )


def _written(
    transaction: Transaction, rows: Sequence[Any], party: str, worker: str
) -> tuple[list[Claimed], list[Outcome]]:
    """Give each its bytes: the very ones of the first try, or newly written and kept ones."""
    old = bodies.read_each(transaction, [row.body_id for row in rows if row.body_id is not None])
    fresh = [row.message_id for row in rows if row.body_id is None]
    messages = bodies.read_each(transaction, fresh, context=outbox.CONTEXT)
    ready: list[tuple[Any, bytes]] = []
    problems: list[Outcome] = []
    for row in rows:
        try:
            ready.append((row, _body(party, row, old, messages)))
        except TrucError as error:
            lessee = _claimed(row, party, row.leased_by)
            problems.append(outcomes.stopped(lessee, "set_aside", error.reason, str(error)))
    kept = [_kept(party, row, body) for row, body in ready if row.body_id is None]
    ids = iter(bodies.keep_many(transaction, kept))
    claimed = [
        _claimed(row, party, worker, body, next(ids) if row.body_id is None else row.body_id) for row, body in ready
    ]
    return claimed, problems


def _body(party: str, row: Any, old: Kept, messages: Kept) -> bytes:
    found = messages.get(row.message_id) if row.body_id is None else old.get(row.body_id)
    if found is None:
        raise MalformedError("the bytes are past their period and were dropped", reason="bytes_dropped")
    if isinstance(found, MalformedError):
        raise found
    if row.body_id is not None:
        return found
    return meaning.written(party, row.operation, outbox.read_message(party, row.operation, found))


def _kept(party: str, row: Any, body: bytes) -> Body:
    months = parties.manifest(party).operation(row.operation).retention.bodies_months
    return Body(body, "application/octet-stream", months)


def _supersede(transaction: Transaction, party: str, operation: str) -> None:
    months = parties.manifest(party).operation(operation).retention.metadata_months
    gone = transaction.sql.execute(_SUPERSEDE, {"party": party, "operation": operation, "months": months}).all()
    if not gone:
        return
    set_aside.resolve_outgoing(transaction, [row.id for row in gone], how="superseded")
    tallies.count(transaction, [(party, operation, "superseded", None) for _ in gone])
    entries.note(
        transaction,
        [
            entries.Decision(
                exchange_id=row.id,
                direction="out",
                party=party,
                kind=operation,
                key=row.key,
                external_id=row.external_id,
                outcome="superseded",
                digest_out=None,
                digest_in=None,
                amount_vnd=row.amount_vnd,
            )
            for row in gone
        ],
    )
