"""The outbox: messages written in the transaction of the store change that caused them, and what became of each.

    waiting ──claim──▶ sending ──▶ sent
       ▲                  │  ├───▶ refused       (the partner said no: a person decides)
       │ nothing happened │  └───▶ unknown ──ask──▶ sent | waiting | set_aside
       └──────────────────┘
    set_aside: cannot be written, or no more tries left

`refused` and `set_aside` hold the later messages of their key; other keys go on.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, func, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from truc import parties
from truc.envelope import Receipt
from truc.errors import MalformedError
from truc.exchange import bodies, set_aside
from truc.manifest import Event
from truc.messages import (
    DossierReceived,
    NoticeDue,
    Outbound,
    PaymentRequested,
    PostalRequested,
    StatusChanged,
)
from truc.store.opened import Transaction, as_storable
from truc.store.tables.exchange import OUTBOX

CONTEXT = "outbox.message"
MESSAGES: dict[Event, type[Outbound]] = {
    Event.DOSSIER_RECEIVED: DossierReceived,
    Event.STATUS_CHANGED: StatusChanged,
    Event.POSTAL_REQUESTED: PostalRequested,
    Event.PAYMENT_REQUESTED: PaymentRequested,
    Event.NOTICE_DUE: NoticeDue,
}

_CLAIM = text(
    """
    UPDATE outbox SET leased_by = :worker, leased_until = now() + :lease
    WHERE id IN (
        SELECT id FROM outbox AS one
        WHERE party = :party AND operation = ANY(:operations)
          AND state IN ('waiting', 'unknown', 'sending')
          AND not_before <= now() AND (leased_until IS NULL OR leased_until < now())
          AND NOT EXISTS (
              SELECT 1 FROM outbox AS earlier
              WHERE earlier.party = one.party AND earlier.key = one.key AND earlier.id < one.id
                AND earlier.state NOT IN ('sent', 'superseded'))
        ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED)
    RETURNING id, operation, key, external_id, message, state, attempts, asks, body_id, published_at,
        extract(epoch FROM now() - sending_at) AS silent_s
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """One message in a worker's hands, under lease."""

    id: int
    worker: str
    party: str
    operation: str
    key: str
    external_id: str
    sealed: bytes
    state: str
    attempts: int
    asks: int
    body_id: int | None
    published_at: datetime
    silent_s: float  # since the last send, by the database's clock


def publish(
    transaction: Transaction, event: Event, message: Outbound, *, key: str, external_id: str, only: str = ""
) -> int:
    """Write the message to every party that declared an operation for `event` (or to `only`), once each.

    Return how many new messages wait. The same (party, operation, external_id) a second time is a no-op.
    """
    sealed = transaction.sealer.seal(message.model_dump_json().encode(), context=CONTEXT)
    rows = [
        {
            "party": one.party,
            "operation": operation.name,
            "key": key,
            "external_id": external_id,
            "message": sealed,
        }
        for one in parties.manifests()
        if only in ("", one.party)
        for operation in one.operations
        if operation.event is event
    ]
    if not rows:
        return 0
    new = upsert(OUTBOX).values(rows).on_conflict_do_nothing().returning(OUTBOX.c.id)
    return len(transaction.sql.execute(new).all())


def claim(
    transaction: Transaction,
    party: str,
    operations: tuple[str, ...],
    *,
    worker: str,
    most: int,
    lease: timedelta,
) -> list[Claimed]:
    """Lease up to `most` messages that may go now: none whose key has an earlier one that is not done."""
    rows = transaction.sql.execute(
        _CLAIM,
        {"party": party, "operations": list(operations), "worker": worker, "most": most, "lease": lease},
    ).all()
    return [
        Claimed(
            id=row.id,
            worker=worker,
            party=party,
            operation=row.operation,
            key=row.key,
            external_id=row.external_id,
            sealed=bytes(row.message),
            state=row.state,
            attempts=row.attempts,
            asks=row.asks,
            body_id=row.body_id,
            published_at=row.published_at,
            silent_s=float(row.silent_s or 0),
        )
        for row in sorted(rows, key=lambda row: int(row.id))
    ]


def message_of(transaction: Transaction, one: Claimed) -> Outbound:
    """Return the canonical message; raise MalformedError when what is stored no longer is one."""
    model = MESSAGES[parties.manifest(one.party).operation(one.operation).event]
    reader: TypeAdapter[Outbound] = TypeAdapter(model)
    try:
        return reader.validate_json(transaction.sealer.unseal(one.sealed, context=CONTEXT))
    except ValidationError as error:
        text = f"the stored message is no {model.__name__}: {error.error_count()} fields do not fit"
        raise MalformedError(text, reason="message_unreadable") from error


def mark_sending(transaction: Transaction, one: Claimed, body_id: int, *, worker: str, lease: timedelta) -> bool:
    """Commit to a send before it is made. Return False when the lease was lost: then do not send."""
    changed = transaction.sql.execute(
        update(OUTBOX)
        .where(OUTBOX.c.id == one.id, OUTBOX.c.leased_by == worker, OUTBOX.c.state == "waiting")
        .values(
            state="sending",
            attempts=OUTBOX.c.attempts + 1,
            body_id=body_id,
            sending_at=func.now(),
            leased_until=func.now() + lease,
        )
    )
    return changed.rowcount == 1


def renew(transaction: Transaction, one: Claimed, *, lease: timedelta) -> bool:
    """Hold a message longer before asking about it. Return False when the lease was lost: then hands off."""
    changed = transaction.sql.execute(
        update(OUTBOX)
        .where(OUTBOX.c.id == one.id, OUTBOX.c.leased_by == one.worker)
        .values(leased_until=func.now() + lease)
    )
    return changed.rowcount == 1


def mark_sent(transaction: Transaction, one: Claimed, receipt: Receipt | None) -> None:
    """The partner has it: true even when the lease was lost meanwhile."""
    receipt_id = None if receipt is None else bodies.keep(transaction, receipt.body, receipt.content_type)
    _write(
        transaction,
        OUTBOX.c.id == one.id,
        state="sent",
        finished_at=func.now(),
        receipt_id=receipt_id,
        partner_reference=None if receipt is None else as_storable(receipt.external_id) or None,
        reason=None,
        reason_text=None,
    )


def mark_waiting(transaction: Transaction, one: Claimed, *, after: timedelta, reason: str, reason_text: str) -> None:
    """Nothing happened at the partner; try again after a while."""
    _finish(
        transaction,
        one,
        state="waiting",
        not_before=func.now() + after,
        reason=reason,
        reason_text=as_storable(reason_text),
    )


def mark_untried(transaction: Transaction, one: Claimed, *, after: timedelta, reason: str, reason_text: str) -> None:
    """It could be neither sent nor asked about, through no fault of its own: it stands as before, no try is counted."""
    waits = one.state == "waiting"
    _finish(
        transaction,
        one,
        state="waiting" if waits else "unknown",
        attempts=OUTBOX.c.attempts - 1 if waits else OUTBOX.c.attempts,
        not_before=func.now() + after,
        reason=reason,
        reason_text=as_storable(reason_text),
    )


def mark_unknown(transaction: Transaction, one: Claimed, *, after: timedelta, reason: str, reason_text: str) -> None:
    """It may have happened; it will be asked about after a while."""
    _finish(
        transaction,
        one,
        state="unknown",
        asks=OUTBOX.c.asks + 1,
        not_before=func.now() + after,
        reason=reason,
        reason_text=as_storable(reason_text),
    )


def mark_stopped(transaction: Transaction, one: Claimed, *, state: str, reason: str, reason_text: str) -> None:
    """It goes no further by itself (`refused` or `set_aside`); a person finds it among the set-aside items."""
    if not _finish(
        transaction, one, state=state, finished_at=func.now(), reason=reason, reason_text=as_storable(reason_text)
    ):
        return
    set_aside.note_outgoing(
        transaction,
        party=one.party,
        kind=one.operation,
        outbox_id=one.id,
        item=one.external_id,
        reason=reason,
        text=reason_text,
    )


def release(transaction: Transaction, worker: str) -> None:
    """Give back what this worker leased and did not touch."""
    transaction.sql.execute(
        update(OUTBOX)
        .where(OUTBOX.c.leased_by == worker, OUTBOX.c.state.in_(("waiting", "unknown")))
        .values(leased_by=None, leased_until=None)
    )


def next_due_s(transaction: Transaction, party: str, operations: tuple[str, ...]) -> float | None:
    """Return in how many seconds the next open message may go, or None when nothing is open or it is held."""
    found = transaction.sql.execute(
        text(
            """
            SELECT extract(epoch FROM min(greatest(not_before, coalesce(leased_until, not_before))) - now())
            FROM outbox AS one
            WHERE party = :party AND operation = ANY(:operations) AND state IN ('waiting', 'unknown', 'sending')
              AND NOT EXISTS (
                  SELECT 1 FROM outbox AS earlier
                  WHERE earlier.party = one.party AND earlier.key = one.key AND earlier.id < one.id
                    AND earlier.state NOT IN ('sent', 'superseded'))
            """
        ),
        {"party": party, "operations": list(operations)},
    ).scalar()
    return None if found is None else max(0.0, float(found))


def _finish(transaction: Transaction, one: Claimed, **values: object) -> bool:
    """Write an outcome and end the lease; a worker that lost its lease has no more say."""
    return _write(transaction, OUTBOX.c.id == one.id, OUTBOX.c.leased_by == one.worker, **values)


def _write(transaction: Transaction, *which: ColumnElement[bool], **values: object) -> bool:
    done = transaction.sql.execute(update(OUTBOX).where(*which).values(leased_by=None, leased_until=None, **values))
    return done.rowcount == 1
