"""Shipments in a known state: how far our asking came apart from the post's word, and wishes to cancel."""

from alembic import op
from sqlalchemy import text

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# A parcel of which the post said something had been ordered. What the outbox knows of the others is looked up when
# the next delivery ends.
OPENED = """
ALTER TABLE shipments
    ADD COLUMN asked text,
    ADD COLUMN ordered_at timestamptz,
    ADD COLUMN cancel_asked_at timestamptz,
    ADD COLUMN cancel_actor text NOT NULL DEFAULT '',
    ADD COLUMN cancel_reason text NOT NULL DEFAULT '';
UPDATE shipments SET ordered_at = requested_at, asked = CASE state WHEN 'requested' THEN 'requested' ELSE 'ordered' END;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE shipments
    ALTER COLUMN asked SET NOT NULL,
    ADD CONSTRAINT ck_shipments_asked CHECK (
        asked IN ('created', 'requested', 'ordered', 'refused', 'cancelling', 'kept', 'cancelled')),
    ADD CONSTRAINT ck_shipments_state CHECK (
        state IN ('created', 'requested', 'ordered', 'refused', 'cancelling', 'collecting', 'in_transit',
            'delivered', 'returned', 'failed', 'cancelled')),
    ADD CONSTRAINT ck_shipments_cancel_asked CHECK (
        (asked IN ('cancelling', 'kept')) <= (cancel_asked_at IS NOT NULL));
CREATE INDEX ix_shipments_asked ON shipments (asked) WHERE asked IN ('requested', 'refused', 'cancelling', 'kept');
CREATE INDEX ix_shipments_dossier_code ON shipments (dossier_code);
"""

# Registrations the post was not told of, and wishes to cancel, have no place below.
CLOSED = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM shipments WHERE asked = 'created' OR cancel_asked_at IS NOT NULL OR state = 'refused') THEN
        RAISE EXCEPTION 'shipments hold registrations, refusals or cancels: restore a backup instead of going down';
    END IF;
END $$;
DROP INDEX ix_shipments_dossier_code;
DROP INDEX ix_shipments_asked;
ALTER TABLE shipments DROP CONSTRAINT ck_shipments_asked, DROP CONSTRAINT ck_shipments_state,
    DROP CONSTRAINT ck_shipments_cancel_asked,
    DROP COLUMN asked, DROP COLUMN ordered_at, DROP COLUMN cancel_asked_at, DROP COLUMN cancel_actor,
    DROP COLUMN cancel_reason;
"""


def upgrade() -> None:
    """Go up."""
    op.execute(text(OPENED))


def downgrade() -> None:
    """Go back, which only a hub can that cancelled nothing and holds no registration the post was not told of."""
    op.execute(text(CLOSED))
