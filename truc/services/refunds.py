"""Gives money back: asks the party for a refund, and books what it says of it in one transaction with the ledger."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row

from truc.domain.money import format_vnd
from truc.domain.payment_states import Became, Doubt, Mover, NextStep, State, time_of
from truc.errors import MalformedError
from truc.exchange import outbox, set_aside
from truc.exchange.inbox import Origin
from truc.manifest import Event, PaymentTerms
from truc.messages import RefundRequested, RefundResult
from truc.services import ask_schedule, notice_events
from truc.services.business_days import business_on
from truc.services.payments import enter, next_reference
from truc.store import ledger, payments, refunds
from truc.store.opened import Transaction, as_storable
from truc.store.payments import Payment
from truc.store.refunds import GOING, NewRefund, Refund


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundWish:
    """Money to go back. (source, source_reference) is its identity: a second wish under it is a no-op.

    `partner_transaction` is the transaction to give back; "" is the payment's own. Another one is a duplicate: who
    wishes it back books its money, and the payment stays as it is.
    """

    source: str
    source_reference: str
    our_reference: str  # of the payment
    amount_vnd: int
    actor: str
    reason: str
    requested_at: datetime
    partner_transaction: str = ""


def request(transaction: Transaction, wish: RefundWish) -> tuple[str, bool]:
    """Book a refund and ask the party for it; return its reference and whether it is new.

    It stands behind no other message: the payment's own request may be stopped, though its money was taken and booked.
    Raise MalformedError for an unknown payment, a reference that stands for another refund, a payment that holds no
    money or is in doubt for another reason than money to give back, more than is left of the transaction, and what the
    party refuses.
    """
    row = payments.get_locked(transaction, wish.our_reference)
    known = _known(transaction, row, wish)
    if known is not None:
        return str(known.refund_reference), False
    _refuse_what_cannot_go_back(transaction, row, wish)
    reference = next_reference(transaction, "R", wish.requested_at)
    refunds.create(transaction, _new(reference, wish, row, state="requested"))
    message = RefundRequested(
        refund_reference=reference,
        our_reference=row.our_reference,
        dossier_code=row.dossier_code or "",
        partner_reference=_duplicate(row, wish.partner_transaction) or row.partner_reference or "",
        paid_vnd=row.amount_vnd,
        amount_vnd=wish.amount_vnd,
        paid_at=row.paid_at,
        payment_requested_at=row.requested_at,
        purpose=f"Hoan tien {row.our_reference}",
        requested_at=wish.requested_at,
        requested_by=wish.actor,
    )
    outbox.publish(
        transaction,
        Event.REFUND_REQUESTED,
        message,
        key=reference,
        external_id=reference,
        only=row.party,
    )
    if row.state != State.REFUNDING:
        enter(transaction, row, Mover.REFUND, Became(state=State.REFUNDING))
    return reference, True


def check(transaction: Transaction, wish: RefundWish) -> None:
    """Change nothing; raise MalformedError where `request` would."""
    row = payments.get(transaction, wish.our_reference)
    known = _known(transaction, row, wish)
    if known is None:
        _refuse_what_cannot_go_back(transaction, row, wish)


def record(transaction: Transaction, wish: RefundWish, *, partner_reference: str, refunded_at: datetime) -> str:
    """Book money that went back without a request of ours, as a person found; return the refund's reference.

    Only for a payment in doubt whose money is booked, and of its own transaction. Raise MalformedError otherwise, and
    for more than is left.
    """
    row = payments.get_locked(transaction, wish.our_reference)
    if row.state != State.IN_DOUBT or row.business_on is None:
        raise MalformedError(f"{wish.our_reference}: holds no money in doubt", reason="nothing_to_refund")
    _refuse_more_than_is_left(transaction, row, wish)
    reference = next_reference(transaction, "R", wish.requested_at)
    refund_id = refunds.create(transaction, _new(reference, wish, row, state="refunded"))
    refunds.keep_state(transaction, refund_id, "refunded", partner_reference=partner_reference)
    _book_back(
        transaction,
        row,
        reference=reference,
        refund_id=refund_id,
        amount_vnd=wish.amount_vnd,
        refunded_at=refunded_at,
        duplicate=None,
    )
    whole = row.refunded_vnd + wish.amount_vnd == row.amount_vnd
    enter(transaction, row, Mover.PERSON, Became(state=State.REFUNDED if whole else State.PAID))
    return reference


def settle(transaction: Transaction, party: str, result: RefundResult, origin: Origin | None = None) -> bool:
    """Book the party's word on a refund; return True when it changed something.

    A refusal leaves the payment paid and an open item for finance; a duplicate that is back leaves it, its sum and its
    receipt as they were. A word that does not fit our refund puts the payment in doubt. Raise MalformedError for an
    unknown refund, or one of another party's payment.
    """
    row = payments.get_locked(transaction, refunds.payment_of(transaction, result.refund_reference))
    every = refunds.of_payment(transaction, row.id)
    refund = next(one for one in every if one.refund_reference == result.refund_reference)
    if row.party != party:
        raise MalformedError(f"refund_reference: of a payment through {row.party}", reason="wrong_party")
    if refund.state == result.state or (refund.state == "refunded" and result.state == "pending"):
        return False
    others = [one for one in every if one.id != refund.id]
    left_vnd = row.amount_vnd - _spoken_for_vnd(others, refund.partner_transaction)
    if result.amount_vnd != refund.amount_vnd or refund.state == "refunded" or left_vnd < refund.amount_vnd:
        return _doubt(transaction, row, result, origin)
    reason = f"{result.reason}"[:500] if result.state == "refused" else ""
    refunds.keep_state(
        transaction, refund.id, result.state, partner_reference=result.partner_reference, refused_because=reason
    )
    if result.state == "refunded":
        _book_back(
            transaction,
            row,
            reference=refund.refund_reference,
            refund_id=refund.id,
            amount_vnd=refund.amount_vnd,
            refunded_at=time_of(
                result.occurred_at,
                heard_at=payments.heard_at(transaction, None if origin is None else origin.inbox_id),
            ),
            duplicate=refund.partner_transaction,
        )
    if result.state == "refused" and origin is not None:
        _show(transaction, row, origin, reason="refund_refused", text=f"{result.refund_reference}: {reason}")
    _move(transaction, row, others, refund, result)
    return True


def doubt_unanswered(transaction: Transaction, row: Payment) -> None:
    """Put a payment in doubt of whose refund nobody says what became of it: a person asks the party."""
    became = Became(state=State.IN_DOUBT, doubt=Doubt.REFUND_UNANSWERED, next_step=NextStep.PERSON)
    enter(transaction, row, Mover.REFUND, became)


def wait_again(transaction: Transaction, row: Payment, mover: Mover) -> None:
    """Take a payment out of the doubt about its refund: the party is waited for, and asked, once more."""
    enter(transaction, row, mover, Became(state=State.REFUNDING))


def end_unanswered(
    transaction: Transaction,
    row: Payment,
    state: Literal["refunded", "refused"],
    *,
    partner_reference: str = "",
    at: datetime,
) -> None:
    """Book what a person found of every refund of the payment that is on its way."""
    for one in refunds.of_payment(transaction, row.id):
        if one.state in GOING:
            result = RefundResult(
                refund_reference=one.refund_reference,
                partner_reference=partner_reference,
                amount_vnd=one.amount_vnd,
                state=state,
                occurred_at=at,
                reason="a person found that it was not carried out" if state == "refused" else "",
            )
            settle(transaction, row.party, result)


def _known(transaction: Transaction, row: Payment, wish: RefundWish) -> Refund | None:
    known = refunds.find(transaction, wish.source, wish.source_reference)
    if known is None:
        return None
    same = (known.our_reference, known.amount_vnd) == (wish.our_reference, wish.amount_vnd)
    if not same or _duplicate(row, known.partner_transaction or "") != _duplicate(row, wish.partner_transaction):
        raise MalformedError("reference: stands for another refund; give this one its own", reason="reference_reused")
    return known


def _duplicate(row: Payment, partner_transaction: str) -> str | None:
    """Return the transaction where it is another than the payment's own, else None."""
    return None if partner_transaction in ("", row.partner_reference) else partner_transaction


def _move(transaction: Transaction, row: Payment, others: list[Refund], refund: Refund, result: RefundResult) -> None:
    """Refunding while one of its refunds is on its way; then refunded when all of its own is back, else paid."""
    others_go = any(one.state in GOING for one in others)
    counts = result.state == "refunded" and refund.partner_transaction is None
    back_vnd = row.refunded_vnd + (refund.amount_vnd if counts else 0)
    if others_go or result.state == "pending":
        after = State.REFUNDING
    else:
        after = State.REFUNDED if back_vnd == row.amount_vnd else State.PAID
    unanswered = row.doubt == Doubt.REFUND_UNANSWERED
    if row.state != after and (unanswered or row.state != State.IN_DOUBT):  # another doubt stands until it is resolved
        enter(transaction, row, Mover.REFUND, Became(state=after))


def _doubt(transaction: Transaction, row: Payment, result: RefundResult, origin: Origin | None) -> bool:
    if origin is not None:
        text = f"{result.refund_reference}: {result.state} {format_vnd(result.amount_vnd)} does not fit our refund"
        _show(transaction, row, origin, reason=Doubt.REFUND_CONTRADICTED, text=text)
    if row.state == State.IN_DOUBT:
        return False
    became = Became(state=State.IN_DOUBT, doubt=Doubt.REFUND_CONTRADICTED, next_step=NextStep.PERSON)
    enter(transaction, row, Mover.REFUND, became)
    return True


def _book_back(
    transaction: Transaction,
    row: Payment,
    *,
    reference: str,
    refund_id: int,
    amount_vnd: int,
    refunded_at: datetime,
    duplicate: str | None,
) -> None:
    """The reverse of the payment's entry, or of its duplicate's, as an entry of its own."""
    ledger.book(
        transaction,
        f"refund/{reference}",
        business_on(row.party, refunded_at),
        f"Hoàn tiền {row.our_reference}",
        [(ledger.collected(row.collected_for), amount_vnd), (ledger.clearing(row.party), -amount_vnd)],
    )
    if duplicate is None:
        refunds.keep_given_back(transaction, payment_id=row.id, refund_id=refund_id, amount_vnd=amount_vnd)
    notice_events.refunded(transaction, row, reference, amount_vnd, refunded_at)


def _show(transaction: Transaction, row: Payment, origin: Origin, *, reason: str, text: str) -> None:
    set_aside.note_incoming(
        transaction,
        party=origin.party,
        kind=origin.kind,
        inbox_id=origin.inbox_id,
        item=row.our_reference,
        reason=reason,
        text=text,
    )


def _new(reference: str, wish: RefundWish, row: Row[Any], *, state: str) -> NewRefund:
    return NewRefund(
        refund_reference=reference,
        source=wish.source,
        source_reference=wish.source_reference,
        payment_id=row.id,
        amount_vnd=wish.amount_vnd,
        state=state,
        actor=as_storable(wish.actor),
        reason=as_storable(wish.reason),
        requested_at=wish.requested_at,
        partner_transaction=_duplicate(row, wish.partner_transaction),
    )


def _refuse_what_cannot_go_back(transaction: Transaction, row: Payment, wish: RefundWish) -> None:
    duplicate = _duplicate(row, wish.partner_transaction) is not None
    sure = row.state in (State.PAID, State.REFUNDING) or (duplicate and row.state == State.REFUNDED)
    if not sure and not (row.state == State.IN_DOUBT and row.next_step == NextStep.REFUND and row.business_on):
        text = f"{row.our_reference}: is {row.state}; only money that is booked and not in doubt goes back"
        raise MalformedError(text, reason="nothing_to_refund")
    terms = _terms(row.party)
    _refuse_more_than_is_left(transaction, row, wish)
    if terms.refunds == "whole" and wish.amount_vnd != row.amount_vnd:
        raise MalformedError(f"amount: {row.party} gives back whole payments only", reason="refund_not_whole")


def _refuse_more_than_is_left(transaction: Transaction, row: Payment, wish: RefundWish) -> None:
    every, duplicate = refunds.of_payment(transaction, row.id), _duplicate(row, wish.partner_transaction)
    left_vnd = row.amount_vnd - _spoken_for_vnd(every, duplicate)
    if not 0 < wish.amount_vnd <= left_vnd:
        of = f"{duplicate}, a duplicate of {row.our_reference}" if duplicate else row.our_reference
        raise MalformedError(f"amount: {format_vnd(left_vnd)} is left of {of}", reason="refund_too_large")


def _spoken_for_vnd(every: list[Refund], duplicate: str | None) -> int:
    """How much is asked back, or is back, of one transaction: a duplicate, or None for the payment's own."""
    return sum(one.amount_vnd for one in every if one.state != "refused" and one.partner_transaction == duplicate)


def _terms(party: str) -> PaymentTerms:
    found = ask_schedule.declared(party)
    offered = found is not None and any(one.event is Event.REFUND_REQUESTED for one in found.operations)
    if found is None or found.payments is None or not offered or found.payments.refunds == "none":
        raise MalformedError(f"{party}: offers no refunds: give the money back by hand", reason="refunds_not_offered")
    return found.payments
