"""What each rule says of two small lists: where every row ends, with which words, and what coverage comes to."""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.truc.reconcile.pairs import pair_oracle, pair_runs
from tests.truc.reconcile.pairs.pair_oracle import Outcome
from tests.truc.reconcile.pairs.pair_runs import MORNING
from truc.domain.shipment_states import State
from truc.domain.status import TRANSITIONS, Status
from truc.reconcile.pairs.spec import InOrder, PairSpec, SameText, SameVnd
from truc.reconcile.specs import dossier_statuses, named_pair

LATER = MORNING + timedelta(days=30)
DOSSIERS, PARCELS, PROCEDURES = (named_pair(name) for name in ("dossier_statuses", "shipments", "procedures"))


def dossier(status: str = "4", hours: float = 0, **changes: Any) -> dict[str, Any]:
    """One dossier, where it stands since so many hours after MORNING."""
    usual = {
        "dossier_code": "H32.01-260304-0001",
        "procedure_code": "1.003560",
        "agency": "H32.01",
        "received_on": date(2026, 3, 4),
    }
    return usual | {"status": status, "changed_at": MORNING + timedelta(hours=hours), "number": None} | changes


def parcel(state: str = "in_transit", fee_vnd: int = 23_000, hours: float = 0, **changes: Any) -> dict[str, Any]:
    """One parcel."""
    usual = {
        "order_number": "H32.01-260304-0001-R",
        "dossier_code": "H32.01-260304-0001",
        "agency": "H32.01",
        "requested_on": date(2026, 3, 4),
    }
    return usual | {"state": state, "fee_vnd": fee_vnd, "changed_at": MORNING + timedelta(hours=hours)} | changes


@pytest.fixture
def told(tmp_path: Path) -> Any:
    """Run the engine and the oracle on the same lists, hold them against each other, and return what they say."""
    numbers = itertools.count()

    def run(spec: PairSpec, core: list[Mapping[str, Any]], partner: list[Mapping[str, Any]], **how: Any) -> Outcome:
        how = {"as_of": LATER} | how
        found = pair_runs.told(spec, core, partner, tmp_path / str(next(numbers)), **how)
        assert found == pair_oracle.reconcile(spec, core, partner, **how)
        return found

    return run


def classes(outcome: Outcome) -> list[str]:
    """The classes of the breaks, one for each, and "match" for each match."""
    return [one["break_class"] for one in outcome.breaks] + ["match"] * len(outcome.matches)


# What the portal says of a dossier that stands at `4` here since MORNING, by its change number 3 where one is told.
STATES = [
    (dossier(), dossier(), "match"),
    (dossier(), dossier("2", -5), "stale"),
    (dossier(), dossier("9", 5), "state_differs"),
    (dossier(), dossier("9", 0), "state_differs"),
    (dossier(), dossier("2", changed_at=None), "state_differs"),
    (dossier(), dossier(changed_at=None), "match"),
    # A dossier comes back to 4 after its papers were asked for: the 4 before is not this one.
    (dossier(), dossier("4", -5), "stale"),
    (dossier(), dossier("4", 5), "match"),
    (dossier("9"), dossier("9", -5), "match"),
    # Both told: the number of the change counts, and not the clock.
    (dossier(number=3), dossier("2", 5, number=2), "stale"),
    (dossier(number=3), dossier("2", -5, number=4), "state_differs"),
    (dossier(number=3), dossier("4", -5, number=3), "match"),
    (dossier(number=3), dossier("2", -5, number=0), "stale"),
    # The portal writes whole seconds.
    (dossier(changed_at=MORNING + timedelta(microseconds=999_999)), dossier(), "match"),
]


@pytest.mark.parametrize(("ours", "theirs", "expected"), STATES)
def test_a_status_is_the_same_or_the_side_with_the_older_word_is_behind(
    told: Any, ours: dict[str, Any], theirs: dict[str, Any], expected: str
) -> None:
    outcome = told(DOSSIERS, [ours], [theirs])
    assert classes(outcome) == [expected]
    if expected != "match":
        assert outcome.breaks[0]["differs"] == "status"
        assert (outcome.breaks[0]["core_state"], outcome.breaks[0]["partner_state"]) == (
            ours["status"],
            theirs["status"],
        )


def test_what_one_side_lacks_is_named_by_the_other(told: Any) -> None:
    outcome = told(DOSSIERS, [dossier(dossier_code="A")], [dossier("9", dossier_code="B", agency="H32.02")])
    ours, theirs = outcome.breaks
    assert (ours["break_class"], ours["dossier_code"], ours["core_state"]) == ("missing_at_partner", "A", "4")
    assert (ours["core_rows"], ours["partner_rows"], ours["partner_changed_at"]) == (1, 0, None)
    assert (theirs["break_class"], theirs["dossier_code"], theirs["partner_state"]) == ("missing_in_core", "B", "9")
    assert (theirs["agency"], theirs["month"], theirs["core_rows"]) == ("H32.02", "2026-03", 0)


@pytest.mark.parametrize(
    ("core", "partner", "hours", "expected"),
    [
        ([dossier()], [], 24, "missing_at_partner"),
        ([dossier()], [], 23.99, "timing"),
        ([], [dossier()], 24, "missing_in_core"),
        ([], [dossier()], 23.99, "timing"),
        ([dossier()], [dossier("2", -50)], 24, "stale"),
        ([dossier()], [dossier("2", -50)], 23.99, "timing"),
        ([dossier()], [dossier("9", 50)], 74, "state_differs"),
        ([dossier()], [dossier("9", 50)], 73.99, "timing"),
        ([dossier()], [dossier("9", 0)], 1, "state_differs"),  # neither is ahead: waiting mends nothing
        ([dossier(changed_at=None)], [], 1, "missing_at_partner"),
    ],
)
def test_what_changed_within_a_day_of_the_lists_is_not_late_yet(
    told: Any, core: list[Any], partner: list[Any], hours: float, expected: str
) -> None:
    assert classes(told(DOSSIERS, core, partner, as_of=MORNING + timedelta(hours=hours))) == [expected]


def test_lists_that_do_not_say_when_they_were_written_are_as_old_as_our_latest_change(told: Any) -> None:
    core = [dossier(dossier_code="old"), dossier(hours=30, dossier_code="new")]
    assert classes(told(DOSSIERS, core, [], as_of=None)) == ["missing_at_partner", "timing"]
    assert classes(told(DOSSIERS, [dossier(changed_at=None)], [], as_of=None)) == ["missing_at_partner"]


def test_of_rows_of_one_key_the_latest_speaks_and_the_others_stand_twice(told: Any) -> None:
    outcome = told(DOSSIERS, [dossier()], [dossier("2", -5), dossier("4"), dossier("2", -9)])
    assert classes(outcome) == ["duplicate_at_partner", "duplicate_at_partner", "match"]
    assert {one["partner_changed_at"] for one in outcome.breaks} == {MORNING - timedelta(hours=n) for n in (5, 9)}
    assert len({one["break_id"] for one in outcome.breaks}) == 2
    outcome = told(DOSSIERS, [dossier()], [dossier("4"), dossier("9", 5)])
    assert classes(outcome) == ["duplicate_at_partner", "state_differs"]


def test_of_equally_late_rows_the_pair_that_agrees_best_speaks(told: Any) -> None:
    outcome = told(PARCELS, [parcel()], [parcel(fee_vnd=31_500), parcel()])
    assert classes(outcome) == ["duplicate_at_partner", "match"]
    assert (outcome.breaks[0]["partner_vnd"], outcome.breaks[0]["difference_vnd"]) == (31_500, -31_500)
    outcome = told(PARCELS, [parcel(fee_vnd=10), parcel(fee_vnd=20)], [parcel(fee_vnd=21)])
    assert classes(outcome) == ["duplicate_in_core", "fee_differs"]
    assert [one["difference_vnd"] for one in outcome.breaks] == [10, -1]


def test_fewer_differences_count_before_a_nearer_fee(told: Any) -> None:
    near, far = parcel("failed", 23_000, dossier_code="other"), parcel(fee_vnd=31_500)
    outcome = told(PARCELS, [parcel()], [near, far])
    assert classes(outcome) == ["duplicate_at_partner", "fee_differs"]
    assert outcome.breaks[0]["partner_state"] == "failed"


def test_rows_of_one_key_that_the_other_side_lacks_are_missing_once(told: Any) -> None:
    assert classes(told(DOSSIERS, [dossier(), dossier()], [])) == ["duplicate_in_core", "missing_at_partner"]
    assert classes(told(DOSSIERS, [], [dossier(), dossier()])) == ["duplicate_at_partner", "missing_in_core"]


def test_only_so_many_equally_late_rows_are_compared(told: Any) -> None:
    spec = replace(PARCELS, compared_max=2)
    outcome = told(spec, [parcel()], [parcel(fee_vnd=fee) for fee in (23_001, 23_002, 23_000)])
    assert classes(outcome) == ["duplicate_at_partner", "duplicate_at_partner", "match"]
    outcome = told(spec, [parcel()], [parcel(fee_vnd=fee) for fee in (1, 2, 23_000)])
    assert classes(outcome) == ["duplicate_at_partner", "duplicate_at_partner", "fee_differs"]


@pytest.mark.parametrize("state", ["created", "requested", "refused", "cancelled"])
def test_a_parcel_the_post_need_not_know_is_not_asked_for_and_owes_no_fee(told: Any, state: str) -> None:
    outcome = told(PARCELS, [parcel(state)], [])
    assert not outcome.matches
    assert not outcome.breaks
    (coverage,) = outcome.coverage
    assert (coverage["not_asked"], coverage["owed"], coverage["agreed_percent"]) == (1, 0, None)
    outcome = told(PARCELS, [parcel(state, 23_000)], [parcel(state, 0)])
    assert classes(outcome) == ["match"]
    assert outcome.matches[0]["core_vnd"] == 0


def test_a_parcel_that_waits_to_be_cancelled_is_still_ordered_at_the_post(told: Any) -> None:
    assert classes(told(PARCELS, [parcel("cancelling", hours=2)], [parcel("ordered")])) == ["match"]
    assert classes(told(PARCELS, [parcel("ordered", hours=2)], [parcel("cancelling")])) == ["stale"]


def test_a_fee_is_compared_after_the_state_and_its_difference_is_told_anyway(told: Any) -> None:
    outcome = told(PARCELS, [parcel("delivered", 31_500, 5)], [parcel(dossier_code="other")])
    (one,) = outcome.breaks
    assert (one["break_class"], one["differs"], one["difference_vnd"]) == ("stale", "state,fee_vnd,dossier_code", 8_500)
    assert (one["core_text"], one["partner_text"]) == ("H32.01-260304-0001", "other")
    (one,) = told(PARCELS, [parcel(fee_vnd=2**53 + 1)], [parcel(fee_vnd=2**53)]).breaks
    assert (one["break_class"], one["difference_vnd"]) == ("fee_differs", 1)


def test_a_fee_that_one_list_does_not_tell_is_shown_and_compared_with_nothing(told: Any) -> None:
    core = [parcel(), parcel(order_number="only here")]
    outcome = told(PARCELS, core, [parcel()], absent=(set(), {"fee_vnd", "dossier_code"}))
    assert classes(outcome) == ["missing_at_partner", "match"]
    assert (outcome.breaks[0]["core_vnd"], outcome.breaks[0]["difference_vnd"]) == (23_000, 23_000)
    assert (outcome.matches[0]["core_vnd"], outcome.matches[0]["difference_vnd"]) == (23_000, 0)


def test_a_procedure_is_the_same_to_the_letter(told: Any) -> None:
    ours = {"procedure_code": "1.003560", "name": "Cấp bản sao", "field_code": "G03-GD10", "agency": "Sở"}
    assert classes(told(PROCEDURES, [ours], [ours])) == ["match"]
    (one,) = told(PROCEDURES, [ours], [ours | {"name": "Cấp bản sao mới", "agency": ""}]).breaks
    assert (one["break_class"], one["differs"]) == ("text_differs", "name,agency")
    assert (one["core_text"], one["partner_text"]) == ("Cấp bản sao", "Cấp bản sao mới")


@pytest.mark.parametrize(
    ("spec", "row", "differs"),
    [
        (DOSSIERS, dossier(dossier_code=None), "dossier_code"),
        (DOSSIERS, dossier(dossier_code=""), "dossier_code"),
        (DOSSIERS, dossier("11"), "status"),
        (DOSSIERS, dossier("", dossier_code=""), "dossier_code,status"),
        (PARCELS, parcel("Delivered"), "state"),
        (PARCELS, parcel(fee_vnd=-1), "fee_vnd"),
    ],
)
def test_a_row_that_cannot_be_read_stands_alone_and_says_why(
    told: Any, spec: PairSpec, row: dict[str, Any], differs: str
) -> None:
    outcome = told(spec, [row, row], [row])
    assert classes(outcome) == ["unreadable"] * 3
    assert {one["differs"] for one in outcome.breaks} == {differs}
    assert [one["core_rows"] for one in outcome.breaks].count(1) == 2
    assert len({one["break_id"] for one in outcome.breaks}) == 3
    assert {one["core_vnd"] for one in outcome.breaks} <= {0, 23_000}


def test_coverage_is_told_for_each_agency_and_month_and_never_rounded_up(told: Any) -> None:
    core = [dossier(dossier_code=f"a{number}") for number in range(3)]
    core += [dossier(dossier_code="b", agency="H32.02", received_on=date(2025, 12, 31))]
    partner = [dossier(dossier_code="a0"), dossier("2", -5, dossier_code="a1"), dossier(dossier_code="x", agency="")]
    nobody, first, second = told(DOSSIERS, core, partner).coverage
    assert (nobody["agency"], nobody["missing_in_core"], nobody["owed"], nobody["agreed_percent"]) == ("", 1, 0, None)
    assert (first["agency"], first["month"], first["owed"], first["on_both"]) == ("H32.01", "2026-03", 3, 2)
    assert (first["agreed"], first["stale"], first["missing_at_partner"]) == (1, 1, 1)
    assert (first["on_both_percent"], first["agreed_percent"]) == (Decimal("66.66"), Decimal("33.33"))
    assert (second["agency"], second["month"], second["agreed_percent"]) == ("H32.02", "2025-12", Decimal("0.00"))


def test_a_pair_is_of_our_agency_and_month_or_of_theirs_where_we_know_none(told: Any) -> None:
    theirs = dossier(agency="H32.02", received_on=date(2026, 1, 1))
    (match,) = told(DOSSIERS, [dossier()], [theirs]).matches
    assert (match["agency"], match["month"]) == ("H32.01", "2026-03")
    (match,) = told(DOSSIERS, [dossier(agency=None, received_on=None)], [theirs]).matches
    assert (match["agency"], match["month"]) == ("H32.02", "2026-01")


def test_the_same_gap_has_the_same_id_in_every_run(told: Any) -> None:
    (first,) = told(DOSSIERS, [dossier()], []).breaks
    (second,) = told(DOSSIERS, [dossier("9", 20)], [dossier(dossier_code="other")]).breaks[1:]
    assert (first["break_id"], first["core_state"]) != (second["break_id"], "9")
    gaps = told(DOSSIERS, [dossier("9", 20), dossier(dossier_code="other")], []).breaks
    assert first["break_id"] in {one["break_id"] for one in gaps}


def test_a_key_of_several_columns_and_words_of_both_sides_parted(told: Any) -> None:
    spec = PairSpec(
        name="two_columns", version=1, title="", title_vi="", key=("a", "b"), compared=(SameText(column="c"),)
    )
    core = [{"a": "1", "b": "23", "c": "x"}, {"a": "12", "b": "3", "c": "y"}]
    outcome = told(spec, core, [core[1], core[0] | {"c": "z"}])
    assert classes(outcome) == ["text_differs", "match"]
    assert (outcome.breaks[0]["a"], outcome.matches[0]["a"]) == ("1", "12")
    assert classes(told(spec, [core[0]], [])) == ["missing_at_partner"]


def test_two_empty_lists_are_no_gap_and_no_coverage(told: Any) -> None:
    for spec in (DOSSIERS, PARCELS, PROCEDURES):
        assert told(spec, [], []) == Outcome([], [], [])


def test_a_spec_that_makes_no_sense_is_refused() -> None:
    good = {"name": "x", "version": 1, "title": "", "title_vi": "", "key": ("a",), "compared": ()}
    for bad in (
        {"key": ()},
        {"version": 0},
        {"window_s": -1},
        {"compared_max": 0},
        {"compared": (SameVnd(column="b"), SameVnd(column="c"))},
        {"compared": (InOrder(column="b", states=()), InOrder(column="c", states=()))},
        {"compared": (SameText(column="a"),)},
        {"covered_by": ("a",)},
    ):
        with pytest.raises(ValueError, match=r"\w"):
            PairSpec(**(good | bad))
    assert PairSpec(**good).digest != PairSpec(**(good | {"window_s": 1})).digest
    fee, words = SameVnd(column="b"), SameText(column="b")
    assert PairSpec(**(good | {"compared": (fee,)})).digest != PairSpec(**(good | {"compared": (words,)})).digest


def test_the_specs_know_the_words_of_the_domain_and_of_every_class_they_may_find() -> None:
    states = {one: spec.state.states for one, spec in (("dossier", DOSSIERS), ("parcel", PARCELS)) if spec.state}
    assert states == {"dossier": tuple(str(int(one)) for one in Status), "parcel": tuple(one.value for one in State)}
    cycles = {a for a, b in TRANSITIONS if (b, a) in TRANSITIONS}
    assert dossier_statuses.AGAIN == tuple(str(int(one)) for one in sorted(cycles)) == ("4", "5", "6")
    usual = {"missing_at_partner", "missing_in_core", "duplicate_in_core", "duplicate_at_partner", "unreadable"}
    for spec in (DOSSIERS, PARCELS, PROCEDURES):
        found = usual | ({"state_differs", "stale", "timing"} if spec.state else set())
        found |= ({"fee_differs"} if spec.fee else set()) | ({"text_differs"} if spec.texts else set())
        assert {one.break_class for one in spec.words} == found
        assert all(one.vi and one.en for one in spec.words)


def test_instants_of_any_zone_and_before_1970_fall_into_their_second(told: Any) -> None:
    long_ago = datetime(1969, 12, 31, 23, 59, 58, 500_000, tzinfo=UTC)
    outcome = told(DOSSIERS, [dossier(changed_at=long_ago)], [dossier("2", changed_at=long_ago - timedelta(seconds=1))])
    (one,) = outcome.breaks
    assert one["break_class"] == "stale"
    assert one["core_changed_at"] == datetime(1969, 12, 31, 23, 59, 58, tzinfo=UTC)
