"""The inbox: bytes are kept before anything reads them, once per (party, kind, external id, digest), then booked."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DataError

from truc import parties
from truc.envelope import Envelope, Page
from truc.errors import MalformedError
from truc.exchange import bodies, meaning, set_aside, tallies
from truc.exchange.journal import entries
from truc.messages import Inbound, Unreadable
from truc.store.opened import Statement, Store, Transaction, lock_each
from truc.store.tables.exchange import CURSORS, INBOX

log = logging.getLogger(__name__)

# One way to the database and back. `others` are known bytes under the same name: whoever keeps some holds its lock.
_KEEP = text(
    """
    WITH given AS (
        SELECT *
        FROM unnest(CAST(:parties AS text[]), CAST(:kinds AS text[]), CAST(:names AS text[]), CAST(:digests AS text[]),
            CAST(:types AS text[]), CAST(:sealed AS bytea[]), CAST(:months AS integer[]))
            AS given(party, kind, external_id, digest, content_type, sealed, months)
    ), named AS (
        INSERT INTO inbox_names AS known (party, kind, external_id, digest, inbox_id)
        SELECT party, kind, external_id, digest, nextval('exchange_seq') FROM given
        ON CONFLICT (party, kind, external_id, digest) DO UPDATE SET seen = known.seen + 1
        RETURNING party, kind, external_id, inbox_id, seen, EXISTS (
            SELECT FROM inbox_names AS other
            WHERE other.party = known.party AND other.kind = known.kind AND other.external_id = known.external_id
                AND other.digest <> known.digest) AS others
    ), new AS (
        SELECT given.*, inbox_id, new_body_id(months) AS body_id
        FROM named JOIN given USING (party, kind, external_id) WHERE seen = 1
    ), bodies AS (
        INSERT INTO kept_bodies (id, digest, content_type, sealed) SELECT body_id, digest, content_type, sealed FROM new
    ), entered AS (
        INSERT INTO inbox (id, party, kind, external_id, digest, body_id)
        SELECT inbox_id, party, kind, external_id, digest, body_id FROM new
    )
    SELECT party, kind, external_id, inbox_id, seen, others FROM named
    """
)
_FINISH = text(
    """
    UPDATE inbox
    SET state = :state, drawer = drawer_of(:months, now()), booked_at = CASE :state WHEN 'booked' THEN now() END,
        items_booked = :items, items_set_aside = :aside
    WHERE drawer = 0 AND id = :id AND state = 'kept'
    """
)


@dataclass(frozen=True, slots=True)
class Kept:
    """Where an envelope is kept. `first` is False for one that was kept before."""

    inbox_id: int
    first: bool


@dataclass(frozen=True, slots=True)
class Origin:
    """What an item being booked came from."""

    inbox_id: int
    party: str
    kind: str
    digest: str


@dataclass(slots=True)
class Booked:
    """What one run of booking did."""

    messages: int = 0
    items: int = 0
    set_aside: int = 0


Book = Callable[[Transaction, Origin, Inbound], None]


def keep(transaction: Transaction, envelope: Envelope) -> Kept:
    """Keep the bytes. The same message again counts as seen once more; the same id with other bytes is an incident."""
    transaction.lock(*_lock_name(envelope))
    rows = transaction.sql.execute(_KEEP, _values(transaction, [envelope])).all()
    return _kept(transaction, [envelope], rows)[0]


def keep_many(
    transaction: Transaction, envelopes: Sequence[Envelope], *beside: Statement
) -> tuple[list[Kept], list[Sequence[Any]]]:
    """Keep all as `keep` keeps one, and return where, in the same order. No two may have one name.

    What is asked `beside` goes the same way: the rows of each statement are returned too.
    """
    locks = lock_each([_lock_name(one) for one in envelopes])
    _, rows, *others = transaction.together(locks, (_KEEP, _values(transaction, envelopes)), *beside)
    return _kept(transaction, envelopes, rows), others


def is_set_aside(transaction: Transaction, kept: Kept) -> bool:
    """Tell whether the whole message was set aside when it came first."""
    query = select(INBOX.c.state).where(INBOX.c.id == kept.inbox_id)
    return bool(transaction.sql.execute(query).scalar_one_or_none() == "set_aside")


def keep_page(transaction: Transaction, feed: str, page: Page) -> Kept:
    """Keep one fetched page and move the feed's cursor with it."""
    kept = keep(transaction, page.envelope)
    statement = upsert(CURSORS).values(party=page.envelope.party, feed=feed, cursor=page.cursor)
    transaction.sql.execute(
        statement.on_conflict_do_update(
            index_elements=["party", "feed"],
            set_={"cursor": statement.excluded.cursor, "moved_at": func.now()},
        )
    )
    return kept


def cursor(transaction: Transaction, party: str, feed: str) -> str:
    """Return where the feed stands, "" at its start."""
    found = transaction.sql.execute(
        select(CURSORS.c.cursor).where(CURSORS.c.party == party, CURSORS.c.feed == feed)
    ).scalar()
    return "" if found is None else str(found)


def book_kept(store: Store, party: str, kinds: tuple[str, ...], *, book: Book) -> Booked:
    """Book every kept message of these kinds, oldest first, each in its own transaction."""
    with store.begin() as transaction:
        waiting = _waiting(transaction, party, kinds)
    return book_these(store, party, waiting, book=book)


def book_these(store: Store, party: str, inbox_ids: Iterable[int], *, book: Book) -> Booked:
    """Book these kept messages, each in its own transaction; one that is booked already is left as it is."""
    done = Booked()
    for inbox_id in inbox_ids:
        # Two bookers may reach for one message; whoever comes second may find it on its way to another drawer.
        one = store.run(partial(_booked, inbox_id=inbox_id, book=book))
        done.messages, done.items = done.messages + one.messages, done.items + one.items
        done.set_aside += one.set_aside
    log.info("%s: booked %d messages, %d items, %d set aside", party, done.messages, done.items, done.set_aside)
    return done


def book_now(transaction: Transaction, envelope: Envelope, *, book: Book) -> None:
    """Keep a message and book it in the same transaction; one that was kept before is left as it is."""
    kept = keep(transaction, envelope)
    if kept.first:
        _book_one(transaction, kept.inbox_id, book, Booked())


def set_aside_whole(transaction: Transaction, kept: Kept, envelope: Envelope, reason: str, text: str) -> None:
    """Keep a message that must not be booked (a wrong signature, say), with its reason."""
    origin = Origin(kept.inbox_id, envelope.party, envelope.kind, envelope.digest)
    if not _finish(transaction, origin, envelope.external_id, state="set_aside", items=0, aside=1, amount_vnd=None):
        return
    set_aside.note_incoming(
        transaction,
        party=envelope.party,
        kind=envelope.kind,
        inbox_id=kept.inbox_id,
        item=envelope.external_id,
        reason=reason,
        text=text,
    )


def _booked(transaction: Transaction, inbox_id: int, book: Book) -> Booked:
    done = Booked()
    _book_one(transaction, inbox_id, book, done)
    return done


def _book_one(transaction: Transaction, inbox_id: int, book: Book, done: Booked) -> None:
    row = transaction.sql.execute(
        select(INBOX)
        .where(INBOX.c.drawer == 0, INBOX.c.id == inbox_id, INBOX.c.state == "kept")
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:  # another worker has it
        return
    origin = Origin(inbox_id, row.party, row.kind, row.digest)
    items, aside, amounts = 0, 0, []
    try:
        for item in meaning.read(origin.party, origin.kind, bodies.read(transaction, row.body_id)):
            booked = _book_item(transaction, origin, item, book)
            items, aside = items + booked, aside + (not booked)
            if booked and (amount := getattr(item, "amount_vnd", None)) is not None:
                amounts.append(amount)
    except MalformedError as error:
        _aside(transaction, origin, row.external_id, error)
        aside += 1
    state = "set_aside" if aside and not items else "booked"
    total = sum(amounts) if amounts else None
    _finish(transaction, origin, row.external_id, state=state, items=items, aside=aside, amount_vnd=total)
    done.messages, done.items, done.set_aside = done.messages + 1, done.items + items, done.set_aside + aside


def _finish(
    transaction: Transaction,
    origin: Origin,
    external_id: str,
    *,
    state: str,
    items: int,
    aside: int,
    amount_vnd: int | None,
) -> bool:
    """Move the message to its drawer, with its entry in the journal. Return False when it was finished before."""
    months = parties.manifest(origin.party).retention(origin.kind).metadata_months
    values = {"id": origin.inbox_id, "state": state, "months": months, "items": items, "aside": aside}
    if transaction.sql.execute(_FINISH, values).rowcount != 1:
        return False
    decision = entries.Decision(
        exchange_id=origin.inbox_id,
        direction="in",
        party=origin.party,
        kind=origin.kind,
        key="",
        external_id=external_id,
        outcome=state,
        digest_out=None,
        digest_in=origin.digest,
        amount_vnd=amount_vnd,
    )
    entries.note(transaction, [decision])
    # An operation and its receipts share party and kind, but no outcome: what came in is never `set_aside` here.
    tallied = "booked" if state == "booked" else "unbooked"
    tallies.count(transaction, [(origin.party, origin.kind, tallied, None)])
    return True


def _book_item(transaction: Transaction, origin: Origin, item: Inbound, book: Book) -> bool:
    """Book one item in a savepoint: a bad one leaves no trace but its reason."""
    if isinstance(item, Unreadable):
        _aside(transaction, origin, item.item, MalformedError(item.text, reason=item.reason))
        return False
    try:
        with transaction.sql.begin_nested():
            book(transaction, origin, item)
    except MalformedError as error:
        _aside(transaction, origin, name_of(item), error)
        return False
    except (DataError, UnicodeError):  # a text or number the database cannot hold: no other item's fault
        problem = MalformedError("a value the database cannot hold; correct it at the partner", reason="not_storable")
        _aside(transaction, origin, name_of(item), problem)
        return False
    return True


def name_of(item: Inbound) -> str:
    """Return how a person calls this item: a code or reference, never personal data."""
    for field in ("portal_code", "our_reference", "event_id", "business_on", "item"):
        if value := getattr(item, field, None):
            return str(value)
    return type(item).__name__


def _aside(transaction: Transaction, origin: Origin, item: str, error: MalformedError) -> None:
    set_aside.note_incoming(
        transaction,
        party=origin.party,
        kind=origin.kind,
        inbox_id=origin.inbox_id,
        item=item,
        reason=error.reason,
        text=str(error),
    )


def _waiting(transaction: Transaction, party: str, kinds: tuple[str, ...]) -> list[int]:
    query = select(INBOX.c.id).where(
        INBOX.c.drawer == 0, INBOX.c.party == party, INBOX.c.kind.in_(kinds), INBOX.c.state == "kept"
    )
    return [int(row.id) for row in transaction.sql.execute(query.order_by(INBOX.c.id))]


def _lock_name(envelope: Envelope) -> tuple[str, ...]:
    return "inbox", *envelope.name


def _kept(transaction: Transaction, envelopes: Sequence[Envelope], rows: Iterable[Any]) -> list[Kept]:
    named = {(row.party, row.kind, row.external_id): row for row in rows}
    found = [named[one.name] for one in envelopes]
    for envelope, row in zip(envelopes, found, strict=True):
        if row.others and row.seen == 1:
            _incident(transaction, envelope, row.inbox_id)
    return [Kept(int(row.inbox_id), first=row.seen == 1) for row in found]


def _values(transaction: Transaction, envelopes: Sequence[Envelope]) -> dict[str, list[Any]]:
    return {
        "parties": [one.party for one in envelopes],
        "kinds": [one.kind for one in envelopes],
        "names": [one.external_id for one in envelopes],
        "digests": [one.digest for one in envelopes],
        "types": [one.content_type for one in envelopes],
        "sealed": [transaction.sealer.seal(one.body, context=bodies.CONTEXT) for one in envelopes],
        "months": [parties.manifest(one.party).retention(one.kind).bodies_months for one in envelopes],
    }


def _incident(transaction: Transaction, envelope: Envelope, inbox_id: int) -> None:
    log.warning("%s %s: a known id came with other bytes (inbox %d)", envelope.party, envelope.kind, inbox_id)
    set_aside.note_incoming(
        transaction,
        party=envelope.party,
        kind=envelope.kind,
        inbox_id=inbox_id,
        item=envelope.external_id,
        reason=set_aside.INCIDENT,
        text="the same id came before with other bytes; both are kept",
    )
