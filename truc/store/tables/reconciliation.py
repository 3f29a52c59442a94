"""Tables of reconciliation: statements as read, runs, matches and breaks."""

from sqlalchemy import (
    CHAR,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
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
    # What the file says of itself, null where its form has no place for it; see truc.messages.Statement.
    Column("count_declared", Integer),
    Column("amount_declared_vnd", VND),
    Column("opening_vnd", VND),
    Column("closing_vnd", VND),
    Column("moved_vnd", VND),
    Column("sequence_first", BigInteger),
    Column("sequence_last", BigInteger),
    Column("end_marked", Boolean, nullable=False, server_default=text("false")),
    UniqueConstraint("party", "business_on", "version"),
    UniqueConstraint("party", "business_on", "digest"),
    # Half a file is never booked, whatever wrote it.
    CheckConstraint("count_declared = count AND amount_declared_vnd = amount_vnd", name="whole"),
    CheckConstraint("opening_vnd + moved_vnd = closing_vnd", name="balance"),
    CheckConstraint("sequence_first <= sequence_last", name="sequence"),
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

# One version of a party's business day, with what decided it. `core_…`, `partner_…` and `matched_…` are of the legs
# that meet the statement; `matched_…` is the core's side.
RECONCILIATION_RUNS = Table(
    "reconciliation_runs",
    METADATA,
    identity(),
    Column("party", Text, nullable=False),
    Column("business_on", Date, nullable=False),
    Column("version", Integer, nullable=False),
    Column("statement_id", BigInteger, ForeignKey("statements.id")),
    Column("input_digest", CHAR(64), nullable=False),
    Column("core_count", Integer, nullable=False),
    Column("core_vnd", VND, nullable=False),
    Column("partner_count", Integer, nullable=False),
    Column("partner_vnd", VND, nullable=False),
    Column("matched_count", Integer, nullable=False),
    Column("matched_vnd", VND, nullable=False),
    Column("run_at", INSTANT, nullable=False, server_default=text("now()")),
    Column("spec", Text, nullable=False, server_default="payments"),
    Column("spec_version", Integer, nullable=False, server_default="0"),
    Column("spec_digest", Text, nullable=False, server_default=""),
    Column("engine", Text, nullable=False, server_default=""),
    Column("result_digest", Text, nullable=False, server_default=""),  # SHA-256 over totals, matches and breaks as kept
    Column("sql", Text, nullable=False, server_default=""),
    UniqueConstraint("party", "business_on", "version"),
)

# The day's account. `leg` is statement (with settlement and return), receipts or remittance; `what` is carried_in, new,
# matched, no_money, written_off, carried_out, or a class of break.
RECONCILIATION_TOTALS = Table(
    "reconciliation_totals",
    METADATA,
    Column("run_id", BigInteger, ForeignKey("reconciliation_runs.id"), nullable=False),
    Column("leg", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("vnd", VND, nullable=False),
    PrimaryKeyConstraint("run_id", "leg", "side", "what"),
    CheckConstraint("side IN ('core', 'partner')", name="side"),
)

RECONCILIATION_MATCHES = Table(
    "reconciliation_matches",
    METADATA,
    Column("run_id", BigInteger, ForeignKey("reconciliation_runs.id"), nullable=False),
    Column("payment_id", BigInteger, ForeignKey("payments.id")),
    Column("line_no", Integer),
    Column("rule", Text, nullable=False),
    Column("match_no", BigInteger, Identity(always=False), nullable=False),
    Column("leg", Text, nullable=False, server_default="statement"),
    Column("party", Text, nullable=False, server_default=""),
    Column("kind", Text, nullable=False, server_default="payment"),
    Column("our_reference", Text, nullable=False, server_default=""),
    Column("partner_reference", Text, nullable=False, server_default=""),
    Column("agency", Text, nullable=False, server_default=""),
    Column("core_rows", BigInteger, nullable=False, server_default="1"),
    Column("partner_rows", BigInteger, nullable=False, server_default="1"),
    Column("core_vnd", VND, nullable=False, server_default="0"),
    Column("partner_vnd", VND, nullable=False, server_default="0"),
    Column("difference_vnd", VND, nullable=False, server_default="0"),
    Column("business_on", Date),
    Column("core_money_vnd", VND, nullable=False, server_default="0"),
    Column("partner_money_vnd", VND, nullable=False, server_default="0"),
    PrimaryKeyConstraint("run_id", "match_no"),
    Index(None, "our_reference"),
)

RECONCILIATION_BREAKS = Table(
    "reconciliation_breaks",
    METADATA,
    Column("run_id", BigInteger, ForeignKey("reconciliation_runs.id"), nullable=False),
    Column("break_id", Text, nullable=False),  # from what it is about, so the same break keeps its id
    Column("break_class", Text, nullable=False),
    Column("our_reference", Text, nullable=False),
    Column("partner_reference", Text, nullable=False),
    Column("core_vnd", VND, nullable=False),
    Column("partner_vnd", VND, nullable=False),
    Column("difference_vnd", VND, nullable=False),
    Column("payment_id", BigInteger, ForeignKey("payments.id")),
    Column("line_no", Integer),
    Column("rule", Text, nullable=False),
    Column("leg", Text, nullable=False, server_default="statement"),
    Column("party", Text, nullable=False, server_default=""),
    Column("kind", Text, nullable=False, server_default=""),
    Column("agency", Text, nullable=False, server_default=""),
    Column("core_rows", BigInteger, nullable=False, server_default="0"),
    Column("partner_rows", BigInteger, nullable=False, server_default="0"),
    Column("business_on", Date),
    Column("core_money_vnd", VND, nullable=False, server_default="0"),
    Column("partner_money_vnd", VND, nullable=False, server_default="0"),
    PrimaryKeyConstraint("run_id", "break_id"),
    Index(None, "break_id"),
)
