"""Parcels of a party: who carries each, when it was last asked about, and how many wishes to cancel it went out."""

from alembic import op
from sqlalchemy import text

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# An order went to every party that carries: where that was one, the parcel is its. An order's name is its number.
OPENED = """
ALTER TABLE shipments
    ADD COLUMN party text,
    ADD COLUMN inquired_at timestamptz,
    ADD COLUMN cancels integer NOT NULL DEFAULT 0;
UPDATE shipments SET party = heard.party
FROM (
    SELECT one.order_number, min(named.party) AS party
    FROM shipments AS one JOIN outbox_names AS named ON named.external_id = one.order_number
    WHERE one.asked <> 'created'
    GROUP BY one.order_number HAVING count(DISTINCT named.party) = 1
) AS heard
WHERE heard.order_number = shipments.order_number;
UPDATE shipments SET cancels = 1
WHERE EXISTS (SELECT FROM outbox_names AS named WHERE named.external_id = shipments.order_number || '/cancel');
SET CONSTRAINTS ALL IMMEDIATE;
CREATE INDEX ix_shipments_party_inquired_at ON shipments (party, inquired_at)
    WHERE state IN ('ordered', 'cancelling', 'collecting', 'in_transit', 'failed');
"""

# A second wish to cancel has no place below.
CLOSED = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM shipments WHERE cancels > 1) THEN
        RAISE EXCEPTION 'shipments hold repeated wishes to cancel: restore a backup instead of going down';
    END IF;
END $$;
DROP INDEX ix_shipments_party_inquired_at;
ALTER TABLE shipments DROP COLUMN party, DROP COLUMN inquired_at, DROP COLUMN cancels;
"""


def upgrade() -> None:
    """Go up."""
    op.execute(text(OPENED))


def downgrade() -> None:
    """Go back, which only a hub can that wished to cancel no parcel twice."""
    op.execute(text(CLOSED))
