"""Plays one seed: processes of the hub at work in a failing world, then quiet, until nothing is left to do."""

import logging
import random as global_random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from sandbox.simulation import database, declared, story
from sandbox.simulation.database import Ground
from sandbox.simulation.faults import Faults
from sandbox.simulation.hands import SimulatedHands
from sandbox.simulation.network import Client
from sandbox.simulation.partner import FEED, Partner
from sandbox.simulation.story import Act, Callback, Story
from sandbox.simulation.world import Process, World
from truc import parties
from truc.envelope import Envelope, Receipt
from truc.errors import MalformedError, TrucError
from truc.exchange import courier, inbox, outbox
from truc.exchange.inbox import Origin
from truc.exchange.journal import chain
from truc.exchange.outcomes import Claimed
from truc.manifest import Manifest
from truc.messages import Inbound
from truc.store.opened import Store, Transaction

COURIERS_A_PARTY = 2
BORN_AGAIN_WITHIN_S = 120.0
ROUNDS_MAX = 80
DAY_S = 86_400.0
SETTLED_AFTER_S = 600.0  # longer than any partner takes to settle

_DUE = """
    SELECT one.party, extract(epoch FROM greatest(one.not_before, coalesce(one.leased_until, one.not_before),
        CASE WHEN lines.breaker <> 'closed' THEN lines.retry_at END, maintenance.until_at) - now()) AS due_s
    FROM outbox AS one LEFT JOIN lines USING (party)
    LEFT JOIN maintenance ON maintenance.party = one.party AND from_at <= now() AND until_at > now()
    WHERE one.drawer = 0 AND one.state IN ('waiting', 'unknown', 'sending')
        AND one.place = (SELECT min(first.place) FROM outbox AS first
                         WHERE first.drawer = 0 AND first.party = one.party AND first.key = one.key)
    ORDER BY one.party, due_s
"""


@dataclass(slots=True)
class Run:
    """One run as it stands at its end, for those who judge it."""

    seed: int
    world: World
    faults: Faults
    ground: Ground
    story: Story
    partners: dict[str, Partner]
    acknowledged: set[str] = field(default_factory=set)  # external ids whose publishing was known to succeed
    told: set[tuple[str, str, str]] = field(default_factory=set)  # (party, id, digest) that we said we have
    at_work: int = 0
    unfinished: list[str] = field(default_factory=list)

    def store(self, process: Process) -> Store:
        """Open the store as this process has it."""
        return database.store(self.world, self.ground, self.faults, process)

    def manifest(self, party: str) -> Manifest:
        """Return what the party declares in this run."""
        return self.story.manifests[party]


@contextmanager
def played(seed: int, ground: Ground, *, keeps_trace: bool = False) -> Iterator[Run]:
    """Play the seed on a clean database; what it wrote can be read until the end of the block."""
    random = Random(seed)
    global_random.seed(seed)  # the exchange draws its jitter there
    ground.clean()
    world = World(seed, begins_at=random.choice(story.BEGINNINGS), keeps_trace=keeps_trace)
    told = story.drawn(random, declared.drawn(random))
    faults = Faults(random)
    faults.database_away = told.database_away
    partners = {
        party: Partner(world, manifest, refused=frozenset(told.refused)) for party, manifest in told.manifests.items()
    }
    run = Run(seed, world, faults, ground, told, partners)
    with declared.installed(told.manifests), _silent_logs():
        try:
            _act(run)
            yield run
        finally:
            world.close()


def _act(run: Run) -> None:
    _prepare(run)
    for number, act in enumerate(run.story.acts):
        _process(run, f"publisher-{number}", partial(_publish, run, act), act.at_s)
    for number, call in enumerate(run.story.callbacks):
        _process(run, f"gateway-{number}", partial(_take_call, run, call), call.at_s)
    for party in run.story.manifests:
        for number, operations in enumerate(_lanes(run, party)):
            work = partial(_repeat, run, partial(_deliver, run, party, operations))
            _process(run, f"{party}-{number}", work, run.world.random.uniform(0, 10))
        if any(one == party for _, one, _ in run.story.news) or run.story.callbacks:
            work = partial(_repeat, run, partial(_fetch, run, party))
            _process(run, f"{party}-in", work, run.world.random.uniform(0, 30))
    run.world.run(until_s=run.story.lasts_s)
    run.faults.quiet = True
    run.world.note("quiet")
    _let_finish(run)


def _prepare(run: Run) -> None:
    for party, windows in run.story.away.items():
        run.partners[party].away = windows
    for at_s, party, item in run.story.news:
        run.world.later(at_s, partial(run.partners[party].news.append, item))
    with run.ground.transaction(run.world.now) as connection:
        for party, start_s, end_s in run.story.maintenance:
            connection.execute(
                text(
                    "INSERT INTO maintenance (party, from_at, until_at, reason) VALUES (:party, "
                    "now() + make_interval(secs => :start_s), now() + make_interval(secs => :end_s), 'simulated')"
                ),
                {"party": party, "start_s": start_s, "end_s": end_s},
            )
        run.ground.commit(connection)


def _lanes(run: Run, party: str) -> list[tuple[str, ...]]:
    names = tuple(operation.name for operation in run.manifest(party).operations)
    if len(names) > 1 and run.world.random.random() < 0.3:
        return [(name,) for name in names]
    return [names] * COURIERS_A_PARTY


def _process(run: Run, name: str, work: Callable[[Process], None], after_s: float = 0.0) -> None:
    """Start a process that is started anew, under the same name, some time after it was killed."""
    run.at_work += 1

    def life() -> None:
        work(process)
        run.at_work -= 1

    def start_anew() -> None:
        run.at_work -= 1
        _process(run, name, work)

    def on_kill() -> None:
        run.world.later(run.world.random.uniform(0, BORN_AGAIN_WITHIN_S), start_anew)

    process = Process(name, on_kill=on_kill)
    run.world.start(process, life, after_s=after_s)


def _repeat(run: Run, work: Callable[[Process], None], process: Process) -> None:
    """Do it again and again, as a schedule does, until the world is quiet."""
    while not run.faults.quiet:
        work(process)
        rest_s = run.world.random.choice((5.0, 30.0, run.story.lasts_s / 2, run.story.lasts_s / 2))
        run.world.pause(run.world.random.uniform(rest_s / 2, rest_s))


def _deliver(run: Run, party: str, operations: tuple[str, ...], process: Process) -> None:
    """Run the real courier once, as a task that may fail."""

    def on_receipt(transaction: Transaction, one: Claimed, receipt: Receipt) -> None:
        if parties.reads_receipts(one.party, one.operation):
            envelope = Envelope(one.party, one.operation, one.external_id, receipt.body, receipt.content_type)
            inbox.book_now(transaction, envelope, book=book)

    client = Client(run.world, run.faults, process, run.partners[party], run.manifest(party))
    try:
        done = courier.deliver(
            run.store(process),
            client,
            party,
            operations,
            on_receipt=on_receipt,
            hands=lambda count: SimulatedHands(run.world, process, count),
        )
        run.world.note("delivered", sorted(done.counts.items()), done.why)
    except (TrucError, DBAPIError) as error:
        run.world.note("delivery failed", type(error).__name__)


def book(transaction: Transaction, origin: Origin, item: Inbound) -> None:
    """Book an item: one row for each time it is booked. Raise MalformedError for one that must be set aside."""
    name = inbox.name_of(item)
    if name.startswith("?"):
        raise MalformedError("simulated: cannot be booked", reason="not_bookable")
    _change(transaction, f"inbox {origin.inbox_id}", name)


def _change(transaction: Transaction, cause: str, item: str) -> None:
    transaction.sql.execute(
        text("INSERT INTO simulated_changes (cause, item) VALUES (:cause, :item)"), {"cause": cause, "item": item}
    )


def _publish(run: Run, act: Act, process: Process) -> None:
    def once() -> None:
        with run.store(process).begin() as transaction:
            if act.together:
                new = outbox.publish_many(transaction, act.publications)
            else:
                new = sum(_publish_one(transaction, one) for one in act.publications)
            if new:
                _change(transaction, "published", act.publications[0].external_id)

    _until_done(run, once)
    run.world.note("published", *(one.external_id for one in act.publications))
    run.acknowledged.update(one.external_id for one in act.publications)


def _publish_one(transaction: Transaction, one: outbox.Publication) -> int:
    return outbox.publish(transaction, one.event, one.message, key=one.key, external_id=one.external_id)


def _take_call(run: Run, call: Callback, process: Process) -> None:
    def once() -> None:
        with run.store(process).begin() as transaction:
            if call.booked_at_once:
                inbox.book_now(transaction, call.envelope, book=book)
            else:
                inbox.keep(transaction, call.envelope)

    _until_done(run, once)
    run.world.note("has", call.envelope.party, call.envelope.external_id)
    run.told.add((call.envelope.party, call.envelope.external_id, call.envelope.digest))
    if call.repeats:
        run.world.pause(run.world.random.uniform(0, 60))
        _until_done(run, once)


def _until_done(run: Run, work: Callable[[], None]) -> None:
    """The caller hears an error and tries again, not knowing whether it was done."""
    while True:
        try:
            return work()
        except DBAPIError:
            run.world.pause(run.world.random.uniform(0.1, 20))


def _fetch(run: Run, party: str, process: Process) -> None:
    opened = run.store(process)
    client = Client(run.world, run.faults, process, run.partners[party], run.manifest(party))
    try:
        with opened.begin() as transaction:
            cursor = inbox.cursor(transaction, party, FEED)
        for page in client.fetch(cursor):
            with opened.begin() as transaction:
                inbox.keep_page(transaction, FEED, page)
            run.told.add((party, page.envelope.external_id, page.envelope.digest))
        inbox.book_kept(opened, party, (FEED, declared.CALLBACK), book=book)
    except (TrucError, ValueError, DBAPIError) as error:
        run.world.note("fetch failed", type(error).__name__)


def _let_finish(run: Run) -> None:
    """Let everybody finish without faults, then sweep until nothing may go any more."""
    run.world.run(until_s=run.world.now_s + DAY_S, until=lambda: not run.at_work)
    if run.at_work:
        run.unfinished.append(f"{run.at_work} processes do not end")
    for number in range(ROUNDS_MAX):
        due = database.read(run.ground, run.world, _DUE)
        if not due:
            break
        # What is due and does not go waits for something that no row tells, the hours of a partner say.
        patience_s = max(float(min(row.due_s for row in due)), float(number**2))
        run.world.run(until_s=run.world.now_s + patience_s)
        for party in sorted({row.party for row in due}):
            operations = tuple(operation.name for operation in run.manifest(party).operations)
            _sweep(run, f"{party}-sweep", partial(_deliver, run, party, operations))
    else:
        run.unfinished += [f"{row.party}: due in {row.due_s} s" for row in due]
    run.world.run(until_s=run.world.now_s + SETTLED_AFTER_S)
    for party in run.story.manifests:
        _sweep(run, f"{party}-in", partial(_fetch, run, party))
    _sweep(run, "journal", lambda process: chain.chain(run.store(process)))


def _sweep(run: Run, name: str, work: Callable[[Process], object]) -> None:
    over: list[bool] = []

    def life() -> None:
        work(process)
        over.append(True)

    process = Process(name, mortal=False)
    run.world.start(process, life)
    run.world.run(until_s=run.world.now_s + DAY_S, until=lambda: bool(over))
    if not over:
        run.unfinished.append(f"{name} does not end")


@contextmanager
def _silent_logs() -> Iterator[None]:
    log = logging.getLogger("truc")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)
