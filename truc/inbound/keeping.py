"""Keeps the verified calls that wait at one moment in one transaction, and answers each when that is committed.

A commit waits for the disk and every statement for the database, whether it is about one call or thirty: so calls that
came while the last transaction ran share the next. A call that comes alone waits for nobody.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from anyio import CapacityLimiter, to_thread
from sqlalchemy import Row, text

from truc import parties
from truc.envelope import Envelope
from truc.exchange import bodies, set_aside
from truc.exchange.bodies import Body
from truc.exchange.inbox import Kept
from truc.store.opened import Transaction

BATCH_MAX = 64
WAITING_MAX = 1_000
AT_ONCE = 2  # transactions: one is prepared while the other waits for the disk
# A second one is begun only for so many: what one transaction costs is hardly more for thirty calls than for three.
SECOND_FROM = 16

Name = tuple[str, str, str]  # party, kind, external id
Work = TypeVar("Work")
Done = TypeVar("Done")

_LOCK = text("SELECT pg_advisory_xact_lock(number) FROM unnest(CAST(:numbers AS bigint[])) AS number")
_NAMES = text(
    """
    INSERT INTO inbox_names AS known (party, kind, external_id, digest, inbox_id)
    SELECT party, kind, external_id, digest, nextval('exchange_seq')
    FROM unnest(CAST(:parties AS text[]), CAST(:kinds AS text[]), CAST(:names AS text[]), CAST(:digests AS text[]))
        AS given(party, kind, external_id, digest)
    ON CONFLICT (party, kind, external_id, digest) DO UPDATE SET seen = known.seen + 1
    RETURNING party, kind, external_id, inbox_id, seen, EXISTS (
        SELECT FROM inbox_names AS other
        WHERE other.party = known.party AND other.kind = known.kind AND other.external_id = known.external_id
            AND other.digest <> known.digest) AS others
    """
)
_INBOX = text(
    """
    INSERT INTO inbox (id, party, kind, external_id, digest, body_id)
    SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:parties AS text[]), CAST(:kinds AS text[]),
        CAST(:names AS text[]), CAST(:digests AS text[]), CAST(:bodies AS bigint[]))
    """
)


def keep_many(transaction: Transaction, envelopes: Sequence[Envelope]) -> list[Kept]:
    """Keep all, as `inbox.keep` keeps one, and return where, in the same order. No two may have one name."""
    numbers = sorted(_lock_number(one) for one in envelopes)  # in one order everywhere: nobody waits in a circle
    transaction.sql.execute(_LOCK, {"numbers": numbers})
    rows = transaction.sql.execute(_NAMES, _columns(envelopes))
    named: dict[Name, Row[tuple[object, ...]]] = {(row.party, row.kind, row.external_id): row for row in rows}
    new = [one for one in envelopes if named[name_of(one)].seen == 1]
    if new:
        _insert(transaction, new, [named[name_of(one)].inbox_id for one in new])
    for one in new:
        if named[name_of(one)].others:
            _note_incident(transaction, one, named[name_of(one)].inbox_id)
    return [Kept(int(row.inbox_id), first=row.seen == 1) for row in (named[name_of(one)] for one in envelopes)]


def name_of(envelope: Envelope) -> Name:
    """Return what two envelopes of one batch may not share."""
    return envelope.party, envelope.kind, envelope.external_id


@dataclass(slots=True)
class Batches(Generic[Work, Done]):
    """Hands what waits to `do`, many at a time, in a thread; two of one name never together.

    `do` returns one result for each, in order. Where it fails with more than one in hand, each is done alone, so that
    none fails for another's fault.
    """

    do: Callable[[Sequence[Work]], Sequence[Done]]
    name: Callable[[Work], Name]
    _waiting: deque[tuple[Work, "asyncio.Future[Done]"]] = field(default_factory=deque)
    _working: set["asyncio.Task[None]"] = field(default_factory=set)
    _threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(AT_ONCE))

    @property
    def is_full(self) -> bool:
        """Whether so many wait that one more would be answered too late."""
        return len(self._waiting) >= WAITING_MAX

    async def done(self, work: Work) -> Done:
        """Return the result; raise what `do` raised. Whoever stops waiting leaves the work to be done."""
        end: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, end))
        if not self._working or (len(self._working) < AT_ONCE and len(self._waiting) >= SECOND_FROM):
            task = asyncio.create_task(self._work())
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        return await end

    async def _work(self) -> None:
        while self._waiting:
            await self._do(self._next())

    def _next(self) -> list[tuple[Work, "asyncio.Future[Done]"]]:
        chosen: dict[Name, tuple[Work, asyncio.Future[Done]]] = {}
        later: list[tuple[Work, asyncio.Future[Done]]] = []
        while self._waiting and len(chosen) < BATCH_MAX:
            one = self._waiting.popleft()
            name = self.name(one[0])
            later.append(one) if name in chosen else chosen.setdefault(name, one)
        self._waiting.extendleft(reversed(later))
        return list(chosen.values())

    async def _do(self, batch: Sequence[tuple[Work, "asyncio.Future[Done]"]]) -> None:
        try:
            results = await to_thread.run_sync(self.do, [work for work, _ in batch], limiter=self._threads)
        except Exception as error:  # noqa: BLE001  (whoever waits for the result gets it)
            if len(batch) == 1:
                _tell(batch[0][1], error)
                return
            for one in batch:
                await self._do([one])
        else:
            for (_, end), result in zip(batch, results, strict=True):
                _tell(end, result)


def _tell(end: "asyncio.Future[Done]", result: Done | Exception) -> None:
    if end.done():  # whoever waited went away
        return
    if isinstance(result, Exception):
        end.set_exception(result)
    else:
        end.set_result(result)


def _lock_number(envelope: Envelope) -> int:
    """The same number as `Transaction.lock("inbox", party, kind, external_id)`, which `inbox.keep` takes."""
    words = ("inbox", *name_of(envelope))
    return int.from_bytes(hashlib.sha256("\0".join(words).encode()).digest()[:8], "big", signed=True)


def _columns(envelopes: Sequence[Envelope]) -> dict[str, list[str]]:
    return {
        "parties": [one.party for one in envelopes],
        "kinds": [one.kind for one in envelopes],
        "names": [one.external_id for one in envelopes],
        "digests": [one.digest for one in envelopes],
    }


def _insert(transaction: Transaction, new: Sequence[Envelope], inbox_ids: Sequence[int]) -> None:
    given = [
        Body(one.body, one.content_type, parties.manifest(one.party).retention(one.kind).bodies_months) for one in new
    ]
    transaction.sql.execute(
        _INBOX, _columns(new) | {"ids": list(inbox_ids), "bodies": bodies.keep_many(transaction, given)}
    )


def _note_incident(transaction: Transaction, envelope: Envelope, inbox_id: int) -> None:
    set_aside.note_incoming(
        transaction,
        party=envelope.party,
        kind=envelope.kind,
        inbox_id=inbox_id,
        item=envelope.external_id,
        reason=set_aside.INCIDENT,
        text="the same id came before with other bytes; both are kept",
    )
