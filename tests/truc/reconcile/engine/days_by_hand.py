"""All days whose ends were written by hand, by name."""

from tests.truc.reconcile.engine import oracle_examples as examples
from tests.truc.reconcile.engine import oracle_examples_legs as legs
from tests.truc.reconcile.engine import oracle_examples_limits as limits
from tests.truc.reconcile.engine import oracle_examples_passes as passes
from tests.truc.reconcile.engine.oracle_examples import Day

TABLES = (
    examples.READING,
    examples.GROUPS,
    examples.PAIRS,
    examples.NAMED_AGAIN,
    passes.REFERENCES,
    passes.AMOUNTS,
    passes.SETTLEMENTS,
    passes.REST,
    legs.RECEIPTS,
    legs.BY_NAME,
    legs.BY_DAY,
    limits.LIMITS,
)
DAYS: dict[str, Day] = {name: day for table in TABLES for name, day in table.items()}
