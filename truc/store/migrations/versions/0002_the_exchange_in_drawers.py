"""The exchange in monthly drawers, and the line that all couriers of a party share."""

from alembic import op
from sqlalchemy import text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What was kept before there were periods: metadata 120 months, bytes 24.
OPENED = """
CREATE SEQUENCE exchange_seq;

CREATE FUNCTION drawer_of(months integer, at timestamptz) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT months << 12 | ((extract(year FROM at AT TIME ZONE 'UTC')::integer - 2000) * 12
                           + extract(month FROM at AT TIME ZONE 'UTC')::integer - 1)
$$;

CREATE FUNCTION new_body_id(months integer) RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT drawer_of(months, now())::bigint << 40 | nextval('exchange_seq')
$$;

ALTER TABLE statements DROP CONSTRAINT fk_statements_inbox_id;
ALTER TABLE set_aside DROP CONSTRAINT fk_set_aside_inbox_id, DROP CONSTRAINT fk_set_aside_outbox_id;
ALTER TABLE set_aside ADD COLUMN resolved_at timestamptz, ADD COLUMN resolved_how text;
CREATE INDEX ix_set_aside_open ON set_aside (party, reason, id) WHERE state = 'open';
CREATE INDEX ix_set_aside_outbox_id ON set_aside (outbox_id) WHERE outbox_id IS NOT NULL;

ALTER TABLE outbox RENAME TO old_outbox;
ALTER TABLE inbox RENAME TO old_inbox;
ALTER TABLE kept_bodies RENAME TO old_kept_bodies;
ALTER TABLE old_outbox DROP CONSTRAINT fk_outbox_body_id, DROP CONSTRAINT fk_outbox_receipt_id;
ALTER TABLE old_inbox DROP CONSTRAINT fk_inbox_body_id;
ALTER TABLE old_outbox DROP CONSTRAINT pk_outbox, DROP CONSTRAINT ck_outbox_state;
ALTER TABLE old_inbox DROP CONSTRAINT pk_inbox, DROP CONSTRAINT ck_inbox_state;
ALTER TABLE old_kept_bodies DROP CONSTRAINT pk_kept_bodies;

CREATE TABLE kept_bodies (
    id bigint NOT NULL,
    digest character(64) NOT NULL,
    content_type text NOT NULL,
    sealed bytea NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_kept_bodies PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE TABLE kept_bodies_other PARTITION OF kept_bodies DEFAULT;

CREATE TABLE outbox_names (
    party text NOT NULL,
    operation text NOT NULL,
    external_id text NOT NULL,
    outbox_id bigint NOT NULL,
    CONSTRAINT pk_outbox_names PRIMARY KEY (party, operation, external_id)
);

CREATE TABLE outbox (
    drawer integer NOT NULL DEFAULT 0,
    id bigint NOT NULL,
    place bigint NOT NULL,
    party text NOT NULL,
    operation text NOT NULL,
    key text NOT NULL,
    external_id text NOT NULL,
    dossier_code text NOT NULL,
    amount_vnd bigint,
    message_id bigint NOT NULL,
    state text NOT NULL DEFAULT 'waiting',
    attempts integer NOT NULL DEFAULT 0,
    asks integer NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT now(),
    leased_by text,
    leased_until timestamptz,
    published_at timestamptz NOT NULL DEFAULT now(),
    sending_at timestamptz,
    finished_at timestamptz,
    body_id bigint,
    receipt_id bigint,
    partner_reference text,
    reason text,
    reason_text text,
    corrects bigint,
    trace text,
    CONSTRAINT pk_outbox PRIMARY KEY (drawer, id),
    CONSTRAINT ck_outbox_state
        CHECK (state IN ('waiting', 'sending', 'sent', 'refused', 'unknown', 'superseded', 'set_aside')),
    CONSTRAINT ck_outbox_drawer CHECK ((drawer = 0) = (state NOT IN ('sent', 'superseded')))
) PARTITION BY LIST (drawer);
CREATE INDEX ix_outbox_key ON outbox (party, key, place);
CREATE INDEX ix_outbox_dossier_code ON outbox (dossier_code);
-- The queue: rows change often and stay shortly, so there is room for a change beside the row, and cleaning is eager.
CREATE TABLE outbox_open PARTITION OF outbox FOR VALUES IN (0) WITH (
    fillfactor = 60, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000
);
CREATE INDEX ix_outbox_open_place ON outbox_open (party, place);
CREATE TABLE outbox_other PARTITION OF outbox DEFAULT;

CREATE TABLE inbox_names (
    party text NOT NULL,
    kind text NOT NULL,
    external_id text NOT NULL,
    digest character(64) NOT NULL,
    inbox_id bigint NOT NULL,
    seen integer NOT NULL DEFAULT 1,
    CONSTRAINT pk_inbox_names PRIMARY KEY (party, kind, external_id, digest)
);

CREATE TABLE inbox (
    drawer integer NOT NULL DEFAULT 0,
    id bigint NOT NULL,
    party text NOT NULL,
    kind text NOT NULL,
    external_id text NOT NULL,
    digest character(64) NOT NULL,
    body_id bigint NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'kept',
    booked_at timestamptz,
    items_booked integer NOT NULL DEFAULT 0,
    items_set_aside integer NOT NULL DEFAULT 0,
    corrects bigint,
    CONSTRAINT pk_inbox PRIMARY KEY (drawer, id),
    CONSTRAINT ck_inbox_state CHECK (state IN ('kept', 'booked', 'set_aside'))
) PARTITION BY LIST (drawer);
CREATE INDEX ix_inbox_external_id ON inbox (party, external_id);
CREATE TABLE inbox_open PARTITION OF inbox FOR VALUES IN (0) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0
);
CREATE TABLE inbox_other PARTITION OF inbox DEFAULT;

CREATE TABLE lines (
    party text NOT NULL,
    breaker text NOT NULL DEFAULT 'closed',
    failures integer NOT NULL DEFAULT 0,
    openings integer NOT NULL DEFAULT 0,
    retry_at timestamptz,
    ramp integer,
    tokens double precision NOT NULL DEFAULT 0,
    tokens_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_lines PRIMARY KEY (party),
    CONSTRAINT ck_lines_breaker CHECK (breaker IN ('closed', 'open', 'half_open'))
);

CREATE TABLE couriers (
    worker text NOT NULL,
    party text NOT NULL,
    slots integer NOT NULL,
    leased_until timestamptz NOT NULL,
    CONSTRAINT pk_couriers PRIMARY KEY (worker)
);
CREATE INDEX ix_couriers_party ON couriers (party);

CREATE TABLE maintenance (
    id bigint GENERATED ALWAYS AS IDENTITY,
    party text NOT NULL,
    from_at timestamptz NOT NULL,
    until_at timestamptz,
    reason text NOT NULL,
    CONSTRAINT pk_maintenance PRIMARY KEY (id)
);
CREATE INDEX ix_maintenance_party ON maintenance (party);

CREATE TABLE tallies (
    party text NOT NULL,
    kind text NOT NULL,
    outcome text NOT NULL,
    bucket smallint NOT NULL,
    shard smallint NOT NULL,
    times bigint NOT NULL,
    taken_s numeric NOT NULL DEFAULT 0,
    CONSTRAINT pk_tallies PRIMARY KEY (party, kind, outcome, bucket, shard)
);

CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL DEFAULT '',
    CONSTRAINT pk_audit_log PRIMARY KEY (id)
);
CREATE INDEX ix_audit_log_at ON audit_log (at);
CREATE TRIGGER audit_log_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

# Every row moves, under new numbers: outbox and inbox share one sequence now, and a body's number holds its drawer.
MOVED = """
CREATE TEMPORARY TABLE moved ON COMMIT DROP AS SELECT coalesce((SELECT max(id) FROM old_outbox), 0) AS outboxes;
SELECT setval('exchange_seq', greatest(1,
    (SELECT outboxes FROM moved) + coalesce((SELECT max(id) FROM old_inbox), 0)
    + coalesce((SELECT max(id) FROM old_kept_bodies), 0) + coalesce((SELECT max(id) FROM old_outbox), 0)));

INSERT INTO kept_bodies (id, digest, content_type, sealed, kept_at)
SELECT drawer_of(24, kept_at)::bigint << 40 | id, digest, content_type, sealed, kept_at FROM old_kept_bodies;

-- A message's bytes lay in its row; they get numbers beyond every old one. Only its seal is at hand here to digest.
INSERT INTO kept_bodies (id, digest, content_type, sealed, kept_at)
SELECT drawer_of(24, published_at)::bigint << 40 | (id + (SELECT coalesce(max(id), 0) FROM old_kept_bodies)),
    encode(sha256(message), 'hex'), 'application/vnd.truc.message+json', message, published_at
FROM old_outbox;

INSERT INTO outbox_names (party, operation, external_id, outbox_id)
SELECT party, operation, external_id, id FROM old_outbox;

INSERT INTO outbox (drawer, id, place, party, operation, key, external_id, dossier_code, message_id, state, attempts,
    asks, not_before, leased_by, leased_until, published_at, sending_at, finished_at, body_id, receipt_id,
    partner_reference, reason, reason_text)
SELECT CASE WHEN state IN ('sent', 'superseded') THEN drawer_of(120, coalesce(finished_at, published_at)) ELSE 0 END,
    one.id, one.id, party, operation, key, external_id, '',
    drawer_of(24, published_at)::bigint << 40 | (one.id + (SELECT coalesce(max(id), 0) FROM old_kept_bodies)),
    state, attempts, asks, not_before, leased_by, leased_until, published_at, sending_at, finished_at,
    (SELECT drawer_of(24, kept_at)::bigint << 40 | body.id FROM old_kept_bodies AS body WHERE body.id = one.body_id),
    (SELECT drawer_of(24, kept_at)::bigint << 40 | body.id FROM old_kept_bodies AS body WHERE body.id = one.receipt_id),
    partner_reference, reason, reason_text
FROM old_outbox AS one;

INSERT INTO inbox_names (party, kind, external_id, digest, inbox_id, seen)
SELECT party, kind, external_id, digest, id + (SELECT outboxes FROM moved), seen FROM old_inbox;

INSERT INTO inbox (drawer, id, party, kind, external_id, digest, body_id, received_at, state, booked_at, items_booked,
    items_set_aside)
SELECT CASE state WHEN 'kept' THEN 0 ELSE drawer_of(120, received_at) END, one.id + (SELECT outboxes FROM moved),
    party, kind, external_id, digest,
    (SELECT drawer_of(24, kept_at)::bigint << 40 | body.id FROM old_kept_bodies AS body WHERE body.id = one.body_id),
    received_at, state, booked_at, items_booked, items_set_aside
FROM old_inbox AS one;

UPDATE statements SET inbox_id = inbox_id + (SELECT outboxes FROM moved);
UPDATE set_aside SET inbox_id = inbox_id + (SELECT outboxes FROM moved) WHERE inbox_id IS NOT NULL;
DROP TABLE old_outbox, old_inbox, old_kept_bodies;
"""

# What was kept cannot go back into one row each: that way leads over a backup. An empty exchange can.
CLOSED = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM outbox_names) OR EXISTS (SELECT FROM inbox_names) OR EXISTS (SELECT FROM audit_log) THEN
        RAISE EXCEPTION 'the exchange holds messages: restore a backup instead of going down';
    END IF;
END $$;
DROP TABLE audit_log, tallies, maintenance, couriers, lines, inbox, inbox_names, outbox, outbox_names, kept_bodies;
DROP FUNCTION new_body_id(integer);
DROP FUNCTION drawer_of(integer, timestamptz);
DROP SEQUENCE exchange_seq;

CREATE TABLE kept_bodies (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_kept_bodies PRIMARY KEY,
    digest character(64) NOT NULL,
    content_type text NOT NULL,
    sealed bytea NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_outbox PRIMARY KEY,
    party text NOT NULL,
    operation text NOT NULL,
    key text NOT NULL,
    external_id text NOT NULL,
    message bytea NOT NULL,
    state text NOT NULL DEFAULT 'waiting',
    attempts integer NOT NULL DEFAULT 0,
    asks integer NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT now(),
    leased_by text,
    leased_until timestamptz,
    published_at timestamptz NOT NULL DEFAULT now(),
    sending_at timestamptz,
    finished_at timestamptz,
    body_id bigint CONSTRAINT fk_outbox_body_id REFERENCES kept_bodies,
    receipt_id bigint CONSTRAINT fk_outbox_receipt_id REFERENCES kept_bodies,
    partner_reference text,
    reason text,
    reason_text text,
    CONSTRAINT uq_outbox_party_operation_external_id UNIQUE (party, operation, external_id),
    CONSTRAINT ck_outbox_state
        CHECK (state IN ('waiting', 'sending', 'sent', 'refused', 'unknown', 'superseded', 'set_aside'))
);
CREATE INDEX ix_outbox_open ON outbox (party, id) WHERE state IN ('waiting', 'unknown', 'sending');
CREATE INDEX ix_outbox_held ON outbox (party, key, id) WHERE state NOT IN ('sent', 'superseded');
CREATE TABLE inbox (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_inbox PRIMARY KEY,
    party text NOT NULL,
    kind text NOT NULL,
    external_id text NOT NULL,
    digest character(64) NOT NULL,
    body_id bigint NOT NULL CONSTRAINT fk_inbox_body_id REFERENCES kept_bodies,
    received_at timestamptz NOT NULL DEFAULT now(),
    seen integer NOT NULL DEFAULT 1,
    state text NOT NULL DEFAULT 'kept',
    booked_at timestamptz,
    items_booked integer NOT NULL DEFAULT 0,
    items_set_aside integer NOT NULL DEFAULT 0,
    CONSTRAINT uq_inbox_party_kind_external_id_digest UNIQUE (party, kind, external_id, digest),
    CONSTRAINT ck_inbox_state CHECK (state IN ('kept', 'booked', 'set_aside'))
);
CREATE INDEX ix_inbox_open ON inbox (party, id) WHERE state = 'kept';
DROP INDEX ix_set_aside_open, ix_set_aside_outbox_id;
ALTER TABLE set_aside DROP COLUMN resolved_at, DROP COLUMN resolved_how;
ALTER TABLE set_aside ADD CONSTRAINT fk_set_aside_inbox_id FOREIGN KEY (inbox_id) REFERENCES inbox;
ALTER TABLE set_aside ADD CONSTRAINT fk_set_aside_outbox_id FOREIGN KEY (outbox_id) REFERENCES outbox;
ALTER TABLE statements ADD CONSTRAINT fk_statements_inbox_id FOREIGN KEY (inbox_id) REFERENCES inbox;
"""


def upgrade() -> None:
    """Go up: every message, name and byte moves along."""
    op.execute(text(OPENED))
    op.execute(text(MOVED))


def downgrade() -> None:
    """Go back, which only an exchange without messages can."""
    op.execute(text(CLOSED))
