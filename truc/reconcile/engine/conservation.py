"""Conservation: what each leg was given of each side and party is what ended somewhere, in rows and in đồng."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

SIDES = ("core", "partner")
# The first leg's rows may end in two others: a settlement line, a return whose payment is known.
LEG_OF_ENDS = {"settlement": "statement", "return": "statement"}


def check(given: Iterable[Mapping[str, Any]], ends: Iterable[Mapping[str, Any]]) -> None:
    """Raise AssertionError, with the figures, where rows or money were lost or doubled.

    `given`: leg, side, party, rows, vnd. `ends`: leg, place, party, <side>_rows, <side>_money_vnd.
    """
    given_sums = Counter[tuple[str, ...]]()
    for one in given:
        key = (one["leg"], one["side"], one["party"])
        given_sums.update({(*key, "rows"): one["rows"], (*key, "vnd"): one["vnd"]})
    end_sums = Counter[tuple[str, ...]]()
    for one in ends:
        for side in SIDES:
            key = (LEG_OF_ENDS.get(one["leg"], one["leg"]), side, one["party"])
            end_sums.update({(*key, "rows"): one[f"{side}_rows"], (*key, "vnd"): one[f"{side}_money_vnd"]})
    wrong = {key for key in given_sums.keys() | end_sums.keys() if given_sums[key] != end_sums[key]}
    if wrong:
        told = "; ".join(f"{' '.join(key)}: {given_sums[key]} given, {end_sums[key]} ended" for key in sorted(wrong))
        raise AssertionError(f"the run does not conserve: {told}")
