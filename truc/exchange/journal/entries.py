"""Notes what was decided on exchanges, in the transaction that decides: receipts that wait for their number."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Literal

from sqlalchemy import text

from truc.exchange.journal.handlers import handler
from truc.store.opened import Transaction

# One JSON text goes over, not an array for each column: to write arrays costs the client more than the rest together.
# now() stands in the statement: a default of the column would not follow a simulation's clock.
_NOTE = text(
    """
    INSERT INTO journal_pending (at, exchange_id, amount_vnd, channel, key, external_id, outcome, digest_out,
        digest_in, handler)
    SELECT now(), exchange_id, amount_vnd, party || '/' || kind || '/' || direction, key, external_id, outcome,
        decode(digest_out, 'hex'), decode(digest_in, 'hex'), decode(CAST(:handlers AS json) ->> party, 'hex')
    FROM json_to_recordset(CAST(:decisions AS json))
        AS one(exchange_id bigint, amount_vnd bigint, party text, kind text, direction text, key text,
               external_id text, outcome text, digest_out text, digest_in text)
    """
)
_written = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What became of one exchange. It holds no personal data: names, codes and digests only."""

    exchange_id: int  # outbox.id or inbox.id
    direction: Literal["out", "in"]
    party: str
    kind: str  # operation, feed or callback kind
    key: str  # "" where there is none
    external_id: str
    outcome: str  # sent, refused, set_aside, superseded, booked, …
    digest_out: str | None  # SHA-256 hex of the bytes that left us
    digest_in: str | None  # … that came to us: the receipt, or the incoming body
    amount_vnd: int | None


_FIELDS = tuple(one.name for one in fields(Decision))
_values = attrgetter(*_FIELDS)


def note(transaction: Transaction, decisions: Sequence[Decision]) -> None:
    """Note all decisions in one statement of the caller's transaction. Nothing is waited for, no lock is shared.

    Each is noted with the content of mapping, schema and connector of its party, as this process has it.
    """
    if not decisions:
        return
    values = [dict(zip(_FIELDS, _values(one), strict=True)) for one in decisions]
    handlers = {party: handler(party).hex() for party in {one.party for one in decisions}}
    transaction.sql.execute(_NOTE, {"decisions": _written(values), "handlers": _written(handlers)})
