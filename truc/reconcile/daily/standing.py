"""What of a run is the day's own: less what stood in it for other days, and with what another day's line has met."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from truc.reconcile.daily.inputs import Found, Inputs, was_open
from truc.reconcile.daily.stored_rows import COUNTED
from truc.reconcile.engine.conservation import LEG_OF_ENDS
from truc.reconcile.running import Result
from truc.reconcile.spec import Side
from truc.store.reconciliation import SIDES, Total
from truc.store.reconciliation import Side as ReconciledSide

NO_MONEY = "no_money"
Figure = tuple[str, ReconciledSide, str, str]  # leg, side, what, rows or vnd


@dataclass(frozen=True, slots=True)
class Ended:
    """Where the day's rows ended, as truc.store.reconciliation.keep_run takes it."""

    matches: list[Found]
    breaks: list[Found]
    totals: list[Total]


def ended(found: Inputs, result: Result, matches: Iterable[Found], breaks: Iterable[Found]) -> Ended:
    """Return the day's matches, breaks and totals."""
    own, others = _parted(found, matches)
    restated = [one for one in found.kept.values() if one is not None] + [one for one, _ in found.held]
    return Ended(own, [*breaks, *restated], _totals(found, result, others))


def _parted(found: Inputs, matches: Iterable[Found]) -> tuple[list[Found], list[Found]]:
    """Return the day's own matches, and those with a line that stands for another day's."""
    own, others = list[Found](), list[Found]()
    stood_for = {*found.settled, *found.kept}
    for one in matches:
        pair = (one["leg"], one["kind"], one["core_rows"]) == ("statement", "payment", 1)
        (others if pair and one["our_reference"] in stood_for else own).append(one)
    return own, others


def _totals(found: Inputs, result: Result, others: Sequence[Found]) -> list[Total]:
    """Return carried_in, new and no_money of each leg and side; what another day matched is neither."""
    totals: Counter[Figure] = Counter()
    for one in result.given:
        totals.update(_figures(one["leg"], one["side"], "new", one["rows"], one["vnd"]))
    for one in result.ends:
        if one["place"] == NO_MONEY:
            leg = LEG_OF_ENDS.get(one["leg"], one["leg"])
            for side in SIDES:
                totals.update(_figures(leg, side, NO_MONEY, one[f"{side}_rows"], one[f"{side}_money_vnd"]))
    for side, vnd in _carried(found):
        totals.update(_figures("statement", side, "carried_in", 1, vnd))
        totals.subtract(_figures("statement", side, "new", 1, vnd))
    for vnd in found.gone:  # they were open the evening before, and are taken away today
        totals.update(_figures("statement", "partner", "carried_in", 1, vnd))
        totals.subtract(_figures("statement", "partner", "new", 1, vnd))
    for one in others:
        _leave_out(totals, one, own=one["our_reference"] in found.kept)
    restated = [*((one, False) for one in found.kept.values() if one is not None), *found.held]
    for held, carried in restated:
        for side in SIDES:
            what = "carried_in" if carried else "new"
            totals.update(_figures("statement", side, what, held[f"{side}_rows"], held[f"{side}_money_vnd"]))
    names = sorted({name[:3] for name in totals})
    return [
        Total(leg=leg, side=side, what=what, rows=totals[*name, "rows"], vnd=totals[*name, "vnd"])
        for name in names
        for leg, side, what in (name,)
    ]


def _carried(found: Inputs) -> Iterator[tuple[ReconciledSide, int]]:
    sides: tuple[tuple[ReconciledSide, Side], ...] = (("core", "core"), ("partner", "statement"))
    for side, of in sides:
        for row in found.rows[of]:
            if was_open(row):
                yield side, row["amount_vnd"] if row["state"] in COUNTED else 0


def _leave_out(totals: "Counter[Figure]", one: Found, *, own: bool) -> None:
    """Take out a match with a line that stands for another day's; the payment is of this day where it is `own`."""
    for side in SIDES:
        what = "new" if own and side == "core" else "carried_in"
        totals.subtract(_figures("statement", side, what, one[f"{side}_rows"], one[f"{side}_money_vnd"]))


def _figures(leg: str, side: ReconciledSide, what: str, rows: int, vnd: int) -> Mapping[Figure, int]:
    return {(leg, side, what, "rows"): rows, (leg, side, what, "vnd"): vnd}
