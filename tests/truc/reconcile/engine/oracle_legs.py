"""The legs after the statement: receipts issued (§6) and money remitted to the treasury (§7)."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

from tests.truc.reconcile.engine.oracle_places import MATCH, NO_MONEY, Board, Place, alone, grouped, money, net, place
from tests.truc.reconcile.engine.oracle_rows import Row, day, day_in_vietnam, more_working_days_than, order


def due(board: Board, family: str) -> list[Row]:
    """Core's counted rows of a family, said once."""
    again = {row for one in board.places if one.what == "duplicate_in_core" for row in one.rows}
    return [row for row in board.core if row.family == family and row.counted and row not in again]


def match_receipts(board: Board, receipts: list[Row]) -> list[Place]:
    """Every paid payment has one receipt of its amount; a refunded one may have one."""
    places: list[Place] = []
    payments = due(board, "payment")
    keys: dict[str, Callable[[Row], str]] = {
        "exact_reference": lambda row: row.our_reference,
        "partner_reference": lambda row: row.partner_reference,
    }
    for rule, key in keys.items():
        for ours, theirs in _shared(payments, receipts, key):
            places += _receipts_of(ours, theirs, rule)
        placed = {row for one in places for row in one.rows}
        payments = [row for row in payments if row not in placed]
        receipts = [row for row in receipts if row not in placed]
    for row in payments:
        places.append(alone(row, "receipt_missing" if row.state == "paid" else NO_MONEY, "none", leg="receipts"))
    return places + [alone(row, "receipt_without_payment", "none", leg="receipts") for row in receipts]


def _shared(core: list[Row], partner: list[Row], key: Callable[[Row], str]) -> Iterator[tuple[list[Row], list[Row]]]:
    """The rows of both sides that share a party and a non-empty key, in their order."""
    ours = grouped(sorted(core, key=order), lambda row: (row.party, key(row)))
    theirs = grouped(sorted(partner, key=order), lambda row: (row.party, key(row)))
    for shared in ours.keys() & theirs.keys():
        if shared[1]:
            yield ours[shared], theirs[shared]


def _receipts_of(payments: list[Row], receipts: list[Row], rule: str) -> list[Place]:
    """Equal amounts first, then what is left in order; a receipt over is of no payment."""
    pairs: list[tuple[Row, Row]] = []
    for equal in (True, False):
        for payment in payments:
            free = [row for row in receipts if row not in [taken for _, taken in pairs]]
            fitting = [row for row in free if row.amount == payment.amount or not equal]
            if fitting and payment not in [has for has, _ in pairs]:
                pairs.append((payment, fitting[0]))
    over = [row for row in receipts if row not in [taken for _, taken in pairs]]
    return [_receipt(payment, receipt, rule) for payment, receipt in pairs] + [
        alone(row, "receipt_without_payment", rule, leg="receipts") for row in over
    ]


def _receipt(payment: Row, receipt: Row, rule: str) -> Place:
    what = MATCH if payment.amount == receipt.amount else "receipt_amount_differs"
    return place(what, rule, core=[payment], partner=[receipt], leg="receipts")


def match_remittance(board: Board, remittance: list[Row]) -> list[Place]:
    """What each party remitted, by reference or, where no row names one, by day and agency."""
    places = [alone(row, NO_MONEY, "none", leg="remittance") for row in remittance if not row.counted]
    counted = grouped([row for row in remittance if row.counted], lambda row: row.party)
    for party in sorted(counted.keys() | {row.party for row in due(board, "payment") + due(board, "return")}):
        rows = counted.get(party, [])
        payments = [row for row in due(board, "payment") if row.party == party]
        if any(row.our_reference for row in rows):
            places += _by_reference(board, payments, rows)
        else:
            returns = [row for row in due(board, "return") if row.party == party]
            places += _by_agency(board, payments + returns, rows)
    return places


def _by_reference(board: Board, payments: list[Row], remittance: list[Row]) -> list[Place]:
    places: list[Place] = []
    for ours, theirs in _shared(payments, remittance, lambda row: row.our_reference):
        late = more_working_days_than(board.spec.remit_days, min(map(day, ours)), max(map(_remitted_on, theirs)))
        made = place(MATCH, "exact_reference", core=ours, partner=theirs, leg="remittance")
        places.append(
            replace(made, what=_remitted(made.core_vnd, made.partner_vnd, "remittance_late" if late else MATCH))
        )
    placed = {row for one in places for row in one.rows}
    unpaid = [row for row in payments if row not in placed and row.state == "paid"]
    unknown = [row for row in remittance if row not in placed]
    places += [alone(row, "remittance_short", "none", leg="remittance") for row in unpaid]
    return places + [alone(row, "remittance_over", "none", leg="remittance") for row in unknown]


def _remitted(owed: int, paid: int, equal: str) -> str:
    return equal if paid == owed else "remittance_short" if paid < owed else "remittance_over"


def _by_agency(board: Board, core: list[Row], remittance: list[Row]) -> list[Place]:
    """Sums of each day and agency; where core knows no agency of the party, the treasury's are passed over."""
    known = any(row.agency for row in core)

    def of_day(row: Row) -> tuple[date, str]:
        return day(row), row.agency if known else ""

    owed, paid = grouped(core, of_day), grouped(remittance, of_day)
    later = _paid_later(owed, paid)
    places = []
    for key in sorted(owed.keys() | paid.keys()):
        if key in later:
            places.append(_agency_day(board, owed[key], paid[later[key]], key[1], "agency_day/later"))
        elif key not in later.values():
            places.append(_agency_day(board, owed.get(key, []), paid.get(key, []), key[1], "agency_day"))
    return places


def _paid_later(
    owed: dict[tuple[date, str], list[Row]], paid: dict[tuple[date, str], list[Row]]
) -> dict[tuple[date, str], tuple[date, str]]:
    """An agency's day that nothing was remitted for, and the one later day's remittance that is of its sum alone."""
    fitting = [
        (ours, theirs)
        for ours in owed.keys() - paid.keys()
        for theirs in paid.keys() - owed.keys()
        if ours[1] == theirs[1] and ours[0] < theirs[0] and net(owed[ours]) == money(paid[theirs])
    ]
    days, others = [one for one, _ in fitting], [other for _, other in fitting]
    return {one: other for one, other in fitting if days.count(one) == 1 and others.count(other) == 1}


def _agency_day(board: Board, ours: list[Row], theirs: list[Row], agency: str, rule: str) -> Place:
    late = any(more_working_days_than(board.spec.remit_days, day(ours[0]), _remitted_on(row)) for row in theirs if ours)
    owed, paid = net(ours), money(theirs)
    what = _remitted(owed, paid, "remittance_late" if late else MATCH)
    made = place(what, rule, core=ours, partner=theirs, leg="remittance")
    return replace(made, core_vnd=owed, difference_vnd=owed - paid, by_agency=agency)


def _remitted_on(row: Row) -> date:
    """The day a row was remitted on: of its instant, and never before the day it is for."""
    return day(row) if row.at is None else max(day(row), day_in_vietnam(row.at))
