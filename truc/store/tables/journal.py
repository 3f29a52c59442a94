"""Tables of the journal: what was decided on every exchange, numbered, chained, and closed by the day.

`journal` is never partitioned away, so its rows are small: hashes are bytes, and no index stands beside the key.
"""

from sqlalchemy import BigInteger, Column, Date, Identity, LargeBinary, PrimaryKeyConstraint, Table, Text

from truc.store.tables.base import INSTANT, METADATA, VND

# Receipts without a number: what couriers write. The chainer takes them out.
JOURNAL_PENDING = Table(
    "journal_pending",
    METADATA,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("exchange_id", BigInteger, nullable=False),
    Column("at", INSTANT, nullable=False),
    Column("amount_vnd", VND),
    Column("channel", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("digest_out", LargeBinary),
    Column("digest_in", LargeBinary),
    Column("handler", LargeBinary, nullable=False),  # the three digests of truc.exchange.journal.handlers, one by one
    PrimaryKeyConstraint("channel", "id"),
)

JOURNAL = Table(
    "journal",
    METADATA,
    Column("number", BigInteger, nullable=False),  # dense from 1 in its channel
    Column("exchange_id", BigInteger, nullable=False),  # outbox.id or inbox.id
    Column("at", INSTANT, nullable=False),  # when it was decided
    Column("amount_vnd", VND),
    Column("channel", Text, nullable=False),  # party/kind/direction
    Column("key", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("digest_out", LargeBinary),  # SHA-256 of the bytes that left
    Column("digest_in", LargeBinary),  # SHA-256 of the bytes that came
    Column("handled_by", LargeBinary, nullable=False),  # names a row of journal_handlers
    Column("previous", LargeBinary, nullable=False),  # the hash of the entry before
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("channel", "number"),
)

JOURNAL_HANDLERS = Table(
    "journal_handlers",
    METADATA,
    Column("handled_by", LargeBinary, primary_key=True),  # SHA-256 over the three
    Column("mapping_digest", LargeBinary, nullable=False),
    Column("schema_digest", LargeBinary, nullable=False),
    Column("connector_digest", LargeBinary, nullable=False),
)

JOURNAL_CLOSES = Table(
    "journal_closes",
    METADATA,
    Column("channel", Text, nullable=False),
    Column("day", Date, nullable=False),  # in Asia/Ho_Chi_Minh
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("sum_vnd", VND, nullable=False),
    Column("root", LargeBinary, nullable=False),  # the hash of the last entry
    Column("previous", LargeBinary, nullable=False),  # the hash of the close before
    Column("key_id", LargeBinary, nullable=False),  # SHA-256 of the public key
    Column("signature", LargeBinary, nullable=False),
    PrimaryKeyConstraint("channel", "day"),
)

# A time-stamp comes after its close, from an authority that may be away: closes are only ever added to.
JOURNAL_STAMPS = Table(
    "journal_stamps",
    METADATA,
    Column("channel", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("stamp", LargeBinary, nullable=False),  # the authority's whole answer, RFC 3161 TimeStampResp
    PrimaryKeyConstraint("channel", "day"),
)

# Exchanges up to this number are older than the journal: they need no entry. One row.
JOURNAL_STARTS = Table(
    "journal_starts",
    METADATA,
    Column("exchange_id", BigInteger, primary_key=True, autoincrement=False),
)
