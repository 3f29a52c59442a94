"""What citizens wish to hear and how, and what officers order to be told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from sqlalchemy import select

from truc import parties
from truc.domain.notice_fields import Fact, FieldName
from truc.domain.notice_kinds import KINDS, NoticeName
from truc.errors import MalformedError
from truc.manifest import Capability
from truc.services.notices import Became, Notice, give
from truc.store import notices as store
from truc.store.opened import Transaction
from truc.store.tables.notices import NOTICES

Wants = Literal["as_asked", "all", "obligatory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a dossier's citizen said of all their dossiers. `channel` is a party, "" for the province's order.

    `as_asked`: of each dossier for which messages were asked for; `obligatory`: of every dossier what must be told.
    """

    channel: str
    wants: Wants


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeOrder:
    """Something an officer has told; (source, reference) is its identity."""

    source: str
    reference: str
    kind: NoticeName
    dossier_code: str
    facts: Mapping[FieldName, Fact]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeStanding:
    """One notice now. `channel` is the party it was given to last, "" for none."""

    event_key: str
    kind: str
    state: str
    channel: str
    reason: str
    happened_at: datetime
    state_at: datetime


def wish(transaction: Transaction, dossier_code: str) -> Wish:
    """Return what the dossier's citizen said; MalformedError `unknown_dossier`."""
    citizen = store.citizen_of(transaction, dossier_code)
    if citizen is None:
        raise _unknown(dossier_code)
    return Wish(channel=citizen.channel, wants=cast(Wants, citizen.wants))


def keep_wish(transaction: Transaction, dossier_code: str, said: Wish) -> None:
    """Keep it, for all dossiers of the citizen; MalformedError `unknown_dossier`, `unknown_channel`."""
    citizen = store.citizen_of(transaction, dossier_code)
    if citizen is None:
        raise _unknown(dossier_code)
    known = [one.party for one in parties.with_capability(Capability.NOTIFY)]
    if said.channel and said.channel not in known:
        text = f"channel: no notices through {said.channel!r}; known: {', '.join(known)}"
        raise MalformedError(text, reason="unknown_channel")
    store.keep_wish(transaction, citizen.id, channel=said.channel, wants=said.wants)


def order(transaction: Transaction, wanted: NoticeOrder) -> tuple[str, Became]:
    """Give what an officer orders; return the notice's name and what became of it.

    Raise MalformedError `unknown_dossier`, `not_ordered` for a kind that comes of itself, and as `notices.give` does.
    """
    if store.citizen_of(transaction, wanted.dossier_code) is None:
        raise _unknown(wanted.dossier_code)
    if KINDS[wanted.kind].sent_by != "officer":
        text = f"kind: {wanted.kind} comes of itself when it happens; nobody orders it"
        raise MalformedError(text, reason="not_ordered")
    name = f"order/{wanted.source}/{wanted.reference}"
    notice = Notice(event_key=name, kinds=(wanted.kind,), dossier_code=wanted.dossier_code, facts=wanted.facts)
    return name, give(transaction, notice)


def of_dossier(transaction: Transaction, dossier_code: str) -> list[NoticeStanding] | None:
    """Return the dossier's notices, oldest first, None for an unknown dossier; nothing of the person is told."""
    if store.citizen_of(transaction, dossier_code) is None:
        return None
    columns = [NOTICES.c[name] for name in NoticeStanding.__dataclass_fields__]
    query = select(*columns).where(NOTICES.c.dossier_code == dossier_code)
    rows = transaction.sql.execute(query.order_by(NOTICES.c.happened_at, NOTICES.c.event_key))
    return [NoticeStanding(**row._mapping) for row in rows]


def _unknown(dossier_code: str) -> MalformedError:
    return MalformedError(f"dossier_code: no dossier {dossier_code!r}", reason="unknown_dossier")
