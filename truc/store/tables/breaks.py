"""Tables of the finance work: each break with its life, what is attached to it, and the signatures of days."""

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from truc.store.tables.base import INSTANT, METADATA, VND, identity

# One row a break, however many runs it stands in. Only steps of its life change it, and each is a row of
# `break_events` that holds the digest of this row after it: a change by any other way is found.
BREAK_ITEMS = Table(
    "break_items",
    METADATA,
    Column("break_id", Text, primary_key=True),
    Column("party", Text, nullable=False),
    Column("business_on", Date, nullable=False),  # the day its money belongs to: its age counts from there
    Column("break_class", Text, nullable=False),
    Column("at_risk_vnd", VND, nullable=False),
    Column("first_run_id", BigInteger, ForeignKey("reconciliation_runs.id"), nullable=False),
    Column("last_run_id", BigInteger, ForeignKey("reconciliation_runs.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("assignee", Text, nullable=False, server_default=""),
    Column("reason_code", Text, nullable=False, server_default=""),  # `carried`: it goes on to the next day, seen
    Column("proposal", Text, nullable=False, server_default=""),
    Column("proposal_text", Text, nullable=False, server_default=""),
    Column("proposed_by", Text),
    Column("proposed_at", INSTANT),
    Column("approved_by", Text),
    Column("approved_at", INSTANT),
    Column("resolved_at", INSTANT),
    Column("resolution", Text, nullable=False, server_default=""),
    Column("resolved_by_run", BigInteger, ForeignKey("reconciliation_runs.id")),
    CheckConstraint("state IN ('open', 'assigned', 'proposed', 'resolved')", name="state"),
    CheckConstraint("at_risk_vnd >= 0", name="at_risk"),
    CheckConstraint("(state = 'assigned') <= (assignee <> '')", name="assignee"),
    CheckConstraint(
        "(proposed_by IS NULL) = (proposal = '') AND (proposed_by IS NULL) = (proposed_at IS NULL)", name="proposal"
    ),
    CheckConstraint("(state = 'proposed') <= (proposed_by IS NOT NULL)", name="proposed"),
    CheckConstraint(
        "(approved_by IS NULL) = (approved_at IS NULL)"
        " AND (approved_by IS NULL OR (proposed_by IS NOT NULL AND approved_by <> proposed_by))",
        name="second_person",
    ),
    CheckConstraint(
        "(state = 'resolved') = (resolved_at IS NOT NULL) AND (state = 'resolved') = (resolution <> '')"
        " AND (state = 'resolved') <= (approved_by IS NOT NULL OR resolved_by_run IS NOT NULL)",
        name="resolved",
    ),
    Index("ix_break_items_unresolved", "party", "business_on", postgresql_where=text("state <> 'resolved'")),
    Index(None, "party", "business_on"),
)

# Only ever added to, and chained: `digest` is over this row and the digest of the one before.
BREAK_EVENTS = Table(
    "break_events",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # from 1, without a gap
    Column("break_id", Text, ForeignKey("break_items.break_id"), nullable=False),
    Column("run_id", BigInteger, ForeignKey("reconciliation_runs.id")),  # where a run did it
    Column("at", INSTANT, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("from_state", Text, nullable=False),
    Column("to_state", Text, nullable=False),
    Column("assignee", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("proposal", Text, nullable=False),
    Column("remark", Text, nullable=False),
    Column("item_digest", CHAR(64), nullable=False),  # of the row of break_items after this step
    Column("prev_digest", CHAR(64), nullable=False),
    Column("digest", CHAR(64), nullable=False),
    Index(None, "break_id", "number"),
)

BREAK_ATTACHMENTS = Table(
    "break_attachments",
    METADATA,
    Column("break_id", Text, ForeignKey("break_items.break_id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("digest", CHAR(64), nullable=False),  # of the bytes as given
    Column("bytes", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),  # sealed: a proof names a citizen
    Column("by", Text, nullable=False),
    Column("at", INSTANT, nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("break_id", "number"),
)

# A day is prepared by one and signed by another; a preparation may be withdrawn, and stays to be seen. What is signed
# never changes. `content_hash` and `last_event` pin what both saw.
SIGN_OFFS = Table(
    "sign_offs",
    METADATA,
    identity(),
    Column("party", Text, nullable=False),
    Column("business_on", Date, nullable=False),
    Column("run_id", BigInteger, ForeignKey("reconciliation_runs.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("content_hash", CHAR(64), nullable=False),
    Column("last_event", BigInteger, nullable=False),  # the number of the newest event that was seen
    Column("open_limit_vnd", VND, nullable=False),
    Column("open_limit_count", Integer, nullable=False),
    Column("report_digest", Text, nullable=False, server_default=""),
    Column("prepared_by", Text, nullable=False),
    Column("prepared_at", INSTANT, nullable=False),
    Column("approved_by", Text),
    Column("approved_at", INSTANT),
    Column("key_id", Text),  # SHA-256 of the hub's public key
    Column("seal", LargeBinary),
    Column("withdrawn_by", Text),
    Column("withdrawn_at", INSTANT),
    Column("withdrawn_because", Text),
    CheckConstraint("approved_by <> prepared_by", name="second_person"),
    CheckConstraint("num_nonnulls(approved_by, approved_at, key_id, seal) IN (0, 4)", name="signed"),
    CheckConstraint("num_nonnulls(withdrawn_by, withdrawn_at, withdrawn_because) IN (0, 3)", name="withdrawn"),
    CheckConstraint("withdrawn_by IS NULL OR approved_by IS NULL", name="one_end"),
    Index("ix_sign_offs_standing", "party", "business_on", unique=True, postgresql_where=text("withdrawn_at IS NULL")),
)
