"""Tells which accounts of the ledger are not zero and why: the payments, orders, statements and breaks behind each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row

from truc.domain.remittance_terms import Terms
from truc.services.business_days import settles_on
from truc.store import clearing, remittance
from truc.store.catalogue import working_calendar
from truc.store.clearing import Cause
from truc.store.opened import Transaction

MOST = 50
# What a balance on the debit side, and on the credit side, of each kind of account means where nothing says more.
SIDES = {
    "clearing": ("not_paid_over", "paid_over_too_much"),
    "collected": ("more_went_back_than_is_owed", "not_ordered"),
    "fees": ("fee_of_nobody", "more_borne_than_kept"),
    "bank": ("on_our_account", "more_left_than_came"),
    "unidentified": ("payee_unknown", "payer_unknown"),
    "remitting": ("more_confirmed_than_ordered", "not_confirmed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """One cause behind a balance: what nothing has met of it, and why."""

    cause: str  # payment/P…, remittance/K…, statement/<party>/<day>, identified/…
    business_on: date
    vnd: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBreak:
    """One break of the account's party that is not resolved."""

    break_id: str
    break_class: str
    our_reference: str
    business_on: date
    at_risk_vnd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """An account that is not zero. `behind` are the oldest of `causes`; all of them add up to `balance_vnd`."""

    account: str
    balance_vnd: int
    causes: int
    behind: tuple[Behind, ...]
    breaks: tuple[OpenBreak, ...]


def report(transaction: Transaction, *, most: int = MOST) -> tuple[Unsettled, ...]:
    """Return every account that is not zero, by name; none when all is settled."""
    terms = remittance.terms(transaction)
    found = clearing.balances(transaction)
    return tuple(_unsettled(transaction, account, vnd, terms, most) for account, vnd in found.items())


def _unsettled(transaction: Transaction, account: str, vnd: int, terms: Terms, most: int) -> Unsettled:
    causes, count = clearing.behind(transaction, account, most=most)
    kind, _, name = account.partition(":")
    breaks = clearing.open_breaks(transaction, name, most=most) if kind in ("clearing", "unidentified") else []
    return Unsettled(
        account=account,
        balance_vnd=vnd,
        causes=count,
        behind=_behind(transaction, kind, name, causes, terms),
        breaks=tuple(OpenBreak(**one._mapping) for one in breaks),
    )


def _behind(
    transaction: Transaction, kind: str, name: str, causes: Sequence[Cause], terms: Terms
) -> tuple[Behind, ...]:
    known = _Known(transaction, causes)
    return tuple(
        Behind(cause=one.cause, business_on=one.business_on, vnd=one.vnd, why=_why(kind, name, one, known, terms))
        for one in causes
    )


class _Known:
    """What the store holds of the payments and orders that the causes name, and its calendar."""

    def __init__(self, transaction: Transaction, causes: Sequence[Cause]) -> None:
        named = [one.cause.partition("/")[2] for one in causes if one.cause.startswith("payment/")]
        self.payments = clearing.payments(transaction, named)
        ordered = [one.cause.partition("/")[2] for one in causes if one.cause.startswith("remittance/")]
        self.orders = remittance.by_reference(transaction, ordered)
        self.calendar = working_calendar(transaction)


def _why(kind: str, name: str, one: Cause, known: _Known, terms: Terms) -> str:
    """Return a stable word, and behind a colon what it is about."""
    what, _, reference = one.cause.partition("/")
    if what == "remittance":
        order = known.orders[reference]
        return f"order_{order.state}" + (f":{order.doubt}" if order.doubt else "")
    payment = known.payments.get(reference) if what == "payment" else None
    if payment is not None and payment.state not in ("paid", "refunded"):
        return f"payment_{payment.state}"
    if kind == "collected" and one.vnd < 0:
        return _why_owed(name, payment, terms)
    if kind == "fees" and one.vnd > 0:
        return f"fee_of_{terms.fee_bearer(name, one.business_on) or 'nobody'}"
    word = SIDES[kind][one.vnd < 0]
    due_on = settles_on(name, one.business_on, known.calendar) if word == "not_paid_over" else None
    return word if due_on is None else f"{word}:{due_on}"


def _why_owed(agency: str, payment: Row[Any] | None, terms: Terms) -> str:
    if payment is None:
        return "not_ordered"
    if payment.remittance_reference is not None:
        return f"order_refused:{payment.remittance_reference}"
    if terms.account(agency, payment.business_on) is None:
        return "no_treasury_account"
    if terms.sub_item(payment.kind, agency, payment.business_on) is None:
        return f"no_sub_item:{payment.kind}"
    return "not_ordered"
