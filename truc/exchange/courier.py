"""The courier: drains one party's outbox with bounded concurrency, and asks after silence instead of sending again.

One coordinator (the caller's thread) does the database work for many messages at a time: it commits SENDING for a
batch before any of its calls, hands the calls out, and writes down what became of them, batch by batch. A courier
that dies leaves SENDING rows whose lease runs out: the next one treats them as unknown.
"""

import logging
import os
import socket
import threading
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError

from truc import parties
from truc.errors import SetupError
from truc.exchange import attempts, claims, line, outcomes
from truc.exchange.hands import Hands, ThreadHands
from truc.exchange.journal.chain import chain
from truc.exchange.line import Turn
from truc.exchange.outcomes import Claimed, OnReceipt, Outcome
from truc.manifest import Limits, Operation, OutcomeClass
from truc.parties import Client
from truc.store.opened import Store, Transaction

log = logging.getLogger(__name__)
T = TypeVar("T")

# How many messages a courier may have in its hands, SENDING committed: what a crash leaves to ask about.
AHEAD_MAX = 64
# Where one call takes a batch, so many batches for each slot instead.
BATCHES_AHEAD = 4
# Outcomes are written down when half of that is there, when the oldest waited so long, or when nothing else is to do.
SETTLE_S = 0.2
# What was not called for so long after it was claimed is given back, so that no send outlasts its lease.
IN_HAND_S = 60.0
# A coordinator looks up at least so often, to keep its slots.
LOOK_UP_S = 10.0
# How long a courier lingers for a message that may go again soon, before it leaves it to the next run.
LINGER_S = 6.0
# The database went away: how long a courier holds on to what it knows, and tries to write it down.
DATABASE_WAITS_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0)
GONE = (OperationalError, InterfaceError)


@dataclass(slots=True)
class Delivery:
    """What one run of the courier did: outcome → count. `unreachable` says it stopped early; `why` why it left."""

    counts: Counter[str] = field(default_factory=Counter)
    unreachable: bool = False
    why: str = ""


def deliver(
    store: Store,
    client: Client,
    party: str,
    operations: tuple[str, ...],
    *,
    on_receipt: OnReceipt,
    hands: Callable[[int], Hands] | None = None,
) -> Delivery:
    """Send what may go now and return what became of it.

    Raise SetupError when the partner refuses our settings; what was not sent waits. A partner that
    is away is no error: its messages wait for the next run.
    """
    limits = parties.manifest(party).limits
    worker = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:12]}"
    slots = store.run(lambda transaction: line.board(transaction, party, worker=worker, limits=limits))
    if not slots:
        return Delivery(why="others_at_work")
    made = hands(slots) if hands is not None else ThreadHands(slots, name=party)
    run = _Run(store, client, party, operations, limits, on_receipt, worker, slots, made)
    try:
        run.work()
    except BaseException as error:
        run.failed = error  # what was not called for yet is not called for any more
        raise
    finally:
        run.end()
    chain(store)
    log.info("%s: delivered %s %s", party, dict(run.delivery.counts), run.delivery.why)
    if run.failed is not None:
        raise run.failed
    return run.delivery


def _lease(limits: Limits) -> timedelta:
    """A message may wait in the hands, and then be sent as slowly as a send can be."""
    return timedelta(seconds=IN_HAND_S + limits.lease_s)


@dataclass(slots=True)
class _Run:
    store: Store
    client: Client
    party: str
    operations: tuple[str, ...]
    limits: Limits
    on_receipt: OnReceipt
    worker: str
    slots: int
    hands: Hands
    delivery: Delivery = field(default_factory=Delivery)
    failed: BaseException | None = None  # raised at the end of the run, when all calls are written down
    trying: bool = False  # it holds the one try of a half-open line
    failures: int = 0
    in_hand: int = 0
    unused: int = 0
    found: list[Outcome] = field(default_factory=list)
    found_at_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def stopped(self) -> bool:
        return self.delivery.unreachable or self.failed is not None

    @property
    def ahead(self) -> int:
        """A message that cannot be asked about is marked only when it goes at once: a crash costs a person's time."""
        declared = [self._operation(name) for name in self.operations]
        cautious = any(one.outcome is OutcomeClass.NEITHER for one in declared)
        batch = max(one.batch_max for one in declared)
        return self.slots if cautious else max(AHEAD_MAX, BATCHES_AHEAD * self.slots * batch)

    def work(self) -> None:
        """Claim, call, write down, until nothing may go any more."""
        until_s = self.hands.now_s() + LINGER_S
        turn = self._settle()
        while True:
            claimed = self._claim(turn)
            if claimed or self.in_hand:
                until_s = self.hands.now_s() + LINGER_S
                self._gather()
            elif self.stopped or not self._linger(turn, until_s):
                break
            turn = self._settle()
        self.delivery.why = self.delivery.why or turn.why

    def end(self) -> None:
        """Leave the line. After a failure, write down first what the calls in the hands came to."""
        self.hands.close()
        try:
            if self.in_hand:
                self.found += self.hands.take(0.0)
            self._write_down()
        finally:
            self.store.run(self._left)

    def _left(self, transaction: Transaction) -> None:
        line.give_back(transaction, self.party, self.limits, self.unused)
        if self.trying:
            line.not_tried(transaction, self.party)
        line.leave(transaction, self.worker)

    def _write_down(self) -> None:
        try:
            self.store.run(partial(self._settled, found=self.found))
        except GONE:
            raise
        except Exception:  # noqa: BLE001  (one of them cannot be written down: the others are all the same)
            self._each_alone(self.store.run)

    def _claim(self, turn: Turn) -> bool:
        if not turn.allowed:
            return False
        self.trying |= turn.why == "half_open"
        self.unused = turn.allowed
        if self.stopped:
            return False
        send_by_s = self.hands.now_s() + IN_HAND_S
        try:
            claimed, problems = self._hold_on(lambda transaction: self._claimed(transaction, turn))
        except GONE:
            raise
        except Exception as error:  # noqa: BLE001  (raised at the end: the calls being made are written down first)
            self.failed = error
            return False
        self._tell(problems)
        self.unused -= len(claimed)
        self.in_hand += len(claimed)
        for part in self._parts(claimed):
            self.hands.give(partial(self._call, part, send_by_s))
        return bool(claimed or problems)

    def _claimed(self, transaction: Transaction, turn: Turn) -> tuple[list[Claimed], list[Outcome]]:
        lease = _lease(self.limits)
        return claims.claim(
            transaction,
            self.party,
            self.operations,
            worker=self.worker,
            most=turn.allowed,
            lease=lease,
        )

    def _parts(self, claimed: Sequence[Claimed]) -> list[Sequence[Claimed]]:
        """Put new messages of an operation that takes batches together; every other one goes alone."""
        parts: list[Sequence[Claimed]] = []
        together: dict[str, list[Claimed]] = defaultdict(list)
        for one in claimed:
            if self._operation(one.operation).batch_max > 1 and one.state == "waiting" and one.attempts == 0:
                together[one.operation].append(one)
            else:
                parts.append((one,))
        for name, those in together.items():
            most = self._operation(name).batch_max
            parts += [those[start : start + most] for start in range(0, len(those), most)]
        return parts

    def _call(self, part: Sequence[Claimed], send_by_s: float) -> Sequence[Outcome]:
        """Runs in a hand: make one call, unless the run was stopped or the lease may not last for it."""
        if self.stopped or self.hands.now_s() > send_by_s:
            return [attempts.untouched(one) for one in part]
        try:
            if len(part) > 1:
                done = attempts.attempt_batch(self.client, self.limits, part)
            else:
                done = [attempts.attempt(self.client, self.limits, part[0])]
        except SetupError as error:
            self.failed = error
            return [attempts.untried(self.limits, one, error) for one in part]
        self._note(done[0])
        return done

    def _note(self, done: Outcome) -> None:
        if done.reached is None:
            return
        with self.lock:
            self.failures = 0 if done.reached else self.failures + 1
            if self.failures >= line.FAILURES_MAX:
                self.delivery.unreachable = True

    def _gather(self) -> None:
        """Wait until enough outcomes are there to write down."""
        most = max(1, self.ahead // 2)
        look_up_s = self.hands.now_s() + LOOK_UP_S
        while self.in_hand and len(self.found) < most and self.hands.now_s() < look_up_s:
            waited_s = self.hands.now_s() - self.found_at_s if self.found else 0.0
            if waited_s >= SETTLE_S:
                break
            new = self.hands.take(SETTLE_S - waited_s)
            if new and not self.found:
                self.found_at_s = self.hands.now_s()
            self.found += new
            self.in_hand -= len(new)

    def _settle(self) -> Turn:
        """Write down what was found and return what may be claimed next."""
        room = self.ahead - self.in_hand
        wanted = 0 if self.stopped or (self.in_hand and room < self.ahead // 2) else room
        try:
            turn = self._hold_on(lambda transaction: self._written(transaction, self.found, wanted))
        except GONE:
            raise
        except Exception as error:  # noqa: BLE001  (raised at the end: the others are written down all the same)
            # The kind only: an error's text may hold what the partner said of a citizen.
            name, count = type(error).__name__, len(self.found)
            log.error("%s: a batch of %d outcomes failed (%s); writing them one by one", self.party, count, name)  # noqa: TRY400  (the kind only, as above)
            self._each_alone(self._hold_on)
            turn = self._hold_on(lambda transaction: self._written(transaction, [], 0))
        self.trying &= bool(self.in_hand) and not _calls(self.found)
        self._tell(self.found)
        self.found, self.unused = [], 0
        return turn

    def _tell(self, found: Sequence[Outcome]) -> None:
        """Count them, and say what became of each in one line without any of its content."""
        self.delivery.counts.update(one.name for one in found if one.name)
        for one in found:
            log.info("%s %s exchange %d: %s", self.party, one.one.operation, one.one.id, one.became)

    def _written(self, transaction: Transaction, found: Sequence[Outcome], wanted: int) -> Turn:
        self._settled(transaction, found)
        if self.trying and not self.in_hand and not _calls(found):
            line.not_tried(transaction, self.party)
        return line.turn(
            transaction,
            self.party,
            worker=self.worker,
            limits=self.limits,
            most=wanted,
            unused=self.unused,
        )

    def _settled(self, transaction: Transaction, found: Sequence[Outcome]) -> None:
        outcomes.settle(transaction, found, on_receipt=self.on_receipt)
        line.report(transaction, self.party, self.limits, _calls(found))

    def _each_alone(self, run: Callable[[Callable[[Transaction], None]], None]) -> None:
        """Write down each alone. What one of them fails with ends the run when all calls are written down."""
        for one in tuple(self.found):
            try:
                run(partial(self._settled, found=[one]))
            except GONE:
                raise
            except Exception as error:  # noqa: BLE001  (raised at the end)
                self.failed = self.failed or error
                self.found.remove(one)

    def _linger(self, turn: Turn, until_s: float) -> bool:
        """Wait for a message that may go soon; tell whether to look again."""
        due_s = turn.again_in_s
        if turn.allowed:
            due_s = self._hold_on(lambda transaction: claims.next_due_s(transaction, self.party, self.operations))
        wait_s = None if due_s is None else max(0.05, due_s)
        if wait_s is None or self.hands.now_s() + wait_s > until_s:
            self.delivery.unreachable |= turn.why == "breaker_open"
            return False
        self.hands.rest(wait_s)
        return True

    def _hold_on(self, work: Callable[[Transaction], T]) -> T:
        """Do `work` in a transaction, through a database that goes away for a while.

        Doing it a second time is harmless when the first had happened after all: what is claimed is then under
        lease, and what was written down is not there to be written again.
        """
        for wait_s in DATABASE_WAITS_S:
            try:
                return self.store.run(work)
            except GONE as error:
                log.warning("%s: the database does not answer (%s)", self.party, type(error).__name__)
                self.hands.rest(wait_s)
        return self.store.run(work)

    def _operation(self, name: str) -> Operation:
        return parties.manifest(self.party).operation(name)


def _calls(found: Sequence[Outcome]) -> list[tuple[bool, timedelta]]:
    """Return of each call whether it was answered, and how long the partner asked us to wait."""
    return [(one.reached, one.asked_to_wait) for one in found if one.reached is not None]
