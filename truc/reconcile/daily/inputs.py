"""What a party's day is reconciled from: its own rows, and those of other days that may still meet one of them."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from truc.errors import TransientError
from truc.reconcile.daily import elsewhere, stored_rows
from truc.reconcile.daily.adjusting import adjustments
from truc.reconcile.daily.carrying import carry
from truc.reconcile.daily.elsewhere import Others
from truc.reconcile.daily.stored_rows import COUNTED, Neutral, references
from truc.reconcile.spec import Side
from truc.store import remittance, statements
from truc.store.opened import Transaction
from truc.store.taken import Taken, as_json

RETURNS = ("refund", "reversal")
Found = dict[str, Any]  # a break with the columns of breaks.parquet


@dataclass(slots=True)
class Inputs:
    """The rows of each side. `carried_in` are the breaks of earlier days that end here or go on from here.

    `settled` are references of payments of other days that met their line there and that a line of today names again:
    both stand here, so that the line is seen to be a second one. `kept` are payments of today that a later day met:
    reference → the break as which it stands here, None where no version of today had it. `held` are other breaks of
    today whose row a later day met, and whether the row was carried in; their rows are not among `rows`. `gone` is
    the money of lines that were carried until a restated statement of a signed day had them no more. A row
    that is `carried` and `new_here` may meet others as what was open before, but no day had it open (`was_open`).
    """

    statement_id: int
    rows: dict[Side, list[Neutral]]
    carried_in: set[str] = field(default_factory=set)
    settled: set[str] = field(default_factory=set)
    kept: dict[str, Found | None] = field(default_factory=dict)
    held: list[tuple[Found, bool]] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    taken: Taken = field(default_factory=Taken)
    digest: str = ""  # SHA-256 over every row, in an order of its own, and what else decides what the run says


def of_day(transaction: Transaction, party: str, business_on: date) -> Inputs:
    """Return the day's rows. Raise TransientError "statement_missing" while no statement of it has come."""
    statement = statements.newest(transaction, party, business_on)
    if statement is None:
        raise TransientError(f"{party}: no statement of {business_on} has come yet", reason="statement_missing")
    lines = stored_rows.lines_of(transaction, party, business_on, statement.id)
    own = stored_rows.payments_of(transaction, party, business_on)
    own += stored_rows.refunds_of(transaction, party, business_on)
    found = Inputs(statement.id, {"core": list(own), "statement": lines})
    others = elsewhere.of_other_days(transaction, party, business_on)
    later = adjustments(transaction, others)
    others = others.without(later.freed)
    earlier = carry(transaction, others)
    found.carried_in = earlier.break_ids | later.break_ids
    found.gone = earlier.gone
    for side in ("core", "statement"):
        found.rows[side] += [row | {"carried": True} for row in earlier.rows[side]]
        found.rows[side] += [row | {"carried": True, "new_here": True} for row in later.rows[side]]
    _name(found)
    said = [*_said(found.rows["core"]), *_said(found.rows["statement"])]  # also what is held: a new run says the same
    _hold(transaction, others, found, earlier.gone_later)
    said += _said(_bring_named(transaction, others, found))
    _copy_fees(found)
    found.rows["receipts"] = stored_rows.receipts_of(transaction, party, business_on)
    remitted = list(remittance.neutral(transaction, party, business_on))
    if remitted:  # nothing is asked of a day that no order has taken up yet
        found.rows["remittance"] = remitted
    said += [*_said(found.rows["receipts"]), *_said(remitted)]
    away = {name for name, one in found.kept.items() if one is None}
    found.taken = Taken(
        entry_ids=tuple(
            row["entry_id"]
            for row in own
            if row["entry_id"] is not None and (row["kind"] != "payment" or row["our_reference"] not in away)
        ),
        late_entry_ids=later.entry_ids,
        changes=later.changes,
    )
    late = [later.entry_ids, [as_json(one) for one in later.changes]]
    told = [sorted(said), sorted(found.carried_in), sorted(found.settled), sorted(away), late]
    found.digest = hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()
    return found


def was_open(row: Neutral) -> bool:
    """Whether the row was open the evening before: then the day opens with it."""
    return row["carried"] and not row.get("new_here", False)


def _said(found: Iterable[Mapping[str, object]]) -> list[str]:
    return [json.dumps(row, sort_keys=True, default=str, ensure_ascii=False) for row in found]


def _name(found: Inputs) -> None:
    """Name each refund as the statement does: by its own reference, or by that of its payment.

    What is carried keeps the partner's reference it stood by, unless a line says the newer one: so its break stays.
    """
    theirs = references(found.rows["statement"], "partner_reference")
    told = references((row for row in found.rows["statement"] if row["kind"] in RETURNS), "our_reference")
    for row in found.rows["core"]:
        stood_as = row.pop("stood_as", row["partner_reference"])
        if row["partner_reference"] not in theirs:
            row["partner_reference"] = stood_as
        payment, own = row.pop("names", ("", ""))
        if own in told:
            row["our_reference"] = own
        elif payment in told:
            row["our_reference"] = payment


def _hold(transaction: Transaction, others: Others, found: Inputs, gone_later: Collection[str]) -> None:
    """Take out what a later day met, or took away: it stands here as it stood when that day took it."""
    for one in elsewhere.met_later(transaction, others.party, others.business_on):
        side: Side = "core" if one["core_money_vnd"] else "statement"
        row = next((row for row in found.rows[side] if _is_of(row, one, side)), None)
        if one["break_id"] in gone_later:
            found.held.append((one, True))
            continue
        if row is None:  # a restated file has it no more
            continue
        if side == "core" and row["kind"] == "payment" and not row["carried"]:
            found.kept[row["our_reference"]] = one  # its receipt and its remittance are asked for here
            found.rows["statement"] = _without_answer(found.rows["statement"], one)
        else:
            found.rows[side].remove(row)
            found.held.append((one, was_open(row)))


def _without_answer(lines: list[Neutral], one: Found) -> list[Neutral]:
    """Leave out the line without money that stands in the break."""
    if not one["partner_rows"]:
        return lines
    key = one["our_reference"], one["partner_reference"]
    of_it = [n for n, row in enumerate(lines) if (row["our_reference"], row["partner_reference"]) == key]
    silent = [n for n in of_it if lines[n]["state"] not in COUNTED]
    return [row for n, row in enumerate(lines) if n not in silent[:1]]


def _is_of(row: Neutral, one: Found, side: Side) -> bool:
    amount_vnd = one["core_money_vnd" if side == "core" else "partner_money_vnd"]
    theirs = side == "core" or row["partner_reference"] == one["partner_reference"]
    alone = one["core_rows"] + one["partner_rows"] == 1
    return (
        theirs
        and row["state"] in COUNTED
        and (row["our_reference"], row["amount_vnd"]) == (one["our_reference"], amount_vnd)
        and (not alone or (row["kind"], row["business_on"]) == (one["kind"], one["business_on"]))
    )


def _bring_named(transaction: Transaction, others: Others, found: Inputs) -> list[Neutral]:
    """Bring the payments of other days, and those that are not paid, that a line of today names; return them.

    One that met its line elsewhere is brought with a line that stands for that one.
    """
    here = {row["our_reference"]: row for row in found.rows["core"] if row["kind"] == "payment"}
    own = [name for name, row in here.items() if not row["carried"]]
    for name, day in elsewhere.paired(transaction, others, own).items():
        if day > others.business_on:
            found.kept.setdefault(name, None)
    named = _named(transaction, others, found, here)
    booked = {row["our_reference"] for row in named if row["business_on"] is not None}
    found.settled = {
        *elsewhere.paired(transaction, others, booked),
        *elsewhere.placed(transaction, others, booked),
    }
    stood = elsewhere.unanswered(transaction, others, booked - found.settled)
    found.carried_in |= stood.keys()
    never_stood = booked - found.settled - set(stood.values())
    for row in named:
        known = {"carried": row["business_on"] is not None, "new_here": row["our_reference"] in never_stood}
        found.rows["core"].append(row | known | {"business_on": row["business_on"] or others.business_on})
    rows = {row["our_reference"]: row for row in found.rows["core"] if row["kind"] == "payment"}
    found.rows["statement"] += [rows[name] | {"carried": True} for name in sorted({*found.settled, *found.kept})]
    return named


def _named(transaction: Transaction, others: Others, found: Inputs, here: Mapping[str, Neutral]) -> list[Neutral]:
    """Return the payments that are not here and not of a later day, and that a line names by either reference."""
    lines = [row for row in found.rows["statement"] if row["kind"] == "payment"]
    ours = references(lines, "our_reference") - here.keys()
    theirs = references((row for row in lines if row["our_reference"] not in here), "partner_reference")
    theirs -= references(here.values(), "partner_reference")
    return [
        row
        for row in stored_rows.payments_named(transaction, others.party, ours, theirs)
        if row["our_reference"] not in here and (row["business_on"] or others.business_on) <= others.business_on
    ]


def _copy_fees(found: Inputs) -> None:
    """Take what a row of ours cost from its line: no rate is agreed that it could be held against."""
    without = {*found.settled, *found.kept}
    by_ours: dict[tuple[bool, str], int] = {}
    by_theirs: dict[tuple[bool, str], int] = {}
    lines = [row for row in found.rows["statement"] if row["kind"] == "payment" or row["kind"] in RETURNS]
    for line in lines:
        if line["fee_vnd"]:
            by_ours.setdefault((line["kind"] in RETURNS, line["our_reference"]), line["fee_vnd"])
            by_theirs.setdefault((line["kind"] in RETURNS, line["partner_reference"]), line["fee_vnd"])
    told = {(line["kind"] in RETURNS, line["our_reference"]) for line in lines}
    for row in found.rows["core"]:
        back = row["kind"] in RETURNS
        if row["kind"] == "payment" and row["our_reference"] in without:
            continue
        if (back, row["our_reference"]) in told:
            row["fee_vnd"] = by_ours.get((back, row["our_reference"]), 0)
        elif row["partner_reference"]:
            row["fee_vnd"] = by_theirs.get((back, row["partner_reference"]), 0)
