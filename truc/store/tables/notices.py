"""Tables of notices: each event a citizen hears of, once, and how each citizen wants to hear. No address lies here."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from truc.store.tables.base import INSTANT, METADATA

NOTICES = Table(
    "notices",
    METADATA,
    Column("event_key", Text, primary_key=True),  # ours, and the external id of its message at whatever party
    Column("kind", Text, nullable=False),
    Column("dossier_code", Text, ForeignKey("dossiers.code"), nullable=False),
    Column("facts", JSONB, nullable=False),  # truc.messages.NoticeFacts: codes, days, amounts; nobody's name or address
    Column("state", Text, nullable=False),
    Column("channel", Text, nullable=False, server_default=""),  # the party it was given to last
    Column("tried", ARRAY(Text), nullable=False, server_default="{}"),  # every party it was given to, in order
    Column("reason", Text, nullable=False, server_default=""),
    Column("happened_at", INSTANT, nullable=False, server_default=text("now()")),
    Column("state_at", INSTANT, nullable=False, server_default=text("now()")),
    CheckConstraint("state IN ('waiting', 'given', 'sent', 'undelivered', 'no_address')", name="state"),
    CheckConstraint("(state IN ('given', 'sent')) <= (channel <> '')", name="channel"),
    Index("ix_notices_open", "event_key", postgresql_where=text("state IN ('waiting', 'given')")),
    Index("ix_notices_undelivered", "state_at", postgresql_where=text("state = 'undelivered'")),
    Index("ix_notices_dossier_code", "dossier_code"),
)

# What a citizen said of all their dossiers; who said nothing hears of those for which they asked for messages.
NOTICE_WISHES = Table(
    "notice_wishes",
    METADATA,
    Column("customer_id", BigInteger, ForeignKey("customers.id"), primary_key=True, autoincrement=False),
    Column("channel", Text, nullable=False),  # a party, "" for the province's order
    Column("wants", Text, nullable=False),
    Column("said_at", INSTANT, nullable=False, server_default=text("now()")),
    CheckConstraint("wants IN ('as_asked', 'all', 'obligatory')", name="wants"),
)
