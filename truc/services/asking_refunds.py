"""Asks parties what became of refunds they took, on each party's schedule, and says so where no end comes."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Row

from truc.domain.payment_states import Mover, State
from truc.envelope import Envelope, RefundOrder
from truc.exchange import inbox
from truc.manifest import Event
from truc.messages import RefundResult
from truc.services import ask_schedule, refunds
from truc.services.question_runs import Answer
from truc.store import payments as payment_store
from truc.store import refunds as store
from truc.store.opened import Transaction


class SaysRefunds(Protocol):
    """A client that can be asked about one refund."""

    def get_refund(self, refund: RefundOrder) -> bytes:
        """Return the party's word as its mapping of refunds reads it; RejectedError `not_found` where it knows none."""


def take_stock(transaction: Transaction, party: str) -> Counter[str]:
    """Bring refunds on whose request, or whose time, has come to an end; return what came → how many.

    Refused or dropped: the payment is paid as before. Set aside: in doubt, as nobody knows whether the party has it.
    Sent, with an answer that nobody could read: the party has it. Waited for to the end of its time: in doubt.
    """
    ended = store.requests_ended(transaction, party, ask_schedule.operations(party, Event.REFUND_REQUESTED))
    counts = Counter(filter(None, [_request_ended(transaction, party, one) for one in ended]))
    for one in store.unscheduled(transaction, party):
        now = payment_store.clock(transaction)
        _schedule(transaction, one, since=now, now=now)
    silent = not ask_schedule.can_be_asked_about_refunds(party)
    for row in store.over(transaction, party, silent=silent):
        refunds.doubt_unanswered(transaction, row)
        counts["refund_unanswered"] += 1
    return counts


def _request_ended(transaction: Transaction, party: str, one: Row[Any]) -> str:
    payment = payment_store.get_locked(transaction, one.our_reference)
    match one.request:
        case "sent":
            store.keep_state(transaction, one.id, "pending", partner_reference="")
            if payment.state == State.IN_DOUBT:
                refunds.wait_again(transaction, payment, Mover.REFUND)
            return "refund_pending"
        case "set_aside":
            if payment.state == State.IN_DOUBT:
                return ""
            refunds.doubt_unanswered(transaction, payment)
            return "refund_unanswered"
    result = RefundResult(
        refund_reference=one.refund_reference,
        partner_reference="",
        amount_vnd=one.amount_vnd,
        state="refused",
        occurred_at=payment_store.clock(transaction),
        reason=one.reason,
    )
    refunds.settle(transaction, party, result)
    return "refund_refused"


def _schedule(transaction: Transaction, payment: Row[Any], *, since: datetime, now: datetime) -> None:
    """Keep when the party is asked next about the payment's refunds; each is counted from when the party had it."""
    following = ask_schedule.refund_following(payment.party, store.pending_since(transaction, payment.id), now)
    payment_store.schedule(transaction, payment.id, since=since, next_ask_at=following)


@dataclass(frozen=True, slots=True)
class RefundQuestions:
    """What one run asks a party about refunds: `kind` is the mapping that reads the answers."""

    client: SaysRefunds
    party: str
    kind: str

    def claim(self, transaction: Transaction, *, most: int, lease_s: float) -> list[Row[Any]]:
        """Take what is due."""
        return store.claim_due(transaction, self.party, most=most, lease_s=lease_s)

    def call(self, asked: Row[Any]) -> bytes:
        """Ask about one."""
        order = RefundOrder(
            refund_reference=asked.refund_reference,
            partner_reference=asked.partner_reference,
            amount_vnd=asked.amount_vnd,
            requested_at=asked.requested_at,
            our_reference=asked.our_reference,
            paid_by=asked.paid_by or "",
            payment_requested_at=asked.payment_requested_at,
        )
        return self.client.get_refund(order)

    def write(self, transaction: Transaction, answer: Answer, now: datetime, again_at: datetime) -> str:
        """Keep the answer with the time of the next question; return how it is counted."""
        row = payment_store.get_locked(transaction, answer.asked.our_reference)
        waits = row.asking_since is not None  # else it had its end meanwhile; the answer is a word all the same
        if waits:
            following = ask_schedule.refund_following(self.party, store.pending_since(transaction, row.id), now)
            if answer.to_be_repeated and not (answer.put_off and following is None):
                payment_store.ask_next(transaction, row.id, again_at)
                return "refund_unreached"
            payment_store.ask_next(transaction, row.id, following)
        if answer.body is None:
            return f"refund_{answer.name_of_failure(self.party, self.kind)}"
        name = f"{answer.asked.refund_reference}/{answer.asked.asks}"
        inbox.keep(transaction, Envelope(self.party, self.kind, name, answer.body))
        return "refund_answered"
