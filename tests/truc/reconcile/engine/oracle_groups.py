"""Rows that share a key: which of them are a pair, and what the pair is (docs/reconcile-rules.md)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.truc.reconcile.engine.oracle_places import MATCH, NO_MONEY, Board, Place, alone, grouped, money, place
from tests.truc.reconcile.engine.oracle_rows import STATE_GROUP, Row, day, order


def resolve(board: Board, core: Sequence[Row], partner: Sequence[Row], rule: str) -> None:
    """Place the rows of one party and family that share a key; what stays unplaced is left for a later pass."""
    if not core or not partner:
        return  # G7
    core_counted, core_not = [row for row in core if row.counted], [row for row in core if not row.counted]
    partner_counted, partner_not = [row for row in partner if row.counted], [row for row in partner if not row.counted]
    if core_counted and partner_counted and core[0].family == "return":
        _pair_returns(board, core_counted, partner_counted, rule)  # G2
    elif core_counted and partner_counted:
        _pair_counted(board, core_counted, partner_counted, rule)  # G1
    elif core_counted:
        _pair_best(board, core_counted, partner_not, rule)  # G3
        _put_twice(board, core_counted, "duplicate_in_core", rule)
    elif partner_counted:
        _pair_best(board, core_not, partner_counted, rule)  # G4
        _put_twice(board, partner_counted, "duplicate_at_partner", rule)
    else:
        _pair_best(board, core_not, partner_not, rule)  # G5
    _put_others(board, [*core_not, *partner_not], NO_MONEY, rule)  # G6


def _pair_counted(board: Board, core: list[Row], partner: list[Row], rule: str) -> None:
    """G1: a pair, or the parts of one payment against its whole; what is over is a duplicate."""
    one_in_many = len(core) == 1 and core[0].amount not in [row.amount for row in _heads(board, partner)]
    many_in_one = len(partner) == 1 and partner[0].amount not in [row.amount for row in _heads(board, core)]
    if len(partner) > 1 and one_in_many and money(partner) == core[0].amount:
        board.put(place(MATCH, f"{rule}/split", core=core, partner=partner, paired=True))
    elif len(core) > 1 and many_in_one and money(core) == partner[0].amount:
        board.put(place(MATCH, f"{rule}/joined", core=core, partner=partner, paired=True))
    else:
        _pair_best(board, core, partner, rule)
    _put_others(board, core, "duplicate_in_core", rule)
    _put_others(board, partner, "duplicate_at_partner", rule)


def _pair_returns(board: Board, core: list[Row], partner: list[Row], rule: str) -> None:
    """G2: partial refunds share a reference, so equal amounts meet first, then the one left over on each side."""
    by_amount = grouped(sorted(partner, key=order), lambda row: row.amount)
    for amount, same in grouped(sorted(core, key=order), lambda row: row.amount).items():
        for ours, theirs in zip(same, by_amount.get(amount, []), strict=False):
            board.put(judge(board, ours, theirs, rule))
    core_left, partner_left = board.left(core), board.left(partner)
    if len(core_left) == 1 and len(partner_left) == 1:
        board.put(judge(board, core_left[0], partner_left[0], rule))


def _pair_best(board: Board, core: list[Row], partner: list[Row], rule: str) -> None:
    pairs = [(ours, theirs) for ours in _heads(board, core) for theirs in _heads(board, partner)]
    ours, theirs = min(pairs, key=lambda pair: _worse(*pair))
    board.put(judge(board, ours, theirs, rule))


def _heads(board: Board, rows: list[Row]) -> list[Row]:
    """Among which the best pair is looked for."""
    return sorted(rows, key=order)[: board.spec.compared_max]


def _put_twice(board: Board, rows: list[Row], what: str, rule: str) -> None:
    """What shares a key with a pair stands there twice; but for returns, several of which may be of one payment."""
    _put_others(board, [row for row in rows if row.family != "return"], what, rule)


def _put_others(board: Board, rows: list[Row], what: str, rule: str) -> None:
    for row in board.left(rows):
        board.put(alone(row, what, rule))


def _worse(ours: Row, theirs: Row) -> tuple[Any, ...]:
    """Less is better: what the two differ in, the weightiest first, then the order of rows."""
    return (
        STATE_GROUP[ours.state] != STATE_GROUP[theirs.state],
        ours.amount != theirs.amount,
        ours.fee != theirs.fee,
        ours.partner_reference != theirs.partner_reference or ours.partner_reference == "",
        abs(day(ours) - day(theirs)),
        abs(ours.amount - theirs.amount),
        order(ours),
        order(theirs),
    )


def judge(board: Board, ours: Row, theirs: Row, rule: str) -> Place:
    """The pair as a match or a break; two rows of one state that moved no money need no answer."""
    what = _verdict(board, ours, theirs)
    moved = ours.counted or theirs.counted
    if not moved and what != "state_differs":
        return place(NO_MONEY, rule, core=[ours], partner=[theirs])
    pair = place(what, rule, core=[ours], partner=[theirs], paired=True)
    return replace(pair, difference_vnd=ours.fee - theirs.fee) if what == "fee_differs" else pair


def _verdict(board: Board, ours: Row, theirs: Row) -> str:
    if STATE_GROUP[ours.state] != STATE_GROUP[theirs.state]:
        return "state_differs"
    if ours.family == "payment" and ours.state != theirs.state and not _refund_is_known(board, ours, theirs):
        return "state_differs"
    if abs(ours.amount - theirs.amount) > board.spec.tolerance_vnd:
        return "amount_differs"
    if ours.family in ("payment", "return") and ours.fee != theirs.fee:
        return "fee_differs"
    return "timing" if ours.day != theirs.day else MATCH


def _refund_is_known(board: Board, ours: Row, theirs: Row) -> bool:
    """Whether a return on either side says why one side calls the payment refunded."""
    named = {ours.partner_reference, theirs.partner_reference} - {""}
    return any(
        row.party == ours.party and (row.our_reference == ours.our_reference != "" or row.partner_reference in named)
        for row in board.returns()
    )


def withdraw_tolerance(board: Board) -> None:
    """Where the tolerated differences of a party's day exceed the cap, none of that day is tolerated."""
    tolerated = [
        one for one in board.paired() if len(one.rows) == 2 and one.what in (MATCH, "timing") and one.difference_vnd
    ]
    for one in tolerated:
        ours = one.core[0]
        same_day = [other for other in tolerated if (other.core[0].party, other.core[0].day) == (ours.party, ours.day)]
        if sum(abs(other.difference_vnd) for other in same_day) > board.spec.tolerated_vnd_max:
            board.places[board.places.index(one)] = replace(one, what="amount_differs")
