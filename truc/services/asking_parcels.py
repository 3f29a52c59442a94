"""Asks the post about open parcels one by one, where it gives no list of what happened.

Those not asked about for longest come first, and each at most once in a run. An answer's bytes are kept, and booked
like any other message; one that says the same as the last is kept once.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, cast

from sqlalchemy import Row

from truc.envelope import Envelope, digest_of
from truc.errors import SetupError
from truc.exchange import inbox
from truc.exchange.inbox import Book
from truc.parties import Client
from truc.services.question_runs import Answer, Asked, run_each
from truc.store import payments, shipments
from truc.store.opened import Store, Transaction

log = logging.getLogger(__name__)

MOST = 1_000  # parcels in one run; the next goes on where it ends
QUIET = timedelta(days=180)  # a parcel of which nothing is new for longer is left to a person


class SaysParcels(Protocol):
    """A client that can be asked about one parcel."""

    @property
    def one_by_one(self) -> bool:
        """Whether the connection has parcels followed so, and not by a feed."""

    def get_parcel(self, order_number: str) -> bytes:
        """Return the post's word as its mapping reads it; RejectedError `not_found` where it knows no such order."""


def ask(store: Store, client: Client, party: str, kind: str, *, book: Book) -> Asked:
    """Ask about the party's open parcels, book what is said, and return what was done.

    `kind` names the mapping that reads the answers. A party that does not answer ends the run. Raise SetupError when
    the party refuses our settings, and (`not_in_use`) where the connection has parcels followed by a feed.
    """
    says = cast(SaysParcels, client)
    if not says.one_by_one:  # before any call: what no partner answered says nothing of its line
        raise SetupError(f"{party}: parcels are followed by a feed with this connection", reason="not_in_use")
    with store.begin() as transaction:
        began_at = payments.clock(transaction)
    questions = ParcelQuestions(says, party, kind, began_at, left=MOST)
    try:
        done = run_each(store, party, [questions])
    finally:  # also what a run before this one kept and did not book
        inbox.book_kept(store, party, (kind,), book=book)
    log.info("%s: asked %s", party, dict(done.counts))
    return done


@dataclass(slots=True)
class ParcelQuestions:
    """What one run asks the party about parcels; `left` is how many it may still take."""

    client: SaysParcels
    party: str
    kind: str
    began_at: datetime
    left: int

    def claim(self, transaction: Transaction, *, most: int, lease_s: float) -> list[Row[Any]]:  # noqa: ARG002  (who dies leaves them to the next run)
        """Take open parcels."""
        wanted = min(most, self.left)
        found = shipments.claim_open(transaction, self.party, before=self.began_at, most=wanted, quiet=QUIET)
        self.left -= len(found)
        return found

    def call(self, asked: Row[Any]) -> bytes:
        """Ask about one."""
        return self.client.get_parcel(asked.order_number)

    def write(self, transaction: Transaction, answer: Answer, now: datetime, again_at: datetime) -> str:  # noqa: ARG002  (the next run asks again)
        """Keep the answer; return how it is counted."""
        if answer.body is None:
            return "unreached" if answer.to_be_repeated else answer.name_of_failure(self.party, self.kind)
        name = f"{answer.asked.order_number}/{digest_of(answer.body)}"
        inbox.keep(transaction, Envelope(self.party, self.kind, name, answer.body))
        return "answered"
