"""What is owed to each agency of what was collected for it, the orders that pay it, and where an order stands."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal, assert_never

from truc.domain.remittance_terms import Account, Terms

What = Literal["payment", "refund", "fee"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing of one payment that no order has paid: the money taken, money that went back, or a fee kept.

    `business_on` is its own day, `paid_on` the day of the payment. `hold` is why it must wait, "" where it need not.
    """

    what: What
    payment_id: int
    refund_id: int | None = None
    agency_code: str
    party: str  # the intermediary
    kind: str  # of the payment
    paid_on: date
    business_on: date
    amount_vnd: int  # above 0, whatever it is
    hold: str = ""

    @property
    def owed_vnd(self) -> int:
        """What it adds to the debt to the agency; refunds and fees take away."""
        return self.amount_vnd if self.what == "payment" else -self.amount_vnd


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyDay:
    """What one business day comes to for one agency, in đồng; `collected` is (kind of payment, đồng) by kind."""

    agency_code: str
    business_on: date
    collected: tuple[tuple[str, int], ...]
    refunded_vnd: int
    fees_vnd: int

    @property
    def collected_vnd(self) -> int:
        return sum(vnd for _, vnd in self.collected)

    @property
    def owed_vnd(self) -> int:
        """What the agency is to get; below 0 where more went back than came in."""
        return self.collected_vnd - self.refunded_vnd - self.fees_vnd


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An order to be made: what it pays, whereto and under which sub-item."""

    account: Account
    sub_item: str
    items: tuple[Item, ...]

    @property
    def amount_vnd(self) -> int:
        return sum(one.owed_vnd for one in self.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Money that no order pays today, and why."""

    agency_code: str
    reason: str
    items: int
    owed_vnd: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The orders of a day, and what is left for another."""

    orders: tuple[Planned, ...]
    held: tuple[Held, ...]


def agency_days(items: Iterable[Item], terms: Terms) -> tuple[AgencyDay, ...]:
    """Return what each (agency, business day) comes to, in that order; fees count where the agency bears them."""
    days: dict[tuple[str, date], list[Item]] = defaultdict(list)
    for one in items:
        if _is_the_agency_s(one, terms):
            days[one.agency_code, one.business_on].append(one)
    return tuple(_agency_day(agency, day, those) for (agency, day), those in sorted(days.items()))


def plan(items: Iterable[Item], terms: Terms, day: date, *, ordered: Collection[tuple[str, str]] = ()) -> Plan:
    """Return one order for each agency and sub-item that is owed something, and what is held, each with its reason.

    `ordered` names the (agency, sub-item) that have their order of this day: what came since goes with the next.
    An agency's debt that is not above 0 is carried to a later day.
    """
    groups: dict[tuple[str, str], list[Item]] = defaultdict(list)
    held: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for one in sorted(items, key=_order):
        if not _is_the_agency_s(one, terms):
            continue
        sub_item = terms.sub_item(one.kind, one.agency_code, one.paid_on)
        if reason := one.hold or _why_held(one, sub_item, terms, day):
            held[one.agency_code, reason].append(one)
        else:
            groups[one.agency_code, str(sub_item)].append(one)
    orders: list[Planned] = []
    for (agency, sub_item), those in sorted(groups.items()):
        account = terms.account(agency, day)
        if (agency, sub_item) in ordered:
            held[agency, "ordered_already"] += those
        elif account is None or sum(one.owed_vnd for one in those) <= 0:
            held[agency, "nothing_owed"] += those
        else:
            orders.append(Planned(account=account, sub_item=sub_item, items=tuple(those)))
    told = (_held(agency, reason, those) for (agency, reason), those in sorted(held.items()))
    return Plan(tuple(orders), tuple(told))


class State(StrEnum):
    """Where an order stands. What is refused or in doubt waits for a person."""

    CREATED = "created"  # booked, and in the outbox
    SENT = "sent"  # the treasury has the order
    CONFIRMED = "confirmed"  # the treasury has the money
    REFUSED = "refused"
    IN_DOUBT = "in_doubt"


class Doubt(StrEnum):
    """Why nobody knows where the money is."""

    UNANSWERED = "unanswered"  # whether the treasury has the order
    AMOUNT_DIFFERS = "amount_differs"
    REFUSED_AFTER_CONFIRMED = "refused_after_confirmed"
    CONFIRMED_AFTER_REFUSED = "confirmed_after_refused"


class End(StrEnum):
    """What became of the message that carries the order."""

    SENT = "sent"
    STOPPED = "stopped"  # refused by the treasury's door, or dropped by a person: it was not carried out
    SET_ASIDE = "set_aside"  # nobody knows, or it could not be sent
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Standing:
    """A state, with its doubt where it is `in_doubt`."""

    state: State
    doubt: Doubt | None = None


def after_message(stands: Standing, end: End) -> Standing:
    """Return where an order stands by what became of its message; a word of the treasury is stronger."""
    if stands.state is not State.CREATED and stands.doubt is not Doubt.UNANSWERED:
        return stands
    match end:
        case End.SENT:
            return Standing(State.SENT)
        case End.STOPPED:
            return Standing(State.REFUSED)
        case End.SET_ASIDE:
            return Standing(State.IN_DOUBT, Doubt.UNANSWERED)
        case End.OPEN:
            return stands
        case _:
            assert_never(end)


def after_word(stands: Standing, *, said: Literal["confirmed", "refused"], amount_is_ours: bool) -> Standing:
    """Return where an order stands after the treasury's word. A doubt that a word raised is a person's to end."""
    if stands.state is State.IN_DOUBT and stands.doubt is not Doubt.UNANSWERED:
        return stands
    if not amount_is_ours:
        return Standing(State.IN_DOUBT, Doubt.AMOUNT_DIFFERS)
    if said == "refused":
        confirmed = stands.state is State.CONFIRMED
        return Standing(State.IN_DOUBT, Doubt.REFUSED_AFTER_CONFIRMED) if confirmed else Standing(State.REFUSED)
    if stands.state is State.REFUSED:
        return Standing(State.IN_DOUBT, Doubt.CONFIRMED_AFTER_REFUSED)
    return Standing(State.CONFIRMED)


def _agency_day(agency_code: str, day: date, items: Sequence[Item]) -> AgencyDay:
    collected: dict[str, int] = defaultdict(int)
    for one in items:
        if one.what == "payment":
            collected[one.kind] += one.amount_vnd
    return AgencyDay(
        agency_code=agency_code,
        business_on=day,
        collected=tuple(sorted(collected.items())),
        refunded_vnd=sum(one.amount_vnd for one in items if one.what == "refund"),
        fees_vnd=sum(one.amount_vnd for one in items if one.what == "fee"),
    )


def _is_the_agency_s(one: Item, terms: Terms) -> bool:
    """A fee lessens what an agency gets only where that is agreed; else it is no matter of the agency's."""
    return one.what != "fee" or terms.fee_bearer(one.party, one.paid_on) == "agency"


def _why_held(one: Item, sub_item: str | None, terms: Terms, day: date) -> str:
    """What was paid before the agency had an account was remitted some other way, or waits for a person."""
    if terms.account(one.agency_code, day) is None or terms.account(one.agency_code, one.paid_on) is None:
        return "no_treasury_account"
    return "" if sub_item is not None else f"no_sub_item:{one.kind}"


def _held(agency_code: str, reason: str, items: Sequence[Item]) -> Held:
    owed_vnd = sum(one.owed_vnd for one in items)
    return Held(agency_code=agency_code, reason=reason, items=len(items), owed_vnd=owed_vnd)


def _order(one: Item) -> tuple[str, date, int, str, int]:
    return one.agency_code, one.business_on, one.payment_id, one.what, one.refund_id or 0
