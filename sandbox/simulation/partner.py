"""A simulated partner's own side: what it carried out, in its order, and what it makes of what arrives."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.simulation.world import World
from truc.envelope import Answer, Arrival, Envelope, Outgoing, Page, Receipt
from truc.errors import RejectedError
from truc.manifest import Manifest, OutcomeClass

FEED = "news"
PAGE_ITEMS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One thing the partner did because of one message of ours."""

    at_s: float
    operation: str
    external_id: str
    key: str
    digest: str


class Partner:
    """One partner. It never forgets, whatever becomes of the network."""

    def __init__(self, world: World, manifest: Manifest, *, refused: frozenset[str]) -> None:
        self.party = manifest.party
        self.effects: list[Effect] = []
        self.news: list[str] = []  # what it has to tell us, each with an id and a text
        self.away: tuple[tuple[float, float], ...] = ()
        self.refused = refused
        self._world = world
        self._manifest = manifest

    @property
    def is_away(self) -> bool:
        """Whether nothing reaches it now."""
        return any(start <= self._world.now_s < end for start, end in self.away)

    def take(self, operation: str, given: Sequence[Outgoing]) -> Receipt:
        """Carry out what arrived, all or nothing; raise RejectedError for what it never takes."""
        if any(one.external_id in self.refused for one in given):
            raise RejectedError("simulated: refused", reason="refused_by_partner", code="17")
        for one in given:
            if not (self._recognises(operation) and self._has(operation, one.external_id)):
                self._carry_out(operation, one)
        return self._receipt(operation, [one.external_id for one in given])

    def answer(self, operation: str, asked: Outgoing) -> Answer:
        """Say whether a message arrived."""
        if not self._has(operation, asked.external_id):
            return Answer(Arrival.ABSENT)
        return Answer(Arrival.ARRIVED, self._receipt(operation, [asked.external_id]))

    def pages(self, cursor: str) -> list[Page]:
        """Return what it has to tell since `cursor`, a few items a page."""
        start = int(cursor or 0)
        found = []
        for first in range(start, len(self.news), PAGE_ITEMS):
            items = self.news[first : first + PAGE_ITEMS]
            last = first + len(items)
            body = json.dumps(items).encode()
            found.append(Page(Envelope(self.party, FEED, f"page-{first}-{last}", body), str(last)))
        return found

    def _recognises(self, operation: str) -> bool:
        return self._manifest.operation(operation).outcome is OutcomeClass.IDEMPOTENCY_KEY

    def _has(self, operation: str, external_id: str) -> bool:
        return any(one.operation == operation and one.external_id == external_id for one in self.effects)

    def _carry_out(self, operation: str, one: Outgoing) -> None:
        digest = hashlib.sha256(one.body).hexdigest()
        self._world.note(self.party, "carries out", operation, one.external_id)
        self.effects.append(
            Effect(at_s=self._world.now_s, operation=operation, external_id=one.external_id, key=one.key, digest=digest)
        )

    def _receipt(self, operation: str, external_ids: Sequence[str]) -> Receipt:
        name = f"{self.party}/{operation}/" + "+".join(external_ids)
        return Receipt(name, json.dumps([name]).encode())
