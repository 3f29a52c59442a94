"""Tables of the exchange: outgoing and incoming messages, their names, their kept bytes, and what was set aside.

`outbox`, `inbox` and `kept_bodies` are partitioned (truc.store.drawers): an open message lies in drawer 0, a
finished one in the drawer of its month. So the work a courier looks through stays small however much is kept, and
what is old enough goes by dropping its drawer. What must be known forever (that a name was used, by whom) lies in
`outbox_names` and `inbox_names`.
"""

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from truc.store.tables.base import INSTANT, METADATA, identity

# One number for every exchange, in or out, and for every kept body: journal, traces and logs name it.
EXCHANGES = Sequence("exchange_seq", metadata=METADATA)

# Bytes as they crossed the wall, sealed: they hold citizens' data. `id` is drawer << 40 | number, so that a
# reference is one column and finds its partition.
KEPT_BODIES = Table(
    "kept_bodies",
    METADATA,
    Column("id", BigInteger, nullable=False, autoincrement=False),
    Column("digest", CHAR(64), nullable=False),
    Column("content_type", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("kept_at", INSTANT, nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("id"),
    postgresql_partition_by="RANGE (id)",
)

OUTBOX_NAMES = Table(
    "outbox_names",
    METADATA,
    Column("party", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("external_id", Text, nullable=False),  # ours: the idempotency key
    Column("outbox_id", BigInteger, nullable=False),
    PrimaryKeyConstraint("party", "operation", "external_id"),
)

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("drawer", Integer, nullable=False, server_default="0"),
    Column("id", BigInteger, nullable=False, autoincrement=False),
    # Order is kept per (party, key) by `place`: the id, or for a correction the place of what it corrects.
    Column("place", BigInteger, nullable=False),
    Column("party", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("dossier_code", Text, nullable=False),
    Column("amount_vnd", BigInteger),
    Column("message_id", BigInteger, nullable=False),  # the canonical message in kept_bodies
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("asks", Integer, nullable=False, server_default="0"),
    Column("not_before", INSTANT, nullable=False, server_default=text("now()")),
    Column("leased_by", Text),
    Column("leased_until", INSTANT),
    Column("published_at", INSTANT, nullable=False, server_default=text("now()")),
    Column("sending_at", INSTANT),
    Column("finished_at", INSTANT),
    Column("body_id", BigInteger),  # the bytes as sent, in kept_bodies
    Column("receipt_id", BigInteger),  # the partner's answer, in kept_bodies
    Column("partner_reference", Text),
    Column("reason", Text),
    Column("reason_text", Text),
    Column("corrects", BigInteger),  # the message that this one corrects or repeats
    Column("trace", Text),  # W3C traceparent of what published it
    PrimaryKeyConstraint("drawer", "id"),
    CheckConstraint(
        "state IN ('waiting', 'sending', 'sent', 'refused', 'unknown', 'superseded', 'set_aside')",
        name="state",
    ),
    CheckConstraint("(drawer = 0) = (state NOT IN ('sent', 'superseded'))", name="drawer"),
    postgresql_partition_by="LIST (drawer)",
)
Index("ix_outbox_key", OUTBOX.c.party, OUTBOX.c.key, OUTBOX.c.place)
Index("ix_outbox_dossier_code", OUTBOX.c.dossier_code)

INBOX_NAMES = Table(
    "inbox_names",
    METADATA,
    Column("party", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("digest", CHAR(64), nullable=False),
    Column("inbox_id", BigInteger, nullable=False),
    Column("seen", Integer, nullable=False, server_default="1"),
    PrimaryKeyConstraint("party", "kind", "external_id", "digest"),
)

INBOX = Table(
    "inbox",
    METADATA,
    Column("drawer", Integer, nullable=False, server_default="0"),
    Column("id", BigInteger, nullable=False, autoincrement=False),
    Column("party", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("digest", CHAR(64), nullable=False),
    Column("body_id", BigInteger, nullable=False),
    Column("received_at", INSTANT, nullable=False, server_default=text("now()")),
    Column("state", Text, nullable=False, server_default="kept"),
    Column("booked_at", INSTANT),
    Column("items_booked", Integer, nullable=False, server_default="0"),
    Column("items_set_aside", Integer, nullable=False, server_default="0"),
    Column("corrects", BigInteger),  # the message that this one corrects
    PrimaryKeyConstraint("drawer", "id"),
    CheckConstraint("state IN ('kept', 'booked', 'set_aside')", name="state"),
    postgresql_partition_by="LIST (drawer)",
)
Index("ix_inbox_external_id", INBOX.c.party, INBOX.c.external_id)

SET_ASIDE = Table(
    "set_aside",
    METADATA,
    identity(),
    Column("party", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("inbox_id", BigInteger),
    Column("outbox_id", BigInteger),
    Column("item", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("at", INSTANT, nullable=False, server_default=text("now()")),
    Column("state", Text, nullable=False, server_default="open"),
    Column("resolved_at", INSTANT),
    Column("resolved_how", Text),  # replayed, corrected, dropped, superseded, arrived
    UniqueConstraint("inbox_id", "item", "reason"),
    CheckConstraint("state IN ('open', 'resolved')", name="state"),
    CheckConstraint("num_nonnulls(inbox_id, outbox_id) = 1", name="one_origin"),
)
Index(
    "ix_set_aside_open",
    SET_ASIDE.c.party,
    SET_ASIDE.c.reason,
    SET_ASIDE.c.id,
    postgresql_where=text("state = 'open'"),
)
Index("ix_set_aside_outbox_id", SET_ASIDE.c.outbox_id, postgresql_where=text("outbox_id IS NOT NULL"))

CURSORS = Table(
    "cursors",
    METADATA,
    Column("party", Text, nullable=False),
    Column("feed", Text, nullable=False),
    Column("cursor", Text, nullable=False),
    Column("moved_at", INSTANT, nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("party", "feed"),
)
