"""Tables of money: payments and what was said of them, refunds, the ledger in whole đồng, receipts without gaps."""

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

# `doubt` and what follows stand exactly while the state is `in_doubt`; `business_on` says that the money is booked,
# whatever the state. `asking_since` and `next_ask_at` are the schedule by which the party is asked.
PAYMENTS = Table(
    "payments",
    METADATA,
    identity(),
    Column("our_reference", Text, nullable=False, unique=True),
    Column("source", Text, nullable=False),
    Column("source_reference", Text, nullable=False),
    Column("dossier_code", Text, ForeignKey("dossiers.code")),  # none where it is for an obligation
    Column("party", Text, nullable=False),
    Column("amount_vnd", VND, nullable=False),
    Column("state", Text, nullable=False),
    Column("partner_reference", Text),
    Column("pay_url", Text),
    Column("requested_at", INSTANT, nullable=False),
    Column("paid_at", INSTANT),
    Column("business_on", Date),
    Column("kind", Text, nullable=False, server_default="fees"),
    Column("obligation_code", Text, nullable=False, server_default=""),  # what is owed, where no dossier says it
    Column("collected_for", Text, nullable=False),  # the body whose money it is
    Column("partner_token", Text, nullable=False, server_default=""),
    Column("state_at", INSTANT, nullable=False, server_default=text("now()")),
    Column("doubt", Text),
    Column("next_step", Text),
    Column("owner", Text),
    Column("refunded_vnd", VND, nullable=False, server_default="0"),
    Column("asking_since", INSTANT),
    Column("next_ask_at", INSTANT),
    Column("asks", Integer, nullable=False, server_default="0"),
    UniqueConstraint("source", "source_reference"),
    CheckConstraint("amount_vnd > 0", name="amount"),
    CheckConstraint(
        "state IN ('created', 'pending', 'paid', 'failed', 'expired', 'refunding', 'refunded', 'in_doubt')",
        name="state",
    ),
    CheckConstraint(
        "(state IN ('paid', 'refunding', 'refunded')) <= (paid_at IS NOT NULL AND business_on IS NOT NULL)",
        name="paid_when",
    ),
    CheckConstraint("(state IN ('created', 'pending', 'failed', 'expired')) <= (business_on IS NULL)", name="unpaid"),
    CheckConstraint(
        "(state = 'in_doubt') = (doubt IS NOT NULL) AND (doubt IS NULL) = (next_step IS NULL)"
        " AND (doubt IS NULL) = (owner IS NULL)",
        name="doubt",
    ),
    CheckConstraint("next_step IN ('ask', 'wait_statement', 'person', 'refund')", name="next_step"),
    CheckConstraint("refunded_vnd BETWEEN 0 AND amount_vnd", name="refunded"),
    CheckConstraint("dossier_code IS NOT NULL OR obligation_code <> ''", name="for_what"),
    Index(None, "party", "business_on"),
    Index(None, "party", "next_ask_at", postgresql_where=text("next_ask_at IS NOT NULL")),
    Index(
        "ix_payments_open",  # what runs every minute looks for: however many are paid, these are few
        "party",
        "state",
        postgresql_where=text("state IN ('created', 'pending', 'refunding', 'in_doubt')"),
    ),
)

# Who said what of a payment, and when: only ever added to. `inbox_id` names the bytes; none where a person said it,
# or where the partner said that it knows no such order.
PAYMENT_WORDS = Table(
    "payment_words",
    METADATA,
    identity(),
    Column("payment_id", BigInteger, ForeignKey("payments.id"), nullable=False),
    Column("party", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column("amount_vnd", VND),
    Column("partner_reference", Text, nullable=False),
    Column("said_at", INSTANT),
    Column("heard_at", INSTANT, nullable=False, server_default=text("now()")),
    Column("inbox_id", BigInteger),
    Column("state_before", Text, nullable=False),
    Column("state_after", Text, nullable=False),
    Column("remark", Text),
    Index(None, "payment_id"),
)

REFUNDS = Table(
    "refunds",
    METADATA,
    identity(),
    Column("refund_reference", Text, nullable=False, unique=True),
    Column("source", Text, nullable=False),
    Column("source_reference", Text, nullable=False),
    Column("payment_id", BigInteger, ForeignKey("payments.id"), nullable=False),
    Column("amount_vnd", VND, nullable=False),
    Column("state", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("requested_at", INSTANT, nullable=False),
    Column("state_at", INSTANT, nullable=False, server_default=text("now()")),
    Column("partner_reference", Text, nullable=False, server_default=""),
    Column("refused_because", Text, nullable=False, server_default=""),
    # The partner's transaction that is given back, a duplicate of the payment; null: the payment's own.
    Column("partner_transaction", Text),
    UniqueConstraint("source", "source_reference"),
    CheckConstraint("amount_vnd > 0", name="amount"),
    CheckConstraint("partner_transaction <> ''", name="partner_transaction"),
    CheckConstraint("state IN ('requested', 'pending', 'refunded', 'refused')", name="state"),
    Index(None, "payment_id"),
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

# A receipt whose money went back, wholly or in part: to be cancelled or replaced when receipts are issued for signing.
RECEIPTS_TO_CANCEL = Table(
    "receipts_to_cancel",
    METADATA,
    Column("refund_id", BigInteger, ForeignKey("refunds.id"), primary_key=True, autoincrement=False),
    Column("receipt_id", BigInteger, ForeignKey("receipts.id"), nullable=False),
    Column("amount_vnd", VND, nullable=False),
    Column("noted_at", INSTANT, nullable=False, server_default=text("now()")),
    Index(None, "receipt_id"),
)
