"""Tables of remittance: the agreed terms, orders to the State Treasury, what each pays, and what was said of it."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from truc.store.tables.base import INSTANT, METADATA, VND, identity

TREASURY_ACCOUNTS = Table(
    "treasury_accounts",
    METADATA,
    Column("agency_code", Text, nullable=False),
    Column("beneficiary", Text, nullable=False),
    Column("treasury", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("chapter", Text, nullable=False),
    Column("party", Text, nullable=False),  # takes the orders
    Column("paid_from", Text, nullable=False),  # the bank that pays them
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    PrimaryKeyConstraint("agency_code", "valid_from"),
)

TREASURY_SUB_ITEMS = Table(
    "treasury_sub_items",
    METADATA,
    Column("kind", Text, nullable=False),
    Column("agency_code", Text, nullable=False),  # "" for every agency
    Column("sub_item", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    PrimaryKeyConstraint("kind", "agency_code", "valid_from"),
)

FEE_RULES = Table(
    "fee_rules",
    METADATA,
    Column("party", Text, nullable=False),
    Column("borne_by", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    PrimaryKeyConstraint("party", "valid_from"),
    CheckConstraint("borne_by IN ('agency', 'province')", name="borne_by"),
)

OWN_BANKS = Table(
    "own_banks",
    METADATA,
    Column("party", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    PrimaryKeyConstraint("party", "valid_from"),
)

# What an order says stays as it was said, whatever becomes of the terms. One that was refused is `released` by a
# person: what it was to pay is owed again, and another order may pay it.
REMITTANCE_ORDERS = Table(
    "remittance_orders",
    METADATA,
    identity(),
    Column("remittance_reference", Text, nullable=False, unique=True),
    Column("agency_code", Text, nullable=False),
    Column("business_on", Date, nullable=False),  # the day whose money it pays, with what was left of days before
    Column("sub_item", Text, nullable=False),
    Column("chapter", Text, nullable=False),
    Column("beneficiary", Text, nullable=False),
    Column("treasury", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("paid_from", Text, nullable=False),
    Column("amount_vnd", VND, nullable=False),
    Column("state", Text, nullable=False),
    Column("doubt", Text),
    Column("ordered_at", INSTANT, nullable=False),
    Column("state_at", INSTANT, nullable=False, server_default=text("now()")),
    Column("confirmed_at", INSTANT),  # when, as the treasury says, it got the money
    Column("treasury_reference", Text, nullable=False, server_default=""),
    Column("refused_because", Text, nullable=False, server_default=""),
    Column("released_at", INSTANT),
    CheckConstraint("amount_vnd > 0", name="amount"),
    CheckConstraint("state IN ('created', 'sent', 'confirmed', 'refused', 'in_doubt')", name="state"),
    CheckConstraint("(state = 'in_doubt') = (doubt IS NOT NULL)", name="doubt"),
    CheckConstraint("(state = 'confirmed') <= (confirmed_at IS NOT NULL)", name="confirmed_when"),
    CheckConstraint("released_at IS NULL OR state IN ('refused', 'in_doubt')", name="released"),
    Index(
        "uq_remittance_orders_day",
        "agency_code",
        "business_on",
        "sub_item",
        unique=True,
        postgresql_where=text("released_at IS NULL"),
    ),
    Index(
        "ix_remittance_orders_open",
        "party",
        "state",
        postgresql_where=text("state IN ('created', 'sent', 'in_doubt')"),
    ),
)

# What each order pays: a payment adds, a refund and a fee take away. Each is in one order that was not released.
REMITTANCE_LINES = Table(
    "remittance_lines",
    METADATA,
    identity(),
    Column("order_id", BigInteger, ForeignKey("remittance_orders.id"), nullable=False),
    Column("what", Text, nullable=False),
    Column("payment_id", BigInteger, ForeignKey("payments.id"), nullable=False),
    Column("refund_id", BigInteger, ForeignKey("refunds.id")),
    Column("party", Text, nullable=False),  # the intermediary
    Column("business_on", Date, nullable=False),
    Column("amount_vnd", VND, nullable=False),
    Column("released", Boolean, nullable=False, server_default=text("false")),
    CheckConstraint("amount_vnd > 0", name="amount"),
    CheckConstraint("what IN ('payment', 'refund', 'fee')", name="what"),
    CheckConstraint("(what = 'refund') = (refund_id IS NOT NULL)", name="refund"),
    Index(None, "order_id"),
    Index(None, "party", "business_on"),
    Index(
        "uq_remittance_lines_payment",
        "payment_id",
        unique=True,
        postgresql_where=text("what = 'payment' AND NOT released"),
    ),
    Index("uq_remittance_lines_fee", "payment_id", unique=True, postgresql_where=text("what = 'fee' AND NOT released")),
    Index("uq_remittance_lines_refund", "refund_id", unique=True, postgresql_where=text("NOT released")),
)

# Who said what of an order, and when: only ever added to. `inbox_id` names the bytes; none where a person said it.
REMITTANCE_WORDS = Table(
    "remittance_words",
    METADATA,
    identity(),
    Column("order_id", BigInteger, ForeignKey("remittance_orders.id"), nullable=False),
    Column("said", Text, nullable=False),
    Column("amount_vnd", VND),
    Column("treasury_reference", Text, nullable=False, server_default=""),
    Column("said_at", INSTANT),
    Column("heard_at", INSTANT, nullable=False, server_default=text("now()")),
    Column("inbox_id", BigInteger),
    Column("state_before", Text, nullable=False),
    Column("state_after", Text, nullable=False),
    Column("remark", Text),
    Index(None, "order_id"),
)
