"""The table of what each run took: the ledger entries of its day, and what it took over for days that were signed."""

from sqlalchemy import ARRAY, BigInteger, Column, ForeignKey, Table
from sqlalchemy.dialects.postgresql import JSONB

from truc.store.tables.base import METADATA

# `changes` are lines that a restated file of a signed day has anew or no more; see truc.store.taken.LineChange.
RECONCILIATION_TAKEN = Table(
    "reconciliation_taken",
    METADATA,
    Column("run_id", BigInteger, ForeignKey("reconciliation_runs.id"), primary_key=True, autoincrement=False),
    Column("entry_ids", ARRAY(BigInteger), nullable=False),
    Column("late_entry_ids", ARRAY(BigInteger), nullable=False),
    Column("changes", JSONB, nullable=False),
)
