"""One run of questions to a party: over its line as the courier's calls, each claimed and committed before the call."""

import logging
import os
import socket
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from sqlalchemy import Row

from truc import parties
from truc.errors import MalformedError, OutcomeUnknownError, RejectedError, SetupError, TransientError, TrucError
from truc.exchange import line
from truc.exchange.line import Turn
from truc.manifest import Limits
from truc.store import payments as payment_store
from truc.store.opened import Store, Transaction

log = logging.getLogger(__name__)

# What a run does at most before it lets the next one go on: no run without an end.
ROUNDS_MAX = 2_000
RETRY_AFTER_MAX_S = 86_400
# By these truc.transport says that the party could not answer; any other reason is its own «later» to what was asked.
UNHEARD = frozenset({"not_reached", "no_answer", "asked_to_wait", "server_error", "soap_fault"})


@dataclass(slots=True)
class Asked:
    """What one run did: outcome → count. `unreachable` says that it stopped early."""

    counts: Counter[str] = field(default_factory=Counter)
    unreachable: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one question: the bytes, or the failure."""

    asked: Row[Any]
    body: bytes | None = None
    failure: Exception | None = None

    @property
    def reached(self) -> bool:
        """Whether the party answered at all."""
        return not isinstance(self.failure, TransientError | OutcomeUnknownError)

    @property
    def to_be_repeated(self) -> bool:
        """Whether the question stays due: nobody heard it, or our settings were refused."""
        return not self.reached or isinstance(self.failure, SetupError)

    @property
    def put_off(self) -> bool:
        """Whether the party heard the question and said «later»: it may say so for ever."""
        return isinstance(self.failure, TransientError) and self.failure.reason not in UNHEARD

    @property
    def asked_to_wait(self) -> timedelta:
        """How long the party asked us to wait."""
        wait_s = self.failure.retry_after_s if isinstance(self.failure, TransientError) else None
        return timedelta(seconds=min(wait_s or 0, RETRY_AFTER_MAX_S))

    def name_of_failure(self, party: str, kind: str) -> str:
        """Return how a failure is counted, and log one that says nothing of what was asked about."""
        if isinstance(self.failure, RejectedError) and self.failure.reason == "not_found":
            return "not_found"
        reason = getattr(self.failure, "reason", type(self.failure).__name__)
        log.warning("%s %s: no word on %s: %s", party, kind, self.asked.our_reference, reason)
        return "unreadable" if isinstance(self.failure, MalformedError) else "refused"


class Questions(Protocol):
    """What a run asks about."""

    def claim(self, transaction: Transaction, *, most: int, lease_s: float) -> Sequence[Row[Any]]:
        """Take what is due; who takes it and dies leaves it due after the lease."""

    def call(self, asked: Row[Any]) -> bytes:
        """Ask about one."""

    def write(self, transaction: Transaction, answer: Answer, now: datetime, again_at: datetime) -> str:
        """Write one answer down and return how it is counted; `again_at`: when to repeat what was not heard."""


def run_each(store: Store, party: str, questions: Iterable[Questions]) -> Asked:
    """Ask all of them, one kind after the other, until the party does not answer. Raise as `Run.work` does."""
    limits = parties.manifest(party).limits
    # Half of the slots, so that questions hold up no message that is to be sent.
    half = replace(limits, concurrency=max(1, limits.concurrency // 2))
    worker = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:12]}"
    slots = store.run(lambda transaction: line.board(transaction, party, worker=worker, limits=half))
    if not slots:
        return Asked(Counter(others_at_work=1))
    done = Asked()
    try:
        for one in questions:
            if not done.unreachable:
                Run(store, one, party, limits, worker, slots, done).work()
    finally:
        store.run(lambda transaction: line.leave(transaction, worker))
    return done


@dataclass(slots=True)
class Run:
    """What is due to be asked, until nothing is, or the party does not answer."""

    store: Store
    questions: Questions
    party: str
    limits: Limits
    worker: str
    slots: int
    done: Asked

    def work(self) -> None:
        """Ask. Raise SetupError, once all answers are written, when the party refuses our settings."""
        with ThreadPoolExecutor(self.slots, thread_name_prefix=f"ask-{self.party}") as pool:
            for _ in range(ROUNDS_MAX):
                turn, due = self.store.run(self._claimed)
                if not due:
                    self.done.unreachable |= turn.why == "breaker_open"
                    return
                answers = list(pool.map(self._call, due))
                self.done.counts.update(self.store.run(partial(self._written, answers=answers)))
                self.done.unreachable = not all(one.reached for one in answers)
                self._raise_first(answers)
                if self.done.unreachable:
                    return

    def _claimed(self, transaction: Transaction) -> tuple[Turn, Sequence[Row[Any]]]:
        turn = line.turn(transaction, self.party, worker=self.worker, limits=self.limits, most=self.slots, unused=0)
        if not turn.allowed:
            return turn, []
        due = self.questions.claim(transaction, most=turn.allowed, lease_s=self.limits.lease_s)
        line.give_back(transaction, self.party, self.limits, max(0, turn.allowed - len(due)))
        if not due and turn.why == "half_open":
            line.not_tried(transaction, self.party)
        return turn, due

    def _call(self, asked: Row[Any]) -> Answer:
        try:
            return Answer(asked, body=self.questions.call(asked))
        except Exception as error:  # noqa: BLE001  (written down with the others; raised again where nobody expects it)
            return Answer(asked, failure=error)

    def _written(self, transaction: Transaction, answers: Sequence[Answer]) -> Counter[str]:
        now = payment_store.clock(transaction)
        counts = Counter(self._write(transaction, one, now) for one in answers)
        line.report(transaction, self.party, self.limits, [(one.reached, one.asked_to_wait) for one in answers])
        return counts

    def _write(self, transaction: Transaction, answer: Answer, now: datetime) -> str:
        pause = max(timedelta(seconds=self.limits.backoff_s), answer.asked_to_wait)
        return self.questions.write(transaction, answer, now, now + pause)

    def _raise_first(self, answers: Sequence[Answer]) -> None:
        """Settings a person must mend, and a fault of the connector, end the run once all answers are written."""
        for one in answers:
            if isinstance(one.failure, SetupError) or not isinstance(one.failure, TrucError | None):
                raise one.failure
