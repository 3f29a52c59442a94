"""The plan of a reconciliation: each step reads what stands before it; a kept plan is that of the rules at hand."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import time
from pathlib import Path

import pytest

from truc.reconcile import specs
from truc.reconcile.engine import plan as plans
from truc.reconcile.engine.plan import made_from, place_of, plan, written
from truc.reconcile.engine.telling import DIALECTS, FURTHER, tell
from truc.reconcile.spec import CutOff
from truc.reconcile.specs.payments import SPEC

BOTH = FURTHER[-1]
GIVEN = {"core_in", "statement_in", "receipts_in", "remittance_in", "working_days"}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("sides", FURTHER, ids="+".join)
def test_every_step_reads_only_what_is_given_or_made_before(dialect, sides):
    quote = '"' if dialect == "duckdb" else "`"
    told = plan(SPEC, dialect, sides)
    made = set(GIVEN)
    for step in told.steps:
        assert step.name not in made
        assert _read_by(step.sql, quote) <= made
        made.add(step.name)
    assert all(_read_by(sql, quote) <= made for sql in told.told.values())
    assert ("verdicts" in told.told) == bool(sides)
    assert {step.leg for step in told.steps} == {"statement", *sides, *(["payment"] if sides else [])}


def _read_by(sql, quote):
    """The tables that a statement names, besides those it names itself."""
    own = set(re.findall(rf"{quote}(\w+){quote} AS \(", sql))
    return set(re.findall(rf"(?:FROM|JOIN) {quote}(\w+){quote}", sql)) - own


@pytest.mark.parametrize("dialect", DIALECTS)
def test_kept_plans_are_of_the_rules_at_hand(dialect):
    """`python -m truc.reconcile.engine.telling` keeps them anew."""
    for spec in specs.declared():
        kept = json.loads(place_of(spec, dialect).read_text(encoding="utf-8"))
        assert kept["made_from"] == made_from(spec), f"{spec.name}.{dialect}: keep the plans anew"
        assert set(kept["plans"]) == {"+".join(sides) for sides in FURTHER}


def test_a_kept_plan_says_what_telling_says_to_the_letter():
    told = tell(SPEC, "duckdb", BOTH)
    assert plan(SPEC, "duckdb", BOTH) == told
    kept = json.loads(place_of(SPEC, "duckdb").read_text(encoding="utf-8"))
    anew = json.loads(written(SPEC, {BOTH: told}))
    assert kept["plans"]["+".join(BOTH)] == anew["plans"]["+".join(BOTH)]
    assert {name: kept["sql"][name] for name in anew["sql"]} == anew["sql"]


@pytest.mark.parametrize("changed", ["engine/judging.py", "row.py"])
def test_a_plan_kept_from_other_rules_is_not_used(changed, tmp_path, monkeypatch):
    package = Path(plans.__file__).parents[1]
    shutil.copytree(package, tmp_path / "reconcile", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(plans, "HERE", tmp_path / "reconcile" / "engine")
    before = made_from(SPEC)
    with (tmp_path / "reconcile" / changed).open("a", encoding="utf-8") as file:
        file.write("# another rule\n")
    assert made_from(SPEC) != before


def test_a_plan_kept_of_another_spec_is_not_used():
    assert made_from(replace(SPEC, tolerance_vnd=1)) != made_from(SPEC)
    assert plan(replace(SPEC, tolerance_vnd=77), "duckdb") != plan(SPEC, "duckdb")
    assert any("77" in step.sql for step in plan(replace(SPEC, tolerance_vnd=77), "duckdb").steps)


def test_a_kept_plan_waits_for_no_compiler():
    script = (
        "import sys\n"
        "from truc.reconcile.engine.plan import plan\n"
        "from truc.reconcile.specs.payments import SPEC\n"
        "assert plan(SPEC, 'duckdb', ('receipts', 'remittance')).steps\n"
        "assert 'ibis' not in sys.modules, 'a small day waits for Ibis'\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[4], check=True, timeout=60)


WRONG = {
    "passes: names one twice": {"passes": ("exact_reference", "batch", "batch")},
    "passes: exact_reference comes first": {"passes": ("batch", "exact_reference")},
    "tolerance_vnd: must not be below 0": {"tolerance_vnd": -1},
    "window_days: must not be below 0": {"window_days": -1},
    "candidates_max: must not be below 1": {"candidates_max": 0},
    "version: must not be below 1": {"version": 0},
    "cut_offs: names a party's day twice": {
        "cut_offs": (CutOff(party="momo", at=time(23)), CutOff(party="momo", at=time(22)))
    },
}


@pytest.mark.parametrize(("message", "change"), WRONG.items(), ids=WRONG.keys())
def test_a_spec_that_makes_no_sense_is_refused(message, change):
    with pytest.raises(ValueError, match=message):
        replace(SPEC, **change)


def test_no_passes_at_all_are_refused():
    with pytest.raises(ValueError, match="exact_reference comes first"):
        replace(SPEC, passes=())


def test_the_digest_of_a_spec_is_of_all_it_declares():
    digests = {replace(SPEC, **{name: getattr(SPEC, name) + 1}).digest for name in NUMBERS}
    assert len({SPEC.digest, *digests}) == len(NUMBERS) + 1
    assert replace(SPEC).digest == SPEC.digest


NUMBERS = (
    "version",
    "tolerance_vnd",
    "tolerated_vnd_max",
    "window_days",
    "remit_days",
    "candidates_max",
    "compared_max",
    "related_from",
    "edits_max",
    "unlettered_from",
)
