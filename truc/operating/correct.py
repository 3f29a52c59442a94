"""Corrects a message that was stopped, or gives it up: a correction is a new message that names the old one."""

from typing import Any

from pydantic import ValidationError
from sqlalchemy import text

from truc import parties
from truc.envelope import Envelope, digest_of
from truc.errors import MalformedError
from truc.exchange import bodies, inbox, meaning, outbox, set_aside, tallies
from truc.exchange.inbox import Book, Booked
from truc.exchange.journal import entries
from truc.manifest import Event
from truc.messages import Outbound, Unreadable
from truc.operating import audit, search
from truc.operating.audit import Order
from truc.operating.replay import (
    NOT_STOPPED,
    OUTCOME_UNKNOWN,
    STOPPED,
    Verdict,
    decision,
    is_read,
    may_have_arrived,
    rows_of,
)
from truc.operating.search import Exchange
from truc.store.opened import Transaction

# By these the books know what a message is about: with another one it is another message, not a correction.
IDENTITY = ("dossier_code", "our_reference", "refund_reference", "order_number", "notice_id", "amount_vnd")

_LOCK = text("SELECT FROM outbox WHERE drawer = 0 AND id = :id FOR UPDATE")
_SUPERSEDE = text(
    """
    UPDATE outbox
    SET state = 'superseded', drawer = drawer_of(:months, now()), finished_at = now(), reason = :reason,
        reason_text = :text, leased_by = NULL, leased_until = NULL
    WHERE drawer = 0 AND id = :id
    """
)
_PUBLISH = text(
    """
    WITH new AS MATERIALIZED (
        SELECT nextval('exchange_seq') AS id, new_body_id(:months) AS message_id
    ), kept AS (
        INSERT INTO kept_bodies (id, digest, content_type, sealed)
        SELECT message_id, :digest, :content_type, :sealed FROM new
    ), named AS (
        INSERT INTO outbox_names (party, operation, external_id, outbox_id)
        SELECT :party, :operation, :external_id, id FROM new
    ), written AS (
        INSERT INTO outbox (id, place, party, operation, key, external_id, dossier_code, amount_vnd, message_id,
            corrects)
        SELECT id, :place, :party, :operation, :key, :external_id, :dossier_code, :amount_vnd, message_id, :corrects
        FROM new
        RETURNING id
    )
    SELECT id FROM written
    """
)
_CONTENT_TYPE = text("SELECT content_type FROM kept_bodies WHERE id = :id")
_NAME_OLD = text(
    "UPDATE inbox SET corrects = :old WHERE drawer = :drawer AND id = :id RETURNING items_booked, items_set_aside"
)


def correct_outgoing(
    transaction: Transaction, exchange_id: int, written: bytes, by: Order, *, verdict: Verdict = ""
) -> int:
    """Put a corrected message into the place of a stopped one and return its number; its successors stay behind it.

    `written` is the whole canonical message as JSON. `verdict` must be "not_happened" for one that may have arrived: a
    person has found out. Raise MalformedError that says what is wrong: the state, or the field of the message.
    """
    transaction.sql.execute(_LOCK, {"id": exchange_id})
    message, name = check_outgoing(transaction, exchange_id, written, verdict=verdict)
    row = _stopped(transaction, exchange_id)
    operation = parties.manifest(row.party).operation(row.kind)
    body = message.model_dump_json().encode()
    values = {
        "months": operation.retention.bodies_months,
        "digest": digest_of(body),
        "content_type": outbox.CONTENT_TYPE,
        "sealed": transaction.sealer.seal(body, context=outbox.CONTEXT),
        "party": row.party,
        "operation": row.kind,
        "key": row.key,
        "external_id": name,
        "place": row.place,
        "dossier_code": message.dossier_code,
        "amount_vnd": getattr(message, "amount_vnd", None),
        "corrects": exchange_id,
    }
    _end(transaction, row, reason="corrected", why="a correction took its place", how="corrected")
    new = int(transaction.sql.execute(_PUBLISH, values).one().id)
    outbox.wake(transaction, row.party)
    audit.note(transaction, by, "correct", f"exchange {exchange_id}", f"new exchange {new}, {name}")
    return new


def check_outgoing(
    transaction: Transaction, exchange_id: int, written: bytes, *, verdict: Verdict = ""
) -> tuple[Outbound, str]:
    """Return the message that a correction sends and its external id, or raise as `correct_outgoing` does."""
    row = _stopped(transaction, exchange_id)
    if parties.manifest(row.party).operation(row.kind).event is Event.REMITTANCE_ORDERED:
        raise MalformedError(
            f"exchange {exchange_id}: an order to a treasury is not corrected: it goes under its own reference. Correct"
            " the terms of remittance and release the order, one in doubt is decided first: the next one pays for it",
            reason="not_correctable",
        )
    if verdict != "not_happened" and may_have_arrived(row.reason, row.body_id):
        raise MalformedError(
            f"exchange {exchange_id}: nobody knows whether the partner has it. Replay it, so that the partner is asked,"
            " or find out and say that it did not happen",
            reason=OUTCOME_UNKNOWN,
        )
    old = search.one(transaction, exchange_id)
    message = _read(row, written)
    _stays_itself(message, _identity(transaction, row, old))
    meaning.written(row.party, row.kind, message)
    return message, search.free_name(transaction, old)


def correct_incoming(transaction: Transaction, exchange_id: int, body: bytes, by: Order, *, book: Book) -> Booked:
    """Keep corrected bytes as a new message that names the old one, book it, and return what was booked.

    The old message stays as it is; its open items are resolved. Raise MalformedError when it has none.
    """
    old, content_type = _with_open_item(transaction, exchange_id, body)
    name = search.free_name(transaction, old)
    _resolve(transaction, exchange_id, how="corrected")
    inbox.book_now(transaction, Envelope(old.party, old.kind, name, body, content_type), book=book)
    [new] = [one for one in search.by_external_id(transaction, name) if one.party == old.party and one.kind == old.kind]
    row = transaction.sql.execute(_NAME_OLD, {"old": exchange_id, "drawer": new.drawer, "id": new.id}).one()
    done = Booked(messages=1, items=row.items_booked, set_aside=row.items_set_aside)
    detail = f"new exchange {new.id}: {done.items} items booked, {done.set_aside} set aside"
    audit.note(transaction, by, "correct", f"exchange {exchange_id}", detail)
    return done


def check_incoming(transaction: Transaction, exchange_id: int, body: bytes) -> tuple[int, int]:
    """Return how many items the corrected bytes hold, and how many cannot be read. Raise as `correct_incoming` does."""
    old, _ = _with_open_item(transaction, exchange_id, body)
    items = list(meaning.read(old.party, old.kind, body))
    return len(items), sum(isinstance(one, Unreadable) for one in items)


def drop(transaction: Transaction, exchange_id: int, by: Order) -> None:
    """Give up a stopped message for good: the later ones of its key go on. Of an incoming one: its open items.

    Raise MalformedError when it is not stopped, or has no open item.
    """
    if search.one(transaction, exchange_id).direction == "out":
        transaction.sql.execute(_LOCK, {"id": exchange_id})
        row = _stopped(transaction, exchange_id)
        _end(transaction, row, reason="dropped", why="a person gave it up", how="dropped")
        outbox.wake(transaction, row.party)  # what stood behind it may be of any operation
        detail = f"it was {row.state} ({row.reason})"
    else:
        detail = f"{_resolve(transaction, exchange_id, how='dropped')} items"
    audit.note(transaction, by, "drop", f"exchange {exchange_id}", detail)


def _stopped(transaction: Transaction, exchange_id: int) -> Any:
    """Return the row of a stopped outgoing message, or raise MalformedError that says why it is none."""
    rows = rows_of(transaction, "outbox", [exchange_id])
    if not rows:
        raise MalformedError(f"no outgoing exchange {exchange_id} is kept", reason="no_such_exchange")
    if rows[0].state not in STOPPED:
        why = NOT_STOPPED[rows[0].state]
        raise MalformedError(f"exchange {exchange_id} is {rows[0].state}: {why}", reason="not_stopped")
    return rows[0]


def _read(row: Any, written: bytes) -> Outbound:
    """Return the message; raise MalformedError that names every field that does not fit, and no value."""
    model = outbox.MESSAGES[parties.manifest(row.party).operation(row.kind).event]
    try:
        return model.model_validate_json(written)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        named = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'file'}: {one['msg']}" for one in problems)
        raise MalformedError(f"the correction is no {model.__name__}: {named}", reason="message_unreadable") from None


def _identity(transaction: Transaction, row: Any, old: Exchange) -> dict[str, object]:
    """Return what the old message was about, as far as it can still be read."""
    known: dict[str, object] = {}
    try:
        message = bodies.read(transaction, row.message_id, context=outbox.CONTEXT)
        known = outbox.read_message(row.party, row.kind, message).model_dump()
    except MalformedError:  # that may be what it was stopped for; its row tells the most of it
        known = {"dossier_code": old.dossier_code, "amount_vnd": row.amount_vnd}
    return {name: known[name] for name in IDENTITY if known.get(name)}


def _stays_itself(message: Outbound, identity: dict[str, object]) -> None:
    for name, value in identity.items():
        if getattr(message, name, value) != value:
            raise MalformedError(
                f"{name}: must stay {value}: the books know it by that. Drop it and enter another one",
                reason="another_message",
            )


def _end(transaction: Transaction, row: Any, *, reason: str, why: str, how: str) -> None:
    """Let another message, or none, stand for this one."""
    months = parties.manifest(row.party).retention(row.kind).metadata_months
    transaction.sql.execute(_SUPERSEDE, {"id": row.id, "months": months, "reason": reason, "text": why})
    set_aside.resolve_outgoing(transaction, [row.id], how=how)
    entries.note(transaction, [decision(row, "superseded")])
    tallies.count(transaction, [(row.party, row.kind, "superseded", None)])


def _with_open_item(transaction: Transaction, exchange_id: int, body: bytes) -> tuple[Exchange, str]:
    """Return an incoming message that has an open item, and its content type; lock it against a second correction."""
    old = search.one(transaction, exchange_id)
    transaction.lock("correct", str(exchange_id))
    [row] = rows_of(transaction, "inbox", [exchange_id])
    if not any(one.state == "open" for one in set_aside.of_exchanges(transaction, [exchange_id])):
        raise MalformedError(f"exchange {exchange_id} has no open item: there is nothing to correct", reason="no_item")
    if not is_read(row):
        raise MalformedError(f"nothing reads {row.kind}: it was kept as a proof", reason="not_read")
    if digest_of(body) == row.digest:
        raise MalformedError("the bytes are those that were kept: replay it", reason="nothing_corrected")
    content_type = transaction.sql.execute(_CONTENT_TYPE, {"id": row.body_id}).scalar()
    return old, str(content_type or "application/octet-stream")


def _resolve(transaction: Transaction, exchange_id: int, *, how: str) -> int:
    items = [one.id for one in set_aside.of_exchanges(transaction, [exchange_id]) if one.state == "open"]
    if not items:
        raise MalformedError(f"exchange {exchange_id} has no open item", reason="no_item")
    set_aside.resolve_incoming(transaction, items, how=how)
    return len(items)
