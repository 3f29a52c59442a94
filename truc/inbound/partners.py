"""Partners call back on /partners/{party}/{kind}: who may, how fast and how much, then verified, kept and answered."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from math import ceil

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from truc import parties, tracing
from truc.connections import Connection
from truc.domain.text import storable
from truc.envelope import Envelope, digest_of
from truc.errors import SetupError
from truc.exchange import inbox
from truc.exchange.inbox import Kept
from truc.inbound import addresses
from truc.inbound.addresses import CALLBACK_ADDRESSES, Networks
from truc.inbound.body_limit import BodyTooLargeError
from truc.inbound.callbacks import About, HttpAnswer, Incoming, Received, Refused, Standing
from truc.inbound.guard import CALLS, REFUSALS_KEPT, Buckets, Pace, TurnedAway
from truc.inbound.keeping import Batches, keep_many, name_of
from truc.inbound.known import Known
from truc.inbound.orders import standings_of
from truc.store.opened import Store, Transaction

log = logging.getLogger(__name__)

# Clocks differ a little; a call from further ahead is no call of now.
AHEAD = timedelta(minutes=5)
ANSWER_WITHIN_S = 10.0  # then 503: what is kept all the same is recognised when the partner calls again
STORE_AWAY = (OperationalError, InterfaceError, PoolTimeoutError)


@dataclass(frozen=True, slots=True)
class Desk:
    """What the route works with. `store` is its own: nothing else that the gateway does takes its connections."""

    store: Store
    proxies: Networks = ()
    pace: Pace = CALLS
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    known: Known = field(default_factory=Known)
    turned_away: TurnedAway = field(default_factory=TurnedAway)
    refusals: Buckets = field(default_factory=lambda: Buckets(REFUSALS_KEPT))


@dataclass(frozen=True, slots=True)
class Aside:
    """Why a call must not be booked, and what its partner hears."""

    reason: str
    text: str
    answer: HttpAnswer


@dataclass(frozen=True, slots=True)
class Call:
    """One call on its way into the store, and what its partner hears once it is there."""

    envelope: Envelope
    answer: HttpAnswer
    about: About | None = None
    answers: Mapping[Standing, HttpAnswer] = field(default_factory=dict)
    aside: Aside | None = None


def route(desk: Desk) -> Route:
    """Return the route; every method but GET and POST is answered 405."""
    calls = Buckets(desk.pace)
    batches = Batches(partial(keep, desk.store), lambda one: name_of(one.envelope))

    async def callback(request: Request) -> Response:
        """Take a partner's call."""
        party, kind = request.path_params["party"], request.path_params["kind"]
        if party not in parties.names() or kind not in parties.manifest(party).callbacks:
            return Response(status_code=404)
        address = _address(request, desk.proxies)
        if wait_s := calls.wait_s(party, address):
            desk.turned_away.count(party, "too_many_calls")
            return Response(status_code=429, headers={"Retry-After": str(ceil(wait_s))})
        incoming = await _read(party, request, address, desk.turned_away)
        answer = await _taken(desk, batches, party, kind, incoming)
        return Response(answer.body, answer.status, media_type=answer.content_type)

    # Starlette answers HEAD where it answers GET; a call that may book money is no reading.
    found = Route("/partners/{party}/{kind}", callback, methods=["GET", "POST"], include_in_schema=False)
    found.methods = {"GET", "POST"}
    return found


def _address(request: Request, proxies: Networks) -> str:
    peer = request.client.host if request.client else ""
    if not proxies:
        return peer
    return addresses.caller(peer, ",".join(request.headers.getlist("x-forwarded-for")), proxies)


async def _read(party: str, request: Request, address: str, turned_away: TurnedAway) -> Incoming:
    """Read the call whole, or raise 413. A header given twice is one value, joined by a comma (RFC 9110, 5.3)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in request.scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    most = parties.manifest(party).callback_bytes_max  # what is refused is kept: a stranger must not fill the store
    query, body = request.scope["query_string"].decode("latin-1"), bytearray()
    async for part in request.stream():
        body += part
        if len(query) + len(body) > most:
            turned_away.count(party, "too_large")
            raise BodyTooLargeError
    return Incoming(request.method, request.scope["path"], query, headers, bytes(body), address)


async def _taken(
    desk: Desk, batches: Batches[Call, tuple[HttpAnswer, int]], party: str, kind: str, incoming: Incoming
) -> HttpAnswer:
    """Take the call; what cannot be kept now is answered 503, so that the partner tries again."""
    try:
        call = judged(desk, party, kind, incoming)
        if isinstance(call, HttpAnswer):
            return call
        if batches.is_full:
            desk.turned_away.count(party, "too_busy")
            return HttpAnswer(503)
        with tracing.span("keep", attributes={"truc.party": party, "truc.kind": call.envelope.kind}) as span:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answer, inbox_id = await batches.done(call)
            span.set_attribute("truc.exchange_id", inbox_id)
    except SetupError as error:
        log.error("%s %s: %s", party, kind, error)  # noqa: TRY400  (the text says all; a traceback adds noise)
    except STORE_AWAY:
        log.error("%s %s: the store does not answer", party, kind)  # noqa: TRY400  (a traceback shows the statement)
    except TimeoutError:
        log.error("%s %s: not kept within %.0f s", party, kind, ANSWER_WITHIN_S)  # noqa: TRY400
    else:
        return answer
    return HttpAnswer(503)


def judged(desk: Desk, party: str, kind: str, incoming: Incoming) -> Call | HttpAnswer:
    """Return what is to be kept of the call, or the answer to one of which nothing is.

    A call that is refused is kept too. From an address that the party's connection does not allow nothing is kept:
    whoever called may be anybody.
    """
    connection = desk.known.connection(party)
    allowed = addresses.networks(connection.optional(CALLBACK_ADDRESSES), f"connection {party!r}: {CALLBACK_ADDRESSES}")
    if not addresses.allows(allowed, incoming.address):
        desk.turned_away.count(party, "address_not_allowed")
        log.warning("%s %s: refused, address_not_allowed (%s)", party, kind, incoming.address or "unknown")
        return _refusal(party, "address_not_allowed", HttpAnswer(403))
    try:
        received = _verified(connection, incoming)
    except Refused as refused:
        log.warning("%s %s: refused, %s", party, kind, refused.reason)
        if desk.refusals.wait_s(party):
            desk.turned_away.count(party, refused.reason)
            answer: HttpAnswer = refused.answer
            return answer
        return _refused(party, kind, incoming, refused)
    about = received.about if received.answers else None
    return Call(received.envelope, received.answer, about, received.answers, _untimely(received, desk.now()))


def keep(store: Store, calls: Sequence[Call]) -> list[tuple[HttpAnswer, int]]:
    """Keep the bytes of all in one transaction; return what each partner hears, and where its call is kept."""
    with store.begin() as transaction:
        kept = keep_many(transaction, [one.envelope for one in calls])
        asked = {(one.envelope.party, one.about) for one in calls if one.about is not None}
        standings = standings_of(transaction, asked)
        return [
            (_answer(transaction, call, where, standings), where.inbox_id)
            for call, where in zip(calls, kept, strict=True)
        ]


def _answer(
    transaction: Transaction, call: Call, kept: Kept, standings: Mapping[tuple[str, About], Standing]
) -> HttpAnswer:
    """The same bytes again were judged when they came first: their age says nothing new."""
    if call.aside is not None and kept.first:
        inbox.set_aside_whole(transaction, kept, call.envelope, call.aside.reason, call.aside.text)
        return call.aside.answer
    if call.about is None:
        return call.answer
    return call.answers.get(standings[call.envelope.party, call.about], call.answer)


def _verified(connection: Connection, incoming: Incoming) -> Received:
    received: Received = parties.inbound(connection.party).receive(incoming, connection)
    texts = (received.envelope.external_id, received.about.our_reference if received.about else "")
    if not all(map(storable, texts)):
        raise Refused("external_id_malformed", HttpAnswer(400))
    return received


def _untimely(received: Received, now: datetime) -> Aside | None:
    """Return why the call is not of now; None for one in time, and for one whose party states no window or no time."""
    party, kind = received.envelope.party, received.envelope.kind
    age_max_s = parties.manifest(party).callback_age_max_s
    if age_max_s is None or received.said_at is None:
        return None
    ahead = received.said_at > now + AHEAD
    if not ahead and received.said_at >= now - timedelta(seconds=age_max_s):
        return None
    reason = "too_early" if ahead else "too_old"
    log.warning("%s %s: refused, %s", party, kind, reason)
    text = f"{kind}: the call says that it was made at {received.said_at:%Y-%m-%dT%H:%M:%S%z} ({reason})"
    return Aside(reason, text, _refusal(party, reason, HttpAnswer(400)))


def _refused(party: str, kind: str, incoming: Incoming, refused: Refused) -> Call:
    """Named by its digest: what an unverified call says of itself is not believed."""
    body, content_type = incoming.body, incoming.headers.get("content-type", "application/octet-stream")
    if incoming.method == "GET":  # what it says, it says in its address
        body, content_type = incoming.query.encode("latin-1"), "application/x-www-form-urlencoded"
    envelope = Envelope(party, f"{kind}_refused", digest_of(body), body, content_type)
    text = f"{kind}: the call was refused ({refused.reason})"
    return Call(envelope, refused.answer, aside=Aside(refused.reason, text, refused.answer))


def _refusal(party: str, reason: str, otherwise: HttpAnswer) -> HttpAnswer:
    """Return the party's own answer to a call that is refused for our reasons, where it has one."""
    module = parties.inbound(party)
    answer: HttpAnswer = module.refusal(reason) if hasattr(module, "refusal") else otherwise
    return answer
