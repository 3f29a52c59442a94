"""What must hold of planted stories before their truth may be believed: nothing meets by accident, nothing is lost."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from itertools import combinations

from bench.planted.rows import (
    Row,
    Settings,
    clean,
    counted,
    day_of,
    family,
    fee,
    is_readable,
    money,
    normalised,
    related,
    unlettered,
)
from bench.planted.story import MONEY_LEGS, Placed, Story
from bench.planted.truth import Told

FOUND_BY_KEY = ("exact_reference", "partner_reference", "normalised_reference")
Account = tuple[str, str, str]  # leg (statement for settlement and return too), side, party


class SpoiltTruthError(Exception):
    """The stories contradict each other or themselves: what they expect is not the truth."""


def check(stories: list[Story], settings: Settings, breaks: list[Told], matches: list[Told]) -> None:
    """Raise SpoiltTruthError unless every row has one place, the money adds up, and no two stories can meet."""
    _one_place_each(stories)
    _readable(stories)
    _conserved(stories, breaks + matches)
    _ids_differ(breaks)
    _keys_apart(stories)
    _equals_apart(stories)
    _lone_amounts(stories)
    _settled_days(stories, settings)


def _one_place_each(stories: list[Story]) -> None:
    """On the legs of the statement every core and partner row ends once; in the later legs, every row of theirs."""
    ends: Counter[tuple[str, int]] = Counter()
    for story in stories:
        for one in story.placed:
            ends.update((_account_leg(one.leg), id(row)) for row in (*one.core, *one.partner))
        ends.update((_account_leg(leg), id(row)) for leg, row in story.silent)
    for story in stories:
        by_leg = {"statement": story.core + story.statement, "receipts": story.receipts, "remittance": story.remittance}
        for leg, rows in by_leg.items():
            for row in rows:
                _hold(ends.pop((leg, id(row)), 0) == 1, f"{story.name}: {leg}: a row has not exactly one place: {row}")
    core = {id(row) for story in stories for row in story.core}
    for (leg, row_id), times in ends.items():
        _hold(
            times == 1 and leg != "statement" and row_id in core, f"{leg}: a row has {times} places, or is of no side"
        )


def _readable(stories: list[Story]) -> None:
    """Rows that cannot be read are breaks of that class, alone, and no others are."""
    for one in (one for story in stories for one in story.placed):
        read = [is_readable(row) for row in (*one.core, *one.partner)]
        _hold(
            read == [False] if one.broken == "unreadable" else all(read),
            f"{one.broken or one.rule}: cannot be read: {one}",
        )
    for row in (row for story in stories for _, row in story.silent):
        _hold(is_readable(row), f"a silent row cannot be read: {row}")


def _conserved(stories: list[Story], told: list[Told]) -> None:
    """Per leg, side and party: rows and money given = those of matches and breaks, and what stays silent."""
    sums: dict[Account, list[int]] = defaultdict(lambda: [0, 0])
    for account, row in _given(stories):
        sums[account][0] += 1
        sums[account][1] += money(row)
    for one in told:
        for side in ("core", "partner"):
            account = (_account_leg(one["leg"]), side, one["party"])
            sums[account][0] -= one[f"{side}_rows"]
            sums[account][1] -= one[f"{side}_money_vnd"]
    lost = {account: left for account, left in sums.items() if left != [0, 0]}
    _hold(not lost, f"rows and money do not add up: {lost}")


def _given(stories: list[Story]) -> Iterator[tuple[Account, Row]]:
    """Rows that matches and breaks must speak of, with the account they belong to."""
    silent = {(_account_leg(leg), id(row)) for story in stories for leg, row in story.silent}
    asked = {(one.leg, id(row)): row for story in stories for one in story.placed for row in one.core}
    for story in stories:
        sides = (("statement", "core", story.core), ("statement", "partner", story.statement))
        for leg, side, rows in (
            *sides,
            ("receipts", "partner", story.receipts),
            ("remittance", "partner", story.remittance),
        ):
            for row in rows:
                if (leg, id(row)) not in silent:
                    yield (leg, side, clean(row["party"])), row
    for (leg, _), row in asked.items():
        if leg not in MONEY_LEGS:
            yield (leg, "core", clean(row["party"])), row


def _ids_differ(breaks: list[Told]) -> None:
    _hold(len({one["break_id"] for one in breaks}) == len(breaks), "two breaks have one id")


def _keys_apart(stories: list[Story]) -> None:
    """A reference, as written or normalised or without its letters, and a partner's number are of one story alone."""
    keys: tuple[tuple[str, Callable[[Row], str]], ...] = (
        ("our_reference", lambda row: clean(row["our_reference"])),
        ("partner_reference", lambda row: clean(row["partner_reference"])),
        ("normalised reference", lambda row: normalised(row["our_reference"])),
        ("reference without letters", lambda row: unlettered(row["our_reference"])),
    )
    for name, key in keys:
        owners: dict[str, str] = {}
        for number, story in enumerate(stories):
            for row in story.core + story.statement:
                value = key(row)
                owner = owners.setdefault(value, f"{number} {story.name}") if value else ""
                _hold(
                    owner in ("", f"{number} {story.name}"),
                    f"{name} {value!r} is of two stories: {owner}, {story.name}",
                )


def _equals_apart(stories: list[Story]) -> None:
    """Of two stories no rows of one amount and party have references that look alike."""
    groups: dict[tuple[str, int], set[tuple[int, str]]] = defaultdict(set)
    for number, story in enumerate(stories):
        for row in story.core + story.statement:
            if isinstance(row["amount_vnd"], int) and normalised(row["our_reference"]):
                groups[clean(row["party"]), row["amount_vnd"]].add((number, normalised(row["our_reference"])))
    for group in groups.values():
        for (one, reference), (other, theirs) in combinations(sorted(group), 2):
            _hold(
                one == other or not related(reference, theirs),
                f"{reference!r} and {theirs!r} look alike, of one amount",
            )


def _lone_amounts(stories: list[Story]) -> None:
    """What no key joins is told apart by its amount: within a party and family it is of one story alone."""
    owners: dict[tuple[str, str, int], int] = {}
    for number, story in enumerate(stories):
        for row in (row for one in story.placed if _left(one) for row in (*one.core, *one.partner)):
            if counted(row) and family(row) in ("payment", "return"):
                key = (row["party"], family(row), row["amount_vnd"])
                _hold(owners.setdefault(key, number) == number, f"{key}: left rows of two stories have one amount")


def _settled_days(stories: list[Story], settings: Settings) -> None:
    """A day's settlement is held against the partner's own lines of that day, or, where it has none, against ours."""
    listed: dict[tuple[str, date | None], int] = defaultdict(int)
    alone: set[tuple[str, date | None]] = set()
    for one in (
        one for story in stories for one in story.placed if one.leg in MONEY_LEGS and one.broken != "unreadable"
    ):
        for row in (row for row in one.partner if counted(row) and row["kind"] != "settlement"):
            sign = 1 if row["kind"] == "payment" else -1
            listed[row["party"], day_of(row, settings)] += sign * money(row) - fee(row)
        if one.rule == "none":
            alone |= {
                (row["party"], day_of(row, settings))
                for row in one.core
                if row["kind"] in ("payment", "refund", "reversal")
            }
    for one in (one for story in stories for one in story.placed if one.rule == "settlement"):
        key = (one.partner[0]["party"], day_of(one.partner[0], settings))
        if key in listed:
            _hold(
                not one.core and one.core_vnd == listed[key],
                f"{key}: its own lines make {listed[key]}, not {one.core_vnd}",
            )
        else:
            _hold(key not in alone, f"{key}: left payments of another story belong to this settlement")


def _left(one: Placed) -> bool:
    """Whether amount and day are the first that could join these rows to a stranger's."""
    by_key = one.rule.split("/")[0] in FOUND_BY_KEY
    return one.leg in MONEY_LEGS and one.broken != "unreadable" and not by_key


def _account_leg(leg: str) -> str:
    return "statement" if leg in MONEY_LEGS else leg


def _hold(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - it is the thing asserted
    if not holds:
        raise SpoiltTruthError(otherwise)
