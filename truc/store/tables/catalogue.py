"""Tables of the catalogue: procedures with their versions, agencies, officers."""

from sqlalchemy import (
    CHAR,
    BigInteger,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from truc.store.tables.base import INSTANT, METADATA, VND, identity

PROCEDURES = Table(
    "procedures",
    METADATA,
    Column("key", Text, primary_key=True),  # the national code, or "export:<digest>" where none was published
    Column("first_seen_at", INSTANT, nullable=False, server_default=text("now()")),
)

# A changed procedure is a new row; a dossier points at the version it was received under.
PROCEDURE_VERSIONS = Table(
    "procedure_versions",
    METADATA,
    identity(),
    Column("procedure_key", Text, ForeignKey("procedures.key"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("source", Text, nullable=False),  # who published it to us: shipped, or a file a person loaded
    Column("digest", CHAR(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("field_code", Text, nullable=False),
    Column("field_name", Text, nullable=False),
    Column("agency_level", Text, nullable=False),
    Column("agency", Text, nullable=False),
    Column("documents", JSONB, nullable=False),
    Column("loaded_at", INSTANT, nullable=False, server_default=text("now()")),
    UniqueConstraint("procedure_key", "version"),
)

# Fees and time limits hang under the channel (LayThuTuc: KENH; egov.md 1.7).
PROCEDURE_CHANNELS = Table(
    "procedure_channels",
    METADATA,
    Column("version_id", BigInteger, ForeignKey("procedure_versions.id"), nullable=False),
    Column("channel", Text, nullable=False),
    Column("time_limit", Integer),
    Column("time_limit_unit", Text),
    Column("time_limit_wording", Text, nullable=False),  # as published, whatever could be read of it
    Column("time_limit_reason", Text, nullable=False),  # why it could not be read, "" when it was
    Column("fee_wording", Text, nullable=False),
    Column("fee_reason", Text, nullable=False),
    PrimaryKeyConstraint("version_id", "channel"),
)

PROCEDURE_FEES = Table(
    "procedure_fees",
    METADATA,
    identity(),
    Column("version_id", BigInteger, nullable=False),
    Column("channel", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("amount_vnd", VND, nullable=False),
    Column("per", Text, nullable=False),  # what it is counted by, "" for the dossier
    ForeignKeyConstraint(["version_id", "channel"], ["procedure_channels.version_id", "procedure_channels.channel"]),
)

AGENCIES = Table(
    "agencies",
    METADATA,
    Column("code", Text, primary_key=True),
    Column("old_code", Text),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("level", Integer, nullable=False),
    Column("parent_code", Text, ForeignKey("agencies.code")),
    Column("area_code", Text),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("successor_code", Text, ForeignKey("agencies.code")),
)

OFFICERS = Table(
    "officers",
    METADATA,
    identity(),
    Column("agency_code", Text, ForeignKey("agencies.code"), nullable=False),
    Column("name", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("department", Text, nullable=False),
    UniqueConstraint("agency_code", "name", "title", "department"),
)
