"""No party that declares a capability escapes its suite, and the page of the suites tells what is there."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from sandbox.faults import Mode
from truc import parties
from truc.manifest import Capability

ROOT = Path(__file__).resolve().parents[2]
FOR_ALL = "EVERY_PARTY"


@pytest.fixture(scope="module")
def collected():
    """What pytest collects of the suites, as file::test[…] lines."""
    words = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests/suites"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300)
    return [line for line in done.stdout.splitlines() if "::" in line]


def names_for_all(capability):
    """Names of the tests of a suite that every party of the capability must pass."""
    tree = ast.parse((ROOT / f"tests/suites/test_{capability}.py").read_text(encoding="utf-8"))
    tests = [one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name.startswith("test_")]
    return {one.name for one in tests if FOR_ALL in map(ast.unparse, one.decorator_list)}


def escaped(lines, capability, party, names):
    """Names that are not collected for the party."""
    there = {
        found[1]
        for line in lines
        if (found := re.search(rf"/test_{capability}\.py::(\w+)\[(.*)\]$", line)) and party in found[2].split("-")
    }
    return sorted(names - there)


@pytest.mark.parametrize("capability", list(Capability))
def test_every_party_runs_the_whole_suite_of_what_it_declares(collected, capability):
    names = names_for_all(capability)
    assert len(names) >= 3
    off = {one.party: escaped(collected, capability, one.party, names) for one in parties.with_capability(capability)}
    assert off
    assert not {party: missing for party, missing in off.items() if missing}


def test_an_escape_is_seen(collected):
    assert escaped(collected, "ship", "momo", {"test_it_goes_through_once"}) == ["test_it_goes_through_once"]
    assert escaped(collected, "ship", "vnpost", {"test_nobody_wrote"}) == ["test_nobody_wrote"]


def test_the_page_of_the_suites_names_what_is_there(collected):
    text = (ROOT / "tests/suites/README.md").read_text(encoding="utf-8")
    words = set(re.findall(r"`([a-z_]+)`", text))
    known = {line.partition("::")[2].partition("[")[0] for line in collected}
    assert {one for one in words if one.startswith("test_")} <= known
    assert {one for one in words if not one.startswith("test_")} <= {*map(str, Capability), *get_args(Mode)}


def test_every_mode_that_the_suites_play_is_on_the_page():
    from tests.suites import fetching, sending, test_say_payment

    played = {*sending.FAULTS, *fetching.OVER_HTTP, *(mode for _, mode, _ in fetching.OVER_SFTP), "garbage", "huge"}
    rows = (ROOT / "tests/suites/README.md").read_text(encoding="utf-8")
    assert not {mode for mode in {*played, *test_say_payment.SILENT} if f"`{mode}`" not in rows}
