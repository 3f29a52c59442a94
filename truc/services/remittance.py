"""Remits what was collected for agencies: makes the orders of a day, hears the treasury, keeps the ledger with both.

An order, its ledger entry and its message are one transaction. Its entries are `remittance/<reference>/<n>`:

    ordered     collected:<agency> D   remitting:<treasury> C, fees:<intermediary> C where the agency bears them
    confirmed   remitting:<treasury> D   bank:<paid from> C
    refused     what was booked, the other way round
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from truc.domain import remittance as rules
from truc.domain.calendar import local_day
from truc.domain.remittance import Doubt, End, Held, Planned, Standing, State
from truc.domain.remittance_terms import Terms
from truc.errors import MalformedError, SetupError
from truc.exchange import outbox, set_aside, withdrawals
from truc.exchange.inbox import Origin
from truc.manifest import Event
from truc.messages import RemittanceConfirmed, RemittanceOrdered
from truc.services import ask_schedule
from truc.services.payments import next_reference
from truc.store import ledger, remittance
from truc.store.opened import Transaction
from truc.store.remittance import Order, Word


@dataclass(frozen=True, slots=True)
class Ordered:
    """What was ordered of a day, by reference, and what is held, each with its reason."""

    references: tuple[str, ...]
    amount_vnd: int
    held: tuple[Held, ...]


def order_day(transaction: Transaction, business_on: date, at: datetime) -> Ordered:
    """Make the orders of a business day; a second time makes none, and tells what came since as held.

    Where the terms of an agency name a party that takes no orders, what it is owed is held with that reason.
    """
    transaction.lock(*remittance.LOCK)
    terms = remittance.terms(transaction)
    items = remittance.open_items(transaction, business_on, sorted(terms.agencies))
    planned = rules.plan(items, terms, business_on, ordered=remittance.ordered(transaction, business_on))
    made = [_order(transaction, one, business_on, at) for one in planned.orders if _carrying(one.account.party)]
    return Ordered(
        references=tuple(one.remittance_reference for one in made),
        amount_vnd=sum(one.amount_vnd for one in made),
        held=(
            *planned.held,
            *(_held(one) for one in planned.orders if not _carrying(one.account.party)),
            *_without_terms(transaction, business_on, sorted(terms.agencies)),
        ),
    )


def keep_terms(transaction: Transaction, terms: Terms, on: date) -> None:
    """Have these terms hold; raise SetupError where a row that has not ended names a party that takes no orders."""
    for one in terms.accounts:
        if (one.valid_to is None or one.valid_to >= on) and not _carrying(one.party):
            text = f"account of {one.agency_code}: party {one.party!r} takes no remittances; correct its name"
            raise SetupError(text, reason="not_a_treasury")
    remittance.keep_terms(transaction, terms)


def settle(transaction: Transaction, party: str, said: RemittanceConfirmed, origin: Origin | None = None) -> bool:
    """Book the treasury's word on an order; return whether it changed where the order stands.

    A word that does not fit our order puts it in doubt: a person decides. So does a second confirmation under another
    reference of the treasury's: it may have the money twice. Raise MalformedError for an unknown order, or one of
    another treasury.
    """
    order = remittance.get_locked(transaction, said.remittance_reference)
    if order.party != party:
        raise MalformedError(f"remittance_reference: was ordered of {order.party}", reason="wrong_party")
    stands = _standing(order)
    after = rules.after_word(stands, said=said.state, amount_is_ours=said.amount_vnd == order.amount_vnd)
    word = Word(
        said=said.state,
        amount_vnd=said.amount_vnd,
        treasury_reference=said.treasury_reference,
        said_at=said.occurred_at,
        inbox_id=None if origin is None else origin.inbox_id,
        remark=said.reason or None,
    )
    if after == stands and (stands.state is State.CONFIRMED or stands.state is State.REFUSED):
        before = remittance.heard(transaction, order.id, said.state)
        if before and said.treasury_reference in before | {""}:
            return False  # the same word again: a file that was restated, or came twice
        if before - {""} and stands.state is State.CONFIRMED:
            after = Standing(State.IN_DOUBT, Doubt.AMOUNT_DIFFERS)
    _enter(transaction, order, after, word)
    if origin is not None and after.state in (State.REFUSED, State.IN_DOUBT):
        _show(transaction, order, after, said, origin)
    return after != stands


def take_stock(transaction: Transaction, party: str) -> int:
    """Have each order stand where its message came to; return how many moved."""
    moved = 0
    for one in remittance.messages(transaction, party, _carrying(party)):
        order = remittance.get_locked(transaction, one.remittance_reference)
        sent_again = order.state == State.REFUSED and one.end is End.SENT
        after = Standing(State.SENT) if sent_again else rules.after_message(_standing(order), one.end)
        if after != _standing(order):
            _enter(transaction, order, after, Word(said=remittance.word_of(one.end), remark=one.why or None))
            moved += 1
    return moved


def decide(
    transaction: Transaction, reference: str, state: Literal["confirmed", "refused"], *, remark: str, at: datetime
) -> None:
    """End the doubt about an order as a person found at the treasury; a stopped message of it goes nowhere any more.

    Raise MalformedError for one that is not in doubt, or whose money another order pays by now, and for a refusal while
    its message may still be sent.
    """
    order = remittance.get_locked(transaction, reference)
    if order.state != State.IN_DOUBT:
        raise MalformedError(f"{reference}: is {order.state}, not in doubt", reason="not_in_doubt")
    if order.released_at is not None and state == "confirmed":
        text = f"{reference}: was released, and another order pays what it was for: have the treasury give it back"
        raise MalformedError(text, reason="released")
    if state == "refused":
        _refuse_under_way(transaction, order)
    _withdraw(transaction, order, why=f"a person found the order {state}")
    _enter(transaction, order, Standing(State(state)), Word(said=f"decided {state}", said_at=at, remark=remark))


def release(transaction: Transaction, reference: str, *, remark: str) -> None:
    """Let what a refused order was to pay be ordered again; a stopped message of it goes nowhere any more.

    Raise MalformedError for one that was not refused, whose message was sent since, or may still be.
    """
    order = remittance.get_locked(transaction, reference)
    if order.state != State.REFUSED or order.released_at is not None:
        text = f"{reference}: is {order.state}; only an order that was refused, and not released yet, can be"
        raise MalformedError(text, reason="not_refused")
    _refuse_under_way(transaction, order)
    _withdraw(transaction, order, why="the order was released: another pays what it was for")
    remittance.release(transaction, order.id)
    remittance.keep_word(transaction, order, _standing(order), Word(said="released", remark=remark))


def _refuse_under_way(transaction: Transaction, order: Order) -> None:
    """Raise MalformedError while the order's message may still be sent, or where it was sent after it was stopped."""
    reference = order.remittance_reference
    for one in remittance.carriers(transaction, order):
        if one.state not in ("refused", "set_aside"):
            text = f"{reference}: its message, exchange {one.id}, is {one.state}: wait until it is sent or stopped"
            raise MalformedError(text, reason="message_under_way")
    told = remittance.messages(transaction, order.party, _carrying(order.party))
    if order.state == State.REFUSED and any(one.remittance_reference == reference for one in told):
        text = f"{reference}: its message was sent since it was refused: the treasury's word decides"
        raise MalformedError(text, reason="message_sent")


def _withdraw(transaction: Transaction, order: Order, *, why: str) -> None:
    """See that nobody sends a stopped message of the order again."""
    for one in remittance.carriers(transaction, order):
        if one.state in ("refused", "set_aside"):
            withdrawals.withdraw(transaction, order.party, one.operation, one.id, why=why)


def _carrying(party: str) -> list[str]:
    """Return the operations by which the party takes orders: none where it is no treasury."""
    return ask_schedule.operations(party, Event.REMITTANCE_ORDERED)


def _held(one: Planned) -> Held:
    reason = f"not_a_treasury:{one.account.party}"
    return Held(agency_code=one.account.agency_code, reason=reason, items=len(one.items), owed_vnd=one.amount_vnd)


def _order(transaction: Transaction, planned: Planned, business_on: date, at: datetime) -> Order:
    reference = next_reference(transaction, "K", at)
    order = remittance.create(transaction, reference, planned, business_on=business_on, ordered_at=at)
    _keep_books(transaction, order, State.CREATED, local_day(at))
    message = RemittanceOrdered(
        remittance_reference=reference,
        business_on=business_on,
        agency_code=order.agency_code,
        beneficiary=order.beneficiary,
        treasury=order.treasury,
        account=order.account,
        chapter=order.chapter,
        sub_item=order.sub_item,
        amount_vnd=order.amount_vnd,
        ordered_at=at,
    )
    told = {"key": reference, "external_id": reference, "only": order.party}
    if outbox.publish(transaction, Event.REMITTANCE_ORDERED, message, **told) != 1:
        text = f"{order.party}: takes no remittances: correct the terms of {order.agency_code}"
        raise SetupError(text, reason="not_a_treasury")
    return order


def _enter(transaction: Transaction, order: Order, after: Standing, word: Word) -> None:
    remittance.keep_standing(transaction, order, after, word)
    if after.state is not State.IN_DOUBT:  # nobody knows where the money is: what was booked stays
        _keep_books(transaction, order, after.state, local_day(word.said_at or order.ordered_at))


def _keep_books(transaction: Transaction, order: Order, state: State, on: date) -> None:
    """Have the ledger say where the order's money is."""
    wanted: dict[str, int] = {}
    if state is not State.REFUSED:
        kept = remittance.deducted(transaction, order.id)
        wanted[ledger.collected(order.agency_code)] = order.amount_vnd + sum(kept.values())
        wanted |= {ledger.fees(party): -vnd for party, vnd in kept.items()}
        paid = state is State.CONFIRMED
        wanted[ledger.bank(order.paid_from) if paid else ledger.remitting(order.party)] = -order.amount_vnd
    words = f"Nộp Kho bạc {order.agency_code} ngày {order.business_on:%d/%m/%Y}, tiểu mục {order.sub_item}"
    ledger.bring(transaction, f"remittance/{order.remittance_reference}", wanted, on, words)


def _standing(order: Order) -> Standing:
    return Standing(State(order.state), None if order.doubt is None else Doubt(order.doubt))


def _without_terms(transaction: Transaction, business_on: date, agencies: list[str]) -> tuple[Held, ...]:
    return tuple(
        Held(agency_code=one.agency_code, reason="no_treasury_account", items=one.items, owed_vnd=one.vnd)
        for one in remittance.without_terms(transaction, business_on, agencies)
    )


def _show(transaction: Transaction, order: Order, after: Standing, said: RemittanceConfirmed, origin: Origin) -> None:
    set_aside.note_incoming(
        transaction,
        party=origin.party,
        kind=origin.kind,
        inbox_id=origin.inbox_id,
        item=order.remittance_reference,
        reason=f"remittance_{after.doubt or after.state}",
        text=said.reason or _differs(order, said),
    )


def _differs(order: Order, said: RemittanceConfirmed) -> str:
    if order.state == State.CONFIRMED and (said.state, said.amount_vnd) == ("confirmed", order.amount_vnd):
        return f"the treasury confirms it twice: under {order.treasury_reference} and {said.treasury_reference}"
    return f"the treasury says {said.state}, {said.amount_vnd} đồng; ordered {order.amount_vnd}"
