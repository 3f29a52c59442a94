"""Open payments are found by their party and state, however many are paid: each run of questions looks for them."""

from alembic import op
from sqlalchemy import text

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

OPENED = """
DROP INDEX ix_payments_state;
CREATE INDEX ix_payments_open ON payments (party, state)
    WHERE state IN ('created', 'pending', 'refunding', 'in_doubt');
"""

CLOSED = """
DROP INDEX ix_payments_open;
CREATE INDEX ix_payments_state ON payments (state) WHERE state IN ('created', 'in_doubt');
"""


def upgrade() -> None:
    """Go up."""
    op.execute(text(OPENED))


def downgrade() -> None:
    """Go back."""
    op.execute(text(CLOSED))
