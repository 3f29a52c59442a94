"""The core stores."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The national statuses and the allowed moves as they stand when this migration is written; a test holds
# them against truc.domain.status, and a change there is a migration of its own.
STATUSES = {
    1: "Mới đăng ký",
    2: "Được tiếp nhận",
    3: "Không được tiếp nhận",
    4: "Đang xử lý",
    5: "Yêu cầu bổ sung giấy tờ",
    6: "Yêu cầu thực hiện nghĩa vụ tài chính",
    7: "Công dân yêu cầu rút hồ sơ",
    8: "Dừng xử lý",
    9: "Đã xử lý xong",
    10: "Đã trả kết quả",
}
MOVES = {1: (2, 3, 7), 2: (4, 5, 6, 7, 8, 9), 4: (5, 6, 7, 8, 9), 5: (4, 7, 8), 6: (4, 7, 8, 9), 9: (10,)}

# An entry must balance when its transaction commits, and money once booked is never changed or taken away:
# a mistake is corrected by another entry.
LEDGER_RULES = """
CREATE FUNCTION ledger_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked bigint;
    total numeric;
    lines integer;
BEGIN
    -- Not one CASE: an expression may only name columns its row has, and the rows differ.
    IF TG_TABLE_NAME = 'ledger_entries' THEN
        checked := NEW.id;
    ELSE
        checked := NEW.entry_id;
    END IF;
    SELECT coalesce(sum(amount_vnd), 0), count(*) INTO total, lines FROM ledger_lines WHERE entry_id = checked;
    IF lines < 2 OR total <> 0 THEN
        RAISE EXCEPTION 'ledger entry % does not balance: % lines, sum %', checked, lines, total
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_balances';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_entries_balance AFTER INSERT ON ledger_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_balances();
CREATE CONSTRAINT TRIGGER ledger_lines_balance AFTER INSERT ON ledger_lines
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_balances();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_entries_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_lines_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_lines
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER receipts_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON receipts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER dossier_history_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON dossier_history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    """Go up."""
    op.create_table(
        "key_fingerprints",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.CHAR(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_key_fingerprints")),
    )
    op.create_table(
        "agencies",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("old_code", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("parent_code", sa.Text(), nullable=True),
        sa.Column("area_code", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("successor_code", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["parent_code"], ["agencies.code"], name=op.f("fk_agencies_parent_code")),
        sa.ForeignKeyConstraint(["successor_code"], ["agencies.code"], name=op.f("fk_agencies_successor_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_agencies")),
    )
    op.create_table(
        "cursors",
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("party", "feed", name=op.f("pk_cursors")),
    )
    op.create_table(
        "customers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("identifier_index", sa.CHAR(length=64), nullable=True),
        sa.Column("identifier_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("email_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("province_code", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('person', 'organisation')", name=op.f("ck_customers_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("identifier_index", name=op.f("uq_customers_identifier_index")),
    )
    op.create_table(
        "dossier_statuses",
        sa.Column("status", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("status", name=op.f("pk_dossier_statuses")),
    )
    op.create_table(
        "kept_bodies",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("digest", sa.CHAR(length=64), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_bodies")),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("business_on", sa.Date(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entries")),
        sa.UniqueConstraint("reference", name=op.f("uq_ledger_entries_reference")),
    )
    op.create_table(
        "procedures",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_procedures")),
    )
    op.create_table(
        "receipt_series",
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.CheckConstraint("last BETWEEN 0 AND 99999999", name=op.f("ck_receipt_series_eight_digits")),
        sa.PrimaryKeyConstraint("series", "year", name=op.f("pk_receipt_series")),
    )
    op.create_table(
        "swapped_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("working", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_swapped_days")),
    )
    op.create_table(
        "dossier_moves",
        sa.Column("from_status", sa.SmallInteger(), nullable=False),
        sa.Column("to_status", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["from_status"], ["dossier_statuses.status"], name=op.f("fk_dossier_moves_from_status")
        ),
        sa.ForeignKeyConstraint(["to_status"], ["dossier_statuses.status"], name=op.f("fk_dossier_moves_to_status")),
        sa.PrimaryKeyConstraint("from_status", "to_status", name=op.f("pk_dossier_moves")),
    )
    op.create_table(
        "dossier_serials",
        sa.Column("agency_code", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agency_code"], ["agencies.code"], name=op.f("fk_dossier_serials_agency_code")),
        sa.PrimaryKeyConstraint("agency_code", "day", name=op.f("pk_dossier_serials")),
    )
    op.create_table(
        "inbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.CHAR(length=64), nullable=False),
        sa.Column("body_id", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("seen", sa.Integer(), server_default="1", nullable=False),
        sa.Column("state", sa.Text(), server_default="kept", nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("items_booked", sa.Integer(), server_default="0", nullable=False),
        sa.Column("items_set_aside", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("state IN ('kept', 'booked', 'set_aside')", name=op.f("ck_inbox_state")),
        sa.ForeignKeyConstraint(["body_id"], ["kept_bodies.id"], name=op.f("fk_inbox_body_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint(
            "party", "kind", "external_id", "digest", name=op.f("uq_inbox_party_kind_external_id_digest")
        ),
    )
    op.create_index("ix_inbox_open", "inbox", ["party", "id"], unique=False, postgresql_where=sa.text("state = 'kept'"))
    op.create_table(
        "ledger_lines",
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_vnd <> 0", name=op.f("ck_ledger_lines_amount")),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entries.id"], name=op.f("fk_ledger_lines_entry_id")),
        sa.PrimaryKeyConstraint("entry_id", "line", name=op.f("pk_ledger_lines")),
    )
    op.create_index(op.f("ix_ledger_lines_account"), "ledger_lines", ["account"], unique=False)
    op.create_table(
        "officers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("agency_code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["agency_code"], ["agencies.code"], name=op.f("fk_officers_agency_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_officers")),
        sa.UniqueConstraint(
            "agency_code", "name", "title", "department", name=op.f("uq_officers_agency_code_name_title_department")
        ),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("asks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("leased_by", sa.Text(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sending_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("body_id", sa.BigInteger(), nullable=True),
        sa.Column("receipt_id", sa.BigInteger(), nullable=True),
        sa.Column("partner_reference", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("reason_text", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'refused', 'unknown', 'superseded', 'set_aside')",
            name=op.f("ck_outbox_state"),
        ),
        sa.ForeignKeyConstraint(["body_id"], ["kept_bodies.id"], name=op.f("fk_outbox_body_id")),
        sa.ForeignKeyConstraint(["receipt_id"], ["kept_bodies.id"], name=op.f("fk_outbox_receipt_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("party", "operation", "external_id", name=op.f("uq_outbox_party_operation_external_id")),
    )
    op.create_index(
        "ix_outbox_held",
        "outbox",
        ["party", "key", "id"],
        unique=False,
        postgresql_where=sa.text("state NOT IN ('sent', 'superseded')"),
    )
    op.create_index(
        "ix_outbox_open",
        "outbox",
        ["party", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('waiting', 'unknown', 'sending')"),
    )
    op.create_table(
        "procedure_versions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("procedure_key", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("digest", sa.CHAR(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("field_code", sa.Text(), nullable=False),
        sa.Column("field_name", sa.Text(), nullable=False),
        sa.Column("agency_level", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("documents", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["procedure_key"], ["procedures.key"], name=op.f("fk_procedure_versions_procedure_key")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_procedure_versions")),
        sa.UniqueConstraint("procedure_key", "version", name=op.f("uq_procedure_versions_procedure_key_version")),
    )
    op.create_table(
        "dossiers",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_reference", sa.Text(), nullable=False),
        sa.Column("portal_code", sa.Text(), nullable=True),
        sa.Column("procedure_version_id", sa.BigInteger(), nullable=False),
        sa.Column("agency_code", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("applicant_id", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fee_vnd", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("status_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wants_postal_return", sa.Boolean(), nullable=False),
        sa.Column("wants_sms", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("channel IN ('counter', 'online', 'post')", name=op.f("ck_dossiers_channel")),
        sa.CheckConstraint("fee_vnd >= 0", name=op.f("ck_dossiers_fee")),
        sa.ForeignKeyConstraint(["agency_code"], ["agencies.code"], name=op.f("fk_dossiers_agency_code")),
        sa.ForeignKeyConstraint(["applicant_id"], ["customers.id"], name=op.f("fk_dossiers_applicant_id")),
        sa.ForeignKeyConstraint(
            ["procedure_version_id"], ["procedure_versions.id"], name=op.f("fk_dossiers_procedure_version_id")
        ),
        sa.ForeignKeyConstraint(["status"], ["dossier_statuses.status"], name=op.f("fk_dossiers_status")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_dossiers")),
        sa.UniqueConstraint("portal_code", name=op.f("uq_dossiers_portal_code")),
        sa.UniqueConstraint("source", "source_reference", name=op.f("uq_dossiers_source_source_reference")),
    )
    op.create_index(op.f("ix_dossiers_received_at"), "dossiers", ["received_at"], unique=False)
    op.create_table(
        "procedure_channels",
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("time_limit", sa.Integer(), nullable=True),
        sa.Column("time_limit_unit", sa.Text(), nullable=True),
        sa.Column("time_limit_wording", sa.Text(), nullable=False),
        sa.Column("time_limit_reason", sa.Text(), nullable=False),
        sa.Column("fee_wording", sa.Text(), nullable=False),
        sa.Column("fee_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["procedure_versions.id"], name=op.f("fk_procedure_channels_version_id")
        ),
        sa.PrimaryKeyConstraint("version_id", "channel", name=op.f("pk_procedure_channels")),
    )
    op.create_table(
        "set_aside",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=True),
        sa.Column("outbox_id", sa.BigInteger(), nullable=True),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.CheckConstraint("state IN ('open', 'resolved')", name=op.f("ck_set_aside_state")),
        sa.CheckConstraint("num_nonnulls(inbox_id, outbox_id) = 1", name=op.f("ck_set_aside_one_origin")),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_set_aside_inbox_id")),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_set_aside_outbox_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_set_aside")),
        sa.UniqueConstraint("inbox_id", "item", "reason", name=op.f("uq_set_aside_inbox_id_item_reason")),
    )
    op.create_table(
        "statements",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("business_on", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.CHAR(length=64), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_statements_inbox_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statements")),
        sa.UniqueConstraint("party", "business_on", "digest", name=op.f("uq_statements_party_business_on_digest")),
        sa.UniqueConstraint("party", "business_on", "version", name=op.f("uq_statements_party_business_on_version")),
    )
    op.create_table(
        "dossier_history",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("dossier_code", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("from_status", sa.SmallInteger(), nullable=True),
        sa.Column("to_status", sa.SmallInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("officer_id", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["dossier_code"], ["dossiers.code"], name=op.f("fk_dossier_history_dossier_code")),
        sa.ForeignKeyConstraint(
            ["from_status", "to_status"],
            ["dossier_moves.from_status", "dossier_moves.to_status"],
            name=op.f("fk_dossier_history_from_status_to_status"),
        ),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name=op.f("fk_dossier_history_officer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dossier_history")),
        sa.ForeignKeyConstraint(["to_status"], ["dossier_statuses.status"], name=op.f("fk_dossier_history_to_status")),
        sa.UniqueConstraint("dossier_code", "number", name=op.f("uq_dossier_history_dossier_code_number")),
        sa.CheckConstraint("(from_status IS NULL) = (number = 1)", name=op.f("ck_dossier_history_first_row")),
    )
    op.create_table(
        "payments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("our_reference", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_reference", sa.Text(), nullable=False),
        sa.Column("dossier_code", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("partner_reference", sa.Text(), nullable=True),
        sa.Column("pay_url", sa.Text(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("business_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "(state = 'paid') <= (paid_at IS NOT NULL AND business_on IS NOT NULL)", name=op.f("ck_payments_paid_when")
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'paid', 'failed', 'expired', 'refunded')", name=op.f("ck_payments_state")
        ),
        sa.CheckConstraint("amount_vnd > 0", name=op.f("ck_payments_amount")),
        sa.ForeignKeyConstraint(["dossier_code"], ["dossiers.code"], name=op.f("fk_payments_dossier_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("our_reference", name=op.f("uq_payments_our_reference")),
        sa.UniqueConstraint("source", "source_reference", name=op.f("uq_payments_source_source_reference")),
    )
    op.create_index(op.f("ix_payments_party_business_on"), "payments", ["party", "business_on"], unique=False)
    op.create_table(
        "procedure_fees",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("per", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id", "channel"],
            ["procedure_channels.version_id", "procedure_channels.channel"],
            name=op.f("fk_procedure_fees_version_id_channel"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_procedure_fees")),
    )
    op.create_table(
        "reconciliation_runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("business_on", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("statement_id", sa.BigInteger(), nullable=False),
        sa.Column("input_digest", sa.CHAR(length=64), nullable=False),
        sa.Column("core_count", sa.Integer(), nullable=False),
        sa.Column("core_vnd", sa.BigInteger(), nullable=False),
        sa.Column("partner_count", sa.Integer(), nullable=False),
        sa.Column("partner_vnd", sa.BigInteger(), nullable=False),
        sa.Column("matched_count", sa.Integer(), nullable=False),
        sa.Column("matched_vnd", sa.BigInteger(), nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["statement_id"], ["statements.id"], name=op.f("fk_reconciliation_runs_statement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_runs")),
        sa.UniqueConstraint(
            "party", "business_on", "version", name=op.f("uq_reconciliation_runs_party_business_on_version")
        ),
    )
    op.create_table(
        "results",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("dossier_code", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["dossier_code"], ["dossiers.code"], name=op.f("fk_results_dossier_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_results")),
        sa.UniqueConstraint("dossier_code", "number", name=op.f("uq_results_dossier_code_number")),
    )
    op.create_table(
        "shipments",
        sa.Column("order_number", sa.Text(), nullable=False),
        sa.Column("dossier_code", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("fee_vnd", sa.BigInteger(), nullable=False),
        sa.Column("tracking_code", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("direction IN ('collect', 'return')", name=op.f("ck_shipments_direction")),
        sa.ForeignKeyConstraint(["dossier_code"], ["dossiers.code"], name=op.f("fk_shipments_dossier_code")),
        sa.PrimaryKeyConstraint("order_number", name=op.f("pk_shipments")),
    )
    op.create_table(
        "statement_lines",
        sa.Column("statement_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("our_reference", sa.Text(), nullable=False),
        sa.Column("partner_reference", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("fee_vnd", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["statement_id"], ["statements.id"], name=op.f("fk_statement_lines_statement_id")),
        sa.PrimaryKeyConstraint("statement_id", "line_no", name=op.f("pk_statement_lines")),
    )
    op.create_index(op.f("ix_statement_lines_our_reference"), "statement_lines", ["our_reference"], unique=False)
    op.create_table(
        "receipts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_receipts_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
        sa.UniqueConstraint("payment_id", name=op.f("uq_receipts_payment_id")),
        sa.UniqueConstraint("series", "year", "number", name=op.f("uq_receipts_series_year_number")),
    )
    op.create_table(
        "reconciliation_breaks",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("break_id", sa.CHAR(length=16), nullable=False),
        sa.Column("break_class", sa.Text(), nullable=False),
        sa.Column("our_reference", sa.Text(), nullable=False),
        sa.Column("partner_reference", sa.Text(), nullable=False),
        sa.Column("core_vnd", sa.BigInteger(), nullable=False),
        sa.Column("partner_vnd", sa.BigInteger(), nullable=False),
        sa.Column("difference_vnd", sa.BigInteger(), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=True),
        sa.Column("line_no", sa.Integer(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.CheckConstraint("difference_vnd = core_vnd - partner_vnd", name=op.f("ck_reconciliation_breaks_difference")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_reconciliation_breaks_payment_id")),
        sa.ForeignKeyConstraint(["run_id"], ["reconciliation_runs.id"], name=op.f("fk_reconciliation_breaks_run_id")),
        sa.PrimaryKeyConstraint("run_id", "break_id", name=op.f("pk_reconciliation_breaks")),
    )
    op.create_table(
        "reconciliation_matches",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_reconciliation_matches_payment_id")),
        sa.ForeignKeyConstraint(["run_id"], ["reconciliation_runs.id"], name=op.f("fk_reconciliation_matches_run_id")),
        sa.PrimaryKeyConstraint("run_id", "payment_id", name=op.f("pk_reconciliation_matches")),
        sa.UniqueConstraint("run_id", "line_no", name=op.f("uq_reconciliation_matches_run_id_line_no")),
    )
    op.create_table(
        "shipment_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_number", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("raw_status", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_number"], ["shipments.order_number"], name=op.f("fk_shipment_events_order_number")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipment_events")),
        sa.UniqueConstraint("event_id", name=op.f("uq_shipment_events_event_id")),
    )
    op.create_index(op.f("ix_shipment_events_order_number"), "shipment_events", ["order_number"], unique=False)
    op.execute(sa.schema.CreateSequence(sa.Sequence("payment_references")))
    statuses = sa.table("dossier_statuses", sa.column("status", sa.SmallInteger), sa.column("name", sa.Text))
    op.bulk_insert(statuses, [{"status": status, "name": name} for status, name in STATUSES.items()])
    moves = sa.table(
        "dossier_moves", sa.column("from_status", sa.SmallInteger), sa.column("to_status", sa.SmallInteger)
    )
    op.bulk_insert(
        moves, [{"from_status": before, "to_status": after} for before, afters in MOVES.items() for after in afters]
    )
    op.execute(LEDGER_RULES)


def downgrade() -> None:
    """Go back."""
    op.drop_index(op.f("ix_shipment_events_order_number"), table_name="shipment_events")
    op.drop_table("shipment_events")
    op.drop_table("reconciliation_matches")
    op.drop_table("reconciliation_breaks")
    op.drop_table("receipts")
    op.drop_index(op.f("ix_statement_lines_our_reference"), table_name="statement_lines")
    op.drop_table("statement_lines")
    op.drop_table("shipments")
    op.drop_table("results")
    op.drop_table("reconciliation_runs")
    op.drop_table("procedure_fees")
    op.drop_index(op.f("ix_payments_party_business_on"), table_name="payments")
    op.drop_table("payments")
    op.drop_table("dossier_history")
    op.drop_table("statements")
    op.drop_table("set_aside")
    op.drop_table("procedure_channels")
    op.drop_index(op.f("ix_dossiers_received_at"), table_name="dossiers")
    op.drop_table("dossiers")
    op.drop_table("procedure_versions")
    op.drop_index(
        "ix_outbox_open", table_name="outbox", postgresql_where=sa.text("state IN ('waiting', 'unknown', 'sending')")
    )
    op.drop_index(
        "ix_outbox_held", table_name="outbox", postgresql_where=sa.text("state NOT IN ('sent', 'superseded')")
    )
    op.drop_table("outbox")
    op.drop_table("officers")
    op.drop_index(op.f("ix_ledger_lines_account"), table_name="ledger_lines")
    op.drop_table("ledger_lines")
    op.drop_index("ix_inbox_open", table_name="inbox", postgresql_where=sa.text("state = 'kept'"))
    op.drop_table("inbox")
    op.drop_table("dossier_serials")
    op.drop_table("dossier_moves")
    op.drop_table("swapped_days")
    op.drop_table("receipt_series")
    op.drop_table("procedures")
    op.drop_table("ledger_entries")
    op.drop_table("kept_bodies")
    op.drop_table("dossier_statuses")
    op.drop_table("customers")
    op.drop_table("cursors")
    op.drop_table("agencies")
    op.drop_table("key_fingerprints")
    op.execute(sa.schema.DropSequence(sa.Sequence("payment_references")))
    op.execute("DROP FUNCTION ledger_entry_balances(); DROP FUNCTION refuse_change();")
