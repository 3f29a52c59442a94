"""The gate before reconciliation: what a statement says of itself, which file is of which day, what was found."""

from alembic import op
from sqlalchemy import text

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# What a statement booked before this declared of itself was not kept; the gate says of it that it is not offered.
OPENED = """
ALTER TABLE statements
    ADD COLUMN count_declared integer,
    ADD COLUMN amount_declared_vnd bigint,
    ADD COLUMN opening_vnd bigint,
    ADD COLUMN closing_vnd bigint,
    ADD COLUMN moved_vnd bigint,
    ADD COLUMN sequence_first bigint,
    ADD COLUMN sequence_last bigint,
    ADD COLUMN end_marked boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT ck_statements_whole CHECK (count_declared = count AND amount_declared_vnd = amount_vnd),
    ADD CONSTRAINT ck_statements_balance CHECK (opening_vnd + moved_vnd = closing_vnd),
    ADD CONSTRAINT ck_statements_sequence CHECK (sequence_first <= sequence_last);
CREATE TABLE day_files (
    party text NOT NULL,
    business_on date NOT NULL,
    inbox_id bigint NOT NULL,
    CONSTRAINT pk_day_files PRIMARY KEY (party, business_on, inbox_id)
);
CREATE TABLE statement_gates (
    party text NOT NULL,
    business_on date NOT NULL,
    version integer NOT NULL,
    statement_id bigint CONSTRAINT fk_statement_gates_statement_id REFERENCES statements (id),
    state text NOT NULL,
    reason text NOT NULL,
    reason_text text NOT NULL,
    checks jsonb NOT NULL,
    judged_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_statement_gates PRIMARY KEY (party, business_on, version),
    CONSTRAINT ck_statement_gates_state CHECK (state IN ('open', 'waits') AND (state = 'open') = (reason = '')),
    CONSTRAINT ck_statement_gates_version CHECK ((version = 0) = (statement_id IS NULL))
);
"""

CLOSED = """
DROP TABLE statement_gates;
DROP TABLE day_files;
ALTER TABLE statements DROP CONSTRAINT ck_statements_whole, DROP CONSTRAINT ck_statements_balance,
    DROP CONSTRAINT ck_statements_sequence,
    DROP COLUMN count_declared, DROP COLUMN amount_declared_vnd, DROP COLUMN opening_vnd, DROP COLUMN closing_vnd,
    DROP COLUMN moved_vnd, DROP COLUMN sequence_first, DROP COLUMN sequence_last, DROP COLUMN end_marked;
"""


def upgrade() -> None:
    """Go up."""
    op.execute(text(OPENED))


def downgrade() -> None:
    """Go back."""
    op.execute(text(CLOSED))
