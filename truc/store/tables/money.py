"""Tables of money: payments, the double-entry ledger in whole đồng, and receipts numbered without gaps."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from truc.store.tables.base import INSTANT, METADATA, VND, identity

# Our references are counted apart from the rows, so that none is ever given out twice.
PAYMENT_REFERENCES = Sequence("payment_references", metadata=METADATA)

PAYMENTS = Table(
    "payments",
    METADATA,
    identity(),
    Column("our_reference", Text, nullable=False, unique=True),
    Column("source", Text, nullable=False),
    Column("source_reference", Text, nullable=False),
    Column("dossier_code", Text, ForeignKey("dossiers.code"), nullable=False),
    Column("party", Text, nullable=False),
    Column("amount_vnd", VND, nullable=False),
    Column("state", Text, nullable=False),
    Column("partner_reference", Text),
    Column("pay_url", Text),
    Column("requested_at", INSTANT, nullable=False),
    Column("paid_at", INSTANT),
    Column("business_on", Date),
    UniqueConstraint("source", "source_reference"),
    CheckConstraint("amount_vnd > 0", name="amount"),
    CheckConstraint("state IN ('pending', 'paid', 'failed', 'expired', 'refunded')", name="state"),
    CheckConstraint("(state = 'paid') <= (paid_at IS NOT NULL AND business_on IS NOT NULL)", name="paid_when"),
    Index(None, "party", "business_on"),
)

LEDGER_ENTRIES = Table(
    "ledger_entries",
    METADATA,
    identity(),
    Column("reference", Text, nullable=False, unique=True),  # one entry per cause: a second booking is refused
    Column("booked_at", INSTANT, nullable=False, server_default=text("now()")),
    Column("business_on", Date, nullable=False),
    Column("text", Text, nullable=False),
)

# Debit is positive, credit negative. A deferred constraint trigger refuses a commit that leaves an
# entry unbalanced or with fewer than two lines (migration 0001).
LEDGER_LINES = Table(
    "ledger_lines",
    METADATA,
    Column("entry_id", BigInteger, ForeignKey("ledger_entries.id"), nullable=False),
    Column("line", Integer, nullable=False),
    Column("account", Text, nullable=False),
    Column("amount_vnd", VND, nullable=False),
    PrimaryKeyConstraint("entry_id", "line"),
    CheckConstraint("amount_vnd <> 0", name="amount"),
    Index(None, "account"),
)

# The last number given out; its row lock and the caller's transaction make numbers gap-free.
RECEIPT_SERIES = Table(
    "receipt_series",
    METADATA,
    Column("series", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    PrimaryKeyConstraint("series", "year"),
    CheckConstraint("last BETWEEN 0 AND 99999999", name="eight_digits"),
)

RECEIPTS = Table(
    "receipts",
    METADATA,
    identity(),
    Column("series", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("payment_id", BigInteger, ForeignKey("payments.id"), nullable=False, unique=True),
    Column("amount_vnd", VND, nullable=False),
    Column("issued_at", INSTANT, nullable=False),
    UniqueConstraint("series", "year", "number"),
)
