"""The states of a payment, and what each word about it does: pure, so that every order of words can be tried.

    created ──receipt──▶ pending ──word──▶ paid ──refund──▶ refunding ──▶ refunded
                            ├──▶ failed | expired ──late word──▶ paid     └──▶ paid (refused, or only a part)
    any of them ──a word that contradicts, or none at all──▶ in_doubt ──word or person──▶ a known state

`in_doubt` says what is doubted, what comes next, and who does it. Money is booked once, when `Now.booked` is False
and a word says `paid` of our order as we made it; no word takes it back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal


class State(StrEnum):
    """Where a payment stands."""

    CREATED = "created"  # booked here; nobody confirmed that the partner has it
    PENDING = "pending"  # the partner has it
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    IN_DOUBT = "in_doubt"


class Doubt(StrEnum):
    """Why a payment is in doubt."""

    AMOUNT_DIFFERS = "amount_differs"  # money of another amount than our order's
    WRONG_PARTY = "wrong_party"  # another party says that it took the money
    PAID_TWICE = "paid_twice"  # a second transaction for an order that is paid
    CONTRADICTS_PAID = "contradicts_paid"  # we hold it as paid, the partner says that it failed or expired
    REFUND_UNMATCHED = "refund_unmatched"  # given back, and we never asked for that
    PAID_AFTER_REFUND = "paid_after_refund"
    REFUND_CONTRADICTED = "refund_contradicted"  # the partner's words on a refund do not fit ours
    UNANSWERED = "unanswered"  # asked to the end of the schedule, and still no end
    NOT_DELIVERED = "not_delivered"  # our request was refused or set aside
    REFUND_UNANSWERED = "refund_unanswered"  # nobody says what became of a refund of ours


class NextStep(StrEnum):
    """What brings a payment out of doubt."""

    ASK = "ask"
    WAIT_STATEMENT = "wait_statement"
    PERSON = "person"
    REFUND = "refund"


class Mover(StrEnum):
    """What may move a payment."""

    RECEIPT = "receipt"  # the partner took our request
    WORD = "word"  # the partner said how it stands
    CLOCK = "clock"  # the schedule is over, or our request was stopped
    REFUND = "refund"  # a refund of ours, and the partner's word on it
    PERSON = "person"


OPEN = frozenset({State.CREATED, State.PENDING, State.IN_DOUBT})
ENDED = frozenset({State.FAILED, State.EXPIRED})
# Doubts that a plain word of the partner can end: nobody said anything of money yet.
SILENT = frozenset({Doubt.UNANSWERED, Doubt.NOT_DELIVERED})
FINANCE, HUB = "finance", "hub"

_NOT_PAID = (State.CREATED, State.PENDING, State.FAILED, State.EXPIRED)
_HELD = (State.PAID, State.REFUNDING, State.REFUNDED)
MOVES: Mapping[Mover, frozenset[tuple[State, State]]] = {
    Mover.RECEIPT: frozenset({(State.CREATED, State.PENDING), (State.IN_DOUBT, State.PENDING)}),
    Mover.WORD: frozenset(
        {(one, State.IN_DOUBT) for one in (*_NOT_PAID, *_HELD)}
        | {(one, State.PAID) for one in (*_NOT_PAID, State.IN_DOUBT)}
        | {(one, end) for one in (*_NOT_PAID, State.IN_DOUBT) for end in ENDED if one is not end}
        | {(one, State.PENDING) for one in (State.CREATED, State.IN_DOUBT)}
    ),
    Mover.CLOCK: frozenset(
        {(State.CREATED, State.IN_DOUBT), (State.PENDING, State.IN_DOUBT)}
        | {(one, State.FAILED) for one in (State.CREATED, State.PENDING, State.IN_DOUBT)}
    ),
    Mover.REFUND: frozenset(
        {
            (State.PAID, State.REFUNDING),
            (State.IN_DOUBT, State.REFUNDING),
            (State.IN_DOUBT, State.REFUNDED),
            (State.IN_DOUBT, State.PAID),
            (State.REFUNDING, State.REFUNDED),
            (State.REFUNDING, State.PAID),
            (State.PAID, State.REFUNDED),
            (State.PAID, State.IN_DOUBT),
            (State.REFUNDING, State.IN_DOUBT),
            (State.REFUNDED, State.IN_DOUBT),
            (State.REFUNDED, State.REFUNDING),  # by a duplicate of it that goes back too
        }
    ),
    Mover.PERSON: frozenset(
        {(State.IN_DOUBT, one) for one in (State.PENDING, State.PAID, State.REFUNDING, State.REFUNDED, *ENDED)}
    ),
}

AHEAD_MAX = timedelta(minutes=10)  # how far a party's clock may be before ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """A payment as it stands. `booked` tells whether its money is in the ledger; `partner_reference` is of that."""

    state: State
    party: str
    amount_vnd: int
    booked: bool = False
    partner_reference: str = ""
    paid_at: datetime | None = None
    doubt: Doubt | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One word of a party on it. `absent`: the party knows no such order. `asked`: it answers our own question.

    `said_at` is None where the party names no time; `heard_at` is when the word came, None where that is not known.
    """

    party: str
    state: Literal["pending", "paid", "failed", "expired", "refunded", "absent"]
    amount_vnd: int | None
    partner_reference: str
    said_at: datetime | None
    asked: bool = False
    heard_at: datetime | None = None

    @property
    def at(self) -> datetime | None:
        """When it was so, as `time_of` has it."""
        return self.said_at if self.heard_at is None else time_of(self.said_at, heard_at=self.heard_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Became:
    """What a word makes of it. `remark`: what finance should see of this word, though nothing moved by it."""

    state: State
    doubt: Doubt | None = None
    next_step: NextStep | None = None
    books: bool = False
    remark: Doubt | None = None


def time_of(said_at: datetime | None, *, heard_at: datetime) -> datetime:
    """Return when the thing said was so: as the party says; when we heard it, where it names no time or one to come.

    What happened is heard of afterwards: a clock that is wrong there must not book money on a day that is to come.
    """
    return heard_at if said_at is None or said_at > heard_at + AHEAD_MAX else said_at


def after_word(now: Now, said: Said) -> Became:
    """Return what the word makes of the payment. Only `paid`, of our order as we made it, ever books money."""
    if said.state == "absent":  # what it means hangs on how long the order may live: the schedule decides
        return _same(now)
    if said.party != now.party:
        return _unlike_ours(now, said, Doubt.WRONG_PARTY)
    if said.amount_vnd != now.amount_vnd and not (said.state == "refunded" and _gives_back(now)):
        return _unlike_ours(now, said, Doubt.AMOUNT_DIFFERS)
    return _of_booked(now, said) if now.booked else _of_unbooked(now, said)


def names_the_money(now: Now, said: Said) -> bool:
    """Tell whether the word has the number of the transaction that is booked here without one: a refund needs it."""
    ours = (said.party, said.amount_vnd) == (now.party, now.amount_vnd)
    return ours and said.state == "paid" and now.booked and not now.partner_reference and said.partner_reference != ""


def may_move(mover: Mover, before: State, after: State) -> bool:
    """Tell whether this mover may make this move; staying is no move."""
    return before is after or (before, after) in MOVES[mover]


def owner_of(step: NextStep) -> str:
    """Return who does it unless a person is named: the hub asks and compares, finance decides."""
    return HUB if step in (NextStep.ASK, NextStep.WAIT_STATEMENT) else FINANCE


def _gives_back(now: Now) -> bool:
    return now.state in (State.REFUNDING, State.REFUNDED) or now.doubt is Doubt.REFUND_UNANSWERED


def _same(now: Now, *, remark: Doubt | None = None) -> Became:
    return Became(state=now.state, doubt=now.doubt, remark=remark)


def _doubted(doubt: Doubt, step: NextStep = NextStep.PERSON, *, books: bool = False) -> Became:
    return Became(state=State.IN_DOUBT, doubt=doubt, next_step=step, books=books, remark=doubt)


def _unlike_ours(now: Now, said: Said, doubt: Doubt) -> Became:
    """A word about another order than ours: doubt where it says that money moved, else it is only noted."""
    if said.state not in ("paid", "refunded"):
        return _same(now, remark=doubt)
    if now.doubt is not None and now.doubt not in SILENT:  # the first doubt stands until it is resolved
        return _same(now, remark=doubt)
    return _doubted(doubt)


def _of_booked(now: Now, said: Said) -> Became:
    match said.state:
        case "paid":
            return _paid_again(now, said)
        case "failed" | "expired":
            return _taken_back(now, said)
        case "refunded" if now.state is State.PAID or now.doubt is Doubt.CONTRADICTS_PAID:
            return _doubted(Doubt.REFUND_UNMATCHED)
        case _:
            return _same(now)


def _paid_again(now: Now, said: Said) -> Became:
    """Two numbers are two transactions. Where one of the words has none, as some answers have, it is the same one."""
    if now.partner_reference and said.partner_reference not in ("", now.partner_reference):
        twice = Doubt.PAID_AFTER_REFUND if now.state is State.REFUNDED else Doubt.PAID_TWICE
        return _same(now, remark=twice) if now.doubt in _MONEY_TWICE else _doubted(twice)
    if now.doubt is Doubt.CONTRADICTS_PAID and said.asked:  # an old word that comes late proves nothing
        return Became(state=State.PAID)
    return _same(now)


_MONEY_TWICE = (Doubt.PAID_TWICE, Doubt.PAID_AFTER_REFUND)


def _taken_back(now: Now, said: Said) -> Became:
    """An attempt that failed before the one that paid is no contradiction; nor is an end after the money went back."""
    stale = said.at is not None and now.paid_at is not None and said.at < now.paid_at
    if stale or now.state is State.REFUNDED:
        return _same(now)
    if now.state is State.IN_DOUBT:
        return _same(now, remark=Doubt.CONTRADICTS_PAID)
    return _doubted(Doubt.CONTRADICTS_PAID, NextStep.ASK)


def _of_unbooked(now: Now, said: Said) -> Became:
    match said.state:
        case "paid" if now.doubt in (Doubt.REFUND_UNMATCHED, Doubt.WRONG_PARTY):  # it was paid, and more than that
            return _doubted(now.doubt, books=True)
        case "paid":
            return Became(state=State.PAID, books=True)
        case "refunded":
            return _doubted(Doubt.REFUND_UNMATCHED)
        case "failed" | "expired" if now.doubt is None or now.doubt in SILENT:
            return Became(state=State(said.state))
        case "pending" if now.state is State.CREATED or now.doubt in SILENT:
            return Became(state=State.PENDING)
        case _:
            return _same(now)
