"""Partners call back: whether what they say is theirs and of now, kept first, and what each hears then."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from truc import parties, tracing
from truc.connections import Connection
from truc.domain.text import storable
from truc.envelope import Envelope, digest_of
from truc.errors import MalformedError, RejectedError, SetupError
from truc.exchange import inbox
from truc.exchange.inbox import Kept
from truc.inbound import addresses, orders, questions, window
from truc.inbound.addresses import Networks
from truc.inbound.callbacks import About, HttpAnswer, Incoming, Question, Received, Refused, Standing
from truc.inbound.guard import CALLS, REFUSALS_KEPT, REPEATS, Buckets, Pace, TurnedAway
from truc.inbound.keeping import Batches
from truc.inbound.known import Known
from truc.inbound.returns import ask_at_once
from truc.manifest import Callback
from truc.store.opened import Store, Transaction

log = logging.getLogger(__name__)

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
    repeats: Buckets = field(default_factory=lambda: Buckets(REPEATS))


@dataclass(frozen=True, slots=True)
class Aside:
    """Why a call must not be booked, and what its partner hears."""

    reason: str
    text: str
    answer: HttpAnswer


@dataclass(frozen=True, slots=True)
class Call:
    """One call on its way into the store, and why it must not be booked, where it must not."""

    declared: Callback
    received: Received
    aside: Aside | None = None

    @property
    def envelope(self) -> Envelope:
        """What is kept of it."""
        return self.received.envelope

    @property
    def about(self) -> About | None:
        """The order to be looked up: where the answer hangs on it."""
        return self.received.about if self.received.answers else None


async def taken(
    desk: Desk, batches: Batches[Call, tuple[HttpAnswer, int]], party: str, declared: Callback, incoming: Incoming
) -> HttpAnswer:
    """Take the call; what cannot be kept now is answered 503, so that the partner tries again."""
    kind = declared.name
    try:
        call = judged(desk, party, declared, incoming)
        if isinstance(call, HttpAnswer):
            return call
        if batches.is_full:
            desk.turned_away.count(party, "too_busy")
            return HttpAnswer(503)
        with tracing.span("keep", attributes={"truc.party": party, "truc.kind": call.envelope.kind}) as span:
            answer, inbox_id = await batches.done(call, within_s=ANSWER_WITHIN_S)
            span.set_attribute("truc.exchange_id", inbox_id)
    except SetupError as error:
        log.error("%s %s: %s", party, kind, error)  # noqa: TRY400  (the text says all; a traceback adds noise)
    except STORE_AWAY:
        log.error("%s %s: the store does not answer", party, kind)  # noqa: TRY400  (a traceback shows the statement)
    except TimeoutError:
        log.error("%s %s: not kept within %.0f s", party, kind, ANSWER_WITHIN_S)  # noqa: TRY400  (says all)
    else:
        return answer
    return HttpAnswer(503)


def judged(desk: Desk, party: str, declared: Callback, incoming: Incoming) -> Call | HttpAnswer:
    """Return what is to be kept of the call, or the answer to one of which nothing is.

    A call that is refused is kept too. From an address that the party's connection does not allow nothing is kept:
    whoever called may be anybody.
    """
    connection, kind = desk.known.connection(party), declared.name
    if not addresses.allows(addresses.allowed(connection, declared), incoming.address):
        desk.turned_away.count(party, "address_not_allowed")
        if not desk.refusals.wait_s(party, "address_not_allowed"):
            log.warning("%s %s: refused, address_not_allowed (%s)", party, kind, incoming.address or "unknown")
        return _refusal(party, "address_not_allowed", HttpAnswer(403))
    received = _verified(connection, kind, incoming)
    if isinstance(received, Refused):
        return _declined(desk, party, declared, incoming, received)
    order = received.about.our_reference if received.about else received.envelope.external_id
    if desk.repeats.wait_s(party, kind, order):
        desk.turned_away.count(party, "too_many_calls")
        return HttpAnswer(429)
    aside = _untimely(received, now=desk.now(), age_max_s=window.age_max_s(connection, declared))
    if aside is not None and aside.reason == "too_early":  # the same call is of now a little later: it must be new then
        return _declined(desk, party, declared, incoming, Refused(aside.reason, aside.answer))
    if aside is not None:
        log.warning("%s %s: refused, %s", party, kind, aside.reason)
    return Call(declared, received, aside)


def _declined(desk: Desk, party: str, declared: Callback, incoming: Incoming, refused: Refused) -> Call | HttpAnswer:
    """Keep the bytes of a refused call, as long as not too many come."""
    if desk.refusals.wait_s(party):
        desk.turned_away.count(party, refused.reason)
        answer: HttpAnswer = refused.answer
        return answer
    log.warning("%s %s: refused, %s", party, declared.name, refused.reason)
    return _refused(party, declared, incoming, refused)


def keep(store: Store, calls: Sequence[Call]) -> list[tuple[HttpAnswer, int]]:
    """Keep the bytes of all in one transaction; return what each partner hears, and where its call is kept."""
    with store.begin() as transaction:
        asked = {(one.envelope.party, one.about) for one in calls if one.about is not None}
        kept, [rows] = inbox.keep_many(transaction, [one.envelope for one in calls], orders.finding(asked))
        standings = orders.standings(asked, rows)
        if came_back := _came_back(calls, kept, standings):
            ask_at_once(transaction, came_back)
        return [
            (_answer(transaction, call, where, standings), where.inbox_id)
            for call, where in zip(calls, kept, strict=True)
        ]


def _came_back(
    calls: Sequence[Call], kept: Sequence[Kept], standings: Mapping[tuple[str, About], Standing]
) -> set[str]:
    """Return the open orders whose citizens have come back from paying; whoever loads the page again is not new."""
    return {
        call.about.our_reference
        for call, where in zip(calls, kept, strict=True)
        if call.declared.does == "returns" and call.about is not None and call.aside is None and where.first
        if standings[call.envelope.party, call.about] is Standing.OPEN
    }


def _answer(
    transaction: Transaction, call: Call, kept: Kept, standings: Mapping[tuple[str, About], Standing]
) -> HttpAnswer:
    """The same bytes again were judged when they came first: what was in time then is, and what was not is not."""
    if call.aside is not None:
        if kept.first:
            inbox.set_aside_whole(transaction, kept, call.envelope, call.aside.reason, call.aside.text)
        if kept.first or inbox.is_set_aside(transaction, kept):
            return call.aside.answer
    if call.received.question is not None:
        return _told(transaction, call, kept, call.received.question)
    if call.about is None:
        return call.received.answer
    return call.received.answers.get(standings[call.envelope.party, call.about], call.received.answer)


def _told(transaction: Transaction, call: Call, kept: Kept, question: Question) -> HttpAnswer:
    """Answer a question about an order; one whose order cannot be written is set aside, and no other call suffers."""
    try:
        found = questions.answer(transaction, call.envelope.party, call.envelope.kind, question)
    except (MalformedError, RejectedError) as error:
        if kept.first:
            inbox.set_aside_whole(transaction, kept, call.envelope, error.reason, str(error))
        found = None
    return call.received.answer if found is None else found


def _verified(connection: Connection, kind: str, incoming: Incoming) -> Received | Refused:
    """Return what the connector makes of the call. What it stumbles over is kept as well, as a refused call."""
    try:
        received: Received = parties.inbound(connection.party).receive(incoming, connection)
    except Refused as refused:
        return refused
    except SetupError:
        raise
    except MalformedError as error:
        return Refused(error.reason, HttpAnswer(400))
    except Exception as error:  # noqa: BLE001  (a connector's bug must not lose the call; the partner tries again)
        log.error("%s %s: the connector failed: %s", connection.party, kind, type(error).__name__)  # noqa: TRY400  (a traceback may show what the call says)
        return Refused("connector_failed", HttpAnswer(500))
    texts = (received.envelope.external_id, received.about.our_reference if received.about else "")
    if not all(map(storable, texts)):
        return Refused("external_id_malformed", HttpAnswer(400))
    return received


def _untimely(received: Received, *, now: datetime, age_max_s: int | None) -> Aside | None:
    party, kind = received.envelope.party, received.envelope.kind
    reason = window.untimely(received.said_at, now=now, age_max_s=age_max_s)
    if reason is None or received.said_at is None:
        return None
    text = f"{kind}: the call says that it was made at {received.said_at:%Y-%m-%dT%H:%M:%S%z} ({reason})"
    return Aside(reason, text, _refusal(party, reason, HttpAnswer(400)))


def _refused(party: str, declared: Callback, incoming: Incoming, refused: Refused) -> Call:
    """Named by its digest: what an unverified call says of itself is not believed."""
    body, content_type = incoming.body, incoming.headers.get("content-type", "application/octet-stream")
    if incoming.method == "GET":  # what it says, it says in its address
        body, content_type = incoming.query.encode("latin-1"), "application/x-www-form-urlencoded"
    envelope = Envelope(party, f"{declared.name}_refused", digest_of(body), body, content_type)
    text = f"{declared.name}: the call was refused ({refused.reason})"
    return Call(declared, Received(envelope, refused.answer), Aside(refused.reason, text, refused.answer))


def _refusal(party: str, reason: str, otherwise: HttpAnswer) -> HttpAnswer:
    """Return the party's own answer to a call that is refused for our reasons, where it has one."""
    module = parties.inbound(party)
    answer: HttpAnswer = module.refusal(reason) if hasattr(module, "refusal") else otherwise
    return answer
