"""Table of customers. Everything that names a person is sealed; the identifier can be looked up by its blind index."""

from sqlalchemy import CHAR, CheckConstraint, Column, LargeBinary, Table, Text, text

from truc.store.tables.base import INSTANT, METADATA, identity

CUSTOMERS = Table(
    "customers",
    METADATA,
    identity(),
    Column("kind", Text, nullable=False),
    Column("identifier_index", CHAR(64), unique=True),
    Column("identifier_sealed", LargeBinary),
    Column("name_sealed", LargeBinary, nullable=False),
    Column("phone_sealed", LargeBinary),
    Column("email_sealed", LargeBinary),
    Column("address_sealed", LargeBinary),
    Column("province_code", Text),
    Column("created_at", INSTANT, nullable=False, server_default=text("now()")),
    CheckConstraint("kind IN ('person', 'organisation')", name="kind"),
)
