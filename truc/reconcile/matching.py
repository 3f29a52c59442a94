"""Matches a day's payments with a partner's statement lines: pure, in whole đồng, every row ends in one place."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

BreakClass = Literal[
    "missing_at_partner",  # we booked it, the statement does not have it
    "missing_in_core",  # the statement has it, we never asked for it
    "state_differs",  # the statement says paid, our payment is not
    "amount_differs",
    "duplicate_at_partner",  # a second line for one payment, on this day's statement or after an earlier day's
    "timing",  # ours of another day, and on no earlier statement
]
HAS_CORE_SIDE = ("missing_at_partner", "amount_differs")  # the others hold nothing of the day's own books
Rule = Literal["our_reference", "partner_reference"]


@dataclass(frozen=True, slots=True)
class CorePayment:
    """One payment of ours.

    `of_day` is False for one the day's books do not hold (unpaid, or of another day);
    `on_earlier_statement` tells that the statement of an earlier day has it already.
    """

    id: int
    our_reference: str
    partner_reference: str
    amount_vnd: int
    paid: bool
    of_day: bool
    on_earlier_statement: bool = False


@dataclass(frozen=True, slots=True)
class PartnerLine:
    """One paid line of the statement."""

    line_no: int
    our_reference: str
    partner_reference: str
    amount_vnd: int


@dataclass(frozen=True, slots=True)
class Match:
    """A payment and its line."""

    payment: CorePayment
    line: PartnerLine
    rule: Rule


@dataclass(frozen=True, slots=True)
class Break:
    """A row that found no equal, with its class and what is at stake: difference = core − partner."""

    break_id: str
    break_class: BreakClass
    our_reference: str
    partner_reference: str
    core_vnd: int
    partner_vnd: int
    payment_id: int | None
    line_no: int | None
    rule: str

    @property
    def difference_vnd(self) -> int:
        """What our books say less what the partner says."""
        return self.core_vnd - self.partner_vnd


@dataclass(frozen=True, slots=True)
class Outcome:
    """The whole result. `conserves` has been checked by `match` itself."""

    matches: tuple[Match, ...]
    breaks: tuple[Break, ...]


def match(party: str, payments: Sequence[CorePayment], lines: Sequence[PartnerLine]) -> Outcome:
    """Return matches and breaks; the order of the inputs does not matter.

    Raise AssertionError when the result does not conserve: Σ core = Σ matched + Σ core side of breaks,
    likewise for the partner, in count and in đồng.
    """
    pairs, leftover_lines = _pair(payments, lines)
    taken = {payment.id for payment, _, _ in pairs}
    matches, breaks = [], []
    for payment, line, rule in pairs:
        if not payment.of_day:
            kind = _class_of_a_stranger(payment)
            breaks.append(_break(party, kind, None, line, rule, payment_id=payment.id))
        elif payment.amount_vnd != line.amount_vnd:
            breaks.append(_break(party, "amount_differs", payment, line, rule))
        else:
            matches.append(Match(payment, line, rule))
    ours = {name for payment, line, _ in pairs for name in (payment.our_reference, line.our_reference)} - {""}
    theirs = {name for payment, line, _ in pairs for name in (payment.partner_reference, line.partner_reference)}
    theirs -= {"", *_shared_partner_references(payments)}
    for line in leftover_lines:
        known = line.our_reference in ours or line.partner_reference in theirs
        breaks.append(_break(party, "duplicate_at_partner" if known else "missing_in_core", None, line, "none"))
    for payment in payments:
        if payment.of_day and payment.id not in taken:
            breaks.append(_break(party, "missing_at_partner", payment, None, "none"))
    outcome = Outcome(tuple(matches), tuple(sorted(breaks, key=lambda one: one.break_id)))
    _check_conservation(payments, lines, outcome)
    return outcome


def _pair(
    payments: Sequence[CorePayment], lines: Sequence[PartnerLine]
) -> tuple[list[tuple[CorePayment, PartnerLine, Rule]], list[PartnerLine]]:
    """Pair by our reference, then by the partner's where it names exactly one payment; each row at most once.

    Of several lines for one payment, the one that also carries the partner's reference we know is its own.
    """
    by_ours = {payment.our_reference: payment for payment in payments if payment.our_reference}
    shared = _shared_partner_references(payments)
    by_theirs = {payment.partner_reference: payment for payment in payments if payment.partner_reference not in shared}
    by_theirs.pop("", None)
    pairs: list[tuple[CorePayment, PartnerLine, Rule]] = []
    taken: set[int] = set()
    agreeing = {(payment.our_reference, payment.partner_reference) for payment in payments}
    waiting = sorted(
        lines, key=lambda line: ((line.our_reference, line.partner_reference) not in agreeing, line.line_no)
    )
    rules: tuple[tuple[Rule, dict[str, CorePayment]], ...] = (
        ("our_reference", by_ours),
        ("partner_reference", by_theirs),
    )
    for rule, index in rules:
        rest = []
        for line in waiting:
            found = index.get(getattr(line, rule))
            if found is None or found.id in taken:
                rest.append(line)
            else:
                taken.add(found.id)
                pairs.append((found, line, rule))
        waiting = rest
    return pairs, waiting


def _shared_partner_references(payments: Sequence[CorePayment]) -> set[str]:
    """The partner's references that name several payments of ours, and so none."""
    counted = Counter(payment.partner_reference for payment in payments)
    return {reference for reference, count in counted.items() if count > 1}


def _class_of_a_stranger(payment: CorePayment) -> BreakClass:
    """What a line means that names a payment outside the day's books."""
    if not payment.paid:
        return "state_differs"
    return "duplicate_at_partner" if payment.on_earlier_statement else "timing"


def _break(
    party: str,
    kind: BreakClass,
    payment: CorePayment | None,
    line: PartnerLine | None,
    rule: str,
    *,
    payment_id: int | None = None,
) -> Break:
    ours = payment.our_reference if payment else line.our_reference if line else ""
    theirs = line.partner_reference if line else payment.partner_reference if payment else ""
    line_no = line.line_no if line else None
    # From what the break is about, so that a second run of the day gives it the same id.
    about = "\0".join((party, kind, ours, theirs, str(line_no or 0)))
    return Break(
        break_id=hashlib.sha256(about.encode()).hexdigest()[:16],
        break_class=kind,
        our_reference=ours,
        partner_reference=theirs,
        core_vnd=payment.amount_vnd if payment else 0,
        partner_vnd=line.amount_vnd if line else 0,
        payment_id=payment.id if payment else payment_id,
        line_no=line_no,
        rule=rule,
    )


def _check_conservation(payments: Sequence[CorePayment], lines: Sequence[PartnerLine], outcome: Outcome) -> None:
    core = [payment.amount_vnd for payment in payments if payment.of_day]
    partner = [line.amount_vnd for line in lines]
    core_out = [one.payment.amount_vnd for one in outcome.matches] + [
        one.core_vnd for one in outcome.breaks if one.break_class in HAS_CORE_SIDE
    ]
    partner_out = [one.line.amount_vnd for one in outcome.matches] + [
        one.partner_vnd for one in outcome.breaks if one.line_no is not None
    ]
    for side, rows, places in (("core", core, core_out), ("partner", partner, partner_out)):
        if (len(rows), sum(rows)) != (len(places), sum(places)):
            raise AssertionError(f"{side} side does not conserve: {_total(rows)} in, {_total(places)} out")


def _total(amounts: Iterable[int]) -> str:
    listed = list(amounts)
    return f"{len(listed)} rows, {sum(listed)} đ"
