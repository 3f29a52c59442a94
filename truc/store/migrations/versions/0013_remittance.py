"""Remittance: the agreed terms, orders to the State Treasury, what each of them pays, and what was said of it."""

from alembic import op
from sqlalchemy import text

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

OPENED = """
CREATE TABLE treasury_accounts (
    agency_code text NOT NULL,
    beneficiary text NOT NULL,
    treasury text NOT NULL,
    account text NOT NULL,
    chapter text NOT NULL,
    party text NOT NULL,
    paid_from text NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    CONSTRAINT pk_treasury_accounts PRIMARY KEY (agency_code, valid_from)
);
CREATE TABLE treasury_sub_items (
    kind text NOT NULL,
    agency_code text NOT NULL,
    sub_item text NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    CONSTRAINT pk_treasury_sub_items PRIMARY KEY (kind, agency_code, valid_from)
);
CREATE TABLE fee_rules (
    party text NOT NULL,
    borne_by text NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    CONSTRAINT pk_fee_rules PRIMARY KEY (party, valid_from),
    CONSTRAINT ck_fee_rules_borne_by CHECK (borne_by IN ('agency', 'province'))
);
CREATE TABLE own_banks (
    party text NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    CONSTRAINT pk_own_banks PRIMARY KEY (party, valid_from)
);
CREATE TABLE remittance_orders (
    id bigint GENERATED ALWAYS AS IDENTITY,
    remittance_reference text NOT NULL,
    agency_code text NOT NULL,
    business_on date NOT NULL,
    sub_item text NOT NULL,
    chapter text NOT NULL,
    beneficiary text NOT NULL,
    treasury text NOT NULL,
    account text NOT NULL,
    party text NOT NULL,
    paid_from text NOT NULL,
    amount_vnd bigint NOT NULL,
    state text NOT NULL,
    doubt text,
    ordered_at timestamptz NOT NULL,
    state_at timestamptz DEFAULT now() NOT NULL,
    confirmed_at timestamptz,
    treasury_reference text DEFAULT '' NOT NULL,
    refused_because text DEFAULT '' NOT NULL,
    released_at timestamptz,
    CONSTRAINT pk_remittance_orders PRIMARY KEY (id),
    CONSTRAINT ck_remittance_orders_amount CHECK (amount_vnd > 0),
    CONSTRAINT ck_remittance_orders_state CHECK (state IN ('created', 'sent', 'confirmed', 'refused', 'in_doubt')),
    CONSTRAINT ck_remittance_orders_doubt CHECK ((state = 'in_doubt') = (doubt IS NOT NULL)),
    CONSTRAINT ck_remittance_orders_confirmed_when CHECK ((state = 'confirmed') <= (confirmed_at IS NOT NULL)),
    CONSTRAINT ck_remittance_orders_released CHECK (released_at IS NULL OR state IN ('refused', 'in_doubt')),
    CONSTRAINT uq_remittance_orders_remittance_reference UNIQUE (remittance_reference)
);
CREATE INDEX ix_remittance_orders_open ON remittance_orders (party, state)
    WHERE state IN ('created', 'sent', 'in_doubt');
CREATE UNIQUE INDEX uq_remittance_orders_day ON remittance_orders (agency_code, business_on, sub_item)
    WHERE released_at IS NULL;
CREATE TABLE remittance_lines (
    id bigint GENERATED ALWAYS AS IDENTITY,
    order_id bigint NOT NULL,
    what text NOT NULL,
    payment_id bigint NOT NULL,
    refund_id bigint,
    party text NOT NULL,
    business_on date NOT NULL,
    amount_vnd bigint NOT NULL,
    released boolean DEFAULT false NOT NULL,
    CONSTRAINT pk_remittance_lines PRIMARY KEY (id),
    CONSTRAINT ck_remittance_lines_amount CHECK (amount_vnd > 0),
    CONSTRAINT ck_remittance_lines_what CHECK (what IN ('payment', 'refund', 'fee')),
    CONSTRAINT ck_remittance_lines_refund CHECK ((what = 'refund') = (refund_id IS NOT NULL)),
    CONSTRAINT fk_remittance_lines_order_id FOREIGN KEY (order_id) REFERENCES remittance_orders (id),
    CONSTRAINT fk_remittance_lines_payment_id FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT fk_remittance_lines_refund_id FOREIGN KEY (refund_id) REFERENCES refunds (id)
);
CREATE INDEX ix_remittance_lines_order_id ON remittance_lines (order_id);
CREATE INDEX ix_remittance_lines_party_business_on ON remittance_lines (party, business_on);
CREATE UNIQUE INDEX uq_remittance_lines_fee ON remittance_lines (payment_id)
    WHERE what = 'fee' AND NOT released;
CREATE UNIQUE INDEX uq_remittance_lines_payment ON remittance_lines (payment_id)
    WHERE what = 'payment' AND NOT released;
CREATE UNIQUE INDEX uq_remittance_lines_refund ON remittance_lines (refund_id) WHERE NOT released;
CREATE TABLE remittance_words (
    id bigint GENERATED ALWAYS AS IDENTITY,
    order_id bigint NOT NULL,
    said text NOT NULL,
    amount_vnd bigint,
    treasury_reference text DEFAULT '' NOT NULL,
    said_at timestamptz,
    heard_at timestamptz DEFAULT now() NOT NULL,
    inbox_id bigint,
    state_before text NOT NULL,
    state_after text NOT NULL,
    remark text,
    CONSTRAINT pk_remittance_words PRIMARY KEY (id),
    CONSTRAINT fk_remittance_words_order_id FOREIGN KEY (order_id) REFERENCES remittance_orders (id)
);
CREATE INDEX ix_remittance_words_order_id ON remittance_words (order_id);
CREATE TRIGGER remittance_words_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON remittance_words
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

# What was ordered of a treasury must not be forgotten: the ledger stands on it.
CLOSED = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM remittance_orders) THEN
        RAISE EXCEPTION 'money was ordered to be remitted: restore a backup instead of going down';
    END IF;
END $$;
DROP TABLE remittance_words;
DROP TABLE remittance_lines;
DROP TABLE remittance_orders;
DROP TABLE own_banks;
DROP TABLE fee_rules;
DROP TABLE treasury_sub_items;
DROP TABLE treasury_accounts;
"""


def upgrade() -> None:
    """Go up."""
    op.execute(text(OPENED))


def downgrade() -> None:
    """Go back, which only a hub can that ordered no remittance."""
    op.execute(text(CLOSED))
