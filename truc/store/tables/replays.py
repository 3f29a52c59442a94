"""Tables of what operators do: the ledger of replays, and the index by which they find an exchange in the journal."""

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Table, Text, text

from truc.store.tables.base import INSTANT, METADATA
from truc.store.tables.journal import JOURNAL

# What was replayed under which name: the same set under the same name is never replayed twice. Only ever added to.
REPLAYS = Table(
    "replays",
    METADATA,
    Column("name", Text, nullable=False),
    Column("exchange_id", BigInteger, nullable=False),  # outbox.id or inbox.id
    Column("copy_id", BigInteger),  # the new message, where one that was sent is sent again
    Column("at", INSTANT, nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("name", "exchange_id"),
)
Index("ix_replays_exchange_id", REPLAYS.c.exchange_id)
Index("ix_replays_copy_id", REPLAYS.c.copy_id, postgresql_where=text("copy_id IS NOT NULL"))

# Written by the chainer, which nobody waits for; without it to show one exchange means to look through many blocks.
Index("ix_journal_exchange_id", JOURNAL.c.exchange_id)
