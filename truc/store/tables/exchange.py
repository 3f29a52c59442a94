"""Tables of the exchange: outbox, inbox, kept bodies, set-aside items, cursors."""

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from truc.store.tables.base import INSTANT, METADATA, identity

# Bytes as they crossed the wall, sealed: they hold citizens' data.
KEPT_BODIES = Table(
    "kept_bodies",
    METADATA,
    identity(),
    Column("digest", CHAR(64), nullable=False),
    Column("content_type", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("kept_at", INSTANT, nullable=False, server_default=text("now()")),
)

OUTBOX = Table(
    "outbox",
    METADATA,
    identity(),
    Column("party", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("key", Text, nullable=False),  # order is kept per (party, key)
    Column("external_id", Text, nullable=False),  # ours: the idempotency key
    Column("message", LargeBinary, nullable=False),  # the canonical message, sealed
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("asks", Integer, nullable=False, server_default="0"),
    Column("not_before", INSTANT, nullable=False, server_default=text("now()")),
    Column("leased_by", Text),
    Column("leased_until", INSTANT),
    Column("published_at", INSTANT, nullable=False, server_default=text("now()")),
    Column("sending_at", INSTANT),
    Column("finished_at", INSTANT),
    Column("body_id", BigInteger, ForeignKey("kept_bodies.id")),
    Column("receipt_id", BigInteger, ForeignKey("kept_bodies.id")),
    Column("partner_reference", Text),
    Column("reason", Text),
    Column("reason_text", Text),
    UniqueConstraint("party", "operation", "external_id"),
    CheckConstraint(
        "state IN ('waiting', 'sending', 'sent', 'refused', 'unknown', 'superseded', 'set_aside')",
        name="state",
    ),
)
# What a courier looks through: only what is not done, so its cost does not grow with history.
Index(
    "ix_outbox_open",
    OUTBOX.c.party,
    OUTBOX.c.id,
    postgresql_where=text("state IN ('waiting', 'unknown', 'sending')"),
)
Index(
    "ix_outbox_held",
    OUTBOX.c.party,
    OUTBOX.c.key,
    OUTBOX.c.id,
    postgresql_where=text("state NOT IN ('sent', 'superseded')"),
)

INBOX = Table(
    "inbox",
    METADATA,
    identity(),
    Column("party", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("digest", CHAR(64), nullable=False),
    Column("body_id", BigInteger, ForeignKey("kept_bodies.id"), nullable=False),
    Column("received_at", INSTANT, nullable=False, server_default=text("now()")),
    Column("seen", Integer, nullable=False, server_default="1"),
    Column("state", Text, nullable=False, server_default="kept"),
    Column("booked_at", INSTANT),
    Column("items_booked", Integer, nullable=False, server_default="0"),
    Column("items_set_aside", Integer, nullable=False, server_default="0"),
    UniqueConstraint("party", "kind", "external_id", "digest"),
    CheckConstraint("state IN ('kept', 'booked', 'set_aside')", name="state"),
)
Index("ix_inbox_open", INBOX.c.party, INBOX.c.id, postgresql_where=text("state = 'kept'"))

SET_ASIDE = Table(
    "set_aside",
    METADATA,
    identity(),
    Column("party", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("inbox_id", BigInteger, ForeignKey("inbox.id")),
    Column("outbox_id", BigInteger, ForeignKey("outbox.id")),
    Column("item", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("at", INSTANT, nullable=False, server_default=text("now()")),
    Column("state", Text, nullable=False, server_default="open"),
    UniqueConstraint("inbox_id", "item", "reason"),
    CheckConstraint("state IN ('open', 'resolved')", name="state"),
    CheckConstraint("num_nonnulls(inbox_id, outbox_id) = 1", name="one_origin"),
)

CURSORS = Table(
    "cursors",
    METADATA,
    Column("party", Text, nullable=False),
    Column("feed", Text, nullable=False),
    Column("cursor", Text, nullable=False),
    Column("moved_at", INSTANT, nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("party", "feed"),
)
