"""The reconciliation rules in slow, plain Python: what the engine is held against, row by row and column by column."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.truc.reconcile.engine.oracle_legs import match_receipts, match_remittance
from tests.truc.reconcile.engine.oracle_passes import match_core_and_statement
from tests.truc.reconcile.engine.oracle_places import MATCH, NO_MONEY, Board, Place, alone, money
from tests.truc.reconcile.engine.oracle_rows import (
    FAMILY,
    Row,
    Terms,
    order,
    read_core,
    read_receipts,
    read_remittance,
    read_statement,
)
from tests.truc.reconcile.engine.oracle_verdict import verdicts

Line = dict[str, Any]
TOTALLED_AS = {"settlement": "statement", "return": "statement"}  # one account of rows with the leg `statement`
NAMED_BY = ("leg", "break_class", "party", "family", "our_reference", "partner_reference", "core_vnd", "partner_vnd")


@dataclass(frozen=True)
class Outcome:
    """Columns as docs/reconcile.md has them, `business_on` a date or None; sorted by all columns in order, None first.

    `totals`: leg (statement with settlement and return | receipts | remittance), side, party, what (in | matched |
    no_money | a break class), rows, vnd; only what has rows.
    """

    matches: list[Line]
    breaks: list[Line]
    verdicts: list[Line]
    totals: list[Line]


def reconcile(
    spec: Terms,
    core: Iterable[Mapping[str, Any]],
    statement: Iterable[Mapping[str, Any]],
    receipts: Iterable[Mapping[str, Any]] | None = None,
    remittance: Iterable[Mapping[str, Any]] | None = None,
) -> Outcome:
    """Every row of every side in exactly one place; AssertionError where the oracle itself loses one."""
    ours, theirs = read_core(spec, core), read_statement(spec, statement)
    issued = [] if receipts is None else read_receipts(spec, receipts)
    remitted = [] if remittance is None else read_remittance(spec, remittance)

    board = Board(spec, core=_readable(ours), partner=_readable(theirs))
    match_core_and_statement(board)
    in_statement = board.places + _unreadable(ours + theirs, leg="statement")
    in_receipts = [] if receipts is None else match_receipts(board, _readable(issued))
    in_remittance = [] if remittance is None else match_remittance(board, _readable(remitted))
    legs = {
        "statement": (ours + theirs, in_statement),
        "receipts": (_asked(board, in_receipts) + issued, in_receipts + _unreadable(issued, leg="receipts")),
        "remittance": (
            _asked(board, in_remittance) + remitted,
            in_remittance + _unreadable(remitted, leg="remittance"),
        ),
    }
    places = [one for _, of_leg in legs.values() for one in of_leg]
    outcome = Outcome(
        matches=_sorted(_match(one) for one in places if one.what == MATCH),
        breaks=_sorted(_with_ids(_break(one) for one in places if one.what not in (MATCH, NO_MONEY))),
        verdicts=_sorted(verdicts(ours, in_statement, in_receipts, in_remittance)),
        totals=_totals(legs),
    )
    check_conserved(outcome)
    return outcome


def _readable(rows: list[Row]) -> list[Row]:
    return sorted((row for row in rows if row.readable), key=order)


def _unreadable(rows: list[Row], *, leg: str) -> list[Place]:
    return [alone(row, "unreadable", "none", leg=leg) for row in rows if not row.readable]


def _asked(board: Board, places: list[Place]) -> list[Row]:
    """The core rows that take part in a later leg."""
    placed = {row for one in places for row in one.core}
    return [row for row in board.core if row in placed]


def _match(one: Place) -> Line:
    first_core, first_partner = _smallest(one.core), _smallest(one.partner)
    named = [row for row in (first_core, first_partner) if row is not None]
    by_partner = list(reversed(named))
    by_reference = one.by_agency is None
    return {
        "leg": one.leg,
        "rule": one.rule,
        "party": named[0].party,
        "kind": _kind(one, named[0]),
        "our_reference": _first(row.our_reference for row in named) if by_reference else "",
        "partner_reference": _first(
            row.partner_reference for row in by_partner if by_reference or row.side == "partner"
        ),
        "agency": _agency(one),
        "core_rows": len(one.core),
        "partner_rows": len(one.partner),
        "core_vnd": one.core_vnd,
        "partner_vnd": one.partner_vnd,
        "difference_vnd": one.difference_vnd,
        "business_on": _earliest(one.core or one.partner),
        "core_money_vnd": money(one.core),
        "partner_money_vnd": money(one.partner),
    }


def _break(one: Place) -> Line:
    return {"break_class": one.what, **_match(one)}


def _kind(one: Place, first: Row) -> str:
    """That of the row that speaks for all; an agency's day is of payments; without any, of the smallest kind."""
    if one.by_agency is None:
        return first.kind
    return "payment" if one.core else min(row.kind for row in one.partner)


def _agency(one: Place) -> str:
    """That of core where it says one; of several rows of one reference the smallest, as of every row of a day's."""
    if one.by_agency is not None:
        return one.by_agency
    if one.leg == "remittance":
        return _first(min((row.agency for row in rows), default="") for rows in (one.core, one.partner))
    return _first(row.agency for row in (_smallest(one.core), _smallest(one.partner)) if row is not None)


def _smallest(rows: tuple[Row, ...]) -> Row | None:
    """The row that speaks for several: an unreadable one is always alone."""
    if len(rows) < 2:
        return rows[0] if rows else None
    return min(rows, key=lambda row: (row.our_reference, row.partner_reference, order(row)))


def _first(texts: Iterable[str]) -> str:
    return next((one for one in texts if one), "")


def _earliest(rows: tuple[Row, ...]) -> date | None:
    return min((row.day for row in rows if row.day is not None), default=None)


def _with_ids(breaks: Iterable[Line]) -> list[Line]:
    """Each break with its id; of breaks named alike the first in order is number 1."""
    seen: Counter[str] = Counter()
    numbered = []
    for one in _sorted(breaks):
        family = FAMILY.get(one["kind"], "")
        named = [str({**one, "family": family}[column]) for column in NAMED_BY]
        name = "\x1f".join([*named, one["business_on"].isoformat() if one["business_on"] else ""])
        seen[name] += 1
        digest = hashlib.sha256(f"{name}\x1f{seen[name]}".encode()).hexdigest()
        numbered.append({"break_id": digest[:16], **one})
    return numbered


def _sorted(lines: Iterable[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: [(value is not None, value) for value in line.values()])


def _totals(legs: Mapping[str, tuple[list[Row], list[Place]]]) -> list[Line]:
    """Rows and money of each leg, side and party: what came in, and where it is."""
    sums: dict[tuple[str, str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for leg, (rows, places) in legs.items():
        ends = [(row, "matched" if one.what == MATCH else one.what) for one in places for row in one.rows]
        for row, what in [(row, "in") for row in rows] + ends:
            total = sums[leg, row.side, row.party, what]
            total[0] += 1
            total[1] += row.money
    named = ("leg", "side", "party", "what", "rows", "vnd")
    return [dict(zip(named, (*key, *total), strict=True)) for key, total in sorted(sums.items())]


def check_conserved(outcome: Outcome) -> None:
    """Per leg, side and party: rows and money in = matches + breaks (as written) + no_money."""
    open_sums: Counter[tuple[Any, ...]] = Counter()
    for total in outcome.totals:
        sign = {"in": 1, "no_money": -1}.get(total["what"], 0)
        for unit in ("rows", "vnd"):
            open_sums[total["leg"], total["side"], total["party"], unit] += sign * total[unit]
    for line in outcome.matches + outcome.breaks:
        leg = TOTALLED_AS.get(line["leg"], line["leg"])
        for side in ("core", "partner"):
            open_sums[leg, side, line["party"], "rows"] -= line[f"{side}_rows"]
            open_sums[leg, side, line["party"], "vnd"] -= line[f"{side}_money_vnd"]
    lost = {key: value for key, value in open_sums.items() if value}
    assert not lost, f"not conserved: {lost}"
    assert len({one["break_id"] for one in outcome.breaks}) == len(outcome.breaks), "two breaks of one id"
