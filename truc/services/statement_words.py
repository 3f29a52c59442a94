"""Hears a party's statement on the payments that wait for it; what else it says is reconciliation's."""

from datetime import date, datetime, time, timedelta

from truc.domain.calendar import BUSINESS_ZONE, local_day
from truc.domain.payment_states import Became, Doubt, Mover, NextStep, Said, State
from truc.exchange.inbox import Origin
from truc.messages import Statement
from truc.services import payments
from truc.store import payments as payment_store
from truc.store.opened import Transaction
from truc.store.payments import Payment

# How long a transfer is waited for that nobody can be asked about: our own patience, no bank says how long.
TRANSFER_DAYS = 30


def hear(transaction: Transaction, party: str, statement: Statement, origin: Origin) -> None:
    """Book what the statement, which is in the store, says of them.

    One that a later day's statement does not name is left to finance; so is a transfer that none ever named.
    """
    waiting = {row.our_reference: row for row in payment_store.waiting_for_statement(transaction, party)}
    came = payment_store.heard_at(transaction, origin.inbox_id)
    told = [line for line in statement.lines if line.kind == "payment" and line.our_reference in waiting]
    for line in told:
        said = Said(
            party=party,
            state=line.state,
            amount_vnd=line.amount_vnd,
            partner_reference=line.partner_reference,
            said_at=line.occurred_at,
            asked=True,  # the party's own books, not a call that came late
            heard_at=came,
        )
        payments.hear(transaction, payment_store.get_locked(transaction, line.our_reference), said, origin)
    for reference in waiting.keys() - {line.our_reference for line in told}:
        if _should_have_named(statement, waiting[reference]):
            _leave_to_finance(transaction, waiting[reference], Doubt(waiting[reference].doubt))
    _give_up_transfers(transaction, party, statement.business_on)


def _should_have_named(statement: Statement, row: Payment) -> bool:
    return statement.business_on >= local_day(row.state_at + timedelta(days=1))


def _give_up_transfers(transaction: Transaction, party: str, business_on: date) -> None:
    """Doubt the payments that a bank was told nothing of, and that its statements never named in all that time."""
    last_on = business_on - timedelta(days=TRANSFER_DAYS)
    before = datetime.combine(last_on + timedelta(days=1), time(), BUSINESS_ZONE)
    for row in payment_store.never_named(transaction, party, before=before):
        _leave_to_finance(transaction, row, Doubt.UNANSWERED)


def _leave_to_finance(transaction: Transaction, row: Payment, doubt: Doubt) -> None:
    became = Became(state=State.IN_DOUBT, doubt=doubt, next_step=NextStep.PERSON)
    payments.enter(transaction, row, Mover.CLOCK, became)
