"""Asks parties about payments that wait for an end, on each party's schedule, and says so where no end comes.

A question is claimed and committed before the call, so that a run that dies leaves it due again after a lease. The
answer's bytes are kept together with the time of the next question, and booked like any other message. Calls go over
the party's line as the courier's do: its slots, its rate, its breaker, its times of rest.
"""

import logging
import os
import socket
import uuid
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol, cast

from sqlalchemy import Row

from truc import parties
from truc.domain.payment_states import SILENT, Became, Doubt, Mover, NextStep, Said, State
from truc.envelope import Envelope, Order
from truc.errors import MalformedError, OutcomeUnknownError, RejectedError, SetupError, TransientError, TrucError
from truc.exchange import inbox, line
from truc.exchange.inbox import Book
from truc.exchange.line import Turn
from truc.manifest import Event, Limits
from truc.parties import Client
from truc.services import ask_schedule, payments, refunds
from truc.store import payments as payment_store
from truc.store.opened import Store, Transaction

log = logging.getLogger(__name__)

# What a run does at most before it lets the next one go on: no run without an end.
ROUNDS_MAX = 2_000
RETRY_AFTER_MAX_S = 86_400


class Asks(Protocol):
    """A client that can be asked about one payment."""

    def get_payment(self, order: Order) -> bytes:
        """Return the party's word as its mapping reads it; RejectedError `not_found` where it knows no such order."""


@dataclass(slots=True)
class Asked:
    """What one run did: outcome → count. `unreachable` says that it stopped early."""

    counts: Counter[str] = field(default_factory=Counter)
    unreachable: bool = False


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came of one question: the bytes, or the failure."""

    asked: Row[Any]
    body: bytes | None = None
    failure: Exception | None = None

    @property
    def reached(self) -> bool:
        return not isinstance(self.failure, TransientError | OutcomeUnknownError)

    @property
    def asked_to_wait(self) -> timedelta:
        wait_s = self.failure.retry_after_s if isinstance(self.failure, TransientError) else None
        return timedelta(seconds=min(wait_s or 0, RETRY_AFTER_MAX_S))


def ask(store: Store, client: Client, party: str, kind: str, *, book: Book) -> Asked:
    """Ask about every payment that is due, book what is said, and return what was done.

    A party that does not answer ends the run; what was not asked is due in the next one. Raise SetupError when the
    party refuses our settings.
    """
    inbox.book_kept(store, party, (kind,), book=book)  # what a run before this one kept and did not book
    take_stock(store, party)
    limits = parties.manifest(party).limits
    # Half of the slots, so that questions hold up no payment that is to be sent.
    half = replace(limits, concurrency=max(1, limits.concurrency // 2))
    worker = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:12]}"
    slots = store.run(lambda transaction: line.board(transaction, party, worker=worker, limits=half))
    if not slots:
        return Asked(Counter(others_at_work=1))
    run = _Run(store, cast(Asks, client), party, kind, limits, worker, slots)
    try:
        run.work()
    finally:
        store.run(lambda transaction: line.leave(transaction, worker))
        inbox.book_kept(store, party, (kind,), book=book)
    run.done.counts.update(take_stock(store, party))
    log.info("%s: asked %s", party, dict(run.done.counts))
    return run.done


def take_stock(store: Store, party: str) -> Counter[str]:
    """Bring payments on whose request, or whose schedule, has come to an end; return state → how many went there.

    Our request went out: pending. It was refused or set aside: in doubt. A person dropped it: failed. The schedule is
    over without an end: in doubt, for the statement or a person to tell. A refund the party refused outright: paid.
    """
    operations = ask_schedule.operations(party, Event.PAYMENT_REQUESTED)
    if not operations and ask_schedule.declared_terms(party) is None:
        return Counter()
    return store.run(partial(_stock_taken, party=party, operations=operations))


def _stock_taken(transaction: Transaction, party: str, operations: list[str]) -> Counter[str]:
    ended = payment_store.requests_ended(transaction, party, operations)
    moved = Counter(filter(None, [_request_ended(transaction, row) for row in ended]))
    over = payment_store.over(transaction, party)
    if not ask_schedule.can_be_asked(party):
        over += payment_store.lived_out(transaction, party)
    for row in over:
        payments.enter(transaction, row, Mover.CLOCK, _unanswered(row))
    return moved + Counter(unanswered=len(over), refund_refused=refunds.take_stock(transaction, party))


def _request_ended(transaction: Transaction, row: Row[Any]) -> str:
    """Return where the payment went, "" where it was already."""
    payment = payment_store.get_locked(transaction, row.our_reference)
    match row.request:
        case "sent":
            mover, became = Mover.RECEIPT, Became(state=State.PENDING)
        case "superseded":
            mover, became = Mover.CLOCK, Became(state=State.FAILED)
        case _:
            # Nobody knows whether the party has it: it can say. A refusal is plain; a person decides.
            step = NextStep.ASK if row.reason == "outcome_unknown" else NextStep.PERSON
            mover, became = Mover.CLOCK, Became(state=State.IN_DOUBT, doubt=Doubt.NOT_DELIVERED, next_step=step)
    if payment.state == became.state:
        return ""
    payments.enter(transaction, payment, mover, became)
    return became.state


def _unanswered(row: Row[Any]) -> Became:
    doubt = Doubt.UNANSWERED if row.doubt is None else Doubt(row.doubt)
    return Became(state=State.IN_DOUBT, doubt=doubt, next_step=ask_schedule.in_place_of_asking(row.party))


@dataclass(slots=True)
class _Run:
    store: Store
    client: Asks
    party: str
    kind: str
    limits: Limits
    worker: str
    slots: int
    done: Asked = field(default_factory=Asked)

    def work(self) -> None:
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

    def _claimed(self, transaction: Transaction) -> tuple[Turn, list[Row[Any]]]:
        turn = line.turn(transaction, self.party, worker=self.worker, limits=self.limits, most=self.slots, unused=0)
        if not turn.allowed:
            return turn, []
        due = payment_store.claim_due(transaction, self.party, most=turn.allowed, lease_s=self.limits.lease_s)
        line.give_back(transaction, self.party, self.limits, turn.allowed - len(due))
        if not due and turn.why == "half_open":
            line.not_tried(transaction, self.party)
        return turn, due

    def _call(self, asked: Row[Any]) -> _Answer:
        order = Order(
            our_reference=asked.our_reference,
            partner_token=asked.partner_token,
            amount_vnd=asked.amount_vnd,
            requested_at=asked.requested_at,
        )
        try:
            return _Answer(asked, body=self.client.get_payment(order))
        except Exception as error:  # noqa: BLE001  (written down with the others; raised again where nobody expects it)
            return _Answer(asked, failure=error)

    def _written(self, transaction: Transaction, answers: Sequence[_Answer]) -> Counter[str]:
        now = payment_store.clock(transaction)
        counts = Counter(self._write(transaction, one, now) for one in answers)
        line.report(transaction, self.party, self.limits, [(one.reached, one.asked_to_wait) for one in answers])
        return counts

    def _write(self, transaction: Transaction, answer: _Answer, now: datetime) -> str:
        """Write one answer down and return how it is counted."""
        row = payment_store.get_locked(transaction, answer.asked.our_reference)
        if row.next_ask_at is None:  # it had its end meanwhile; the answer is a word all the same
            name = self._keep(transaction, answer)
        elif not answer.reached or isinstance(answer.failure, SetupError):
            payment_store.ask_next(transaction, row.id, now + max(self._pause, answer.asked_to_wait))
            return "unreached"
        else:
            following = ask_schedule.following(self.party, row.asking_since, now)
            payment_store.ask_next(transaction, row.id, following)
            name = self._keep(transaction, answer)
        if name == "not_found":
            _hear_absent(transaction, row, now)
        return name

    @property
    def _pause(self) -> timedelta:
        return timedelta(seconds=self.limits.backoff_s)

    def _keep(self, transaction: Transaction, answer: _Answer) -> str:
        if answer.body is not None:
            name = f"{answer.asked.our_reference}/{answer.asked.asks}"
            inbox.keep(transaction, Envelope(self.party, self.kind, name, answer.body))
            return "answered"
        if isinstance(answer.failure, RejectedError) and answer.failure.reason == "not_found":
            return "not_found"
        reason = getattr(answer.failure, "reason", type(answer.failure).__name__)
        log.warning("%s %s: no word on %s: %s", self.party, self.kind, answer.asked.our_reference, reason)
        return "unreadable" if isinstance(answer.failure, MalformedError) else "refused"

    def _raise_first(self, answers: Sequence[_Answer]) -> None:
        """Settings a person must mend, and a fault of the connector, end the run once all answers are written."""
        for one in answers:
            if isinstance(one.failure, SetupError) or not isinstance(one.failure, TrucError | None):
                raise one.failure


def _hear_absent(transaction: Transaction, row: Row[Any], now: datetime) -> None:
    """«I know no such order» is a word; it is believed when nobody can pay any more and the party had its time."""
    said = Said(party=row.party, state="absent", amount_vnd=None, partner_reference="", said_at=now, asked=True)
    silent = row.doubt in (None, *SILENT) and row.state in (State.PENDING, State.IN_DOUBT)
    over = row.asking_since is not None and ask_schedule.is_over(row.party, row.asking_since, now)
    after = State.FAILED if silent and over else State(row.state)
    payment_store.keep_word(transaction, row, said, after=after, remark=None, inbox_id=None)
    if after != row.state:
        payments.enter(transaction, row, Mover.CLOCK, Became(state=after))
