"""Hears a party's statement on the payments in doubt that wait for it; the others are reconciliation's."""

from datetime import timedelta

from truc.domain.calendar import local_day
from truc.domain.payment_states import Became, Doubt, Mover, NextStep, Said, State
from truc.exchange.inbox import Origin
from truc.messages import Statement
from truc.services import payments
from truc.store import payments as payment_store
from truc.store.opened import Transaction
from truc.store.payments import Payment


def hear(transaction: Transaction, party: str, statement: Statement, origin: Origin) -> None:
    """Book what the statement says of them. One that a later day's statement does not name is left to finance."""
    waiting = {row.our_reference: row for row in payment_store.waiting_for_statement(transaction, party)}
    told = [line for line in statement.lines if line.kind == "payment" and line.our_reference in waiting]
    for line in told:
        said = Said(
            party=party,
            state=line.state,
            amount_vnd=line.amount_vnd,
            partner_reference=line.partner_reference,
            said_at=line.occurred_at,
            asked=True,  # the party's own books, not a call that came late
        )
        payments.hear(transaction, payment_store.get_locked(transaction, line.our_reference), said, origin)
    for reference in waiting.keys() - {line.our_reference for line in told}:
        if _should_have_named(statement, waiting[reference]):
            _leave_to_finance(transaction, waiting[reference])


def _should_have_named(statement: Statement, row: Payment) -> bool:
    return statement.business_on >= local_day(row.state_at + timedelta(days=1))


def _leave_to_finance(transaction: Transaction, row: Payment) -> None:
    became = Became(state=State.IN_DOUBT, doubt=Doubt(row.doubt), next_step=NextStep.PERSON)
    payments.enter(transaction, row, Mover.CLOCK, became)
