"""Tables of shipments: parcels the post carries for citizens, and what it told of them."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text, text

from truc.store.tables.base import INSTANT, METADATA, VND, identity

# `asked` is how far our own asking came, `state` what that and the post's last word make (truc.domain.shipment_states).
# `requested_at` is when the citizen registered, `ordered_at` when the order went to the outbox. `party` is who carries
# it, NULL until it is ordered; `inquired_at` is when we last asked about it, at a party that is asked one by one;
# `cancels` counts the wishes that went to the post.
SHIPMENTS = Table(
    "shipments",
    METADATA,
    Column("order_number", Text, primary_key=True),
    Column("dossier_code", Text, ForeignKey("dossiers.code"), nullable=False, index=True),
    Column("direction", Text, nullable=False),
    Column("fee_vnd", VND, nullable=False),
    Column("tracking_code", Text),
    Column("state", Text, nullable=False),
    Column("state_at", INSTANT, nullable=False),
    Column("requested_at", INSTANT, nullable=False),
    Column("asked", Text, nullable=False),
    Column("ordered_at", INSTANT),
    Column("cancel_asked_at", INSTANT),
    Column("cancel_actor", Text, nullable=False, server_default=""),
    Column("cancel_reason", Text, nullable=False, server_default=""),
    Column("cancels", Integer, nullable=False, server_default="0"),
    Column("party", Text),
    Column("inquired_at", INSTANT),
    CheckConstraint("direction IN ('collect', 'return')", name="direction"),
    CheckConstraint(
        "asked IN ('created', 'requested', 'ordered', 'refused', 'cancelling', 'kept', 'cancelled')", name="asked"
    ),
    CheckConstraint(
        "state IN ('created', 'requested', 'ordered', 'refused', 'cancelling', 'collecting', 'in_transit',"
        " 'delivered', 'returned', 'failed', 'cancelled')",
        name="state",
    ),
    CheckConstraint("(asked IN ('cancelling', 'kept')) <= (cancel_asked_at IS NOT NULL)", name="cancel_asked"),
    # What the next look at the outbox may change.
    Index(None, "asked", postgresql_where=text("asked IN ('requested', 'refused', 'cancelling', 'kept')")),
    # What may be asked about.
    Index(
        None,
        "party",
        "inquired_at",
        postgresql_where=text("state IN ('ordered', 'cancelling', 'collecting', 'in_transit', 'failed')"),
    ),
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
