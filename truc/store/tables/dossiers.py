"""Tables of dossiers: the dossier, its status history along allowed moves, its results, the working calendar."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from truc.store.tables.base import INSTANT, METADATA, VND, identity

# The national statuses and the moves between them (truc.domain.status), filled by the migration.
DOSSIER_STATUSES = Table(
    "dossier_statuses",
    METADATA,
    Column("status", SmallInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
)
DOSSIER_MOVES = Table(
    "dossier_moves",
    METADATA,
    Column("from_status", SmallInteger, ForeignKey("dossier_statuses.status"), nullable=False),
    Column("to_status", SmallInteger, ForeignKey("dossier_statuses.status"), nullable=False),
    PrimaryKeyConstraint("from_status", "to_status"),
)

# The last serial given out per agency and day; its row lock makes codes unique across processes.
DOSSIER_SERIALS = Table(
    "dossier_serials",
    METADATA,
    Column("agency_code", Text, ForeignKey("agencies.code"), nullable=False),
    Column("day", Date, nullable=False),
    Column("last", Integer, nullable=False),
    PrimaryKeyConstraint("agency_code", "day"),
)

DOSSIERS = Table(
    "dossiers",
    METADATA,
    Column("code", Text, primary_key=True),
    Column("source", Text, nullable=False),  # the API client or the party it came from
    Column("source_reference", Text, nullable=False),  # their own name for it: makes a second intake a no-op
    Column("portal_code", Text, unique=True),
    Column("procedure_version_id", BigInteger, ForeignKey("procedure_versions.id"), nullable=False),
    Column("agency_code", Text, ForeignKey("agencies.code"), nullable=False),
    Column("channel", Text, nullable=False),
    Column("applicant_id", BigInteger, ForeignKey("customers.id"), nullable=False),
    Column("received_at", INSTANT, nullable=False),
    Column("due_at", INSTANT),
    Column("fee_vnd", VND, nullable=False),
    Column("status", SmallInteger, ForeignKey("dossier_statuses.status"), nullable=False),
    Column("status_at", INSTANT, nullable=False),
    Column("finished_at", INSTANT),
    Column("wants_postal_return", Boolean, nullable=False),
    Column("wants_sms", Boolean, nullable=False),
    Column("created_at", INSTANT, nullable=False, server_default=text("now()")),
    UniqueConstraint("source", "source_reference"),
    CheckConstraint("channel IN ('counter', 'online', 'post')", name="channel"),
    CheckConstraint("fee_vnd >= 0", name="fee"),
    Index(None, "received_at"),
)

# Every accepted move. The foreign key on (from, to) lets only allowed moves in, whoever writes.
DOSSIER_HISTORY = Table(
    "dossier_history",
    METADATA,
    identity(),
    Column("dossier_code", Text, ForeignKey("dossiers.code"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("from_status", SmallInteger),
    Column("to_status", SmallInteger, ForeignKey("dossier_statuses.status"), nullable=False),
    Column("changed_at", INSTANT, nullable=False),
    Column("officer_id", BigInteger, ForeignKey("officers.id")),
    Column("note", Text, nullable=False),
    Column("source", Text, nullable=False),
    ForeignKeyConstraint(["from_status", "to_status"], ["dossier_moves.from_status", "dossier_moves.to_status"]),
    UniqueConstraint("dossier_code", "number"),
    # Only the first row has no status before it; any other must be an allowed move.
    CheckConstraint("(from_status IS NULL) = (number = 1)", name="first_row"),
)

RESULTS = Table(
    "results",
    METADATA,
    identity(),
    Column("dossier_code", Text, ForeignKey("dossiers.code"), nullable=False),
    Column("number", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("issued_at", INSTANT, nullable=False),
    Column("revoked_at", INSTANT),
    UniqueConstraint("dossier_code", "number"),
)

# Days that break the weekly rule: a working Saturday, or a day off given in exchange.
SWAPPED_DAYS = Table(
    "swapped_days",
    METADATA,
    Column("day", Date, primary_key=True),
    Column("working", Boolean, nullable=False),
)
