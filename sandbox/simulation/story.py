"""What happens in one run, drawn from the seed: what is published and told when, and who is away when."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from sandbox.simulation.declared import BREAKS_MAPPING, CALLBACK, UNWRITABLE
from truc.envelope import Envelope
from truc.exchange.outbox import Publication
from truc.manifest import Event, Manifest
from truc.messages import Channel, DossierReceived, NoticeDue, Outbound, Person, PostalRequested, StatusChanged

# In Vietnam late in the evening, or, by the drawers' clock, ten minutes before a month ends.
BEGINNINGS = (datetime(2026, 3, 31, 16, 15, tzinfo=UTC), datetime(2026, 3, 31, 23, 50, tzinfo=UTC))
MORNING = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
SOMEBODY = Person(name="Nguyễn Văn Thử", phone="0905000000", province_code="56")


@dataclass(frozen=True, slots=True)
class Act:
    """Messages that one transaction publishes, at a time."""

    at_s: float
    publications: tuple[Publication, ...]
    together: bool  # by publish_many, or one by one


@dataclass(frozen=True, slots=True)
class Callback:
    """One call of a partner to us; it calls again until we said that we have it, and once more for no reason."""

    at_s: float
    envelope: Envelope
    booked_at_once: bool
    repeats: bool


@dataclass(slots=True)
class Story:
    """All of it."""

    manifests: dict[str, Manifest]
    lasts_s: float
    acts: list[Act] = field(default_factory=list)
    callbacks: list[Callback] = field(default_factory=list)
    news: list[tuple[float, str, str]] = field(default_factory=list)  # at_s, party, item
    refused: set[str] = field(default_factory=set)
    away: dict[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    database_away: tuple[tuple[float, float], ...] = ()
    maintenance: list[tuple[str, float, float]] = field(default_factory=list)


def drawn(random: Random, manifests: dict[str, Manifest]) -> Story:
    """Draw a story for these parties."""
    story = Story(manifests, lasts_s=random.choice((60.0, 200.0, 600.0)))
    for party in manifests:
        if random.random() < 0.4:
            story.away[party] = (_window(random, story.lasts_s, (5.0, 60.0, 300.0, 7200.0)),)
        if random.random() < 0.05:
            story.maintenance.append((party, *_window(random, story.lasts_s, (60.0, 600.0))))
        if random.random() < 0.4:
            _incoming(random, story, party)
    story.lasts_s = max(story.lasts_s, *(end for ((_, end),) in story.away.values()), 0.0)
    if random.random() < 0.3:
        story.database_away = (_window(random, story.lasts_s, (0.5, 5.0, 40.0)),)
    _outgoing(random, story)
    return story


def _window(random: Random, within_s: float, lengths_s: Sequence[float]) -> tuple[float, float]:
    start_s = random.uniform(0, within_s)
    return start_s, start_s + random.choice(lengths_s) * random.uniform(0.5, 1.5)


def _outgoing(random: Random, story: Story) -> None:
    events = sorted({operation.event for one in story.manifests.values() for operation in one.operations})
    keys = random.choice((1, 2, 4))
    number, most = 0, random.choice((3, 5, 8, 12))
    while number < most:
        together = random.choice((1, 1, 2, 4))
        publications = []
        for _ in range(together):
            number += 1
            key = f"K{random.randrange(keys)}"
            publications.append(_publication(random, story, random.choice(events), key, number))
        at_s = random.uniform(0, min(story.lasts_s, random.choice((5.0, 60.0, 600.0))))
        story.acts.append(Act(at_s, tuple(publications), together=random.random() < 0.5))
    story.acts.sort(key=lambda act: act.at_s)


def _publication(random: Random, story: Story, event: Event, key: str, number: int) -> Publication:
    external_id = f"{key}-{number}"
    flaw = random.choice((UNWRITABLE, BREAKS_MAPPING)) if random.random() < 0.02 else "fine"
    if random.random() < 0.03:
        story.refused.add(external_id)
    return Publication(event=event, message=_message(event, key, external_id, flaw), key=key, external_id=external_id)


def _incoming(random: Random, story: Story, party: str) -> None:
    for number in range(random.choice((1, 4))):
        story.news.append((random.uniform(0, story.lasts_s), party, _item(random, f"news-{number}")))
    for number in range(random.choice((0, 3))):
        body = f'["{_item(random, f"call-{number}")}"]'.encode()
        name = f"call-{number}" if random.random() < 0.8 else "call-0"
        envelope = Envelope(party, CALLBACK, name, body)
        at_s = random.uniform(0, story.lasts_s)
        story.callbacks.append(Callback(at_s, envelope, random.random() < 0.5, random.random() < 0.3))
    story.news.sort()


def _item(random: Random, name: str) -> str:
    return random.choice(("!", "?", "", "", "", "", "")) + name


def _message(event: Event, key: str, external_id: str, flaw: str) -> Outbound:
    match event:
        case Event.DOSSIER_RECEIVED:
            return DossierReceived(
                dossier_code=key,
                procedure_code="1",
                procedure_name=external_id,
                field_code="1",
                field_name="",
                agency_code="H32.01",
                agency_name="",
                channel=Channel.COUNTER,
                applicant=SOMEBODY,
                received_at=MORNING,
                due_at=None,
                status=2,
            )
        case Event.STATUS_CHANGED:
            return StatusChanged(
                dossier_code=key,
                portal_code=external_id,
                status=4,
                changed_at=MORNING + timedelta(hours=1),
                officer_name="",
                officer_title="",
                department="",
                note=flaw,
                started_at=MORNING,
                due_at=None,
            )
        case Event.POSTAL_REQUESTED:
            return PostalRequested(
                order_number=external_id,
                dossier_code=key,
                direction="return",
                sender=SOMEBODY,
                receiver=SOMEBODY,
                fee_vnd=23_000,
            )
        case Event.NOTICE_DUE:
            return NoticeDue(notice_id=external_id, dossier_code=key, notice="ready", phone="", text=flaw)
        case Event.PAYMENT_REQUESTED:
            raise ValueError("no simulated party takes payments")
