"""What a run took: so that nothing booked or restated after a day was signed is lost, or comes twice."""

from alembic import op
from sqlalchemy import text

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

OPENED = """
CREATE TABLE reconciliation_taken (
    run_id bigint NOT NULL,
    entry_ids bigint[] NOT NULL,
    late_entry_ids bigint[] NOT NULL,
    changes jsonb NOT NULL,
    CONSTRAINT pk_reconciliation_taken PRIMARY KEY (run_id),
    CONSTRAINT fk_reconciliation_taken_run_id FOREIGN KEY (run_id) REFERENCES reconciliation_runs (id)
);
CREATE TRIGGER reconciliation_taken_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON reconciliation_taken
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    """Go up: of runs that are there it is not known, and nothing is held against them."""
    op.execute(text(OPENED))


def downgrade() -> None:
    """Go back; days that are run again tell it anew."""
    op.execute(text("DROP TABLE reconciliation_taken"))
