"""Keeps bytes as they crossed the wall: sealed, with their digest."""

from sqlalchemy import insert, select

from truc.envelope import digest_of
from truc.store.opened import Transaction
from truc.store.tables.exchange import KEPT_BODIES

CONTEXT = "kept_bodies"


def keep(transaction: Transaction, body: bytes, content_type: str) -> int:
    """Keep the bytes and return the id they are kept under."""
    created = transaction.sql.execute(
        insert(KEPT_BODIES)
        .values(
            digest=digest_of(body),
            content_type=content_type,
            sealed=transaction.sealer.seal(body, context=CONTEXT),
        )
        .returning(KEPT_BODIES.c.id)
    )
    return int(created.scalar_one())


def read(transaction: Transaction, body_id: int) -> bytes:
    """Return the very bytes; raise MalformedError when they no longer open under the hub's key."""
    sealed = transaction.sql.execute(select(KEPT_BODIES.c.sealed).where(KEPT_BODIES.c.id == body_id)).scalar_one()
    return transaction.sealer.unseal(bytes(sealed), context=CONTEXT)
