"""Bulk runs over the history of dossiers, and the index they read it by."""

from alembic import op
from sqlalchemy import text

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

OPENED = """
CREATE TABLE bulk_runs (
    name text NOT NULL,
    party text NOT NULL,
    operation text NOT NULL,
    since_at timestamptz NOT NULL,
    until_at timestamptz NOT NULL,
    reached_at timestamptz,
    reached_id bigint,
    published bigint NOT NULL DEFAULT 0,
    already_there bigint NOT NULL DEFAULT 0,
    overtaken bigint NOT NULL DEFAULT 0,
    begun_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CONSTRAINT pk_bulk_runs PRIMARY KEY (name),
    CONSTRAINT ck_bulk_runs_period CHECK (since_at < until_at),
    CONSTRAINT ck_bulk_runs_reached CHECK ((reached_at IS NULL) = (reached_id IS NULL))
);
CREATE INDEX ix_dossier_history_changed_at ON dossier_history (changed_at, id);
"""

CLOSED = """
DROP INDEX ix_dossier_history_changed_at;
DROP TABLE bulk_runs;
"""


def upgrade() -> None:
    """Go up."""
    op.execute(text(OPENED))


def downgrade() -> None:
    """Go back; how far runs had come is forgotten, what they published stays."""
    op.execute(text(CLOSED))
