"""What the pages about reconciliation say is what the code has, and their example ends as they say."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner

from truc.cli import main
from truc.reconcile import gate, words
from truc.reconcile.checks import check_declared
from truc.reconcile.file_commands import files
from truc.reconcile.neutral import columns as neutral_columns
from truc.reconcile.schemas import BREAK_SCHEMA, VERDICT_SCHEMA
from truc.reconcile.spec import BreakClass, Pass, Spec

DOCS = Path(__file__).parents[3] / "docs"
PAGE, RULES = ((DOCS / name).read_text(encoding="utf-8") for name in ("reconcile.md", "reconcile-rules.md"))
GUIDES = [(DOCS / name).read_text(encoding="utf-8") for name in ("finance.md", "vi/tai-chinh.md")]


def blocks(page, language):
    """The fenced blocks of a language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.M | re.S)


def part(page, heading):
    """What stands under a heading."""
    return page.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]


def codes(page, heading):
    """Every `code` of the first cells of the table under a heading."""
    cells = re.findall(r"^\| ([^|]+) \|", part(page, heading), re.M)
    return {code for cell in cells for code in re.findall(r"`([^`]+)`", cell)}


def test_the_example_ends_as_the_page_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, body in zip(("core.csv", "statement.csv"), blocks(PAGE, "csv"), strict=True):
        Path(name).write_text(body, encoding="utf-8")
    Path("declared.json").write_text(blocks(PAGE, "json")[0], encoding="utf-8")
    for line in re.findall(r"^truc (reconcile files .*)$", PAGE, re.M):
        done = CliRunner().invoke(main, line.split(), catch_exceptions=False)
        assert (done.exit_code, done.output.rstrip()) == (0, blocks(PAGE, "text")[0].rstrip()), line
    checks = json.loads(Path("out/run.json").read_text(encoding="utf-8"))["gate"]
    assert {one["state"] for one in checks} == {"holds"}
    exec(blocks(PAGE, "python")[0], {})  # noqa: S102  (the page's own lines)
    assert sorted(line.split()[0] for line in capsys.readouterr().out.splitlines()) == [
        "amount_differs", "missing_at_partner", "missing_in_core", "timing",
    ]  # fmt: skip


def test_the_example_of_a_spec_is_one():
    told = {}
    exec(blocks(PAGE, "python")[1], told)  # noqa: S102  (as above)
    assert isinstance(told["SPEC"], Spec)


def test_every_column_field_option_and_word_of_the_gate_is_named():
    assert set(neutral_columns.COLUMNS) <= codes(PAGE, "What goes in: the neutral row")
    assert set(BREAK_SCHEMA.names) <= codes(PAGE, "What comes out")
    assert all(f"`{name}`" in PAGE for name in VERDICT_SCHEMA.names)
    declared = {one.name for one in fields(Spec)} - {"name", "version", "title", "title_vi"}
    assert declared == codes(PAGE, "Another spec")
    assert {option for one in files.params for option in one.opts if option.startswith("--")} == codes(PAGE, "Options")
    assert check_declared(json.loads(blocks(PAGE, "json")[0])["statement"], 5, 1_473_560, 1_473_560)


def test_every_class_and_pass_is_in_the_rules_under_its_name():
    assert codes(RULES, "Classes") == set(get_args(BreakClass)) == set(words.BREAK_CLASSES)
    assert re.findall(r"^\d\. \*\*`(\w+)`\*\*", RULES, re.M) == list(get_args(Pass))
    for name in ("missing_at_partner", "amount_differs", "ambiguous", "timing", "unreadable"):
        assert f"`{name}` | {words.BREAK_CLASSES[name].vi} |" in RULES


@pytest.mark.parametrize(
    ("number", "classes", "waits"),
    [
        (0, "What each class means, and what to do", "When a day waits"),
        (1, "Từng loại nghĩa là gì, cần làm gì", "Khi một ngày phải chờ"),
    ],
)
def test_the_guides_tell_what_to_do_about_every_class_and_every_reason(number, classes, waits):
    assert codes(GUIDES[number], classes) == set(words.BREAK_CLASSES)
    own = {"statement_missing", "lines_missing", "sequence_repeated", "wrong_day"}
    assert codes(GUIDES[number], waits) == own | set(gate._FAILED)
