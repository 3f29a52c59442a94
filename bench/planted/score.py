"""How near a reconciliation came to the truth: whole rows, class by class."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.planted.planting import Day
from bench.planted.truth import BREAK_COLUMNS, MATCH_COLUMNS

Line = tuple[Any, ...]
SHOWN = 8


@dataclass(frozen=True, slots=True)
class Tally:
    """Rows of one class: expected, given, and those of them that are equal in every column."""

    expected: int
    given: int
    equal: int

    @property
    def precision(self) -> float:
        """The part of what was given that is true; 1 where nothing was given."""
        return self.equal / self.given if self.given else 1.0

    @property
    def recall(self) -> float:
        """The part of the truth that was given; 1 where nothing was to be found."""
        return self.equal / self.expected if self.expected else 1.0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.expected + other.expected, self.given + other.given, self.equal + other.equal)


@dataclass(frozen=True, slots=True)
class Score:
    """Tallies by break class, and by rule for matches (`match exact_reference`); the first differences in words."""

    tallies: Mapping[str, Tally]
    differences: tuple[str, ...]

    @property
    def is_perfect(self) -> bool:
        """Whether every row of the truth was given, once, and nothing else."""
        return all(one.expected == one.given == one.equal for one in self.tallies.values())


def score(day: Day, breaks: Sequence[Mapping[str, Any]], matches: Sequence[Mapping[str, Any]]) -> Score:
    """Hold what was given against the day's truth: equal in all columns, or wrong. KeyError where one is missing."""
    true, given = _lines(day.truth.breaks, day.truth.matches), _lines(breaks, matches)
    names = sorted({_name(line) for line in (*true, *given)})
    tallies = {name: _tally(name, true, given) for name in names}
    missing, strange = true - given, given - true
    return Score(tallies, tuple(_told(day.seed, missing, strange)))


def _lines(breaks: Sequence[Mapping[str, Any]], matches: Sequence[Mapping[str, Any]]) -> Counter[Line]:
    """Rows as tuples of BREAK_COLUMNS; a match has neither id nor class."""
    lines = Counter(tuple(row[name] for name in BREAK_COLUMNS) for row in breaks)
    lines.update(("", "", *(row[name] for name in MATCH_COLUMNS)) for row in matches)
    return lines


def _name(line: Line) -> str:
    return str(line[1] or f"match {line[BREAK_COLUMNS.index('rule')]}")


def _tally(name: str, true: Counter[Line], given: Counter[Line]) -> Tally:
    def count(lines: Counter[Line]) -> int:
        return sum(times for line, times in lines.items() if _name(line) == name)

    return Tally(expected=count(true), given=count(given), equal=count(true & given))


def _told(seed: int, missing: Counter[Line], strange: Counter[Line]) -> list[str]:
    """Each row that is not given beside the given row most like it, with the columns in which they differ."""
    rest = list(strange.elements())
    told = []
    for line in missing.elements():
        near = max(rest, key=lambda other: _likeness(line, other), default=None)
        if near is None or _likeness(line, near) < len(BREAK_COLUMNS) // 2:
            told.append(f"seed {seed}: not given: {_shown(line)}")
            continue
        rest.remove(near)
        told.append(f"seed {seed}: {_shown(line)}: {_differing(line, near)}")
    told += [f"seed {seed}: given, and not true: {_shown(line)}" for line in rest]
    return told[:SHOWN]


def _likeness(one: Line, other: Line) -> int:
    return sum(ours == theirs for ours, theirs in zip(one, other, strict=True))


def _differing(true: Line, given: Line) -> str:
    pairs = zip(BREAK_COLUMNS, true, given, strict=True)
    return ", ".join(f"{name} is {theirs!r}, not {ours!r}" for name, ours, theirs in pairs if ours != theirs)


def _shown(line: Line) -> str:
    said = dict(zip(BREAK_COLUMNS, line, strict=True))
    kept = {
        name: value for name, value in said.items() if value not in ("", None) and name not in ("break_class", "rule")
    }
    kept.pop("break_id", None)
    return f"{_name(line)} by {said['rule']} ({', '.join(f'{name}={value}' for name, value in kept.items())})"
