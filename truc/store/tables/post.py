"""Tables of shipments: parcels the post carries for citizens, and what it told of them."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Table, Text, text

from truc.store.tables.base import INSTANT, METADATA, VND, identity

SHIPMENTS = Table(
    "shipments",
    METADATA,
    Column("order_number", Text, primary_key=True),
    Column("dossier_code", Text, ForeignKey("dossiers.code"), nullable=False),
    Column("direction", Text, nullable=False),
    Column("fee_vnd", VND, nullable=False),
    Column("tracking_code", Text),
    Column("state", Text, nullable=False),
    Column("state_at", INSTANT, nullable=False),
    Column("requested_at", INSTANT, nullable=False),
    CheckConstraint("direction IN ('collect', 'return')", name="direction"),
)

SHIPMENT_EVENTS = Table(
    "shipment_events",
    METADATA,
    identity(),
    Column("order_number", Text, ForeignKey("shipments.order_number"), nullable=False, index=True),
    Column("event_id", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("raw_status", Text, nullable=False),
    Column("occurred_at", INSTANT, nullable=False),
    Column("recorded_at", INSTANT, nullable=False, server_default=text("now()")),
)
