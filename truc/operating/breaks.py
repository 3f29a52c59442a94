"""Does what was proposed for a break and approved by a second person: through the exchange and the ledger, once.

The approval and the deed are one transaction, under the lock of the break's row: who comes second finds it approved.
Of messages to be read again the order is in it; they are read right after, or by the sweep of replays.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Row, func, select, text

from truc.domain.payment_states import Became, Doubt, Mover, NextStep, State
from truc.errors import MalformedError
from truc.exchange import inbox
from truc.exchange.inbox import Book
from truc.operating import audit, doubts, replay
from truc.operating.audit import Order
from truc.reconcile.words import DECISIONS
from truc.reconcile.work import breaks as work
from truc.reconcile.work.roles import Actor
from truc.services import payments as payment_service
from truc.services.business_days import business_on
from truc.services.refunds import RefundWish
from truc.store import ledger, payments
from truc.store.breaks import Item, clock
from truc.store.opened import Store, Transaction
from truc.store.payments import Payment
from truc.store.tables.breaks import BREAK_EVENTS
from truc.store.tables.money import RECEIPTS
from truc.store.tables.reconciliation import RECONCILIATION_BREAKS

_TWICE = (Doubt.PAID_TWICE, Doubt.PAID_AFTER_REFUND)
SOURCE = "reconcile"  # of refunds: (SOURCE, break_id) is asked for once, whatever happens
Found = Row[Any]  # the break's row in the newest run in which it stood


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an approved proposal: the break's state, and what was done, "" for a decision."""

    break_id: str
    proposal: str
    state: str
    done: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One proposal about to be done: the break, what it is about, whose order it is."""

    item: Item
    found: Found
    by: Order


def approve(store: Store, break_id: str, *, by: Actor, book: Book, remark: str = "") -> Outcome:
    """Approve what is proposed for the break, and do it. `book` books what is read again (truc.services.booking).

    A decision, a receipt and a refund end the break. A question gives it back to who proposed it: the answer decides,
    in the next run of the day. Raise MalformedError where the approval or the deed cannot be; then nothing was done.
    Whatever else is raised may come after the commit: `replay.finish` reads then what was to be read again.
    """
    outcome, party, exchanges = store.run(partial(_approved, break_id=break_id, by=by, remark=remark))
    if exchanges:
        inbox.book_these(store, party, exchanges, book=book)
    return outcome


def _approved(transaction: Transaction, break_id: str, by: Actor, remark: str) -> tuple[Outcome, str, list[int]]:
    item = work.proposed_for(transaction, break_id, by=by)
    order = audit.order(by.name, item.proposal_text)
    done, exchanges = "", list[int]()
    if item.proposal not in DECISIONS:
        deed = Deed(item=item, found=_found(transaction, item), by=order)
        if item.proposal == "find_callback":
            done, exchanges = _find_callback(transaction, deed)
        else:
            done = _DEEDS[item.proposal](transaction, deed)
        audit.note(transaction, order, f"break: {item.proposal}", break_id, done)
    asks = item.proposal in ASKS
    (work.ask_on if asks else work.end)(transaction, item, by=by, done=done, remark=remark)
    state = "assigned" if asks else "resolved"
    outcome = Outcome(break_id=break_id, proposal=item.proposal, state=state, done=done)
    return outcome, item.party, exchanges


def _found(transaction: Transaction, item: Item) -> Found:
    one = RECONCILIATION_BREAKS.c
    query = select(RECONCILIATION_BREAKS).where(one.run_id == item.last_run_id, one.break_id == item.break_id)
    return transaction.sql.execute(query).one()


def _payment(transaction: Transaction, deed: Deed) -> Payment:
    """Return the payment that the break names, locked; raise MalformedError where it names none of this party."""
    row = payments.get_locked(transaction, deed.found.our_reference)
    if row.party != deed.item.party:
        raise MalformedError(f"our_reference: {row.our_reference} went through {row.party}", reason="wrong_party")
    return row


def _query_partner(transaction: Transaction, deed: Deed) -> str:
    row = _payment(transaction, deed)
    doubts.ask_now(transaction, row.our_reference, deed.by)
    return f"{row.party} is asked about {row.our_reference} in its next run of questions"


def _issue_receipt(transaction: Transaction, deed: Deed) -> str:
    """The receipt that its booking should have issued: same series, whole amount, today's date."""
    row = _payment(transaction, deed)
    if row.state != State.PAID or row.kind != "fees":
        text = f"{row.our_reference}: is {row.state}, for {row.kind}; only fees that are paid have a receipt of ours"
        raise MalformedError(text, reason="no_receipt_due")
    known = select(RECEIPTS.c.number).where(RECEIPTS.c.payment_id == row.id)
    if (number := transaction.sql.execute(known).scalar()) is not None:
        text = f"{row.our_reference}: has receipt {number:08d} already; run the day again"
        raise MalformedError(text, reason="receipt_exists")
    at = clock(transaction)
    number = payments.issue_receipt(transaction, row.collected_for, row.id, row.amount_vnd, at)
    return f"receipt {row.collected_for} {number:08d} for {row.our_reference}"


def _request_refund(transaction: Transaction, deed: Deed) -> str:
    """Book the second payment's money, which no word of the partner did, and ask for that transaction to go back.

    So the ledger holds both payments and one refund: what the partner owes us is what it has. The payment stays as it
    was. Raise MalformedError where the break names no other transaction than its own: that is the citizen's only one.
    """
    row = _payment(transaction, deed)
    if deed.found.partner_reference in ("", row.partner_reference or ""):
        named = deed.found.partner_reference or "no transaction"
        text = (
            f"partner_reference: the break names {named}, and no second transaction of {row.our_reference}. Ask"
            f" {row.party} for the other one; where it has none, the line is repeated: accept the break"
        )
        raise MalformedError(text, reason="no_second_transaction")
    amount_vnd = int(deed.found.partner_vnd)
    if row.state == State.IN_DOUBT and row.doubt in _TWICE:  # two persons said by now what comes next
        became = Became(state=State.IN_DOUBT, doubt=Doubt(row.doubt), next_step=NextStep.REFUND)
        payment_service.enter(transaction, row, Mover.PERSON, became)
    at = clock(transaction)
    wish = RefundWish(
        source=SOURCE,
        source_reference=deed.item.break_id,
        our_reference=row.our_reference,
        amount_vnd=amount_vnd,
        actor=deed.by.actor,
        reason=deed.by.reason,
        requested_at=at,
        partner_transaction=deed.found.partner_reference,
    )
    reference, new = doubts.refund(transaction, wish, deed.by)
    if new:
        ledger.book(
            transaction,
            f"break/{deed.item.break_id}",
            business_on(row.party, at),
            f"Thu trùng {row.our_reference}",
            [(ledger.clearing(row.party), amount_vnd), (ledger.collected(row.collected_for), -amount_vnd)],
        )
    return f"refund {reference} of {row.our_reference}, {'asked for' if new else 'was asked for before'}"


# What the party said and nobody booked: kept and not read yet, or set aside, under either reference.
_CALLBACKS = text(
    """
    SELECT inbox_id AS id FROM set_aside
    WHERE state = 'open' AND party = :party AND inbox_id IS NOT NULL
        AND (item = ANY(CAST(:references AS text[])) OR split_part(item, '/', 1) = ANY(CAST(:references AS text[])))
    UNION
    SELECT named.inbox_id FROM inbox_names AS named JOIN inbox ON inbox.id = named.inbox_id AND inbox.drawer = 0
    WHERE named.party = :party AND inbox.state = 'kept'
        AND split_part(named.external_id, '/', 1) = ANY(CAST(:references AS text[]))
    ORDER BY 1 LIMIT 20
    """
)


def _waiting_callbacks(transaction: Transaction, deed: Deed) -> list[int]:
    references = sorted({deed.found.our_reference, deed.found.partner_reference} - {""})
    values = {"party": deed.item.party, "references": references}
    found = [int(one) for one in transaction.sql.execute(_CALLBACKS, values).scalars()]
    if not found:
        text = f"{deed.item.party}: no message about {' or '.join(references) or 'it'} waits; ask the partner instead"
        raise MalformedError(text, reason="nothing_found")
    return found


def _find_callback(transaction: Transaction, deed: Deed) -> tuple[str, list[int]]:
    """Order that what waits is read again; return what is to be said of it, and the exchanges that are read.

    Each approval is a replay of its own: what failed again may be found again.
    """
    ids = _waiting_callbacks(transaction, deed)
    of_break = BREAK_EVENTS.c.break_id == deed.item.break_id
    step = transaction.sql.execute(select(func.max(BREAK_EVENTS.c.number)).where(of_break)).scalar_one()
    plan, going = replay.order(transaction, ids, deed.by, f"break/{deed.item.break_id}/{step}", "")
    left = "; ".join(f"exchange {one.id}: {one.why}" for one in plan.skips)
    if not going:
        raise MalformedError(f"{deed.item.party}: nothing can be read again: {left}", reason="nothing_to_read")
    done = f"read again: exchange {', '.join(str(one.id) for one in plan.steps)}"
    return done + (f"; not read: {left}" if left else ""), [one.id for one in plan.steps]


ASKS = ("query_partner", "find_callback")
_DEEDS: dict[str, Callable[[Transaction, Deed], str]] = {
    "query_partner": _query_partner,
    "issue_receipt": _issue_receipt,
    "request_refund": _request_refund,
}
