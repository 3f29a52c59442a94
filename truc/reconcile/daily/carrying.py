"""What earlier days left open: the rows of their breaks that may meet another row today."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Row

from truc.reconcile.daily import elsewhere, stored_rows
from truc.reconcile.daily.elsewhere import Others
from truc.reconcile.daily.stored_rows import COUNTED, Neutral
from truc.reconcile.spec import Side
from truc.store import reconciliation
from truc.store.opened import Transaction

# Breaks of one row that may meet another on a later day; what is wrong with a pair does not mend itself.
MAY_MEET_LATER = frozenset({"missing_at_partner", "missing_in_core", "refund_unmatched", "ambiguous"})
Break = Row[Any]


@dataclass(slots=True)
class Carried:
    """The rows of each side, and the breaks that they are of. One whose row met another elsewhere has no row here.

    `gone` is the money of lines that a restated statement of a signed day has no more; `gone_later` are the breaks of
    those that a later day has taken away.
    """

    rows: dict[Side, list[Neutral]] = field(default_factory=lambda: {"core": [], "statement": []})
    break_ids: set[str] = field(default_factory=set)
    gone: list[int] = field(default_factory=list)
    gone_later: set[str] = field(default_factory=set)


def carry(transaction: Transaction, others: Others) -> Carried:
    """Return the rows of breaks of earlier days that may meet another on this one."""
    stood, later = _still_here(transaction, others)
    core = [one for one in stood if one.core_money_vnd]
    partner = [one for one in stood if not one.core_money_vnd]
    carried = Carried()
    _carry_core(transaction, others, core, later, carried)
    _carry_lines(transaction, others, partner, later, carried)
    return carried


def _still_here(transaction: Transaction, others: Others) -> tuple[list[Break], set[str]]:
    """Return the breaks that may meet, less those that an earlier day has ended since; and which a later day has."""
    stood = [
        one
        for one in reconciliation.carried_into(transaction, others.party, others.business_on)
        if one.leg == "statement" and one.business_on is not None and _may_meet(one)
    ]
    ended = elsewhere.resolving_days(transaction, [one.break_id for one in stood])
    here = [one for one in stood if ended.get(one.break_id, others.business_on) >= others.business_on]
    unpaid = {one.our_reference for one in here if one.break_class == "state_differs"}
    found = stored_rows.payments_named(transaction, others.party, unpaid)
    paid = {row["our_reference"] for row in found if row["business_on"] is not None}
    later = {name for name, day in ended.items() if day > others.business_on}
    return [one for one in here if one.break_class != "state_differs" or one.our_reference in paid], later


def _may_meet(one: Break) -> bool:
    """A line may meet the payment that was not paid when the line came, as soon as it is."""
    paid_since = one.break_class == "state_differs" and not one.core_money_vnd and one.partner_rows == 1
    return paid_since or one.break_class in MAY_MEET_LATER


def _carry_core(
    transaction: Transaction, others: Others, stood: Sequence[Break], later: Collection[str], carried: Carried
) -> None:
    """What met its line elsewhere has no row here, unless it stood here before that: then it stands here as it did."""
    references = {one.our_reference for one in stood}
    payments = stored_rows.payments_named(transaction, others.party, _named(stood, "payment"))
    by_reference = {row["our_reference"]: row for row in payments}
    refunds = stored_rows.refunds_named(transaction, others.party, references - by_reference.keys())
    refunds += stored_rows.refunds_named(transaction, others.party, _named(stood, "refund") & by_reference.keys())
    met = elsewhere.paired(transaction, others, by_reference.keys())
    for one in stood:
        day = met.get(one.our_reference) if one.kind == "payment" and one.break_id not in later else None
        if day is None:
            row = by_reference.get(one.our_reference) if one.kind == "payment" else _refund(refunds, one)
            if row is not None:
                stood_as = {"our_reference": one.our_reference, "stood_as": one.partner_reference}
                carried.rows["core"].append(row | stood_as)
        if day is None or day < others.business_on:
            carried.break_ids.add(one.break_id)


def _named(stood: Sequence[Break], kind: str) -> set[str]:
    return {one.our_reference for one in stood if one.kind == kind}


def _refund(refunds: list[Neutral], one: Break) -> Neutral | None:
    """Return the refund of the break, and take it from those that are left."""
    fitting = [
        row
        for row in refunds
        if one.our_reference in row["names"]
        and (row["business_on"], row["amount_vnd"]) == (one.business_on, one.core_vnd)
    ]
    fitting.sort(key=lambda row: bool(row["partner_reference"] != one.partner_reference))
    if not fitting:
        return None
    refunds.remove(fitting[0])
    return fitting[0]


def _carry_lines(
    transaction: Transaction, others: Others, stood: Sequence[Break], later: Collection[str], carried: Carried
) -> None:
    """A line that a restated file has no more ends its break, where the day itself cannot any more."""
    left = _lines(transaction, others.party, stood)
    signed = _signed(transaction, others.party, {one.business_on for one in stood})
    for one in stood:
        key = one.our_reference, one.partner_reference, one.partner_money_vnd
        fitting = left[key]
        row = next((row for row in fitting if _of_break(row, one)), None)
        if row is None and one.business_on not in signed:
            continue
        carried.break_ids.add(one.break_id)
        if row is None and one.break_id in later:
            carried.gone_later.add(one.break_id)
        elif row is None:
            carried.gone.append(one.partner_money_vnd)
        else:
            fitting.remove(row)
            carried.rows["statement"].append(row)


def _of_break(row: Neutral, one: Break) -> bool:
    return one.break_class == "state_differs" or (row["kind"], row["business_on"]) == (one.kind, one.business_on)


def _lines(transaction: Transaction, party: str, stood: Sequence[Break]) -> dict[tuple[str, str, int], list[Neutral]]:
    days = {one.business_on for one in stood}
    ours, theirs = ({getattr(one, name) for one in stood} for name in ("our_reference", "partner_reference"))
    found = defaultdict[tuple[str, str, int], list[Neutral]](list)
    for row in stored_rows.lines_named(transaction, party, days, ours, theirs):
        if row["state"] in COUNTED:
            found[row["our_reference"], row["partner_reference"], row["amount_vnd"]].append(row)
    return found


def _signed(transaction: Transaction, party: str, days: Collection[date]) -> set[date]:
    return {day for day in days if reconciliation.is_signed(transaction, party, day)}
