"""The tests of the engine are tested: every deliberately wrong rule is noticed, and the engine as it is passes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import truc.reconcile
from tests.truc.reconcile.engine import mutants_proof
from tests.truc.reconcile.engine.mutants import MUTANTS
from tests.truc.reconcile.engine.mutants_proof import BROKEN, HOLDS, NOTICED

# Each takes about seven seconds of a processor;
# `python tests/truc/reconcile/engine/mutants_proof.py N…` proves the others.
PROVED_HERE = [-1, *(number for number in range(len(MUTANTS)) if number % 3 == 0)]
RULES = Path(truc.reconcile.__file__).parent
ROOT = RULES.parents[1]


def test_there_are_enough_wrong_rules_and_each_is_its_own():
    assert len(MUTANTS) >= 100
    assert len({one.wrong for one in MUTANTS}) == len(MUTANTS)
    assert len({(one.file, one.text, one.becomes) for one in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.wrong)
def test_a_wrong_rule_is_not_stale(mutant):
    """What it replaces stands in the rules once, and is replaced by something else."""
    text = (RULES / mutant.file).read_text(encoding="utf-8")
    changed = mutants_proof.replaced(text, mutant.text, mutant.becomes)
    assert changed != text
    compile(changed, mutant.file, "exec")


def test_a_text_that_stands_twice_is_refused():
    with pytest.raises(AssertionError, match="2 times"):
        mutants_proof.replaced("one one", "one", "two")


@pytest.mark.timeout(1_800)
def test_wrong_rules_are_noticed_and_the_rules_as_they_are_hold():
    numbers = PROVED_HERE
    told = _proved(numbers)
    ended = {one["number"]: one for one in told}
    assert sorted(ended) == numbers
    assert ended[-1]["ended"] == HOLDS, ended[-1]["said"]
    assert [MUTANTS[number].wrong for number in numbers[1:] if ended[number]["ended"] == HOLDS] == []
    assert [(MUTANTS[n].wrong, ended[n]["said"]) for n in numbers[1:] if ended[n]["ended"] == BROKEN] == []
    assert {ended[number]["ended"] for number in numbers[1:]} == {NOTICED}


def _proved(numbers):
    command = [sys.executable, mutants_proof.__file__, *map(str, numbers)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]
