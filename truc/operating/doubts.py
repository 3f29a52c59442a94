"""What a person sees of payments in doubt, and what they may decide; each deed goes to the audit log."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, func, select

from truc.domain.calendar import local_day
from truc.domain.money import format_vnd
from truc.domain.payment_states import Became, Doubt, Mover, NextStep, State
from truc.errors import MalformedError
from truc.operating import audit
from truc.operating.audit import Order
from truc.operating.showing import at as told_at
from truc.services import ask_schedule, payments, refunds
from truc.services.business_days import business_on
from truc.services.refunds import RefundWish
from truc.store import payments as store
from truc.store import refunds as refund_store
from truc.store.opened import Transaction, as_storable
from truc.store.payments import Money, Payment
from truc.store.tables.money import PAYMENTS


class Verdict(StrEnum):
    """What a person found out of a payment in doubt, or who goes on with it."""

    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    REFUNDED = "refunded"  # the money went back without a request of ours
    ASK = "ask"
    WAIT_STATEMENT = "wait_statement"
    PERSON = "person"
    REFUND = "refund"  # it may be given back through the party


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A verdict with its proof: `paid` of money not booked yet, and `refunded`, need the transaction and its time."""

    reference: str
    verdict: Verdict
    owner: str = ""
    partner_reference: str = ""
    at: datetime | None = None


def counts(transaction: Transaction, party: str) -> list[Row[Any]]:
    """Return (party, state, payments, amount_vnd)."""
    query = select(
        PAYMENTS.c.party, PAYMENTS.c.state, func.count().label("payments"), func.sum(PAYMENTS.c.amount_vnd).label("vnd")
    ).group_by(PAYMENTS.c.party, PAYMENTS.c.state)
    query = query.where(PAYMENTS.c.party == party) if party else query
    return list(transaction.sql.execute(query.order_by(PAYMENTS.c.party, PAYMENTS.c.state)))


def of_state(transaction: Transaction, state: str, *, party: str, limit: int) -> list[Payment]:
    """Return payments in the state, newest first."""
    query = select(PAYMENTS).where(PAYMENTS.c.state == state)
    query = query.where(PAYMENTS.c.party == party) if party else query
    return list(transaction.sql.execute(query.order_by(PAYMENTS.c.id.desc()).limit(limit)))


def in_doubt(transaction: Transaction, *, party: str, owner: str, limit: int) -> list[Payment]:
    """Return payments in doubt, oldest doubt first."""
    query = select(PAYMENTS).where(PAYMENTS.c.state == State.IN_DOUBT.value)
    query = query.where(PAYMENTS.c.party == party) if party else query
    query = query.where(PAYMENTS.c.owner == owner) if owner else query
    return list(transaction.sql.execute(query.order_by(PAYMENTS.c.state_at, PAYMENTS.c.id).limit(limit)))


def check(transaction: Transaction, found: Finding) -> str:
    """Return the state that the finding leads to; raise MalformedError where it does not fit."""
    row = _doubted(transaction, found.reference)
    if found.verdict.value in {one.value for one in NextStep}:
        _check_step(row, NextStep(found.verdict.value))
        if found.verdict is Verdict.ASK and row.doubt == Doubt.REFUND_UNANSWERED:
            return State.REFUNDING.value
        return f"{State.IN_DOUBT} ({found.verdict}, {found.owner or 'its usual owner'})"
    booked = row.business_on is not None
    if found.verdict in (Verdict.FAILED, Verdict.EXPIRED) and booked:
        raise MalformedError(f"{row.our_reference}: its money is booked: refund it", reason="money_booked")
    needs_proof = found.verdict is Verdict.REFUNDED or (found.verdict is Verdict.PAID and not booked)
    if needs_proof and (not found.partner_reference or found.at is None):
        raise MalformedError("partner_reference, at: say which transaction, and when", reason="proof_missing")
    if found.verdict is Verdict.REFUNDED and not booked:
        raise MalformedError(
            f"{row.our_reference}: its money is not booked: resolve it paid first", reason="not_booked"
        )
    if found.at is not None and local_day(found.at) > local_day(datetime.now(UTC)):
        raise MalformedError("at: lies ahead", reason="lies_ahead")
    return _paid_or_refunding(transaction, row).value if found.verdict is Verdict.PAID else found.verdict.value


def resolve(transaction: Transaction, found: Finding, by: Order) -> str:
    """Do what the finding says, with the audit log in the same transaction; return the state."""
    check(transaction, found)
    row = store.get_locked(transaction, found.reference)
    before = f"{row.doubt}, {row.next_step}"
    if row.doubt == Doubt.REFUND_UNANSWERED and found.verdict in _ENDS_REFUND:
        _end_refund(transaction, row, found)
    elif found.verdict.value in {one.value for one in NextStep}:
        step = NextStep(found.verdict.value)
        became = Became(state=State.IN_DOUBT, doubt=Doubt(row.doubt), next_step=step)
        payments.enter(transaction, row, Mover.PERSON, became, owner=as_storable(found.owner))
    elif found.verdict is Verdict.REFUNDED:
        _given_back(transaction, row, found, by)
    else:
        money = _proved(row, found) if found.verdict is Verdict.PAID and row.business_on is None else None
        state = State(found.verdict.value)
        state = _paid_or_refunding(transaction, row) if state is State.PAID else state
        payments.enter(transaction, row, Mover.PERSON, Became(state=state), money=money)
    audit.note(transaction, by, "resolve payment", found.reference, f"{before} → {found.verdict}")
    return str(store.get_locked(transaction, found.reference).state)


def ask_now(transaction: Transaction, reference: str, by: Order) -> None:
    """Have a payment asked about in the next run; raise MalformedError where asking cannot tell anything."""
    row = store.get_locked(transaction, reference)
    if row.state == State.REFUNDING or row.doubt == Doubt.REFUND_UNANSWERED:
        _ask_about_refund(transaction, row)
        audit.note(transaction, by, "ask about refund", reference)
        return
    if not ask_schedule.can_be_asked(row.party):
        raise MalformedError(f"{row.party}: cannot be asked", reason="cannot_be_asked")
    if row.state == State.IN_DOUBT:
        became = Became(state=State.IN_DOUBT, doubt=Doubt(row.doubt), next_step=NextStep.ASK)
        payments.enter(transaction, row, Mover.PERSON, became)
    elif row.state == State.PENDING:
        now = store.clock(transaction)
        store.schedule(transaction, row.id, since=row.asking_since or now, next_ask_at=now)
    else:
        raise MalformedError(f"{reference}: is {row.state}; only a pending or doubted one is asked", reason="not_open")
    audit.note(transaction, by, "ask about payment", reference)


def refund(transaction: Transaction, wish: RefundWish, by: Order) -> tuple[str, bool]:
    """Request the refund, with the audit log; return its reference and whether it is new."""
    reference, new = refunds.request(transaction, wish)
    if new:
        audit.note(transaction, by, "refund payment", wish.our_reference, f"{reference}: {wish.amount_vnd} đồng")
    return reference, new


def counted(one: Row[Any]) -> str:
    """Return a count as a line."""
    return f"{one.party:<18} {one.state:<10} {one.payments:>8} {format_vnd(int(one.vnd)):>22}"


def told(row: Payment) -> str:
    """Return a payment as a line; nothing of the person is told."""
    doubt = f"  {row.doubt} → {row.next_step} ({row.owner})" if row.doubt else ""
    amount = format_vnd(row.amount_vnd)
    return f"{row.our_reference} {row.party:<16} {amount:>14} {row.state:<10} since {told_at(row.state_at)}{doubt}"


def shown(transaction: Transaction, reference: str) -> Iterator[str]:
    """Yield everything about one payment; raise MalformedError for an unknown one."""
    row = store.get(transaction, reference)
    yield told(row)
    yield f"  for {row.dossier_code or f'{row.kind} {row.obligation_code}'}, collected for {row.collected_for}"
    if row.business_on is not None:
        ours = store.paid_time_is_ours(transaction, row)
        unnamed = " (when we heard of it: the party names no time, or one to come)" if ours else ""
        yield f"  booked on {row.business_on}, paid at {told_at(row.paid_at)} by {row.partner_reference}{unnamed}"
    if row.next_ask_at is not None:
        yield f"  asked {row.asks} times, next at {told_at(row.next_ask_at)}"
    for one in store.words(transaction, row.id):
        yield f"  {_word(one)}"
    for one in refund_store.of_payment(transaction, row.id):
        because = f": {one.refused_because}" if one.refused_because else ""
        amount = format_vnd(one.amount_vnd) + (f" of {one.partner_transaction}" if one.partner_transaction else "")
        yield f"  refund {one.refund_reference} {amount} {one.state} since {told_at(one.state_at)}{because}"


def _word(one: Row[Any]) -> str:
    amount = "" if one.amount_vnd is None else f" {format_vnd(one.amount_vnd)}"
    remark = f" [{one.remark}]" if one.remark else ""
    moved = "" if one.state_before == one.state_after else f": {one.state_before} → {one.state_after}"
    source = "" if one.inbox_id is None else f" (exchange {one.inbox_id})"
    return f"{told_at(one.heard_at)} {one.party} says {one.said}{amount} {one.partner_reference}{moved}{remark}{source}"


def _paid_or_refunding(transaction: Transaction, row: Payment) -> State:
    """A refund on its way is waited for all the same, but where the doubt is about that: a person says it is not."""
    going = row.doubt != Doubt.REFUND_UNANSWERED and refund_store.are_going(transaction, row.id)
    return State.REFUNDING if going else State.PAID


_ENDS_REFUND = (Verdict.PAID, Verdict.REFUNDED, Verdict.ASK)


def _end_refund(transaction: Transaction, row: Payment, found: Finding) -> None:
    """Paid: the refund was not carried out, and may be asked for anew. Refunded: it was. Ask: the party, once more."""
    if found.verdict is Verdict.ASK:
        _ask_about_refund(transaction, row)
    elif found.verdict is Verdict.PAID:
        refunds.end_unanswered(transaction, row, "refused", at=store.clock(transaction))
    else:
        proof = _proved(row, found)
        refunds.end_unanswered(
            transaction, row, "refunded", partner_reference=proof.partner_reference, at=proof.paid_at
        )


def _ask_about_refund(transaction: Transaction, row: Payment) -> None:
    if not ask_schedule.can_be_asked_about_refunds(row.party):
        raise MalformedError(f"{row.party}: cannot be asked about refunds", reason="cannot_be_asked")
    if not refund_store.pending_since(transaction, row.id):
        raise MalformedError(f"{row.our_reference}: its refund was not sent yet", reason="not_open")
    if row.state == State.IN_DOUBT:
        refunds.wait_again(transaction, row, Mover.PERSON)
    now = store.clock(transaction)
    store.schedule(transaction, row.id, since=now, next_ask_at=now)


def _doubted(transaction: Transaction, reference: str) -> Payment:
    row = store.get(transaction, reference)
    if row.state != State.IN_DOUBT:
        raise MalformedError(f"{reference}: is {row.state}, in no doubt", reason="not_in_doubt")
    return row


def _check_step(row: Payment, step: NextStep) -> None:
    of_refund = row.doubt == Doubt.REFUND_UNANSWERED
    can = ask_schedule.can_be_asked_about_refunds if of_refund else ask_schedule.can_be_asked
    if step is NextStep.ASK and not can(row.party):
        raise MalformedError(f"{row.party}: cannot be asked", reason="cannot_be_asked")
    if step is NextStep.REFUND and row.business_on is None:
        raise MalformedError(f"{row.our_reference}: no money is booked that could go back", reason="nothing_to_refund")


def _proved(row: Payment, found: Finding) -> Money:
    if found.at is None:
        raise ValueError("a finding without its time was checked before")
    day = business_on(row.party, found.at)
    return Money(partner_reference=as_storable(found.partner_reference), paid_at=found.at, business_on=day)


def _given_back(transaction: Transaction, row: Payment, found: Finding, by: Order) -> None:
    proof = _proved(row, found)
    wish = RefundWish(
        source="truc payments",
        source_reference=f"{row.our_reference}/{proof.partner_reference}",
        our_reference=row.our_reference,
        amount_vnd=row.amount_vnd - row.refunded_vnd,
        actor=by.actor,
        reason=by.reason,
        requested_at=proof.paid_at,
    )
    refunds.record(transaction, wish, partner_reference=proof.partner_reference, refunded_at=proof.paid_at)
