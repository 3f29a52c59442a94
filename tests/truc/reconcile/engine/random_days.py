"""Days of one party drawn at random from small alphabets, so that every rule meets every other; seeded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from unicodedata import normalize

from truc.reconcile.spec import CutOff, Side, Spec
from truc.reconcile.specs.payments import SPEC

Line = dict[str, Any]
Sides = dict[Side, list[Line]]

LOST = "day of "  # stands before the party in the reference of a row without one
LAND = "\u0110\u1ea4T-01"  # Đất, with marks; below also decomposed, and without
OURS: tuple[str | None, ...] = (
    *("", None, "R1", "r-1", "R 1", "R2", "--", "//", " "),
    *(LAND, normalize("NFD", LAND), "dat01", "DAT.01", "\uff24AT01"),
    *("AB-12345678", "ab12345678", "12345678", "XY12345678", "AB-1234567", "1234567"),
    *("778899", "ORDER-778899", "ORDER-778898", "ORDER-778XX9", "ORDER-77XYZ9", "77889"),
    *("Q|R", "exact_reference/split|", "R1|R2"),
)
THEIRS: tuple[str | None, ...] = ("", "", None, "T1", "T2", "t1", "B1", "B|1")
AMOUNTS = (0, 1, 5, 40, 60, 100, 100, 104, 105, 106, 200)
LARGE = (2**53 - 1, 2**53, 2**53 + 1, 2**53 + 2)
LARGEST = (2**63 - 1, 2**63 - 2)
NO_AMOUNTS: tuple[object, ...] = (None, -1, 1.0, "100", 2**63, True)
DAYS = (
    *(date(2026, 3, day) for day in (3, 4, 4, 5, 6, 7, 8, 9, 10)),
    date(2026, 2, 13),  # the last working day before Tết
    date(2026, 2, 18),
    date(2026, 2, 23),  # the first one after
    date(2026, 4, 30),
)
INSTANTS = (
    datetime(2026, 3, 3, 15, 59, 59, 999_999, tzinfo=UTC),  # 22:59:59.999999 in Vietnam
    datetime(2026, 3, 3, 16, tzinfo=UTC),
    datetime(2026, 3, 3, 16, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 3, 3, 17, tzinfo=UTC),
    datetime(2026, 3, 4, 2, 30, 0, 500_000, tzinfo=UTC),
    datetime(2026, 3, 4, 2, 30, 0, 600_000, tzinfo=UTC),
    datetime(2026, 3, 9, 3, tzinfo=UTC),
)
STATES = ("paid", "paid", "paid", "paid", "refunded", "refunded", "failed", "pending")
KINDS = ("payment", "payment", "payment", "payment", "refund", "refund", "reversal", "fee", "settlement")
PAYERS = ("", "", "An", "Bình", None)
AGENCIES = ("", "X", "Y", None)
ODD: tuple[Line, ...] = (
    {"kind": "tip"},
    {"kind": "Payment"},
    {"state": "PAID"},
    {"state": None},
    {"kind": ""},
    {"fee_vnd": -1},
    {"fee_vnd": "2"},
    {"business_on": None, "occurred_at": None},
)
CUT_OFFS = (
    CutOff(party="c0", at=time(23), from_on=date(2026, 3, 3)),
    CutOff(party="c1", at=time(23), from_on=date(2026, 3, 3)),
    CutOff(party="c1", at=time(0), from_on=date(2026, 3, 4)),  # none again
    CutOff(party="c2", at=time(22, 59, 59)),
    CutOff(party="c3", at=time(9, 30)),
    CutOff(party="c4", at=time(23), from_on=date(2026, 3, 4)),  # not yet in force
)
LEG_SIDES: tuple[Side, ...] = ("core", "statement", "receipts", "remittance")


def varied_specs() -> tuple[Spec, ...]:
    """The spec as declared, and others that turn every screw of it."""
    return (
        SPEC,
        replace(SPEC, tolerance_vnd=5, tolerated_vnd_max=9, cut_offs=CUT_OFFS, candidates_max=2, compared_max=2),
        replace(SPEC, window_days=0, remit_days=0, edits_max=1, related_from=5, unlettered_from=7),
        replace(SPEC, passes=("exact_reference", "normalised_reference", "batch", "settlement"), window_days=2),
        replace(SPEC, passes=("exact_reference",), tolerance_vnd=200, tolerated_vnd_max=10**9),
        replace(SPEC, passes=("exact_reference", "partner_reference", "amount_day", "original"), window_days=2),
        replace(SPEC, passes=("exact_reference", *reversed(SPEC.passes[1:])), tolerance_vnd=5, tolerated_vnd_max=5),
    )


@dataclass(frozen=True)
class Alphabet:
    """What a day's rows are made of: few of each, so that they collide."""

    ours: Sequence[str | None]
    theirs: Sequence[str | None]
    amounts: Sequence[int]
    days: Sequence[date]
    kinds: Sequence[str]
    states: Sequence[str]
    payers: Sequence[str | None]
    agencies: Sequence[str | None]


def random_days(seeds: Iterable[int]) -> dict[str, Sides]:
    """Return a day for each seed, by the name of its party; the first ones are of the parties that have cut-offs."""
    of_cut_offs = sorted({cut.party for cut in CUT_OFFS})
    named = {of_cut_offs[at] if at < len(of_cut_offs) else f"p{seed}": seed for at, seed in enumerate(seeds)}
    return {party: random_day(seed, party) for party, seed in named.items()}


def random_day(seed: int, party: str) -> Sides:
    """Return the four sides of a party's day."""
    chance = Random(seed)
    letters = _alphabet(chance)
    core = [_row(chance, letters) for _ in range(chance.choice((0, 1, 2, 3, 4, 6, 9)))]
    statement = [line for row in core if chance.random() < 0.85 for line in _told(chance, letters, row)]
    for more, often in ((_plain, 0.6), (_joined, 0.1), (_batch, 0.1), (_refunded, 0.1)):
        ours, theirs = more(chance, letters) if chance.random() < often else ([], [])
        core, statement = core + ours, statement + theirs
    statement += [_row(chance, letters) for _ in range(chance.choice((0, 0, 1, 2)))]
    if chance.random() < 0.5:
        statement += _settlement_lines(chance, core, statement)
    sides: Sides = {
        "core": core,
        "statement": statement,
        "receipts": _receipts(chance, letters, core),
        "remittance": _remittance(chance, letters, core),
    }
    if chance.random() < 0.6:  # a reference that several parties have is looked at twice; most have their own
        sides = {side: [_of_one_day(row, seed) for row in rows] for side, rows in sides.items()}
    if chance.random() < 0.04:
        return {side: [{"party": party, **row} for row in rows] for side, rows in _of_largest(chance, sides).items()}
    return {side: [_spoiled(chance, {"party": party, **row}) for row in rows] for side, rows in sides.items()}


def _of_one_day(row: Line, seed: int) -> Line:
    """The row with our reference, where it has one, as no other day has it."""
    ours = row.get("our_reference")
    return {**row, "our_reference": f"{ours}{seed:05}"} if ours else row


def _alphabet(chance: Random) -> Alphabet:
    amounts = LARGE if chance.random() < 0.08 else AMOUNTS
    start = chance.randrange(len(OURS))  # neighbours in the list are related to each other
    near = [OURS[(start + step) % len(OURS)] for step in range(chance.choice((1, 2, 3, 4)))]
    return Alphabet(
        ours=[*near, *chance.choices(OURS, k=chance.choice((0, 0, 1, 2)))],
        theirs=chance.choices(THEIRS, k=chance.choice((1, 2, 3))),
        amounts=chance.choices(amounts, k=chance.choice((1, 2, 3))),
        days=chance.choices(DAYS, k=chance.choice((1, 2, 3))),
        kinds=chance.choice((KINDS, ("payment",), ("payment", "refund"), ("refund", "reversal", "payment", "payment"))),
        states=chance.choice((STATES, ("paid",), ("paid", "refunded"), ("paid", "paid", "failed", "pending"))),
        payers=chance.choice((PAYERS, ("",), ("An",))),
        agencies=chance.choice((AGENCIES, ("",), ("X",), ("X", "Y"))),
    )


def _row(chance: Random, letters: Alphabet) -> Line:
    return {
        "our_reference": chance.choice(letters.ours),
        "partner_reference": chance.choice(letters.theirs),
        "kind": chance.choice(letters.kinds),
        "amount_vnd": chance.choice(letters.amounts),
        "fee_vnd": chance.choice((None, 0, 0, 0, 2, 3)),
        "state": chance.choice(letters.states),
        "payer": chance.choice(letters.payers),
        "agency": chance.choice(letters.agencies),
        **_when(chance, letters),
    }


def _when(chance: Random, letters: Alphabet) -> Line:
    """A day, an instant, or both."""
    day, instant = chance.choice(letters.days), chance.choice(INSTANTS)
    return chance.choice(
        (
            {"business_on": day},
            {"business_on": day},
            {"business_on": day, "occurred_at": instant},
            {"business_on": None, "occurred_at": instant},
        )
    )


def _told(chance: Random, letters: Alphabet, row: Line) -> list[Line]:
    """A row as the partner tells it: the same, with something changed, in parts, or twice."""
    fate = chance.random()
    amount = row["amount_vnd"]
    if fate < 0.08 and amount > 1:
        part = chance.randrange(1, amount)
        row = _written_otherwise(chance, row)
        return [{**row, "amount_vnd": part}, {**row, "amount_vnd": amount - part + chance.choice((0, 0, 0, 1))}]
    told = {**row, **_misspelt(chance, row)} if chance.random() < 0.25 else dict(row)
    other = _row(chance, letters)
    for name in chance.sample(sorted(other), k=chance.choice((0, 0, 0, 1, 1, 2, 3))):
        told[name] = other[name]
    if chance.random() < 0.1:
        told["amount_vnd"] = amount + chance.choice((1, 4, 5, 6))
    return [told, dict(told)] if fate > 0.95 else [told]


def _written_otherwise(chance: Random, row: Line) -> Line:
    """The row with our reference as it is, in other letters, or lost."""
    ours = row["our_reference"] or ""
    return {**row, "our_reference": chance.choice((ours, ours, ours.swapcase(), ""))}


def _plain(chance: Random, letters: Alphabet) -> tuple[list[Line], list[Line]]:
    """Rows of references that stand once, and most of them told as they are: what a day mostly is."""
    rows = [{**_row(chance, letters), "our_reference": f"P-{number}"} for number in range(chance.choice((1, 2, 3)))]
    return rows, [row if chance.random() < 0.5 else _with_one_change(chance, letters, row) for row in rows]


def _with_one_change(chance: Random, letters: Alphabet, row: Line) -> Line:
    """The row with one thing changed, so that no other difference hides it."""
    other = {"paid": "refunded", "refunded": "paid", "failed": "pending", "pending": "failed"}[row["state"]]
    instead = {"state": other, "fee_vnd": 4, "amount_vnd": row["amount_vnd"] + 1, "kind": "fee"}
    changed = chance.choice((*instead, "business_on", "partner_reference", "agency", "payer"))
    return {**row, changed: instead.get(changed, _row(chance, letters)[changed])}


def _joined(chance: Random, letters: Alphabet) -> tuple[list[Line], list[Line]]:
    """Two payments of ours under one reference, and the partner's one line of both."""
    row = {**_row(chance, letters), "state": "paid", "our_reference": chance.choice(("J-1", "J-1", *letters.ours))}
    parts = [{**row, "amount_vnd": chance.choice((30, 41))}, {**row, "amount_vnd": 7, "fee_vnd": 0}]
    whole = sum(part["amount_vnd"] for part in parts) + chance.choice((0, 0, 0, 1))
    return parts, [{**_written_otherwise(chance, row), "amount_vnd": whole}]


def _misspelt(chance: Random, row: Line) -> Line:
    """The references as partners garble them: in other letters, with a word before, cut short, lost."""
    ours = row["our_reference"] or ""
    garbled = (ours.lower(), normalize("NFD", ours), f"GW{ours}", ours[:-1], ours[:-1] + "8", "", "")
    return {"our_reference": chance.choice(garbled), "partner_reference": chance.choice(("", row["partner_reference"]))}


def _refunded(chance: Random, letters: Alphabet) -> tuple[list[Line], list[Line]]:
    """A payment that ours only call refunded, and the partner's lines that say so."""
    row = {**_row(chance, letters), "kind": "payment", "state": "refunded", "our_reference": "O1", "amount_vnd": 100}
    back = {**row, "kind": "refund", "state": "paid", "partner_reference": chance.choice(("X1", *letters.theirs))}
    parts = [{**back, "amount_vnd": chance.choice((40, 60, 100))} for _ in range(chance.choice((1, 1, 2)))]
    ours = [row] if chance.random() < 0.8 else [row, dict(parts[0])]
    return ours, [{**row, "state": chance.choice(("paid", "refunded"))}, *parts]


def _batch(chance: Random, letters: Alphabet) -> tuple[list[Line], list[Line]]:
    """Payments of ours, and a refund or not, that the partner settles in one line without naming them."""
    rows = [_row(chance, letters) for _ in range(chance.choice((1, 2, 3)))]
    batch = {"partner_reference": "B1", "kind": "payment", "state": "paid"}
    rows = [{**row, **batch, "our_reference": f"N{number}"} for number, row in enumerate(rows)]
    if chance.random() < 0.3:
        rows[-1]["kind"] = "refund"
    fee, fees = chance.choice((0, 0, 3)), sum(row["fee_vnd"] or 0 for row in rows)
    amount = _gross(rows) - (fee or fees) + chance.choice((0, 0, 0, 1, -1))
    line = {**_row(chance, letters), "partner_reference": "B1", "kind": "settlement", "state": "paid", "fee_vnd": fee}
    return rows, [{**line, "amount_vnd": amount}] if amount >= 0 else []


def _settlement_lines(chance: Random, core: list[Line], statement: list[Line]) -> list[Line]:
    """One or two lines of about what a batch, a day of the statement, or a day of ours comes to."""
    day = chance.choice(core)["business_on"] if core else None
    day = day or chance.choice(DAYS)
    rows = chance.choice(
        (
            [row for row in core if row["partner_reference"] == "B1"],
            [row for row in statement if row["business_on"] == day],
            [row for row in core if row["business_on"] == day],
        )
    )
    gross, fees = _gross(rows), sum(row["fee_vnd"] or 0 for row in rows)
    fee = chance.choice((0, 0, 3))
    amount = max(0, gross - (fee or fees) + chance.choice((0, 0, 0, 1, -1)))
    line = {"kind": "settlement", "state": chance.choice(("paid", "paid", "paid", "failed")), "business_on": day}
    line |= {"our_reference": chance.choice(("", "S1")), "partner_reference": chance.choice(("B1", "B1", "", "T1"))}
    if chance.random() < 0.2 and amount > 1:
        return [{**line, "amount_vnd": 1}, {**line, "amount_vnd": amount - 1}]
    if chance.random() < 0.2:  # no other line: the day is settled against what we hold
        statement[:] = [row for row in statement if row["business_on"] != day]
    return [{**line, "amount_vnd": amount, "fee_vnd": fee}]


def _gross(rows: Sequence[Line]) -> int:
    """Payments less everything else that moved money."""
    moved = [row for row in rows if row["state"] in ("paid", "refunded")]
    return sum(row["amount_vnd"] if row["kind"] == "payment" else -row["amount_vnd"] for row in moved)


def _receipts(chance: Random, letters: Alphabet, core: list[Line]) -> list[Line]:
    rows = []
    for row in core:
        if row["kind"] != "payment" or chance.random() < 0.25:
            continue
        kept = chance.choice((("our_reference",), ("our_reference", "partner_reference"), ("partner_reference",)))
        receipt = {name: row[name] for name in (*kept, "amount_vnd")}
        receipt |= {"agency": row["agency"], "fee_vnd": chance.choice((None, 0, 2)), **_when(chance, letters)}
        receipt |= chance.choice(({}, {}, {"kind": "fee"}, {"state": "failed"}, {"kind": "payment", "state": "paid"}))
        if chance.random() < 0.2:
            receipt["amount_vnd"] = chance.choice(letters.amounts)
        rows += [receipt] * chance.choice((1, 1, 1, 1, 2))
    return rows + [_row(chance, letters) for _ in range(chance.choice((0, 0, 0, 1)))]


def _remittance(chance: Random, letters: Alphabet, core: list[Line]) -> list[Line]:
    form = chance.random()
    if form < 0.15:
        return []
    rows = _by_reference(chance, letters, core) if form < 0.55 else _by_agency(chance, letters, core)
    others = [_row(chance, letters) for _ in range(chance.choice((0, 0, 0, 1)))]
    return rows + [{**row, "our_reference": ""} if form >= 0.55 else row for row in others]


def _by_reference(chance: Random, letters: Alphabet, core: list[Line]) -> list[Line]:
    rows = []
    for row in core:
        if row["kind"] != "payment" or chance.random() < 0.25:
            continue
        said = {name: row[name] for name in ("our_reference", "amount_vnd")}
        said |= {"partner_reference": chance.choice(letters.theirs), "agency": chance.choice(letters.agencies)}
        said |= _when(chance, letters) | chance.choice(({}, {}, {}, {"state": "failed"}, {"kind": "payment"}))
        if chance.random() < 0.2 and said["amount_vnd"] > 1:
            rows.append({**said, "amount_vnd": 1})
            said["amount_vnd"] -= chance.choice((0, 1, 1, 2))
        rows.append(said)
    return rows


def _by_agency(chance: Random, letters: Alphabet, core: list[Line]) -> list[Line]:
    """What each agency's day comes to, or about that; on the day, or for a later one."""
    rows = []
    agencies = {(row["business_on"], row["agency"]) for row in core if row["business_on"]}
    for day, agency in sorted(agencies, key=lambda one: (one[0], one[1] or "")):
        same = [row for row in core if (row["business_on"], row["agency"]) == (day, agency)]
        owed = _gross([row for row in same if row["kind"] in ("payment", "refund", "reversal")])
        if owed < 0 or chance.random() < 0.2:
            continue
        said = {"agency": agency, "amount_vnd": max(0, owed + chance.choice((0, 0, 0, 0, 1, -1)))}
        said |= {"business_on": day + timedelta(days=chance.choice((0, 0, 0, 0, 1, 2, 4)))}
        said |= {"partner_reference": chance.choice(letters.theirs), "kind": chance.choice((None, "payment", "fee"))}
        said |= {"occurred_at": chance.choice((None, None, *INSTANTS))}
        rows += [said] * chance.choice((1, 1, 1, 1, 2))
    return rows


def _of_largest(chance: Random, sides: Sides) -> Sides:
    """At most one row of each side, of an amount that only just is an int64: a party's sums must be one too."""
    row = {"kind": "payment"}
    return {
        side: [{**one, **row, "amount_vnd": chance.choice(LARGEST)} for one in rows[:1]] for side, rows in sides.items()
    }


def _spoiled(chance: Random, row: Line) -> Line:
    """The row, seldom made unreadable; one without a party says by its reference whose day it is from."""
    fate = chance.random()
    if fate < 0.02:
        return {**row, "amount_vnd": chance.choice(NO_AMOUNTS)}
    if fate < 0.035:
        return row | chance.choice(ODD)
    if fate < 0.04:
        return row | {"party": chance.choice(("", None)), "our_reference": LOST + row["party"]}
    return row
