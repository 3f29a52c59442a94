"""What holds of any run, whatever the rows: conservation, symmetry, order, idempotence, monotony (recon.md I1–I16)."""

import json
import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import duckdb
import pytest

from tests.truc.reconcile.engine.engine_runs import (
    by_party,
    bytes_of,
    further,
    given_in,
    read,
    run_on_duckdb,
    together,
    told_by_duckdb,
)
from tests.truc.reconcile.engine.oracle_mirrored import both_sides
from tests.truc.reconcile.engine.oracle_rows import read_core, read_receipts, read_remittance, read_statement
from tests.truc.reconcile.engine.random_days import LEG_SIDES, random_days
from truc.reconcile.engine.duck import open_duck
from truc.reconcile.engine.plan import Plan, plan
from truc.reconcile.running import reconcile
from truc.reconcile.specs.payments import SPEC

ALL = together(random_days(range(5_000, 5_120)))
WED = date(2026, 3, 4)


def outcome(folder, sides=ALL, **means):
    """The bytes of an outcome, of the spec as declared."""
    folder.mkdir()
    run_on_duckdb(SPEC, sides, folder, **means)
    return bytes_of(folder / "out")


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    return outcome(tmp_path_factory.mktemp("first") / "run")


def test_most_rules_meet_pairs_that_agreed_at_first_sight(tmp_path):
    """Guards the days: rows that agree in everything are taken before any rule, and the rules must know of them."""
    engine = open_duck(tmp_path, memory_mb=500, threads=2)
    given = given_in(tmp_path, ALL)
    reconcile(engine, plan(SPEC, "duckdb", further(given)), SPEC, given, tmp_path / "out")
    sizes = [engine.connection.table(f"{leg}_clean").count("*").fetchall()[0][0] for leg in ("statement", "receipts")]
    assert min(sizes) >= 50
    engine.close()


def payment(party, ours, theirs, amount=100, **other):
    known = {"party": party, "our_reference": ours, "partner_reference": theirs, "amount_vnd": amount}
    return {**known, "kind": "payment", "state": "paid", "business_on": WED, **other}


# I8, I9: order, files, threads, memory and repetition change no byte.


@pytest.mark.parametrize("means", [{}, {"threads": 1}, {"threads": 4}, {"files": 3}], ids=str)
def test_the_same_rows_give_the_same_bytes(first, means, tmp_path):
    assert outcome(tmp_path / "run", **means) == first


def test_the_order_of_rows_changes_no_byte(first, tmp_path):
    chance = random.Random(5)
    turned = {side: chance.sample(rows, len(rows)) for side, rows in ALL.items()}
    assert outcome(tmp_path / "run", turned, files=2) == first


def test_a_memory_that_is_too_small_spills_and_changes_no_byte(tmp_path):
    sides = _many_rows(60_000)
    wide = outcome(tmp_path / "wide", sides, memory_mb=1_000)
    (tmp_path / "narrow").mkdir()
    engine = open_duck(tmp_path / "narrow", memory_mb=64, threads=1)
    try:
        given = given_in(tmp_path / "narrow", sides)
        reconcile(engine, plan(SPEC, "duckdb", further(given)), SPEC, given, tmp_path / "narrow" / "out")
        assert (tmp_path / "narrow" / "spill").exists(), "nothing was spilled: the limit is not tight any more"
    finally:
        engine.close()
    assert bytes_of(tmp_path / "narrow" / "out") == wide


def _many_rows(count):
    """Rows of which half agree and half stand twice, so that the tables of odd rows are large too."""
    core = [payment("momo", f"R{number // 2 if number % 4 else number}", f"T{number}") for number in range(count)]
    return {"core": core, "statement": [{**row, "partner_reference": ""} for row in core]}


def test_rows_of_one_order_do_not_follow_from_it(first, tmp_path):
    """Guards the days: a run on other rows gives other bytes."""
    fewer = {**ALL, "core": ALL["core"][1:]}
    assert outcome(tmp_path / "run", fewer)["matches.parquet"] != first["matches.parquet"] or (
        outcome(tmp_path / "again", fewer)["breaks.parquet"] != first["breaks.parquet"]
    )


# I1, I2: what goes in comes out, and the engine itself says so.

SPOILED = {
    "a place is lost": ("statement_places", "SELECT * FROM ({sql}) WHERE place <> 'amount_differs'"),
    "a place is told twice": (
        "statement_places",
        "({sql}) UNION ALL (SELECT * FROM ({sql}) WHERE place = 'match' AND core_money_vnd < 9)",
    ),
    "a clean pair is told twice": ("statement_clean", "({sql}) UNION ALL (SELECT * FROM ({sql}) WHERE money < 9)"),
    "a dong of a break is lost": (
        "statement_places",
        "SELECT * REPLACE (greatest(core_money_vnd - 1, 0) AS core_money_vnd) FROM ({sql})",
    ),
    "an odd row of ours is lost": ("statement_odd_core", "SELECT * FROM ({sql}) WHERE id <> 0"),
    "an odd line is lost": ("statement_odd_partner", "SELECT * FROM ({sql}) WHERE id <> 0"),
    "a receipt is lost": ("receipts_places", "SELECT * FROM ({sql}) WHERE place <> 'receipt_without_payment'"),
    "a missing receipt is lost": ("receipts_places", "SELECT * FROM ({sql}) WHERE place <> 'receipt_missing'"),
    "a remittance is lost": ("remittance_places", "SELECT * FROM ({sql}) WHERE place <> 'remittance_over'"),
    "a party is another's": ("statement_places", "SELECT * REPLACE (party || '!' AS party) FROM ({sql})"),
}


@pytest.mark.parametrize(("name", "spoiled"), SPOILED.values(), ids=SPOILED.keys())
def test_a_run_that_does_not_conserve_fails_and_writes_nothing(name, spoiled, tmp_path):
    whole = plan(SPEC, "duckdb", LEG_SIDES[2:])
    assert name in [step.name for step in whole.steps]
    steps = [replace(one, sql=spoiled.format(sql=one.sql)) if one.name == name else one for one in whole.steps]
    engine = open_duck(tmp_path, memory_mb=500, threads=2)
    with pytest.raises(AssertionError, match="does not conserve"):
        reconcile(engine, replace(whole, steps=tuple(steps)), SPEC, given_in(tmp_path, ALL), tmp_path / "out")
    engine.close()
    assert not list(tmp_path.glob("out/*"))


BROKEN = "SELECT error('the engine is gone') AS day"
BROKEN_LIST = "SELECT * FROM ({sql}) WHERE (SELECT error('the engine is gone'))"


@pytest.mark.parametrize("place", [0, -1, "clean", "clean_receipts", "other_matches", "breaks", "verdicts", "given"])
def test_a_run_whose_engine_fails_anywhere_ends_and_writes_nothing(place, tmp_path):
    """Of the steps the first and the last; of what is told each list, some of which are asked by another thread."""
    whole = plan(SPEC, "duckdb", LEG_SIDES[2:])
    steps, told = list(whole.steps), dict(whole.told)
    if isinstance(place, int):
        steps[place] = replace(steps[place], sql=BROKEN, how="table")
    else:
        told[place] = BROKEN_LIST.format(sql=told[place])
    engine = open_duck(tmp_path, memory_mb=500, threads=2)
    with pytest.raises(duckdb.Error, match="the engine is gone"):
        reconcile(engine, Plan(tuple(steps), told), SPEC, given_in(tmp_path, ALL), tmp_path / "out")
    engine.close()
    assert not list(tmp_path.glob("out/*"))


def test_every_row_and_every_dong_is_in_one_place(tmp_path):
    """Said anew from the rows given and the files written: rows and money, per leg, party and side."""
    told = told_by_duckdb(SPEC, ALL, tmp_path)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    aside = [one for one in summary["ends"] if one["place"] == "no_money"]
    assert {one["leg"] for one in aside} == {"statement", "receipts", "remittance"}
    assert not any(one["core_money_vnd"] or one["partner_money_vnd"] for one in aside if one["leg"] == "statement")
    ended = Counter()
    for line in told.matches + told.breaks + aside:
        leg = "statement" if line["leg"] in ("settlement", "return") else line["leg"]
        for side in ("core", "partner"):
            ended[leg, side, line["party"], "rows"] += line[f"{side}_rows"]
            ended[leg, side, line["party"], "vnd"] += line[f"{side}_money_vnd"]
    assert ended == _given(told)


def _given(told):
    """Rows and money that each leg was given: the first all of both sides, the others what it asks of ours."""
    core, remitted = read_core(SPEC, ALL["core"]), read_remittance(SPEC, ALL["remittance"])
    counted = [row for row in core if row.readable and row.counted]
    asked = [row for row in counted if row.family == "payment"]
    by_payment = {row.party for row in remitted if row.readable and row.counted and row.our_reference}
    returned = [row for row in counted if row.family == "return" and row.party not in by_payment]
    given = Counter()
    for leg, side, rows in (
        ("statement", "core", core),
        ("statement", "partner", read_statement(SPEC, ALL["statement"])),
        ("receipts", "core", asked),
        ("receipts", "partner", read_receipts(SPEC, ALL["receipts"])),
        ("remittance", "core", asked + returned),
        ("remittance", "partner", remitted),
    ):
        for row in rows:
            given[leg, side, row.party, "rows"] += 1
            given[leg, side, row.party, "vnd"] += row.money
    for line in told.breaks:
        if line["break_class"] == "duplicate_in_core" and line["kind"] == "payment":  # asked for nothing further
            for leg in ("receipts", "remittance"):
                given[leg, "core", line["party"], "rows"] -= line["core_rows"]
                given[leg, "core", line["party"], "vnd"] -= line["core_money_vnd"]
    return given


# I10: the sides mirrored.


def test_mirrored_sides_end_mirrored(tmp_path):
    core, statement = _plain_rows(random.Random(10))
    (tmp_path / "turned").mkdir()
    plain = told_by_duckdb(SPEC, {"core": core, "statement": statement}, tmp_path)
    turned = told_by_duckdb(SPEC, {"core": statement, "statement": core}, tmp_path / "turned")
    assert len(plain.matches) > 50
    assert Counter(both_sides(one, mirrored=False) for one in plain.matches + plain.breaks) == Counter(
        both_sides(one, mirrored=True) for one in turned.matches + turned.breaks
    )


def _plain_rows(chance):
    """Core and statement of 150 parties, references told apart: no row is chosen by the order of core's rows."""
    sides = {}, {}
    for number in range(150):
        for _ in range(chance.randrange(6)):
            row = _plain_row(chance, f"p{number}")
            told = {**row, **dict(chance.sample(sorted(_plain_row(chance, row["party"]).items()), chance.randrange(3)))}
            for rows, one in zip(sides, (row, told), strict=True):
                rows[one["party"], one["kind"], one["our_reference"] or (one["amount_vnd"], one["payer"])] = one
    return [list(rows.values()) for rows in sides]


def _plain_row(chance, party):
    ours = chance.choice(("", "ONE", "TWO222", "TWO223", "THREE"))
    return payment(
        party,
        ours,
        "",
        chance.choice((40, 60, 100)),
        kind=chance.choice(("payment", "refund")),
        state=chance.choice(("paid", "paid", "failed", "pending")),
        fee_vnd=chance.choice((0, 0, 3)),
        business_on=WED + timedelta(days=chance.randrange(3)),
        payer=chance.choice(("", "An")),
    )


# I12: wider bounds add no break of their kind.


def test_a_wider_tolerance_adds_no_break_of_amount(tmp_path):
    told = []
    for tolerance in (0, 5, 60):
        spec = replace(SPEC, passes=("exact_reference",), tolerance_vnd=tolerance, tolerated_vnd_max=10**15)
        (folder := tmp_path / str(tolerance)).mkdir()
        breaks = told_by_duckdb(spec, {side: ALL[side] for side in ("core", "statement")}, folder).breaks
        told.append(Counter(one["party"] for one in breaks if one["break_class"] == "amount_differs"))
    exact, wider, widest = told
    assert wider <= exact
    assert widest <= wider
    assert sum(exact.values()) > sum(wider.values()) > sum(widest.values())


def test_a_wider_window_adds_nothing_missing(tmp_path):
    told = []
    rows = together(random_days(range(5_000, 5_400)))
    for window in (0, 3):
        passes = SPEC.passes[: SPEC.passes.index("amount_day") + 1]  # later ones take what this one leaves
        spec = replace(SPEC, passes=passes, window_days=window, candidates_max=10**6)
        (folder := tmp_path / str(window)).mkdir()
        breaks = told_by_duckdb(spec, {side: rows[side] for side in ("core", "statement")}, folder).breaks
        missing = [one for one in breaks if one["break_class"] in ("missing_at_partner", "missing_in_core")]
        told.append(Counter((one["party"], one["break_class"]) for one in missing))
    narrow, wide = told
    assert wide <= narrow
    assert sum(wide.values()) < sum(narrow.values())


# I13: a late line settles what it is about, and touches nothing else.

LATE = {
    "match": {},
    "amount_differs": {"amount_vnd": 99},
    "fee_differs": {"fee_vnd": 1},
    "timing": {"business_on": WED + timedelta(days=5)},
    "state_differs": {"state": "failed"},
}


def test_a_late_line_only_turns_what_was_missing(tmp_path):
    lines = {f"LATE-{number}": change for number, change in enumerate(LATE.values())}
    core = ALL["core"] + [payment("late", name, f"T-{name}") for name in lines]
    early = {"core": core, "statement": ALL["statement"]}
    late = {
        "core": core,
        "statement": ALL["statement"] + [payment("late", name, f"T-{name}") | change for name, change in lines.items()],
    }
    (tmp_path / "late").mkdir()
    before, after = told_by_duckdb(SPEC, early, tmp_path), told_by_duckdb(SPEC, late, tmp_path / "late")
    was, now = by_party(before.breaks), by_party(after.breaks)
    assert [one["break_class"] for one in was.pop("late")] == ["missing_at_partner"] * len(LATE)
    assert {one["break_class"] for one in now.pop("late")} == set(LATE) - {"match"}
    assert was == now
    assert [one for one in after.matches if one["party"] != "late"] == before.matches


# I14: equal candidates are never guessed.


def test_an_equal_decoy_makes_ambiguous_what_was_matched_by_amount(tmp_path):
    core, lines = [], []
    ways = [
        (payer, ours, theirs, side)
        for payer in ("", "An")
        for ours, theirs in (("", "X"), ("X", ""), ("ORDER-778899", "778899"), ("QWERTY", "QVERTX"))
        for side in ("core", "partner")
    ]
    for number, (payer, ours, theirs, _) in enumerate(ways):
        core.append(payment(f"p{number}", ours, "", payer=payer))
        lines.append(payment(f"p{number}", theirs, "", payer=payer))
    matched = told_by_duckdb(SPEC, {"core": core, "statement": lines}, tmp_path)
    assert [one["rule"] for one in matched.matches] == ["amount_day"] * len(ways)
    decoys = {"core": list(core), "partner": list(lines)}
    for number, (_, _, _, side) in enumerate(ways):
        original = (core if side == "core" else lines)[number]
        decoys[side].append(dict(original))
    (tmp_path / "decoys").mkdir()
    unsure = told_by_duckdb(SPEC, {"core": decoys["core"], "statement": decoys["partner"]}, tmp_path / "decoys")
    assert unsure.matches == []
    assert Counter(one["break_class"] for one in unsure.breaks) == {"ambiguous": 3 * len(ways)}


def test_what_is_written_is_sorted(tmp_path):
    """First the clean pairs by reference, those of receipts after the others; then the rest by all their columns."""
    whole = plan(SPEC, "duckdb", LEG_SIDES[2:])
    engine = open_duck(tmp_path, memory_mb=500, threads=2)
    reconcile(engine, whole, SPEC, given_in(tmp_path, ALL), tmp_path / "out")
    clean, receipted = (sum(map(len, engine.rows(whole.told[name]))) for name in ("clean", "clean_receipts"))
    engine.close()
    told = read(tmp_path / "out")
    parts = {"statement": told.matches[:clean], "receipts": told.matches[clean : clean + receipted]}
    for leg, lines in parts.items():
        assert lines
        assert {(one["leg"], one["rule"]) for one in lines} == {(leg, "exact_reference")}
        by_reference = [one["our_reference"] for one in lines]
        assert by_reference == sorted(by_reference)
    others = told.matches[clean + receipted :]
    assert len({(one["leg"], one["rule"]) for one in others}) > 10
    for lines, left_out in ((others, ()), (told.breaks, ("break_id",)), (told.verdicts, ())):
        rows = [[(value is not None, value) for name, value in _in_order(one) if name not in left_out] for one in lines]
        assert rows == sorted(rows)
    assert len({one["break_id"] for one in told.breaks}) == len(told.breaks)


def _in_order(line):
    """The cells in the order in which lines are sorted: of a break the leg before the class."""
    return sorted(line.items(), key=lambda cell: (cell[0] != "leg") if "leg" in line else 0)
