"""Tables of reconciliation: statements as read, runs, matches and breaks."""

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from truc.store.tables.base import INSTANT, METADATA, VND, identity

STATEMENTS = Table(
    "statements",
    METADATA,
    identity(),
    Column("party", Text, nullable=False),
    Column("business_on", Date, nullable=False),
    Column("version", Integer, nullable=False),  # a restated file is the next version; the same file is refused
    Column("digest", CHAR(64), nullable=False),
    Column("inbox_id", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Column("amount_vnd", VND, nullable=False),
    Column("booked_at", INSTANT, nullable=False, server_default=text("now()")),
    UniqueConstraint("party", "business_on", "version"),
    UniqueConstraint("party", "business_on", "digest"),
)

STATEMENT_LINES = Table(
    "statement_lines",
    METADATA,
    Column("statement_id", BigInteger, ForeignKey("statements.id"), nullable=False),
    Column("line_no", Integer, nullable=False),
    Column("our_reference", Text, nullable=False),
    Column("partner_reference", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("amount_vnd", VND, nullable=False),
    Column("fee_vnd", VND, nullable=False),
    Column("state", Text, nullable=False),
    Column("occurred_at", INSTANT, nullable=False),
    Column("settled_on", Date),
    PrimaryKeyConstraint("statement_id", "line_no"),
    Index(None, "our_reference"),
)

RECONCILIATION_RUNS = Table(
    "reconciliation_runs",
    METADATA,
    identity(),
    Column("party", Text, nullable=False),
    Column("business_on", Date, nullable=False),
    Column("version", Integer, nullable=False),
    Column("statement_id", BigInteger, ForeignKey("statements.id"), nullable=False),
    Column("input_digest", CHAR(64), nullable=False),
    Column("core_count", Integer, nullable=False),
    Column("core_vnd", VND, nullable=False),
    Column("partner_count", Integer, nullable=False),
    Column("partner_vnd", VND, nullable=False),
    Column("matched_count", Integer, nullable=False),
    Column("matched_vnd", VND, nullable=False),
    Column("run_at", INSTANT, nullable=False, server_default=text("now()")),
    UniqueConstraint("party", "business_on", "version"),
)

RECONCILIATION_MATCHES = Table(
    "reconciliation_matches",
    METADATA,
    Column("run_id", BigInteger, ForeignKey("reconciliation_runs.id"), nullable=False),
    Column("payment_id", BigInteger, ForeignKey("payments.id"), nullable=False),
    Column("line_no", Integer, nullable=False),
    Column("rule", Text, nullable=False),
    PrimaryKeyConstraint("run_id", "payment_id"),
    UniqueConstraint("run_id", "line_no"),
)

RECONCILIATION_BREAKS = Table(
    "reconciliation_breaks",
    METADATA,
    Column("run_id", BigInteger, ForeignKey("reconciliation_runs.id"), nullable=False),
    Column("break_id", CHAR(16), nullable=False),  # from what it is about, so the same break keeps its id
    Column("break_class", Text, nullable=False),
    Column("our_reference", Text, nullable=False),
    Column("partner_reference", Text, nullable=False),
    Column("core_vnd", VND, nullable=False),
    Column("partner_vnd", VND, nullable=False),
    Column("difference_vnd", VND, nullable=False),
    Column("payment_id", BigInteger, ForeignKey("payments.id")),
    Column("line_no", Integer),
    Column("rule", Text, nullable=False),
    PrimaryKeyConstraint("run_id", "break_id"),
    CheckConstraint("difference_vnd = core_vnd - partner_vnd", name="difference"),
)
