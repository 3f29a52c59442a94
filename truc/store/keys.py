"""Refuses to work on sealed data with other keys than those that sealed it."""

import hashlib
import hmac

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from truc.errors import SetupError
from truc.store.opened import Transaction
from truc.store.tables.keys import KEY_FINGERPRINTS

ABOUT = b"truc key fingerprint"


def check(transaction: Transaction) -> None:
    """Remember the keys' fingerprints in a new database; in an old one raise SetupError when a key is another.

    A lost key must not be replaced silently: old data could no longer be read, nor found by its index.
    """
    keys = {"sealing.key": transaction.sealer.seal_key, "blind_index.key": transaction.sealer.index_key}
    for name, key in keys.items():
        fingerprint = hmac.new(key, ABOUT, hashlib.sha256).hexdigest()
        new = upsert(KEY_FINGERPRINTS).values(name=name, fingerprint=fingerprint).on_conflict_do_nothing()
        transaction.sql.execute(new)
        known = transaction.sql.execute(
            select(KEY_FINGERPRINTS.c.fingerprint).where(KEY_FINGERPRINTS.c.name == name)
        ).scalar_one()
        if not hmac.compare_digest(known, fingerprint):
            raise SetupError(
                f"{name} is not the key this database was sealed with: put the old one back into var/secrets",
                reason="key_mismatch",
            )
