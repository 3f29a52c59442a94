"""What Prometheus reads on /metrics: volumes and times of the exchange, ends of certificates, calls turned away.

No figure carries a name or an id. Of the exchange, everything is read from what is open now (drawer 0) and from the
tallies, which are kept as outcomes happen: what a reading costs does not grow with history. It takes a key of its own
(`metrics.key`): the gateway stands behind a proxy on the same machine, so that a caller from the loopback may be
anybody.
"""

import hmac
import logging
import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from truc import parties, secrets_file
from truc.errors import SetupError
from truc.exchange.tallies import BUCKETS_S
from truc.inbound.guard import REASONS, TurnedAway
from truc.manifest import Manifest
from truc.store.opened import Store, Transaction
from truc.trust import certificates, tls

log = logging.getLogger(__name__)

KEY_FILE = "metrics.key"
KEY = HTTPBearer(auto_error=False)
OPEN_STATES = ("waiting", "sending", "unknown", "refused", "set_aside")
BREAKER = {"closed": 0, "half_open": 1, "open": 2}
PENDING_MAX = 100_000
LE = (*(str(float(bound_s)) for bound_s in BUCKETS_S), "+Inf")

# One snapshot for all: a message that is sent meanwhile is not counted twice. A slow database costs a reading, no more.
BEGIN = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    "SET LOCAL statement_timeout = '5s'",
)
OUTBOX = text(
    """
    SELECT party, operation AS kind, state, count(*) AS times,
        CAST(extract(epoch FROM now() - min(published_at)) AS double precision) AS oldest_s
    FROM outbox WHERE drawer = 0 GROUP BY party, operation, state
    """
)
INBOX = text(
    """
    SELECT party, kind, count(*) AS times,
        CAST(extract(epoch FROM now() - min(received_at)) AS double precision) AS oldest_s
    FROM inbox WHERE drawer = 0 AND state = 'kept' GROUP BY party, kind
    """
)
SET_ASIDE = text(
    """
    SELECT party, kind, CASE WHEN outbox_id IS NULL THEN 'in' ELSE 'out' END AS direction, count(*) AS times
    FROM set_aside WHERE state = 'open' GROUP BY 1, 2, 3
    """
)
TALLIES = text(
    """
    SELECT party, kind, outcome, bucket, CAST(sum(times) AS bigint) AS times,
        CAST(sum(taken_s) AS double precision) AS taken_s
    FROM tallies GROUP BY party, kind, outcome, bucket
    """
)
LINES = text("SELECT party, breaker, failures FROM lines")
COURIERS = text(
    """
    SELECT party, count(*) AS workers, sum(slots) AS slots FROM couriers WHERE leased_until >= now() GROUP BY party
    """
)
PENDING = text("SELECT count(*) FROM (SELECT FROM journal_pending LIMIT :most) AS pending")


@dataclass(frozen=True, slots=True)
class ExchangeCollector(Collector):
    """Reads the store at each collection; SQLAlchemy's OperationalError when it does not answer in time."""

    store: Store

    def collect(self) -> Iterator[Metric]:
        """Yield every family. What a manifest declares is there from the first reading on, as 0."""
        with self.store.begin() as transaction:
            for statement in BEGIN:
                transaction.sql.execute(text(statement))
            yield from _outbox(transaction)
            yield from _set_aside(transaction)
            yield from _inbox(transaction)
            yield from _tallies(transaction)
            yield from _lines(transaction)
            yield from _couriers(transaction)
            yield _journal(transaction)


@dataclass(frozen=True, slots=True)
class CertificateCollector(Collector):
    """Reads the inventory and the connections at each collection; none of both is large, and neither is kept open."""

    folder: Path

    def collect(self) -> Iterator[Metric]:
        """Yield one family: nothing in it is no certificate, and no family is an inventory that cannot be read."""
        now = datetime.now(UTC)
        try:
            found, _ = certificates.state(self.folder, certificates.readable(parties.names()), now)
        except SetupError as error:
            log.error("metrics: certificates: %s", error)  # noqa: TRY400  (the text says all)
            return
        yield _gauge(
            "truc_certificate_expires_seconds",
            "Time until the party's first certificate for this use ends; below 0 when it has ended.",
            ("party", "use"),
            {(party, use): left for (party, use), left in certificates.soonest(found, now).items()},
        )


@dataclass(frozen=True, slots=True)
class TurnedAwayCollector(Collector):
    """Reads what this process of the gateway turned away without keeping it; a restart begins at 0."""

    turned_away: TurnedAway

    def collect(self) -> Iterator[Metric]:
        """Yield one family; the gateway's own reasons are there as 0 for every party that calls us."""
        times = {(one.party, reason): 0 for one in parties.manifests() if one.callbacks for reason in REASONS}
        found = CounterMetricFamily(
            "truc_gateway_calls_turned_away",
            "Partners' calls of which nothing was kept, since the gateway started.",
            labels=["party", "reason"],
        )
        for labels, count in sorted((times | dict(self.turned_away.times())).items()):
            found.add_metric(labels, count)
        yield found


@dataclass(frozen=True, slots=True)
class Collectors(Collector):
    """Several, read one after the other."""

    each: tuple[Collector, ...]

    def collect(self) -> Iterator[Metric]:
        """Yield the families of all."""
        for one in self.each:
            yield from one.collect()


def ensure_key(folder: Path) -> str:
    """Return the key that reads the metrics, making one (mode 0600) when there is none yet."""
    if not (folder / KEY_FILE).exists():
        secrets_file.create(folder, KEY_FILE, secrets.token_urlsafe(32))
    return secrets_file.read(folder, KEY_FILE)


def router(store: Store, folder: Path, turned_away: TurnedAway) -> APIRouter:
    """Return the route /metrics over this store and what this gateway turned away; `folder` holds the key."""
    ensure_key(folder)
    collector = Collectors(
        (ExchangeCollector(store), CertificateCollector(tls.folder()), TurnedAwayCollector(turned_away))
    )

    def reader(given: Annotated[HTTPAuthorizationCredentials | None, Depends(KEY)]) -> None:
        """401 without the key. It is read anew each time: a new one needs no restart."""
        known = secrets_file.read(folder, KEY_FILE)
        if given is None or not hmac.compare_digest(given.credentials.encode(), known.encode()):
            raise HTTPException(401, f"send {KEY_FILE} as `Authorization: Bearer KEY`", {"WWW-Authenticate": "Bearer"})

    api = APIRouter(dependencies=[Depends(reader)], include_in_schema=False)

    @api.get("/metrics")
    def metrics(request: Request) -> Response:
        """Answer in the form the reader asks for: Prometheus text, or OpenMetrics."""
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        try:
            return Response(encode(collector), media_type=content_type)
        except OperationalError as error:
            log.error("metrics: the store does not answer (%s)", type(error.orig).__name__)  # noqa: TRY400  (a traceback shows it)
            return Response(status_code=503)

    return api


def _outbox(transaction: Transaction) -> Iterator[Metric]:
    found = GaugeMetricFamily(
        "truc_exchange_open_messages",
        "Outgoing messages that are not done, by state.",
        labels=["party", "kind", "state"],
    )
    oldest = GaugeMetricFamily(
        "truc_exchange_oldest_waiting_seconds",
        "Age of the oldest waiting message; 0 when none waits.",
        labels=["party", "kind"],
    )
    rows = {(row.party, row.kind, row.state): row for row in transaction.sql.execute(OUTBOX)}
    for party, kind in sorted({*_operations(), *((party, kind) for party, kind, _ in rows)}):
        for state in OPEN_STATES:
            row = rows.get((party, kind, state))
            found.add_metric([party, kind, state], 0 if row is None else row.times)
            if state == "waiting":
                oldest.add_metric([party, kind], 0 if row is None else row.oldest_s)
    yield from (found, oldest)


def _set_aside(transaction: Transaction) -> Iterator[Metric]:
    values: dict[tuple[str, ...], int] = {(*one, "out"): 0 for one in _operations()}
    values |= {(*one, "in"): 0 for one in _incoming()}
    yield _gauge(
        "truc_exchange_set_aside_items",
        "Items that wait for a person, refused messages included.",
        ("party", "kind", "direction"),
        values | {(row.party, row.kind, row.direction): row.times for row in transaction.sql.execute(SET_ASIDE)},
    )


def _inbox(transaction: Transaction) -> Iterator[Metric]:
    rows = {(row.party, row.kind): row for row in transaction.sql.execute(INBOX)}
    none = dict.fromkeys(_incoming(), 0)
    yield _gauge(
        "truc_exchange_inbox_kept_messages",
        "Incoming messages that are kept and not booked yet.",
        ("party", "kind"),
        none | {key: row.times for key, row in rows.items()},
    )
    yield _gauge(
        "truc_exchange_inbox_oldest_kept_seconds",
        "Age of the oldest message that is not booked yet; 0 when there is none.",
        ("party", "kind"),
        none | {key: row.oldest_s for key, row in rows.items()},
    )


def _tallies(transaction: Transaction) -> Iterator[Metric]:
    rows = list(transaction.sql.execute(TALLIES))
    outcomes: dict[tuple[str, ...], int] = {(*one, "sent"): 0 for one in _operations()}
    for row in rows:
        key = (row.party, row.kind, row.outcome)
        outcomes[key] = outcomes.get(key, 0) + row.times
    counted = CounterMetricFamily(
        "truc_exchange_outcomes",
        "What became of messages and of questions about them, since ever.",
        labels=["party", "kind", "outcome"],
    )
    for labels, times in sorted(outcomes.items()):
        counted.add_metric(labels, times)
    yield from (counted, _delivery(rows))


def _delivery(rows: Iterable[Any]) -> Metric:
    """Whatever the outcome is called: a message that was asked about and had arrived was delivered too."""
    times: dict[tuple[str, str], list[int]] = {one: [0] * len(LE) for one in _operations()}
    taken_s: dict[tuple[str, str], float] = defaultdict(float)
    for row in rows:
        if row.bucket >= 0:
            times.setdefault((row.party, row.kind), [0] * len(LE))[row.bucket] += row.times
            taken_s[row.party, row.kind] += row.taken_s
    family = HistogramMetricFamily(
        "truc_exchange_delivery_seconds",
        "From publishing a message to the partner's receipt.",
        labels=["party", "kind"],
    )
    for labels, each in sorted(times.items()):
        family.add_metric(labels, list(zip(LE, accumulate(each), strict=True)), taken_s[labels])
    return family


def _lines(transaction: Transaction) -> Iterator[Metric]:
    rows = list(transaction.sql.execute(LINES))
    yield _gauge(
        "truc_exchange_breaker_state",
        "The line to the partner: 0 closed (calls go), 1 half open (one call tries it), 2 open (nobody calls).",
        ("party",),
        _parties() | {(row.party,): BREAKER[row.breaker] for row in rows},
    )
    yield _gauge(
        "truc_exchange_failures_in_a_row",
        "Calls without an answer since the last answered one.",
        ("party",),
        _parties() | {(row.party,): row.failures for row in rows},
    )


def _couriers(transaction: Transaction) -> Iterator[Metric]:
    rows = list(transaction.sql.execute(COURIERS))
    yield _gauge(
        "truc_exchange_couriers",
        "Couriers at work.",
        ("party",),
        _parties() | {(row.party,): row.workers for row in rows},
    )
    yield _gauge(
        "truc_exchange_courier_slots",
        "Calls at a time that the couriers at work may make together.",
        ("party",),
        _parties() | {(row.party,): row.slots for row in rows},
    )
    yield _gauge(
        "truc_exchange_courier_slots_limit",
        "Calls at a time that the partner's manifest allows.",
        ("party",),
        {(one.party,): one.limits.concurrency for one in parties.manifests() if one.operations},
    )


def _journal(transaction: Transaction) -> Metric:
    pending = transaction.sql.execute(PENDING, {"most": PENDING_MAX}).scalar_one()
    return GaugeMetricFamily(
        "truc_journal_pending_entries",
        f"Decisions that are not chained into the journal yet; not counted beyond {PENDING_MAX}.",
        value=pending,
    )


def _gauge(name: str, text: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def _operations() -> list[tuple[str, str]]:
    return [(one.party, operation.name) for one in parties.manifests() for operation in one.operations]


def _incoming() -> list[tuple[str, str]]:
    return [(one.party, kind) for one in parties.manifests() for kind in _kinds(one)]


def _kinds(one: Manifest) -> tuple[str, ...]:
    return (*(feed.name for feed in one.feeds), *one.callback_names)


def _parties() -> dict[tuple[str, ...], float]:
    return {(one.party,): 0 for one in parties.manifests() if one.operations}
