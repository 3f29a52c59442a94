"""The outbox: messages written in the transaction of the store change that caused them.

    waiting ──claim──▶ sending ──▶ sent
       ▲                  │  ├───▶ refused       (the partner said no: a person decides)
       │ nothing happened │  └───▶ unknown ──ask──▶ sent | waiting | set_aside
       └──────────────────┘
    set_aside: cannot be written, or no more tries left
    superseded: a newer message, or a correction, took its place

`refused` and `set_aside` hold the later messages of their key (unless the operation is latest-wins); other keys
go on. What becomes of a message is written in truc.exchange.claims and truc.exchange.outcomes; docs/exchange.md has
the rules.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy import text

from truc import parties, tracing
from truc.envelope import digest_of
from truc.errors import MalformedError
from truc.manifest import Event, Operation
from truc.messages import (
    DossierReceived,
    NoticeDue,
    Outbound,
    PaymentRequested,
    PostalCancelled,
    PostalRequested,
    RefundRequested,
    RemittanceOrdered,
    StatusChanged,
)
from truc.store.opened import Transaction

CONTEXT = "outbox.message"
CONTENT_TYPE = "application/vnd.truc.message+json"
WOKEN = "truc_outbox"  # the channel that a commit with new work notifies; the payload is `party/operation`
MESSAGES: dict[Event, type[Outbound]] = {
    Event.DOSSIER_RECEIVED: DossierReceived,
    Event.STATUS_CHANGED: StatusChanged,
    Event.POSTAL_REQUESTED: PostalRequested,
    Event.POSTAL_CANCELLED: PostalCancelled,
    Event.PAYMENT_REQUESTED: PaymentRequested,
    Event.REFUND_REQUESTED: RefundRequested,
    Event.REMITTANCE_ORDERED: RemittanceOrdered,
    Event.NOTICE_DUE: NoticeDue,
}

# One round trip: names that are new get a row each, and their message is kept once however many parties it goes to.
_PUBLISH = """
WITH given AS MATERIALIZED (
    SELECT nextval('exchange_seq') AS id, one.*
    FROM unnest(CAST(%(parties)s AS text[]), CAST(%(operations)s AS text[]), CAST(%(keys)s AS text[]),
                CAST(%(external_ids)s AS text[]), CAST(%(messages)s AS integer[]),
                CAST(%(not_before)s AS timestamptz[]))
        AS one(party, operation, key, external_id, message, not_before)
), named AS (
    INSERT INTO outbox_names (party, operation, external_id, outbox_id)
    SELECT party, operation, external_id, id FROM given ORDER BY party, operation, external_id
    ON CONFLICT DO NOTHING
    RETURNING outbox_id
), kept AS MATERIALIZED (
    SELECT new_body_id(one.months) AS id, one.*
    FROM unnest(CAST(%(sealed)s AS bytea[]), CAST(%(digests)s AS text[]), CAST(%(months)s AS integer[]),
                CAST(%(dossiers)s AS text[]), CAST(%(amounts)s AS bigint[]))
        WITH ORDINALITY AS one(sealed, digest, months, dossier_code, amount_vnd, number)
    WHERE EXISTS (SELECT FROM given JOIN named ON named.outbox_id = given.id WHERE given.message = one.number)
), bodies AS (
    INSERT INTO kept_bodies (id, digest, content_type, sealed)
    SELECT id, digest, %(content_type)s, sealed FROM kept
), new AS (
    INSERT INTO outbox (id, place, party, operation, key, external_id, dossier_code, amount_vnd, message_id, trace,
        not_before)
    SELECT given.id, given.id, given.party, given.operation, given.key, given.external_id, kept.dossier_code,
        kept.amount_vnd, kept.id, CAST(%(trace)s AS text), coalesce(given.not_before, now())
    FROM given JOIN named ON named.outbox_id = given.id JOIN kept ON kept.number = given.message
    ORDER BY given.id
    RETURNING party, operation
)
SELECT count(*) AS times, pg_notify(%(woken)s, party || '/' || operation) FROM new GROUP BY party, operation
"""

_WAKE = text("SELECT pg_notify(:woken, :party || '/' || name) FROM unnest(CAST(:operations AS text[])) AS name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One message to publish: to every party that declared an operation for `event`, or to `only`.

    It waits until `not_before`, where that is given; the sweep of the party's pipeline finds it then.
    """

    event: Event
    message: Outbound
    key: str
    external_id: str
    only: str = ""
    not_before: datetime | None = None


def publish(
    transaction: Transaction,
    event: Event,
    message: Outbound,
    *,
    key: str,
    external_id: str,
    only: str = "",
    not_before: datetime | None = None,
) -> int:
    """Write the message to every party that declared an operation for `event` (or to `only`), once each.

    Return how many new messages wait. The same (party, operation, external_id) a second time is a no-op.
    """
    one = Publication(event=event, message=message, key=key, external_id=external_id, only=only, not_before=not_before)
    return publish_many(transaction, [one])


def publish_many(transaction: Transaction, given: Sequence[Publication]) -> int:
    """Publish all of them, in this order, in one statement; return how many new messages wait."""
    addressed = [
        (number, one, manifest.party, operation)
        for number, one in enumerate(given, start=1)
        for manifest in parties.manifests()
        for operation in manifest.operations
        if operation.event is one.event and _is_for(one, manifest.party, operation)
    ]
    if not addressed:
        return 0
    months = dict.fromkeys(range(1, len(given) + 1), 0)
    for number, _, _, operation in addressed:
        months[number] = max(months[number], operation.retention.bodies_months)
    written = [one.message.model_dump_json().encode() for one in given]
    values = {
        "parties": [party for _, _, party, _ in addressed],
        "operations": [operation.name for *_, operation in addressed],
        "keys": [one.key for _, one, _, _ in addressed],
        "external_ids": [one.external_id for _, one, _, _ in addressed],
        "messages": [number for number, *_ in addressed],
        "not_before": [one.not_before for _, one, _, _ in addressed],
        "sealed": [transaction.sealer.seal(one, context=CONTEXT) for one in written],
        "digests": [digest_of(one) for one in written],
        "months": list(months.values()),
        "dossiers": [one.message.dossier_code for one in given],
        "amounts": [getattr(one.message, "amount_vnd", None) for one in given],
        "content_type": CONTENT_TYPE,
        "woken": WOKEN,
    }
    with tracing.span("publish", kind="producer", attributes={"truc.messages": len(given)}):
        values["trace"] = tracing.traceparent()
        return sum(row.times for row in transaction.sql.exec_driver_sql(_PUBLISH, values))


def _is_for(one: Publication, party: str, operation: Operation) -> bool:
    return one.only == party or (one.only == "" and not operation.addressed)


def wake(transaction: Transaction, party: str) -> None:
    """Have the party's couriers look at each of its queues when this commits; nobody carries for one not declared."""
    if party in parties.names():
        operations = [operation.name for operation in parties.manifest(party).operations]
        transaction.sql.execute(_WAKE, {"woken": WOKEN, "party": party, "operations": operations})


def read_message(party: str, operation: str, written: bytes) -> Outbound:
    """Return the canonical message; raise MalformedError when the bytes are none for this operation."""
    model = MESSAGES[parties.manifest(party).operation(operation).event]
    try:
        return model.model_validate_json(written)
    except ValidationError as error:
        text = f"the stored message is no {model.__name__}: {error.error_count()} fields do not fit"
        raise MalformedError(text, reason="message_unreadable") from error
