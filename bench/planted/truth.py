"""The whole rows that a reconciliation must give for planted stories."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

from bench.planted.rows import FAMILIES, Row, Settings, clean, day_of, money
from bench.planted.story import Placed, Story

MATCH_COLUMNS = (
    "leg",
    "rule",
    "party",
    "kind",
    "our_reference",
    "partner_reference",
    "agency",
    "core_rows",
    "partner_rows",
    "core_vnd",
    "partner_vnd",
    "difference_vnd",
    "business_on",
    "core_money_vnd",
    "partner_money_vnd",
)
BREAK_COLUMNS = ("break_id", "break_class", *MATCH_COLUMNS)
Told = dict[str, Any]


def expected(stories: Iterable[Story], settings: Settings) -> tuple[list[Told], list[Told]]:
    """Break rows and match rows, whole, each list sorted by all its columns."""
    placed = [one for story in stories for one in story.placed]
    matches = [_told(one, settings) for one in placed if not one.broken]
    breaks = [{"break_class": one.broken, **_told(one, settings)} for one in placed if one.broken]
    return _sorted(_numbered(breaks), BREAK_COLUMNS), _sorted(matches, MATCH_COLUMNS)


def _told(placed: Placed, settings: Settings) -> Told:
    core, partner = sum(map(money, placed.core)), sum(map(money, placed.partner))
    core_vnd = core if placed.core_vnd is None else placed.core_vnd
    ours, theirs = _smallest(placed.core), _smallest(placed.partner)
    first = ours or theirs
    assert first is not None
    return {
        "leg": placed.leg,
        "rule": placed.rule,
        "party": clean(first["party"]),
        "kind": _kind(first, placed),
        "our_reference": "" if placed.agency is not None else _named("our_reference", ours, theirs),
        "partner_reference": _named("partner_reference", theirs, ours if placed.agency is None else None),
        "agency": placed.agency if placed.agency is not None else _named("agency", ours, theirs),
        "core_rows": len(placed.core),
        "partner_rows": len(placed.partner),
        "core_vnd": core_vnd,
        "partner_vnd": partner,
        "difference_vnd": core_vnd - partner if placed.difference_vnd is None else placed.difference_vnd,
        "business_on": _earliest(placed.core, settings) or _earliest(placed.partner, settings),
        "core_money_vnd": core,
        "partner_money_vnd": partner,
    }


def _smallest(rows: Iterable[Row]) -> Row | None:
    return min(rows, key=lambda row: (clean(row["our_reference"]), clean(row["partner_reference"])), default=None)


def _named(column: str, *rows: Row | None) -> str:
    """The first text of that column that is not empty."""
    return next((clean(row[column]) for row in rows if row is not None and clean(row[column])), "")


def _kind(row: Row, placed: Placed) -> str:
    if placed.agency is not None and placed.core:
        return "payment"  # an agency's day is of its payments, what was given back taken off
    unsaid = {"receipts": "payment", "remittance": "settlement"}.get(placed.leg, "")
    return clean(row.get("kind", unsaid))


def _earliest(rows: Iterable[Row], settings: Settings) -> date | None:
    return min((day for row in rows if (day := day_of(row, settings))), default=None)


def _numbered(breaks: list[Told]) -> list[Told]:
    """Give each break its id: what it says, and its number, from 1, among those that say the same, in their order."""
    seen: dict[str, int] = defaultdict(int)
    numbered = []
    for one in _sorted(breaks, BREAK_COLUMNS[1:]):
        day = one["business_on"].isoformat() if one["business_on"] else ""
        names = ("leg", "break_class", "party")
        said = [one[name] for name in names] + [FAMILIES.get(one["kind"], "")]
        said += [str(one[name]) for name in ("our_reference", "partner_reference", "core_vnd", "partner_vnd")] + [day]
        text = "\x1f".join(said)
        seen[text] += 1
        whole = f"{text}\x1f{seen[text]}"
        numbered.append({"break_id": hashlib.sha256(whole.encode()).hexdigest()[:16], **one})
    return numbered


def _sorted(rows: list[Told], columns: tuple[str, ...]) -> list[Told]:
    return sorted(rows, key=lambda row: [(row[column] is not None, row[column]) for column in columns])
