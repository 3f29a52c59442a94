"""Asks parties about payments and refunds that wait for an end, on each party's schedule, and says where none comes.

A question is claimed and committed before the call, so that a run that dies leaves it due again after a lease. The
answer's bytes are kept together with the time of the next question, and booked like any other message. Calls go over
the party's line as the courier's do: its slots, its rate, its breaker, its times of rest.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Protocol, cast

from sqlalchemy import Row

from truc import parties
from truc.domain.payment_states import SILENT, Became, Doubt, Mover, NextStep, Said, State
from truc.envelope import Envelope, Order
from truc.exchange import inbox
from truc.exchange.inbox import Book
from truc.manifest import Event
from truc.parties import Client
from truc.services import ask_schedule, asking_refunds, bills, payments
from truc.services.asking_refunds import RefundQuestions, SaysRefunds
from truc.services.bills import BillQuestions, GivesBills
from truc.services.question_runs import Answer, Asked, Questions, run_each
from truc.store import payments as payment_store
from truc.store.opened import Store, Transaction

log = logging.getLogger(__name__)


class SaysPayments(Protocol):
    """A client that can be asked about one payment."""

    def get_payment(self, order: Order) -> bytes:
        """Return the party's word as its mapping reads it; RejectedError `not_found` where it knows no such order."""


def ask(store: Store, client: Client, party: str, kind: str, *, book: Book) -> Asked:
    """Ask about payments, then refunds, that are due, then for receipts; book what is said, and return what was done.

    `kind` names the mapping that reads the answers on payments. A party that does not answer ends the run; what was not
    asked is due in the next one. Raise SetupError when the party refuses our settings.
    """
    kinds = (kind, *_refunds_of(party), *([bills.KIND] if parties.gives(client, bills.KIND) else []))
    inbox.book_kept(store, party, kinds, book=book)  # what a run before this one kept and did not book
    take_stock(store, party)
    try:
        done = run_each(store, party, _questions(client, party, kind))
    finally:
        inbox.book_kept(store, party, kinds, book=book)
    done.counts.update(take_stock(store, party))
    log.info("%s: asked %s", party, dict(done.counts))
    return done


def take_stock(store: Store, party: str) -> Counter[str]:
    """Bring payments on whose request, or whose schedule, has come to an end; return state → how many went there.

    Our request went out: pending. It was refused or set aside: in doubt. A person dropped it: failed. The schedule is
    over without an end: in doubt, for the statement or a person to tell. Refunds: `asking_refunds.take_stock`.
    """
    operations = ask_schedule.operations(party, Event.PAYMENT_REQUESTED)
    if not operations and ask_schedule.declared_terms(party) is None:
        return Counter()
    return store.run(partial(_stock_taken, party=party, operations=operations))


def _refunds_of(party: str) -> list[str]:
    """Return the operation by which the party gives money back, which also reads its word on it; none where none."""
    can = ask_schedule.can_be_asked_about_refunds(party)
    return ask_schedule.operations(party, Event.REFUND_REQUESTED) if can else []


def _questions(client: Client, party: str, kind: str) -> Iterator[Questions]:
    yield PaymentQuestions(cast(SaysPayments, client), party, kind)
    for refund in _refunds_of(party):
        yield RefundQuestions(cast(SaysRefunds, client), party, refund)
    if parties.gives(client, bills.KIND):
        yield BillQuestions(cast(GivesBills, client), party)


def _stock_taken(transaction: Transaction, party: str, operations: list[str]) -> Counter[str]:
    ended = payment_store.requests_ended(transaction, party, operations)
    moved = Counter(filter(None, [_request_ended(transaction, row) for row in ended]))
    over = payment_store.over(transaction, party)
    if not ask_schedule.can_be_asked(party):
        over += payment_store.lived_out(transaction, party)
    for row in over:
        payments.enter(transaction, row, Mover.CLOCK, _unanswered(row))
    return moved + Counter(unanswered=len(over)) + asking_refunds.take_stock(transaction, party)


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


@dataclass(frozen=True, slots=True)
class PaymentQuestions:
    """What one run asks a party about payments: `kind` is the mapping that reads the answers."""

    client: SaysPayments
    party: str
    kind: str

    def claim(self, transaction: Transaction, *, most: int, lease_s: float) -> list[Row[Any]]:
        """Take what is due."""
        return payment_store.claim_due(transaction, self.party, most=most, lease_s=lease_s)

    def call(self, asked: Row[Any]) -> bytes:
        """Ask about one."""
        order = Order(
            our_reference=asked.our_reference,
            partner_token=asked.partner_token,
            amount_vnd=asked.amount_vnd,
            requested_at=asked.requested_at,
        )
        return self.client.get_payment(order)

    def write(self, transaction: Transaction, answer: Answer, now: datetime, again_at: datetime) -> str:
        """Write one answer down with the time of the next question, and return how it is counted."""
        row = payment_store.get_locked(transaction, answer.asked.our_reference)
        if row.next_ask_at is not None:  # else it had its end meanwhile; the answer is a word all the same
            following = ask_schedule.following(self.party, row.asking_since, now)
            if answer.to_be_repeated and not (answer.put_off and following is None):
                payment_store.ask_next(transaction, row.id, again_at)
                return "unreached"
            payment_store.ask_next(transaction, row.id, following)
        name = self._keep(transaction, answer)
        if name == "not_found":
            _hear_absent(transaction, row, now)
        return name

    def _keep(self, transaction: Transaction, answer: Answer) -> str:
        if answer.body is None:
            return answer.name_of_failure(self.party, self.kind)
        name = f"{answer.asked.our_reference}/{answer.asked.asks}"
        inbox.keep(transaction, Envelope(self.party, self.kind, name, answer.body))
        return "answered"


def _hear_absent(transaction: Transaction, row: Row[Any], now: datetime) -> None:
    """«I know no such order» is a word; it is believed when nobody can pay any more and the party had its time."""
    said = Said(party=row.party, state="absent", amount_vnd=None, partner_reference="", said_at=now, asked=True)
    silent = row.doubt in (None, *SILENT) and row.state in (State.PENDING, State.IN_DOUBT)
    over = row.asking_since is not None and ask_schedule.is_over(row.party, row.asking_since, now)
    after = State.FAILED if silent and over else State(row.state)
    payment_store.keep_word(transaction, row, said, after=after, remark=None, inbox_id=None)
    if after != row.state:
        payments.enter(transaction, row, Mover.CLOCK, Became(state=after))
