"""Where rows end: places, and the board that lets no row end twice."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from tests.truc.reconcile.engine.oracle_rows import Row, Terms

MATCH, NO_MONEY = "match", "no_money"
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, eq=False)
class Place:
    """One match, break or place of no money, with its rows; amounts are what is compared, not always their sum."""

    leg: str
    what: str  # match | no_money | a break class
    rule: str
    core: tuple[Row, ...]
    partner: tuple[Row, ...]
    core_vnd: int
    partner_vnd: int
    difference_vnd: int
    paired: bool = False  # pair, split or joined: its rows name what they are the same as
    by_agency: str | None = None  # the agency whose day this is; its rows name none

    @property
    def rows(self) -> tuple[Row, ...]:
        return self.core + self.partner


def place(
    what: str,
    rule: str,
    *,
    core: Iterable[Row] = (),
    partner: Iterable[Row] = (),
    leg: str = "statement",
    paired: bool = False,
) -> Place:
    """A place that compares the plain sums of its rows' money."""
    core, partner = tuple(core), tuple(partner)
    core_vnd, partner_vnd = money(core), money(partner)
    return Place(leg, what, rule, core, partner, core_vnd, partner_vnd, core_vnd - partner_vnd, paired)


def alone(row: Row, what: str, rule: str, *, leg: str = "statement") -> Place:
    """A place of one row."""
    if row.side == "core":
        return place(what, rule, core=[row], leg=leg)
    return place(what, rule, partner=[row], leg=leg)


def money(rows: Iterable[Row]) -> int:
    return sum(row.money for row in rows)


def net(rows: Iterable[Row]) -> int:
    """Payments less returns; no fee is taken off."""
    return sum(-row.money if row.family == "return" else row.money for row in rows)


def grouped(rows: Iterable[Row], key: Callable[[Row], Key]) -> dict[Key, list[Row]]:
    groups: dict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


@dataclass
class Board:
    """The readable rows of core and statement, and the places they have found so far."""

    spec: Terms
    core: list[Row]
    partner: list[Row]
    places: list[Place] = field(default_factory=list)
    placed: set[Row] = field(default_factory=set)

    def put(self, one: Place) -> None:
        for row in one.rows:
            assert row not in self.placed, f"placed twice: {row}"
            self.placed.add(row)
        self.places.append(one)

    def left(self, rows: Iterable[Row], *families: str) -> list[Row]:
        """Those not placed yet, of the families named (of all, when none is)."""
        return [row for row in rows if row not in self.placed and (not families or row.family in families)]

    def returns(self) -> list[Row]:
        """Every counted refund and reversal, of either side, wherever it ends."""
        return [row for row in self.core + self.partner if row.family == "return" and row.counted]

    def paired(self) -> list[Place]:
        return [one for one in self.places if one.paired]
