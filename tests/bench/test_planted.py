"""The planted days: every class occurs, a seed is the same day to the byte, and a truth that is spoilt is refused."""

import csv
import dataclasses
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, time
from typing import get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.planted import PARTIES, alike, plant, together
from bench.planted.checked import SpoiltTruthError, check
from bench.planted.days import fill
from bench.planted.drawing import Desk
from bench.planted.files import by_hand, by_machine, write
from bench.planted.planting import ALWAYS, CLEAN_EVERY, possible
from bench.planted.rows import Settings, day_of, related, unlettered, working_days
from bench.planted.running import spec_of
from bench.planted.score import Tally, score
from bench.planted.story import Story
from bench.planted.truth import BREAK_COLUMNS, expected
from tests.truc.reconcile.engine import oracle
from truc.reconcile.spec import BreakClass

SEEDS = range(60)
RULES = {
    "exact_reference",
    "exact_reference/split",
    "partner_reference",
    "partner_reference/split",
    "partner_reference/joined",
    "normalised_reference",
    "amount_day",
    "batch",
    "settlement",
    "original",
    "agency_day",
}


@pytest.fixture(scope="module")
def planted():
    return [plant(seed) for seed in SEEDS]


@pytest.fixture
def desk():
    one = Desk(4, PARTIES)
    fill(one, 10)
    return one


def checked(desk):
    breaks, matches = expected(desk.stories, desk.settings)
    check(desk.stories, desk.settings, breaks, matches)


def test_every_class_and_every_rule_of_matching_occurs(planted):
    assert {row["break_class"] for day in planted for row in day.truth.breaks} == set(get_args(BreakClass))
    assert {row["rule"] for day in planted for row in day.truth.matches} >= RULES


def test_everything_that_can_be_planted_is(planted):
    names = {making.__name__ for making in ALWAYS} | {"too_many_alike", "as_many_as_may_be", "tolerated", "other_party"}
    assert names <= {name for day in planted for name in day.planted}


def test_some_days_have_nothing_planted(planted):
    clean = [day for day in planted if day.seed % CLEAN_EVERY == 0]
    assert all(day.planted == () and day.truth.breaks == [] and day.truth.matches for day in clean)
    assert all(day.truth.breaks for day in planted if day not in clean)


def test_days_have_money_that_no_float_can_hold(planted):
    amounts = {row["amount_vnd"] for day in planted for row in day.core + day.statement}
    assert {2**53, 2**53 + 1} <= amounts


def test_some_days_have_no_later_legs_and_some_settings_of_their_own(planted):
    assert {(day.receipts is None, day.remittance is None) for day in planted} >= {(True, False), (False, True)}
    assert any(day.settings.cut_offs for day in planted)
    assert any(day.settings.tolerance_vnd for day in planted)


@pytest.mark.parametrize("form", ["parquet", "csv", "xlsx"])
def test_a_seed_is_the_same_day_to_the_byte(tmp_path, form):
    one, other = (write(plant(7), tmp_path / name, form) for name in ("one", "other"))
    assert {side: path.read_bytes() for side, path in one.items()} == {
        side: path.read_bytes() for side, path in other.items()
    }
    assert plant(7) == plant(7)


def test_another_seed_is_another_day():
    assert plant(7).core != plant(8).core


@pytest.mark.parametrize("parties", [("momo",), ("momo", "vietinbank", "viettelpay")])
def test_any_number_of_parties(parties):
    day = plant(3, payments=20, parties=parties)
    assert {row["party"] for row in day.core if row["party"]} == set(parties)


def test_what_is_drawn_holds_together(desk):
    checked(desk)


@pytest.mark.parametrize("making", ALWAYS, ids=lambda making: making.__name__)
def test_each_planted_thing_stands_alone(making, desk):
    for _ in range(5):
        making(desk)
    checked(desk)


def test_a_row_without_a_place_is_refused(desk):
    desk.stories[0].core.append(desk.payment())
    with pytest.raises(SpoiltTruthError, match="not exactly one place"):
        checked(desk)


def test_a_row_with_two_places_is_refused(desk):
    story = desk.story("twice")
    row = desk.payment()
    story.broken("missing_at_partner", "none", [row], [])
    story.quiet([row], [])
    with pytest.raises(SpoiltTruthError, match="not exactly one place"):
        checked(desk)


def test_a_row_of_no_side_is_refused(desk):
    story = desk.story("stray")
    story.match("exact_reference", [desk.payment()], [desk.payment()])
    story.statement.clear()
    with pytest.raises(SpoiltTruthError, match="is of no side"):
        checked(desk)


def test_money_that_does_not_add_up_is_refused(desk):
    breaks, matches = expected(desk.stories, desk.settings)
    matches[0] = matches[0] | {"core_money_vnd": matches[0]["core_money_vnd"] + 1}
    with pytest.raises(SpoiltTruthError, match="do not add up"):
        check(desk.stories, desk.settings, breaks, matches)


def test_a_row_too_few_is_refused(desk):
    breaks, matches = expected(desk.stories, desk.settings)
    with pytest.raises(SpoiltTruthError, match="do not add up"):
        check(desk.stories, desk.settings, breaks, matches[1:])


def test_a_row_that_cannot_be_read_is_refused_where_it_should_be(desk):
    desk.story("spoilt").broken("missing_at_partner", "none", [desk.payment(amount_vnd=-1)], [])
    with pytest.raises(SpoiltTruthError, match="cannot be read"):
        checked(desk)


def test_a_readable_row_is_not_taken_for_another(desk):
    desk.story("sound").broken("unreadable", "none", [desk.payment()], [])
    with pytest.raises(SpoiltTruthError, match="cannot be read"):
        checked(desk)


@pytest.mark.parametrize(
    ("ours", "theirs", "named"),
    [
        ("HS-260101-1", "HS-260101-1", "our_reference"),
        ("HS-260101-1", "hs2601011", "normalised reference"),
        ("HS-260101-15", "DVC-260101-15", "reference without letters"),
    ],
)
def test_references_of_two_stories_that_become_one_are_refused(desk, ours, theirs, named):
    for reference in (ours, theirs):
        desk.story("met").broken("missing_at_partner", "none", [desk.payment(our_reference=reference)], [])
    with pytest.raises(SpoiltTruthError, match=f"{named} .* is of two stories"):
        checked(desk)


def test_a_partner_number_of_two_stories_is_refused(desk):
    for _ in range(2):
        row = desk.payment(partner_reference="MOT1")
        desk.story("met").broken("missing_at_partner", "none", [row], [])
    with pytest.raises(SpoiltTruthError, match="partner_reference 'MOT1' is of two stories"):
        checked(desk)


@pytest.mark.parametrize("theirs", ["HS-260101-1234", "HS-260101-123466", "XHS-260101-123456-7"])
def test_references_that_look_alike_are_refused_with_one_amount(desk, theirs):
    given = {"party": "momo", "amount_vnd": 7}
    for reference in ("HS-260101-123456", theirs):
        row = desk.payment(our_reference=reference, **given)
        desk.story("alike").match("exact_reference", [row], [desk.line(row)])
    with pytest.raises(SpoiltTruthError, match="look alike"):
        checked(desk)


def test_left_rows_of_two_stories_with_one_amount_are_refused(desk):
    for _ in range(2):
        row = desk.payment(party="momo", amount_vnd=7)
        desk.story("equal").broken("missing_at_partner", "none", [row], [])
    with pytest.raises(SpoiltTruthError, match="left rows of two stories"):
        checked(desk)


def test_a_line_on_a_day_settled_against_our_ledger_is_refused(desk):
    story = desk.story("settled_by_ledger")
    day = desk.own_day("momo")
    row = desk.payment(party="momo", day=day, fee_vnd=0)
    line = desk.settlement("momo", day, row["amount_vnd"])
    story.match("settlement", [row], [line], leg="settlement", core_vnd=row["amount_vnd"])
    checked(desk)
    listed = desk.payment(party="momo", day=day)
    desk.story("listed").match("exact_reference", [listed], [desk.line(listed)])
    with pytest.raises(SpoiltTruthError, match="its own lines make"):
        checked(desk)


def test_a_perfect_answer_is_perfect(planted):
    day = planted[3]
    given = score(day, day.truth.breaks, day.truth.matches)
    assert given.is_perfect
    assert given.differences == ()
    assert all((one.precision, one.recall) == (1.0, 1.0) for one in given.tallies.values())


@pytest.mark.parametrize("column", BREAK_COLUMNS)
def test_one_wrong_column_is_a_wrong_row(planted, column):
    day = planted[3]
    first = day.truth.breaks[0]
    given = score(day, [first | {column: "?"}, *day.truth.breaks[1:]], day.truth.matches)
    assert not given.is_perfect
    if column != "break_class":
        assert len(given.differences) == 1
        assert f"{column} is '?', not {first[column]!r}" in given.differences[0]


def test_rows_too_many_and_too_few_are_told(planted):
    day = planted[3]
    last = day.truth.matches[-1]
    once = score(day, day.truth.breaks, day.truth.matches[:-1])
    twice = score(day, day.truth.breaks, [*day.truth.matches, last])
    name = f"match {last['rule']}"
    assert (once.tallies[name].precision, once.tallies[name].recall < 1) == (1.0, True)
    assert (twice.tallies[name].precision < 1, twice.tallies[name].recall) == (True, 1.0)
    assert once.differences[0].startswith("seed 3: not given: match")
    assert twice.differences[0].startswith("seed 3: given, and not true: match")


def test_a_missing_column_is_no_answer(planted):
    day = planted[3]
    short = [{name: row[name] for name in row if name != "agency"} for row in day.truth.breaks]
    with pytest.raises(KeyError):
        score(day, short, day.truth.matches)


def test_what_was_neither_asked_nor_given_is_right():
    assert (Tally(0, 0, 0).precision, Tally(0, 0, 0).recall) == (1.0, 1.0)


def test_ids_of_breaks_are_their_own_and_of_what_they_say(planted):
    ids = Counter(row["break_id"] for day in planted for row in day.truth.breaks)
    assert max(ids.values()) == 1
    day = plant(3)
    assert [row["break_id"] for row in day.truth.breaks] == [row["break_id"] for row in planted[3].truth.breaks]


def test_the_later_legs_are_planted_only_where_they_are_given():
    desk = Desk(4, PARTIES)
    desk.has_receipts = desk.has_remittance = False
    assert not {making.__module__ for making in possible(desk)} & {"bench.planted.legs"}


def test_what_rows_say_is_read_as_the_rules_say(desk):
    row = desk.payment() | {"business_on": None, "occurred_at": desk.office_hour(desk.main_day)}
    late = Settings(cut_offs={row["party"]: time(1, 0)})
    assert day_of(row, Settings()) == desk.main_day
    assert day_of(row, late) > desk.main_day
    assert unlettered("HS-1234567") == ""
    assert unlettered("Hồ sơ 1234.5678") == "12345678"
    assert related("HS-123456", "nộp HS123456 phí")
    assert not related("A1234", "A1234")
    assert working_days(desk.main_day, desk.main_day) == 0


def test_a_story_keeps_a_row_once():
    story = Story("one")
    row = {"our_reference": "A"}
    story.match("exact_reference", [row], [dict(row)])
    story.broken("receipt_missing", "none", [row], [], leg="receipts")
    assert (len(story.core), len(story.statement), len(story.receipts)) == (1, 1, 0)
    assert dataclasses.replace(story.placed[0], rule="x").rule == "x"


def test_days_with_parties_of_their_own_go_together():
    days = [plant(seed, payments=5, parties=(f"momo-{seed}", f"bank-{seed}")) for seed in range(12)]
    groups = alike(days)
    assert sum(map(len, groups)) == len(days)
    for group in groups:
        whole = together(group)
        rows = sum(len(day.core) for day in group)
        assert len(whole.core) == rows
        assert set(whole.settings.cut_offs) == {party for day in group for party in day.settings.cut_offs}
        assert score(whole, whole.truth.breaks, whole.truth.matches).is_perfect


def test_days_of_the_same_parties_do_not_go_together():
    day = plant(3, payments=5)
    with pytest.raises(ValueError, match="cannot be told apart"):
        together([day, day])


def test_days_that_are_not_reconciled_alike_do_not_go_together():
    days = [plant(seed, payments=5, parties=(f"momo-{seed}",)) for seed in range(12)]
    first, *_, last = (group[0] for group in alike(days))
    with pytest.raises(ValueError, match="reconciled alike"):
        together([first, last])


def test_parquet_is_typed_as_the_engine_reads_it(tmp_path):
    schema = pq.read_schema(write(plant(3), tmp_path)["core"])
    assert schema.field("amount_vnd").type == schema.field("fee_vnd").type == pa.int64()
    assert schema.field("business_on").type == pa.date32()
    assert schema.field("occurred_at").type == pa.timestamp("us", "UTC")
    assert schema.field("our_reference").type == pa.string()


def test_sides_that_are_not_given_have_no_file(tmp_path, planted):
    day = next(day for day in planted if day.receipts is None)
    assert "receipts" not in write(day, tmp_path, "csv")


def test_csv_has_every_row_and_no_column_without_a_word(tmp_path):
    day = dataclasses.replace(plant(4), receipts=[dict.fromkeys(("party", "payer"), "x") | {"amount_vnd": None}])
    with write(day, tmp_path, "csv")["receipts"].open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.DictReader(file, delimiter=";")) == [{"party": "x", "amount_vnd": "không rõ", "payer": "x"}]


@pytest.mark.parametrize(
    ("value", "machine", "hand"),
    [
        (date(2026, 11, 20), "2026-11-20", "20/11/2026"),
        (
            datetime(2026, 11, 20, 17, 0, tzinfo=UTC),
            "2026-11-20T17:00:00.000000Z",
            "2026-11-21 00:00:00+07:00",
        ),
        (2**53 + 1, "9007199254740993", "9.007.199.254.740.993"),
        (-5, "-5", "-5"),
        ("Sở Xây dựng", "Sở Xây dựng", "Sở Xây dựng"),
        (None, "", ""),
    ],
)
def test_cells_are_written_for_machines_and_for_people(value, machine, hand):
    assert (by_machine("fee_vnd", value), by_hand("fee_vnd", value)) == (machine, hand)


def test_planting_loads_nothing_of_the_engine():
    code = "import sys, bench.planted; sys.exit(any(name.startswith('truc.reconcile') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_oracle_says_the_same_in_every_column(planted):
    agreed(planted)


def agreed(days):
    assert days
    for day in days:
        told = oracle.reconcile(spec_of(day), day.core, day.statement, day.receipts, day.remittance)
        assert Counter(map(as_line, told.breaks)) == Counter(map(as_line, day.truth.breaks)), f"seed {day.seed}"
        assert Counter(map(as_line, told.matches)) == Counter(map(as_line, day.truth.matches)), f"seed {day.seed}"


def as_line(row):
    return tuple(sorted(row.items()))
