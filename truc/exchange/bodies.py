"""Keeps bytes as they crossed the wall: sealed, with their digest, in the drawer of their month and period."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, text

from truc.envelope import digest_of
from truc.errors import MalformedError
from truc.store.opened import Transaction
from truc.store.tables.exchange import KEPT_BODIES

CONTEXT = "kept_bodies"
NUMBER = (1 << 40) - 1  # the part of an id that counts; the rest is the drawer

# The bytes come in order, so the numbers are given in order too.
_KEEP = text(
    """
    INSERT INTO kept_bodies (id, digest, content_type, sealed)
    SELECT new_body_id(months), digest, content_type, sealed
    FROM unnest(CAST(:months AS integer[]), CAST(:digests AS text[]), CAST(:types AS text[]), CAST(:sealed AS bytea[]))
        AS given(months, digest, content_type, sealed)
    RETURNING id
    """
)


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes to keep, and for how many months."""

    body: bytes
    content_type: str
    months: int


def keep(transaction: Transaction, body: bytes, content_type: str, *, months: int) -> int:
    """Keep the bytes and return the id they are kept under."""
    return keep_many(transaction, [Body(body, content_type, months)])[0]


def keep_many(transaction: Transaction, given: Sequence[Body]) -> list[int]:
    """Keep all in one statement and return their ids in the same order."""
    if not given:
        return []
    rows = transaction.sql.execute(
        _KEEP,
        {
            "months": [one.months for one in given],
            "digests": [digest_of(one.body) for one in given],
            "types": [one.content_type for one in given],
            "sealed": [transaction.sealer.seal(one.body, context=CONTEXT) for one in given],
        },
    )
    return sorted((int(row.id) for row in rows), key=lambda body_id: body_id & NUMBER)


def read(transaction: Transaction, body_id: int, *, context: str = CONTEXT) -> bytes:
    """Return the very bytes; raise MalformedError when they are past their period or their seal is broken."""
    found = read_many(transaction, [body_id], context=context)
    if body_id not in found:
        raise MalformedError("the bytes are past their period and were dropped", reason="bytes_dropped")
    return found[body_id]


def read_many(transaction: Transaction, body_ids: Sequence[int], *, context: str = CONTEXT) -> dict[int, bytes]:
    """Return the bytes by id, without those that were dropped; raise MalformedError for a broken seal."""
    return {body_id: _opened(one) for body_id, one in read_each(transaction, body_ids, context=context).items()}


def read_each(
    transaction: Transaction, body_ids: Sequence[int], *, context: str = CONTEXT
) -> dict[int, bytes | MalformedError]:
    """Return the bytes by id, and in place of those with a broken seal its error; without those that were dropped."""
    if not body_ids:
        return {}
    query = select(KEPT_BODIES.c.id, KEPT_BODIES.c.sealed).where(KEPT_BODIES.c.id.in_(body_ids))
    return {int(row.id): _unsealed(transaction, bytes(row.sealed), context) for row in transaction.sql.execute(query)}


def _unsealed(transaction: Transaction, sealed: bytes, context: str) -> bytes | MalformedError:
    try:
        return transaction.sealer.unseal(sealed, context=context)
    except MalformedError as error:
        return error


def _opened(found: bytes | MalformedError) -> bytes:
    if isinstance(found, MalformedError):
        raise found
    return found
