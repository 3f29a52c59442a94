"""Tables of the line to each partner: breaker, allowance, couriers at work, maintenance, and what was counted."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

from truc.store.tables.base import INSTANT, METADATA, identity

# What all couriers of one party share.
LINES = Table(
    "lines",
    METADATA,
    Column("party", Text, primary_key=True),
    Column("breaker", Text, nullable=False, server_default="closed"),
    Column("failures", Integer, nullable=False, server_default="0"),  # in a row
    Column("openings", Integer, nullable=False, server_default="0"),  # in a row: how long it stays open
    Column("retry_at", INSTANT),  # while open: when one message may try the line
    Column("ramp", Integer),  # after an outage: how many messages the next turn may take; NULL for no limit
    Column("tokens", Double, nullable=False, server_default="0"),  # calls that may go now, under a declared rate
    Column("tokens_at", INSTANT, nullable=False, server_default=text("now()")),
    CheckConstraint("breaker IN ('closed', 'open', 'half_open')", name="breaker"),
)

COURIERS = Table(
    "couriers",
    METADATA,
    Column("worker", Text, primary_key=True),
    Column("party", Text, nullable=False),
    Column("slots", Integer, nullable=False),  # of the party's concurrency
    Column("leased_until", INSTANT, nullable=False),
)
Index("ix_couriers_party", COURIERS.c.party)

# When a partner is not to be called; `until_at` NULL means until somebody ends it.
MAINTENANCE = Table(
    "maintenance",
    METADATA,
    identity(),
    Column("party", Text, nullable=False),
    Column("from_at", INSTANT, nullable=False),
    Column("until_at", INSTANT),
    Column("reason", Text, nullable=False),
)
Index("ix_maintenance_party", MAINTENANCE.c.party)

# Outcomes since ever, for the metrics. Several rows each (`shard`), so that couriers do not wait for one another.
TALLIES = Table(
    "tallies",
    METADATA,
    Column("party", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("bucket", SmallInteger, nullable=False),  # of truc.exchange.tallies.BUCKETS_S; -1 where no time is taken
    Column("shard", SmallInteger, nullable=False),
    Column("times", BigInteger, nullable=False),
    Column("taken_s", Numeric, nullable=False, server_default="0"),
    PrimaryKeyConstraint("party", "kind", "outcome", "bucket", "shard"),
)

# Who did what to the exchange, and why. Only ever added to.
AUDIT_LOG = Table(
    "audit_log",
    METADATA,
    identity(),
    Column("at", INSTANT, nullable=False, server_default=text("now()")),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
)
Index("ix_audit_log_at", AUDIT_LOG.c.at)
