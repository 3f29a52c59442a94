"""The journal of every exchange: numbered, chained, closed by the day, and only ever added to."""

from alembic import op
from sqlalchemy import text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OPENED = """
CREATE TABLE journal_pending (
    id bigint GENERATED ALWAYS AS IDENTITY,
    exchange_id bigint NOT NULL,
    at timestamptz NOT NULL,
    amount_vnd bigint,
    channel text NOT NULL,
    key text NOT NULL,
    external_id text NOT NULL,
    outcome text NOT NULL,
    digest_out bytea,
    digest_in bytea,
    handler bytea NOT NULL,
    CONSTRAINT pk_journal_pending PRIMARY KEY (channel, id)
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000
);

CREATE TABLE journal (
    number bigint NOT NULL,
    exchange_id bigint NOT NULL,
    at timestamptz NOT NULL,
    amount_vnd bigint,
    channel text NOT NULL,
    key text NOT NULL,
    external_id text NOT NULL,
    outcome text NOT NULL,
    digest_out bytea,
    digest_in bytea,
    handled_by bytea NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT pk_journal PRIMARY KEY (channel, number)
);

CREATE TABLE journal_handlers (
    handled_by bytea NOT NULL,
    mapping_digest bytea NOT NULL,
    schema_digest bytea NOT NULL,
    connector_digest bytea NOT NULL,
    CONSTRAINT pk_journal_handlers PRIMARY KEY (handled_by)
);

CREATE TABLE journal_closes (
    channel text NOT NULL,
    day date NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    count bigint NOT NULL,
    sum_vnd bigint NOT NULL,
    root bytea NOT NULL,
    previous bytea NOT NULL,
    key_id bytea NOT NULL,
    signature bytea NOT NULL,
    CONSTRAINT pk_journal_closes PRIMARY KEY (channel, day)
);

CREATE TABLE journal_stamps (
    channel text NOT NULL,
    day date NOT NULL,
    stamp bytea NOT NULL,
    CONSTRAINT pk_journal_stamps PRIMARY KEY (channel, day)
);

CREATE TABLE journal_starts (
    exchange_id bigint NOT NULL,
    CONSTRAINT pk_journal_starts PRIMARY KEY (exchange_id)
);
INSERT INTO journal_starts
SELECT greatest((SELECT coalesce(max(id), 0) FROM outbox), (SELECT coalesce(max(id), 0) FROM inbox));

CREATE TRIGGER journal_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_handlers_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_handlers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_closes_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_closes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_stamps_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_stamps
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_starts_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_starts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

CLOSED = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM journal) OR EXISTS (SELECT FROM journal_pending) THEN
        RAISE EXCEPTION 'the journal holds entries: restore a backup instead of going down';
    END IF;
END $$;
DROP TABLE journal_starts, journal_stamps, journal_closes, journal_handlers, journal, journal_pending;
"""


def upgrade() -> None:
    """Go up: the journal begins after the exchanges that are there."""
    op.execute(text(OPENED))


def downgrade() -> None:
    """Go back, which only a hub without a journal can."""
    op.execute(text(CLOSED))
