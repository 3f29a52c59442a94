"""Gives notices to citizens: one message for an event, by one channel, in the transaction of what happened.

    waiting ──a channel is in use──▶ given ──▶ sent
                                     │  ▲ └──▶ undelivered   (no channel is left)
                                     └──┘ the next channel, after a refusal (truc.services.notice_round)
    no_address: the citizen gave none that a channel of the province reaches

Who is told: a citizen who asked for messages with the dossier, or said of all dossiers what they want.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import func, select

from truc import connections, parties
from truc.domain.notice_fields import Fact, FieldName
from truc.domain.notice_kinds import KINDS, NoticeName
from truc.domain.notices import check
from truc.domain.quiet_hours import may_be_sent_at
from truc.exchange import outbox
from truc.manifest import Event
from truc.messages import NoticeDue, NoticeFacts, Person
from truc.services import notice_terms
from truc.services.notice_terms import Terms
from truc.store import customers
from truc.store import notices as store
from truc.store.notices import Citizen
from truc.store.opened import Transaction

Became = Literal["known", "unwanted", "given", "waiting", "no_address"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something happened that a citizen may hear of. `event_key` names it: one event has one notice, ever.

    Of `kinds` the first goes that the province sends and the citizen wants. `facts` may hold more than it knows. An
    event of no dossier has the code "": nobody is known who could be told.
    """

    event_key: str
    kinds: tuple[NoticeName, ...]
    dossier_code: str
    facts: Mapping[FieldName, Fact]


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """A notice that stands in the store, and where it went before."""

    event_key: str
    kind: NoticeName
    dossier_code: str
    facts: NoticeFacts
    tried: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """By which parties a citizen may be reached, in order: `all` have an address, `open` are untried and in use."""

    person: Person
    all: tuple[str, ...]
    open: tuple[str, ...]


def give(transaction: Transaction, notice: Notice) -> Became:
    """Book the event's notice and publish it to one party; say what became of it.

    A second time is a no-op. Raise MalformedError where facts that the kind needs are missing or wrong.
    """
    citizen = store.citizen_of(transaction, notice.dossier_code)
    if citizen is None:
        return "unwanted"
    terms = notice_terms.read()
    kind = _kind(notice.kinds, terms, citizen)
    if kind is None:
        return "unwanted"
    booked = Booked(event_key=notice.event_key, kind=kind, dossier_code=notice.dossier_code, facts=_facts(kind, notice))
    if not _book(transaction, booked):
        return "known"
    return _give_first(transaction, booked, ways(transaction, booked, terms, citizen), terms)


def ways(transaction: Transaction, booked: Booked, terms: Terms, citizen: Citizen) -> Ways:
    """Return how the citizen may be reached now: the channel they wish first, then the province's order."""
    person = customers.read(transaction, citizen.id)
    order = sorted(terms.channels, key=lambda party: party != citizen.channel)
    able = tuple(party for party in order if getattr(person, parties.manifest(party).notices.address))
    untried = tuple(party for party in able if party not in booked.tried)
    return Ways(person=person, all=able, open=tuple(party for party in untried if connections.has(party)))


def pass_on(transaction: Transaction, booked: Booked, party: str, person: Person, terms: Terms) -> None:
    """Publish the notice to this party alone, due now or after the quiet hours; the event's key is its name there."""
    message = _message(booked, person, parties.manifest(party).notices.address)
    now: datetime = transaction.sql.execute(select(func.now())).scalar_one()
    due_at = may_be_sent_at(booked.kind, now, terms.quiet)
    key = booked.event_key
    not_before = due_at if due_at > now else None
    outbox.publish(transaction, Event.NOTICE_DUE, message, key=key, external_id=key, only=party, not_before=not_before)
    store.give(transaction, key, party)


def _give_first(transaction: Transaction, booked: Booked, found: Ways, terms: Terms) -> Became:
    if not found.all:
        store.end(transaction, booked.event_key, "no_address")
        return "no_address"
    if not found.open:
        return "waiting"
    pass_on(transaction, booked, found.open[0], found.person, terms)
    return "given"


def _kind(kinds: tuple[NoticeName, ...], terms: Terms, citizen: Citizen) -> NoticeName | None:
    """Return the first kind that goes. An obligatory one reaches who wants no others; without a word, who asked."""
    if citizen.wants == "as_asked" and not citizen.wants_sms:
        return None
    wanted = (one for one in kinds if one in terms.kinds and (KINDS[one].obligatory or citizen.wants != "obligatory"))
    return next(wanted, None)


def _facts(kind: NoticeName, notice: Notice) -> NoticeFacts:
    known = {name: fact for name, fact in notice.facts.items() if name in KINDS[kind].known}
    check(kind, {**known, "dossier_code": notice.dossier_code})
    return NoticeFacts.model_validate(known)


def _book(transaction: Transaction, booked: Booked) -> bool:
    return store.create(
        transaction,
        event_key=booked.event_key,
        kind=booked.kind,
        dossier_code=booked.dossier_code,
        facts=booked.facts.model_dump(mode="json", exclude_none=True),
    )


def _message(booked: Booked, person: Person, address: Literal["phone", "email"]) -> NoticeDue:
    """Hold the one address that the channel needs, and no other."""
    return NoticeDue(
        notice_id=booked.event_key,
        dossier_code=booked.dossier_code,
        notice=booked.kind,
        phone=person.phone if address == "phone" else "",
        email=person.email if address == "email" else "",
        facts=booked.facts,
    )
