"""The journal's records as they are hashed and exported: the form that anybody can check without us.

A record's hash is SHA-256 over the UTF-8 bytes of one JSON array as RFC 8785 writes it (no spaces, non-ASCII
letters as they are): first the name of its form, then its fields in the order they stand here, without its own
hash. Hashes are lower-case hexadecimal digits, instants are UTC with six decimals (2026-03-04T02:00:00.000000Z),
an absent value is null.
"""

import hashlib
import json
from dataclasses import astuple, dataclass
from typing import NamedTuple

ENTRY_FORM = "truc.journal.entry.1"
CLOSE_FORM = "truc.journal.close.1"
ORIGIN = "0" * 64  # what the first record of a chain follows

_written = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Entry(NamedTuple):
    """One numbered receipt. A tuple: ten million of them pass through a check."""

    channel: str
    number: int
    at: str
    exchange_id: int
    key: str
    external_id: str
    outcome: str
    digest_out: str | None
    digest_in: str | None
    amount_vnd: int | None
    handled_by: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Close:
    """The close of one channel's day, with its signature and the time-stamp authority's answer (hexadecimal)."""

    channel: str
    day: str
    first: int
    last: int
    count: int
    sum_vnd: int
    root: str
    previous: str
    key_id: str
    signature: str
    stamp: str | None

    @property
    def signed(self) -> bytes:
        """The bytes that are signed and time-stamped."""
        return _written([CLOSE_FORM, *astuple(self)[:-2]]).encode()

    @property
    def hash(self) -> str:
        """SHA-256 of the signed bytes: what the next close names."""
        return hashlib.sha256(self.signed).hexdigest()


class Handler(NamedTuple):
    """The content of mapping, schema and connector that handled an exchange, by their digests."""

    handled_by: str
    mapping_digest: str
    schema_digest: str
    connector_digest: str


def hash_of(entry: Entry) -> str:
    """Return the hash that an entry of this content has, whatever it states itself."""
    return hashlib.sha256(_written([ENTRY_FORM, *entry[:-1]]).encode()).hexdigest()


def name_of(handler: Handler) -> str:
    """Return the name that a handler of these digests has: SHA-256 over their 96 bytes."""
    return hashlib.sha256(bytes.fromhex("".join(handler[1:]))).hexdigest()


def instant(column: str) -> str:
    """Return the SQL that writes a timestamptz column in the form that is hashed."""
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


ENTRY_COLUMNS = f"""
    channel, number, {instant("at")}, exchange_id, key, external_id, outcome, encode(digest_out, 'hex'),
    encode(digest_in, 'hex'), amount_vnd, encode(handled_by, 'hex'), encode(previous, 'hex'), encode(hash, 'hex')
"""
CLOSE_COLUMNS = """
    channel, day::text, first, last, count, sum_vnd, encode(root, 'hex'), encode(previous, 'hex'),
    encode(key_id, 'hex'), encode(signature, 'hex'), encode(stamp, 'hex')
"""
HANDLER_COLUMNS = """
    encode(handled_by, 'hex'), encode(mapping_digest, 'hex'), encode(schema_digest, 'hex'),
    encode(connector_digest, 'hex')
"""
