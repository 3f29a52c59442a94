"""Tables of the gate before reconciliation: which file was fetched for which day, and what the gate found."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from truc.store.tables.base import INSTANT, METADATA

# A file that cannot be read does not tell its day: it is known by the day it was asked for.
DAY_FILES = Table(
    "day_files",
    METADATA,
    Column("party", Text, nullable=False),
    Column("business_on", Date, nullable=False),
    Column("inbox_id", BigInteger, nullable=False),
    PrimaryKeyConstraint("party", "business_on", "inbox_id"),
)

STATEMENT_GATES = Table(
    "statement_gates",
    METADATA,
    Column("party", Text, nullable=False),
    Column("business_on", Date, nullable=False),
    Column("version", Integer, nullable=False),  # 0: no whole file has come
    Column("statement_id", BigInteger, ForeignKey("statements.id")),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),  # "" while it is open
    Column("reason_text", Text, nullable=False),
    Column("checks", JSONB, nullable=False),  # truc.reconcile.gate.Check
    Column("judged_at", INSTANT, nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("party", "business_on", "version"),
    CheckConstraint("state IN ('open', 'waits') AND (state = 'open') = (reason = '')", name="state"),
    CheckConstraint("(version = 0) = (statement_id IS NULL)", name="version"),
)
