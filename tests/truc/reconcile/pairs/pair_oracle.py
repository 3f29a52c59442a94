"""The rules for two lists in slow, plain Python: what the engine is held against, row by row and column by column."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from truc.reconcile.pairs.spec import PairSpec

Line = dict[str, Any]
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
CLASSES = (
    "missing_at_partner",
    "missing_in_core",
    "duplicate_in_core",
    "duplicate_at_partner",
    "state_differs",
    "stale",
    "fee_differs",
    "text_differs",
    "timing",
    "unreadable",
)


@dataclass(frozen=True)
class Row:
    """One row of a side, read. `unread` names what cannot be read."""

    key: tuple[str, ...]
    state: str
    number: int
    at: datetime | None
    vnd: int
    texts: tuple[str, ...]
    group: tuple[str, ...]
    unread: tuple[str, ...]

    @property
    def order(self) -> tuple[Any, ...]:
        return (*self.key, self.state, self.number, self.at or LONG_AGO, self.vnd, *self.texts, *self.group)

    @property
    def latest_first(self) -> tuple[int, float]:
        return -self.number, -(self.at or LONG_AGO).timestamp()


@dataclass(frozen=True)
class Place:
    """Where one row, or one of each side, ended."""

    what: str
    core: Row | None
    partner: Row | None
    differs: tuple[str, ...] = ()
    number: int = 1

    @property
    def row(self) -> Row:
        found = self.core or self.partner
        assert found is not None
        return found


@dataclass(frozen=True)
class Outcome:
    """The rows of the three files; matches by key, breaks by class, key and number, coverage by group."""

    matches: list[Line]
    breaks: list[Line]
    coverage: list[Line]


@dataclass(frozen=True)
class Terms:
    """The spec as the given columns leave it."""

    spec: PairSpec
    texts: tuple[str, ...]
    compares_fee: bool
    as_of: datetime | None

    def recent(self, at: datetime | None) -> bool:
        if self.as_of is None or at is None or self.spec.window_s == 0:
            return False
        return at > self.as_of - timedelta(seconds=self.spec.window_s)


def reconcile(
    spec: PairSpec,
    core: Iterable[Mapping[str, Any]],
    partner: Iterable[Mapping[str, Any]],
    *,
    absent: tuple[set[str], set[str]] = (set(), set()),
    as_of: datetime | None = None,
) -> Outcome:
    """Every row of both sides in exactly one place. `absent`: the columns that the core's, the partner's file lacks."""
    gone = absent[0] | absent[1]
    fee = spec.fee.column if spec.fee else ""
    lines = [
        [{**one, **dict.fromkeys(lacks)} for one in rows] for rows, lacks in zip((core, partner), absent, strict=True)
    ]
    if as_of is None and spec.state and spec.state.changed_at:
        as_of = max((_second(at) for one in lines[0] if (at := one.get(spec.state.changed_at))), default=None)
    terms = Terms(spec, tuple(text for text in spec.texts if text not in gone), bool(fee) and fee not in gone, as_of)
    ours, theirs = ([_read(terms, one) for one in rows] for rows in lines)
    places = _placed(terms, ours, theirs)
    _check_conserved(ours, theirs, places)
    return Outcome(
        matches=[_match(terms, one) for one in sorted(places, key=lambda one: one.row.key) if one.what == "match"],
        breaks=_breaks(terms, [one for one in places if one.what not in ("match", "not_asked")]),
        coverage=_coverage(terms, places),
    )


def _read(terms: Terms, line: Mapping[str, Any]) -> Row:
    spec, state = terms.spec, terms.spec.state
    key = tuple(_text(line, name) for name in spec.key)
    unread = [name for name, text in zip(spec.key, key, strict=True) if not text]
    stands, number, at, vnd = "", 0, None, 0
    if state:
        stands = _text(line, state.column)
        if stands not in state.states:
            unread.append(state.column)
        number = max(line.get(state.number) or 0, 0)
        at = line.get(state.changed_at)
    if spec.fee:
        vnd = line.get(spec.fee.column) or 0
        if vnd < 0:
            unread.append(spec.fee.column)
        if vnd < 0 or (state and stands in state.unasked):
            vnd = 0
    month = line.get(spec.month_of)
    return Row(
        key=key,
        state=stands,
        number=number,
        at=None if at is None else _second(at),
        vnd=vnd,
        texts=tuple(_text(line, name) for name in terms.texts),
        group=(*(_text(line, name) for name in spec.covered_by), f"{month:%Y-%m}" if month else ""),
        unread=tuple(unread),
    )


def _text(line: Mapping[str, Any], name: str) -> str:
    value = line.get(name)
    return "" if value is None else str(value)


def _second(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)


def _placed(terms: Terms, core: list[Row], partner: list[Row]) -> list[Place]:
    places = [Place("unreadable", one, None, one.unread) for one in core if one.unread]
    places += [Place("unreadable", None, one, one.unread) for one in partner if one.unread]
    by_key: dict[tuple[str, ...], tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    for side, rows in enumerate((core, partner)):
        for row in sorted(rows, key=lambda one: one.order):
            if not row.unread:
                by_key[row.key][side].append(row)
    for ours, theirs in by_key.values():
        places += _of_key(terms, ours, theirs)
    return places


def _of_key(terms: Terms, ours: list[Row], theirs: list[Row]) -> list[Place]:
    """One place for the rows that speak, one for every other."""
    mine, yours = _speakers(terms, ours), _speakers(terms, theirs)
    candidates = [
        (place, c, p)
        for c in range(len(mine))
        for p in range(len(yours))
        for place in [_judged(terms, mine[c], yours[p])]
    ]
    best, c, p = min(candidates, key=lambda one: (len(one[0].differs), abs(_difference(terms, one[0])), one[1], one[2]))
    others = [Place("duplicate_in_core", one, None) for one in _without(ours, mine[c])]
    numbered = [Place(one.what, one.core, None, (), number) for number, one in enumerate(others, 1)]
    others = [Place("duplicate_at_partner", None, one) for one in _without(theirs, yours[p])]
    return [best, *numbered, *(Place(one.what, None, one.partner, (), number) for number, one in enumerate(others, 1))]


def _speakers(terms: Terms, rows: list[Row]) -> list[Row | None]:
    if not rows:
        return [None]
    first = min(row.latest_first for row in rows)
    return [row for row in rows if row.latest_first == first][: terms.spec.compared_max]


def _without(rows: list[Row], spoken: Row | None) -> list[Row]:
    left = list(rows)
    if spoken is not None:
        left.remove(spoken)
    return left


def _judged(terms: Terms, core: Row | None, partner: Row | None) -> Place:
    spec = terms.spec
    if partner is None:
        assert core is not None
        if spec.state and core.state in spec.state.unasked:
            return Place("not_asked", core, None)
        return Place("timing" if terms.recent(core.at) else "missing_at_partner", core, None)
    if core is None:
        return Place("timing" if terms.recent(partner.at) else "missing_in_core", None, partner)
    found: list[tuple[str, str]] = []
    for one in spec.compared:
        if one is spec.state:
            found += [(one.column, what)] if (what := _state(terms, core, partner)) else []
        elif one is spec.fee:
            found += [(one.column, "fee_differs")] if terms.compares_fee and core.vnd != partner.vnd else []
        elif one.column in terms.texts:
            place = terms.texts.index(one.column)
            found += [(one.column, "text_differs")] if core.texts[place] != partner.texts[place] else []
    return Place(found[0][1] if found else "match", core, partner, tuple(name for name, _ in found))


def _state(terms: Terms, core: Row, partner: Row) -> str:
    """Return the class, "" where both stand in the same."""
    rule = terms.spec.state
    assert rule is not None
    if core.number and partner.number:
        order = partner.number - core.number
    elif core.at and partner.at:
        order = (partner.at > core.at) - (partner.at < core.at)
    else:
        order = 0
    if core.state == partner.state:
        if not (core.state in rule.again and order < 0):
            return ""
    elif (core.state, partner.state) in rule.alike:
        return ""
    if order < 0:
        return "timing" if terms.recent(core.at) else "stale"
    return "timing" if order > 0 and terms.recent(partner.at) else "state_differs"


def _difference(terms: Terms, one: Place) -> int:
    if one.core and one.partner and not terms.compares_fee:
        return 0
    return (one.core.vnd if one.core else 0) - (one.partner.vnd if one.partner else 0)


def _match(terms: Terms, one: Place) -> Line:
    spec = terms.spec
    group = [_group(one, place) for place in range(len(spec.covered_by) + 1)]
    month = {"month": group[-1]} if spec.month_of else {}
    return {
        **dict(zip(spec.key, one.row.key, strict=True)),
        **dict(zip(spec.covered_by, group[:-1], strict=True)),
        **month,
        "core_state": one.core.state if one.core else "",
        "partner_state": one.partner.state if one.partner else "",
        "core_changed_at": one.core.at if one.core else None,
        "partner_changed_at": one.partner.at if one.partner else None,
        "core_number": one.core.number if one.core else 0,
        "partner_number": one.partner.number if one.partner else 0,
        "core_rows": int(one.core is not None),
        "partner_rows": int(one.partner is not None),
        "core_vnd": one.core.vnd if one.core else 0,
        "partner_vnd": one.partner.vnd if one.partner else 0,
        "difference_vnd": _difference(terms, one),
    }


def _group(one: Place, place: int) -> str:
    told = [row.group[place] for row in (one.core, one.partner) if row is not None and row.group[place]]
    return told[0] if told else ""


def _breaks(terms: Terms, places: list[Place]) -> list[Line]:
    lines = []
    for one in places:
        apart = [(a, b) for a, b in _both_texts(one) if a != b]
        core_text, partner_text = apart[0] if apart else ("", "")
        said = {"differs": ",".join(one.differs), "core_text": core_text, "partner_text": partner_text}
        lines.append((one, {"break_class": one.what, **_match(terms, one), **said}))
    numbered = [(one.row.key, one.number, line) for one, line in lines if one.what != "unreadable"]
    unread: dict[tuple[str, ...], list[Line]] = defaultdict(list)
    for one, line in lines:
        if one.what == "unreadable":
            unread[one.row.key].append(line)
    for key, of_key in unread.items():
        inner = sorted(of_key, key=lambda line: _sortable(terms, line))
        numbered += [(key, number, line) for number, line in enumerate(inner, 1)]
    numbered.sort(key=lambda one: (one[2]["break_class"], one[0], one[1]))
    return [{"break_id": _id(terms, line["break_class"], key, number), **line} for key, number, line in numbered]


def _both_texts(one: Place) -> list[tuple[str, str]]:
    if one.core is None or one.partner is None:
        return []
    return list(zip(one.core.texts, one.partner.texts, strict=True))


def _sortable(terms: Terms, line: Line) -> list[Any]:
    told = [value for name, value in line.items() if name not in terms.spec.key]
    return [LONG_AGO if value is None else value for value in told]


def _id(terms: Terms, what: str, key: tuple[str, ...], number: int) -> str:
    about = "\x1f".join([terms.spec.name, what, *key, str(number)])
    return hashlib.sha256(about.encode()).hexdigest()[:16]


def _coverage(terms: Terms, places: list[Place]) -> list[Line]:
    spec = terms.spec
    groups: dict[tuple[str, ...], list[Place]] = defaultdict(list)
    for one in places:
        groups[tuple(_group(one, place) for place in range(len(spec.covered_by) + 1))].append(one)
    return [_covered(spec, group, of_group) for group, of_group in sorted(groups.items())]


def _covered(spec: PairSpec, group: tuple[str, ...], places: list[Place]) -> Line:
    def count(what: str) -> int:
        return sum(one.what == what for one in places)

    core_rows = sum(one.core is not None for one in places)
    both = sum(one.core is not None and one.partner is not None for one in places)
    owed, agreed = core_rows - count("not_asked"), count("match")
    return {
        **dict(zip(spec.covered_by, group[:-1], strict=True)),
        **({"month": group[-1]} if spec.month_of else {}),
        "core_rows": core_rows,
        "partner_rows": sum(one.partner is not None for one in places),
        "on_both": both,
        "owed": owed,
        "agreed": agreed,
        "not_asked": count("not_asked"),
        **{what: count(what) for what in CLASSES},
        "on_both_percent": _percent(both, owed),
        "agreed_percent": _percent(agreed, owed),
    }


def _percent(part: int, of: int) -> Decimal | None:
    return (Decimal(100) * part / of).quantize(Decimal("0.01"), ROUND_DOWN) if of else None


def _check_conserved(core: list[Row], partner: list[Row], places: list[Place]) -> None:
    """Every row is in one place, as often as it was given."""
    for side, given in (("core", core), ("partner", partner)):
        ended = [row for one in places if (row := getattr(one, side)) is not None]
        assert sorted(map(str, ended)) == sorted(map(str, given)), f"{side}: not conserved"
