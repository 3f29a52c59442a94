"""Notices to citizens: one for each event, and the wishes of citizens about them."""

from alembic import op
from sqlalchemy import text

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OPENED = """
CREATE TABLE notices (
    event_key text NOT NULL,
    kind text NOT NULL,
    dossier_code text NOT NULL,
    facts jsonb NOT NULL,
    state text NOT NULL,
    channel text NOT NULL DEFAULT '',
    tried text[] NOT NULL DEFAULT '{}',
    reason text NOT NULL DEFAULT '',
    happened_at timestamptz NOT NULL DEFAULT now(),
    state_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_notices PRIMARY KEY (event_key),
    CONSTRAINT fk_notices_dossier_code FOREIGN KEY (dossier_code) REFERENCES dossiers (code),
    CONSTRAINT ck_notices_state CHECK (state IN ('waiting', 'given', 'sent', 'undelivered', 'no_address')),
    CONSTRAINT ck_notices_channel CHECK ((state IN ('given', 'sent')) <= (channel <> ''))
);
CREATE INDEX ix_notices_open ON notices (event_key) WHERE state IN ('waiting', 'given');
CREATE INDEX ix_notices_undelivered ON notices (state_at) WHERE state = 'undelivered';
CREATE INDEX ix_notices_dossier_code ON notices (dossier_code);

CREATE TABLE notice_wishes (
    customer_id bigint NOT NULL,
    channel text NOT NULL,
    wants text NOT NULL,
    said_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_notice_wishes PRIMARY KEY (customer_id),
    CONSTRAINT fk_notice_wishes_customer_id FOREIGN KEY (customer_id) REFERENCES customers (id),
    CONSTRAINT ck_notice_wishes_wants CHECK (wants IN ('as_asked', 'all', 'obligatory'))
);
"""


def upgrade() -> None:
    """Go up."""
    op.execute(text(OPENED))


def downgrade() -> None:
    """Go back: what was given lies in the outbox as before; what citizens wish is forgotten."""
    op.execute(text("DROP TABLE notice_wishes; DROP TABLE notices"))
