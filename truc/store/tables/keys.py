"""Table of the keys' fingerprints: which keys sealed what lies in this database."""

from sqlalchemy import CHAR, Column, Table, Text

from truc.store.tables.base import METADATA

KEY_FINGERPRINTS = Table(
    "key_fingerprints",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("fingerprint", CHAR(64), nullable=False),
)
