"""Random lists: the engine says what the oracle says, row by row; nothing is lost, and no order of rows matters."""

import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.truc.reconcile.pairs import pair_oracle, pair_runs
from truc.reconcile.pairs.spec import InOrder, PairSpec, SameText, SameVnd
from truc.reconcile.specs import named_pair

NAMED = {name: named_pair(name) for name in ("dossier_statuses", "shipments", "procedures")}
# What no declared spec has: several columns of a key, a fee before the state, no month, a narrow look at equal rows.
ODD = PairSpec(
    name="odd",
    version=1,
    title="",
    title_vi="",
    key=("office", "paper"),
    compared=(
        SameText(column="title"),
        SameVnd(column="fee_vnd"),
        InOrder(
            column="state",
            states=("a", "b", "c"),
            changed_at="changed_at",
            number="step",
            again=("b",),
            alike=(("a", "c"), ("c", "b")),
            unasked=("a",),
        ),
        SameText(column="clerk"),
    ),
    covered_by=("clerk", "title"),
    window_s=100_000,
    compared_max=2,
)
SPECS = NAMED | {"odd": ODD}


@pytest.mark.parametrize("name", SPECS)
def test_the_engine_says_what_the_oracle_says(name: str, tmp_path: Path) -> None:
    found: Counter[str] = Counter()
    for seed in range(4):
        core, partner = pair_runs.drawn(SPECS[name], seed, rows=150)
        outcome = pair_runs.told(SPECS[name], core, partner, tmp_path / str(seed))
        assert outcome == pair_oracle.reconcile(SPECS[name], core, partner)
        found.update(one["break_class"] for one in outcome.breaks)
        found["match"] += len(outcome.matches)
        found["not_asked"] += sum(one["not_asked"] for one in outcome.coverage)
    state, fee, texts = SPECS[name].state, SPECS[name].fee, SPECS[name].texts
    expected = {
        "match",
        "missing_at_partner",
        "missing_in_core",
        "duplicate_in_core",
        "duplicate_at_partner",
        "unreadable",
    }
    expected |= ({"state_differs", "stale", "timing"} if state else set()) | ({"text_differs"} if texts else set())
    expected |= ({"fee_differs"} if fee else set()) | ({"not_asked"} if state and state.unasked else set())
    assert {one for one, times in found.items() if times} == expected  # nothing was tested in words alone


@pytest.mark.parametrize(
    "absent", [({"number"}, set()), ({"changed_at"}, {"number", "agency"}), (set(), {"procedure_code"})]
)
def test_columns_that_a_list_lacks_are_told_of_nowhere(absent: tuple[set[str], set[str]], tmp_path: Path) -> None:
    spec = NAMED["dossier_statuses"]
    core, partner = pair_runs.drawn(spec, 11, rows=100)
    outcome = pair_runs.told(spec, core, partner, tmp_path, absent=absent)
    assert outcome == pair_oracle.reconcile(spec, core, partner, absent=absent)


def test_no_order_of_the_rows_matters_to_any_byte(tmp_path: Path) -> None:
    spec = NAMED["shipments"]
    core, partner = pair_runs.drawn(spec, 21, rows=120)
    pair_runs.told(spec, core, partner, tmp_path / "first")
    for side in (core, partner):
        random.Random(1).shuffle(side)
    pair_runs.told(spec, core, partner, tmp_path / "second")
    for name in pair_runs.FILES[:3]:
        assert (tmp_path / "first/out" / name).read_bytes() == (tmp_path / "second/out" / name).read_bytes(), name
    first, second = (json.loads((tmp_path / of / "out/summary.json").read_text("utf-8")) for of in ("first", "second"))
    assert first.pop("inputs") != second.pop("inputs")  # the files themselves are others
    assert first == second


def test_a_second_run_writes_the_same_bytes(tmp_path: Path) -> None:
    spec = NAMED["dossier_statuses"]
    core, partner = pair_runs.drawn(spec, 22)
    for time in ("first", "second"):
        pair_runs.told(spec, core, partner, tmp_path / time)
    for name in pair_runs.FILES:
        assert (tmp_path / "first/out" / name).read_bytes() == (tmp_path / "second/out" / name).read_bytes(), name


def test_sides_changed_over_find_the_mirrored_gaps(tmp_path: Path) -> None:
    spec = replace(NAMED["procedures"], covered_by=())
    core, partner = pair_runs.drawn(spec, 23, rows=100)
    mirror = {
        "missing_at_partner": "missing_in_core",
        "duplicate_in_core": "duplicate_at_partner",
        "missing_in_core": "missing_at_partner",
        "duplicate_at_partner": "duplicate_in_core",
    }
    one = pair_runs.told(spec, core, partner, tmp_path / "one")
    other = pair_runs.told(spec, partner, core, tmp_path / "other")
    assert Counter(_named(gap, "core") for gap in one.breaks) == Counter(
        _named(gap | {"break_class": mirror.get(gap["break_class"], gap["break_class"])}, "partner")
        for gap in other.breaks
    )


def _named(gap: dict[str, Any], ours: str) -> tuple[Any, ...]:
    return gap["break_class"], gap["procedure_code"], gap["differs"], gap[f"{ours}_rows"], gap[f"{ours}_text"]


def test_every_row_and_every_dong_ends_in_one_place(tmp_path: Path) -> None:
    spec = NAMED["shipments"]
    core, partner = pair_runs.drawn(spec, 24, rows=200)
    outcome = pair_runs.told(spec, core, partner, tmp_path)
    ended = [*outcome.matches, *outcome.breaks]
    not_asked = sum(one["not_asked"] for one in outcome.coverage)
    assert sum(one["core_rows"] for one in ended) + not_asked == len(core)
    assert sum(one["partner_rows"] for one in ended) == len(partner)
    assert spec.state is not None
    owed = [one for one in core if one["state"] not in spec.state.unasked]
    assert sum(one["core_vnd"] for one in ended) == sum(max(one["fee_vnd"] or 0, 0) for one in owed)
    assert sum(one["difference_vnd"] for one in ended) == sum(one["core_vnd"] - one["partner_vnd"] for one in ended)
    assert sum(one["core_rows"] for one in outcome.coverage) == len(core)


def test_a_wider_window_only_turns_gaps_into_what_is_not_late_yet(tmp_path: Path) -> None:
    narrow = NAMED["dossier_statuses"]
    core, partner = pair_runs.drawn(narrow, 25, rows=150)
    before = pair_runs.told(narrow, core, partner, tmp_path / "narrow")
    wide = replace(narrow, window_s=4 * narrow.window_s)
    after = pair_runs.told(wide, core, partner, tmp_path / "wide")
    assert after.matches == before.matches
    was = {(one["dossier_code"], one["core_rows"], one["partner_rows"]): one["break_class"] for one in before.breaks}
    for one in after.breaks:
        if one["break_class"] not in ("duplicate_in_core", "duplicate_at_partner", "unreadable", "timing"):
            assert was[one["dossier_code"], one["core_rows"], one["partner_rows"]] == one["break_class"]
    timing = [sum(one["break_class"] == "timing" for one in each.breaks) for each in (before, after)]
    assert timing[0] < timing[1]
