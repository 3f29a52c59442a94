"""The ledger of replays, and the way from an exchange to its entries in the journal."""

from alembic import op
from sqlalchemy import text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

OPENED = """
CREATE TABLE replays (
    name text NOT NULL,
    exchange_id bigint NOT NULL,
    copy_id bigint,
    at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_replays PRIMARY KEY (name, exchange_id)
);
CREATE INDEX ix_replays_exchange_id ON replays (exchange_id);
CREATE INDEX ix_replays_copy_id ON replays (copy_id) WHERE copy_id IS NOT NULL;
CREATE TRIGGER replays_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON replays
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE INDEX ix_journal_exchange_id ON journal (exchange_id);
"""

# What was replayed must be known for ever: without it a second replay would double messages.
CLOSED = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM replays) THEN
        RAISE EXCEPTION 'the ledger of replays holds entries: restore a backup instead of going down';
    END IF;
END $$;
DROP INDEX ix_journal_exchange_id;
DROP TABLE replays;
"""


def upgrade() -> None:
    """Go up: nothing was replayed yet."""
    op.execute(text(OPENED))


def downgrade() -> None:
    """Go back, which only a hub that replayed nothing can."""
    op.execute(text(CLOSED))
