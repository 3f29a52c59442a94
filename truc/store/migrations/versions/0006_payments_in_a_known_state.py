"""Payments in a known state: what was said of each, its doubts and its schedule, refunds, receipts to cancel."""

from alembic import op
from sqlalchemy import text

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# What is pending now is asked from now on: when its party took it was not kept. A payment whose request is not
# through the outbox yet was only ever booked here.
OPENED = """
ALTER TABLE payments DROP CONSTRAINT ck_payments_state, DROP CONSTRAINT ck_payments_paid_when;
ALTER TABLE payments
    ALTER COLUMN dossier_code DROP NOT NULL,
    ADD COLUMN kind text NOT NULL DEFAULT 'fees',
    ADD COLUMN obligation_code text NOT NULL DEFAULT '',
    ADD COLUMN collected_for text,
    ADD COLUMN partner_token text NOT NULL DEFAULT '',
    ADD COLUMN state_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN doubt text,
    ADD COLUMN next_step text,
    ADD COLUMN owner text,
    ADD COLUMN refunded_vnd bigint NOT NULL DEFAULT 0,
    ADD COLUMN asking_since timestamptz,
    ADD COLUMN next_ask_at timestamptz,
    ADD COLUMN asks integer NOT NULL DEFAULT 0;
UPDATE payments SET collected_for = agency_code, state_at = coalesce(paid_at, requested_at)
FROM dossiers WHERE dossiers.code = dossier_code;
UPDATE payments SET asking_since = now(), next_ask_at = now() WHERE state = 'pending' AND pay_url IS NOT NULL;
UPDATE payments SET state = 'created'
FROM outbox_names AS named
WHERE state = 'pending' AND pay_url IS NULL AND named.party = payments.party AND named.operation = 'payment'
    AND named.external_id = our_reference;
-- The rows just changed have constraints to be looked at when this commits: no table is altered before that is done.
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE payments
    ALTER COLUMN collected_for SET NOT NULL,
    ADD CONSTRAINT ck_payments_state CHECK (
        state IN ('created', 'pending', 'paid', 'failed', 'expired', 'refunding', 'refunded', 'in_doubt')),
    ADD CONSTRAINT ck_payments_paid_when CHECK (
        (state IN ('paid', 'refunding', 'refunded')) <= (paid_at IS NOT NULL AND business_on IS NOT NULL)),
    ADD CONSTRAINT ck_payments_unpaid CHECK (
        (state IN ('created', 'pending', 'failed', 'expired')) <= (business_on IS NULL)),
    ADD CONSTRAINT ck_payments_doubt CHECK (
        (state = 'in_doubt') = (doubt IS NOT NULL) AND (doubt IS NULL) = (next_step IS NULL)
        AND (doubt IS NULL) = (owner IS NULL)),
    ADD CONSTRAINT ck_payments_next_step CHECK (next_step IN ('ask', 'wait_statement', 'person', 'refund')),
    ADD CONSTRAINT ck_payments_refunded CHECK (refunded_vnd BETWEEN 0 AND amount_vnd),
    ADD CONSTRAINT ck_payments_for_what CHECK (dossier_code IS NOT NULL OR obligation_code <> '');
CREATE INDEX ix_payments_party_next_ask_at ON payments (party, next_ask_at) WHERE next_ask_at IS NOT NULL;
CREATE INDEX ix_payments_state ON payments (state) WHERE state IN ('created', 'in_doubt');

CREATE TABLE payment_words (
    id bigint GENERATED ALWAYS AS IDENTITY,
    payment_id bigint NOT NULL,
    party text NOT NULL,
    said text NOT NULL,
    amount_vnd bigint,
    partner_reference text NOT NULL,
    said_at timestamptz,
    heard_at timestamptz NOT NULL DEFAULT now(),
    inbox_id bigint,
    state_before text NOT NULL,
    state_after text NOT NULL,
    remark text,
    CONSTRAINT pk_payment_words PRIMARY KEY (id),
    CONSTRAINT fk_payment_words_payment_id FOREIGN KEY (payment_id) REFERENCES payments (id)
);
CREATE INDEX ix_payment_words_payment_id ON payment_words (payment_id);
CREATE TRIGGER payment_words_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_words
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE refunds (
    id bigint GENERATED ALWAYS AS IDENTITY,
    refund_reference text NOT NULL,
    source text NOT NULL,
    source_reference text NOT NULL,
    payment_id bigint NOT NULL,
    amount_vnd bigint NOT NULL,
    state text NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    requested_at timestamptz NOT NULL,
    state_at timestamptz NOT NULL DEFAULT now(),
    partner_reference text NOT NULL DEFAULT '',
    refused_because text NOT NULL DEFAULT '',
    CONSTRAINT pk_refunds PRIMARY KEY (id),
    CONSTRAINT uq_refunds_refund_reference UNIQUE (refund_reference),
    CONSTRAINT uq_refunds_source_source_reference UNIQUE (source, source_reference),
    CONSTRAINT fk_refunds_payment_id FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT ck_refunds_amount CHECK (amount_vnd > 0),
    CONSTRAINT ck_refunds_state CHECK (state IN ('requested', 'pending', 'refunded', 'refused'))
);
CREATE INDEX ix_refunds_payment_id ON refunds (payment_id);

ALTER TABLE statement_lines ADD COLUMN settled_on date;

CREATE TABLE receipts_to_cancel (
    refund_id bigint NOT NULL,
    receipt_id bigint NOT NULL,
    amount_vnd bigint NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_receipts_to_cancel PRIMARY KEY (refund_id),
    CONSTRAINT fk_receipts_to_cancel_refund_id FOREIGN KEY (refund_id) REFERENCES refunds (id),
    CONSTRAINT fk_receipts_to_cancel_receipt_id FOREIGN KEY (receipt_id) REFERENCES receipts (id)
);
CREATE INDEX ix_receipts_to_cancel_receipt_id ON receipts_to_cancel (receipt_id);
CREATE TRIGGER receipts_to_cancel_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON receipts_to_cancel
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

# What partners said, and money that went back, must not be forgotten; doubts and obligations have no place below.
CLOSED = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM payment_words) OR EXISTS (SELECT FROM refunds)
        OR EXISTS (SELECT FROM payments WHERE state IN ('in_doubt', 'refunding') OR dossier_code IS NULL) THEN
        RAISE EXCEPTION 'payments hold words, doubts, refunds or obligations: restore a backup instead of going down';
    END IF;
END $$;
DROP TABLE receipts_to_cancel;
ALTER TABLE statement_lines DROP COLUMN settled_on;
DROP TABLE refunds;
DROP TABLE payment_words;
DROP INDEX ix_payments_party_next_ask_at;
DROP INDEX ix_payments_state;
ALTER TABLE payments DROP CONSTRAINT ck_payments_state, DROP CONSTRAINT ck_payments_paid_when,
    DROP CONSTRAINT ck_payments_unpaid, DROP CONSTRAINT ck_payments_doubt, DROP CONSTRAINT ck_payments_next_step,
    DROP CONSTRAINT ck_payments_refunded, DROP CONSTRAINT ck_payments_for_what;
UPDATE payments SET state = 'pending' WHERE state = 'created';
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE payments
    ALTER COLUMN dossier_code SET NOT NULL,
    DROP COLUMN kind, DROP COLUMN obligation_code, DROP COLUMN collected_for, DROP COLUMN partner_token,
    DROP COLUMN state_at, DROP COLUMN doubt, DROP COLUMN next_step, DROP COLUMN owner, DROP COLUMN refunded_vnd,
    DROP COLUMN asking_since, DROP COLUMN next_ask_at, DROP COLUMN asks,
    ADD CONSTRAINT ck_payments_state CHECK (state IN ('pending', 'paid', 'failed', 'expired', 'refunded')),
    ADD CONSTRAINT ck_payments_paid_when CHECK (
        (state = 'paid') <= (paid_at IS NOT NULL AND business_on IS NOT NULL));
"""


def upgrade() -> None:
    """Go up."""
    op.execute(text(OPENED))


def downgrade() -> None:
    """Go back, which only a hub can of whose payments nothing was said yet."""
    op.execute(text(CLOSED))
