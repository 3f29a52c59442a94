"""What a line says of its two sides, and what its mirror image would: core and statement turned about."""

from typing import Any

TWIN = {"missing_at_partner": "missing_in_core", "duplicate_in_core": "duplicate_at_partner"}
TWINS = {**TWIN, **{there: here for here, there in TWIN.items()}}
TURNED = {"split": "joined", "joined": "split"}


def both_sides(one: dict[str, Any], *, mirrored: bool) -> tuple[Any, ...]:
    """The class, the rule, and rows and money of this side, then that; days are core's and are left out."""
    here, there = ("partner", "core") if mirrored else ("core", "partner")
    what = one.get("break_class", "match")
    rule, _, how = one["rule"].partition("/")
    names = (TWINS.get(what, what), rule, TURNED.get(how, how)) if mirrored else (what, rule, how)
    return *names, *(one[f"{side}_{what}"] for side in (here, there) for what in ("rows", "vnd", "money_vnd"))
