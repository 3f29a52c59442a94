"""Which transaction of the partner a refund gives back, where it is another than the payment's own."""

from alembic import op
from sqlalchemy import text

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

OPENED = """
ALTER TABLE refunds
    ADD COLUMN partner_transaction text,
    ADD CONSTRAINT ck_refunds_partner_transaction CHECK (partner_transaction <> '');
"""

# Without the column a duplicate's refund would read as one of the payment itself.
CLOSED = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM refunds WHERE partner_transaction IS NOT NULL) THEN
        RAISE EXCEPTION 'duplicates were given back: restore a backup instead of going down';
    END IF;
END $$;
ALTER TABLE refunds
    DROP CONSTRAINT ck_refunds_partner_transaction,
    DROP COLUMN partner_transaction;
"""


def upgrade() -> None:
    """Go up: the refunds that are there were asked for as of the payment's own transaction."""
    op.execute(text(OPENED))


def downgrade() -> None:
    """Go back, which only a hub can that gave no duplicate back."""
    op.execute(text(CLOSED))
