"""Tables of bulk runs: how far each has come through the store's pages."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Table, Text, text

from truc.store.tables.base import INSTANT, METADATA
from truc.store.tables.dossiers import DOSSIER_HISTORY

# One run publishes what lies between two instants to one party. Its place moves in the transaction of each page.
BULK_RUNS = Table(
    "bulk_runs",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("party", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("since_at", INSTANT, nullable=False),
    Column("until_at", INSTANT, nullable=False),  # not included
    Column("reached_at", INSTANT),  # the last row passed: its instant …
    Column("reached_id", BigInteger),  # … and its number, for there may be many in one instant
    Column("published", BigInteger, nullable=False, server_default="0"),
    Column("already_there", BigInteger, nullable=False, server_default="0"),  # published before, by whatever way
    Column("overtaken", BigInteger, nullable=False, server_default="0"),  # left out: a later one was published before
    Column("begun_at", INSTANT, nullable=False, server_default=text("now()")),
    Column("finished_at", INSTANT),
    CheckConstraint("since_at < until_at", name="period"),
    CheckConstraint("(reached_at IS NULL) = (reached_id IS NULL)", name="reached"),
)

# What a run reads by: the history in the order it happened, of all dossiers together.
Index("ix_dossier_history_changed_at", DOSSIER_HISTORY.c.changed_at, DOSSIER_HISTORY.c.id)
