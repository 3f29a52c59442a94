"""What the documents name exists: commands, options, files, links, queries and DAGs."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from sqlalchemy import text

from truc import parties
from truc.cli import main
from truc.store.opened import Store

ROOT = Path(__file__).parents[2]
DOCUMENTS = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
ROOMS = tuple(path.name for path in ROOT.iterdir() if path.is_dir() and path.name not in {"var", ".git"})
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.M | re.S)
GUIDES = {
    "integration-engineer.md": "ky-su-tich-hop.md",
    "finance.md": "tai-chinh.md",
    "data-team.md": "nhom-du-lieu.md",
    "admin.md": "quan-tri.md",
    "operating-the-exchange.md": "van-hanh-truc-trao-doi.md",
    "observing.md": "quan-sat.md",
    "add-a-partner.md": "them-doi-tac.md",
    "payments.md": "thanh-toan.md",
    "reconcile-pairs.md": "doi-soat-cap.md",
    "remittance.md": "nop-kho-bac.md",
    "statements.md": "sao-ke.md",
    "trust.md": "chung-thu-so.md",
}


def false_words(document: str, folder: Path) -> list[str]:
    """Return what the document names and what does not exist; links are relative to `folder`."""
    found = [line.strip() for _, block in FENCE.findall(document) for line in block.splitlines()]
    prose = FENCE.sub("", document)
    spans = re.findall(r"`([^`\n]+)`", prose)
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)", prose)
    wrong = [line for line in found + spans if not is_known_command(line.partition("  #")[0].strip())]
    wrong += [span for span in spans if is_path(span) and not exists(span)]
    return wrong + [link for link in links if not (folder / link).exists()]


def is_known_command(line: str) -> bool:
    """Whether a line is no command of ours, or one that exists with its options. Nothing is run."""
    program, *words = line.rstrip(".,;").split() or [""]
    if program == "make" and words:
        return words[0] in TARGETS
    return program != "truc" or _exists_in_click(main, words)


def is_path(span: str) -> bool:
    """Whether the span is a path into a room of this repository."""
    return bool(re.fullmatch(r"[\w.*<>/-]+", span)) and "/" in span and span.split("/", maxsplit=1)[0] in ROOMS


def exists(span: str) -> bool:
    """Whether the path, in which <word> and * stand for anything, is that of a file or folder here."""
    return any(ROOT.glob(re.sub(r"<\w+>", "*", span.rstrip("/"))))


def _exists_in_click(command: click.Command, words: list[str]) -> bool:
    context = click.Context(command)
    for word in words:
        if word.startswith("--"):
            if word not in {name for one in command.get_params(context) for name in one.opts}:
                return False
        elif isinstance(command, click.Group) and re.fullmatch(r"[a-z-]+", word):
            found = command.get_command(context, word)
            if found is None:
                return False
            command, context = found, click.Context(found)
    return True


def _queries() -> Iterator[tuple[str, str]]:
    for path in DOCUMENTS:
        for language, block in FENCE.findall(path.read_text(encoding="utf-8")):
            plain = re.sub(r"--.*", "", block)
            if language == "sql":
                yield from ((path.name, query.strip()) for query in plain.split(";") if query.strip())


def _python_lines() -> Iterator[tuple[str, str]]:
    for path in DOCUMENTS:
        blocks = "".join(block for _, block in FENCE.findall(path.read_text(encoding="utf-8")))
        yield from ((path.name, line) for line in re.findall(r'python -c "([^"]+)"', blocks))


def _scheduled() -> dict[str, str]:
    """Return DAG → schedule, from the manifests and from the DAG files, read without Airflow."""
    found = {one.dag_id: one.schedule for party in parties.manifests() for one in party.pipelines}
    for path in (ROOT / "dags").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "schedule" and isinstance(node.value, ast.Constant):
                found[path.stem] = str(node.value.value)
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_names_exists(path: Path) -> None:
    assert false_words(path.read_text(encoding="utf-8"), path.parent) == []


@pytest.mark.parametrize(
    "planted",
    [
        "`make coffee`",
        "`truc fly`",
        "`truc exchange set-asides`",
        "`truc serve --with-sandboxes`",
        "```\ntruc party lost   # a comment\n```",
        "`truc/no_such_file.py`",
        "`connectors/<party>/nothing.md`",
        "[a page](no-such-page.md)",
    ],
)
def test_a_false_word_is_found(planted: str) -> None:
    assert len(false_words(f"{planted}\n", ROOT)) == 1


def test_words_that_are_true_are_let_pass() -> None:
    true = "`make demo`, `truc exchange set-aside --party momo`, `connectors/*/README.md`, [the flow](README.md), `x/y`"
    assert false_words(true, ROOT) == []


@pytest.mark.parametrize(("document", "query"), list(_queries()))
def test_a_query_of_a_document_fits_the_tables(document: str, query: str, empty_store: Store) -> None:
    with empty_store.begin() as transaction:
        transaction.sql.execute(text(f"EXPLAIN {query}".replace(":", "\\:")))


@pytest.mark.parametrize(("document", "line"), list(_python_lines()))
def test_a_line_of_python_in_a_document_runs(document: str, line: str, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "ports.json").write_text(json.dumps({"gateway": 8000, "postgres": 5432}), encoding="utf-8")
    there = {"PYTHONPATH": str(ROOT), "PATH": ""}
    words = [sys.executable, "-c", line]
    done = subprocess.run(words, cwd=tmp_path, env=there, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), document
    assert done.stdout.strip()


def test_the_lines_of_python_are_found() -> None:
    assert {document for document, _ in _python_lines()} >= {"admin.md", "quan-tri.md", "api.md"}


@pytest.mark.parametrize("name", ["admin.md", "vi/quan-tri.md"])
def test_the_admins_guide_lists_every_dag_with_its_schedule(name: str) -> None:
    # A party's own are in docs/parties.md, which is written from the manifests: a new party edits no guide.
    listed = "".join((ROOT / "docs" / one).read_text(encoding="utf-8") for one in (name, "parties.md"))
    scheduled = _scheduled()
    assert len(scheduled) >= 11
    assert [dag for dag, schedule in scheduled.items() if f"| `{dag}` | `{schedule}` |" not in listed] == []


def test_each_guide_is_there_in_both_languages_and_the_readme_names_them() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for english, vietnamese in GUIDES.items():
        assert f"(docs/{english})" in readme
        assert f"(docs/vi/{vietnamese})" in readme


def test_a_decision_says_what_would_violate_it() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    numbers = [int(path.name[:4]) for path in decisions]
    assert numbers == list(range(1, len(numbers) + 1))
    for path in decisions:
        headings = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.M)
        assert headings == ["Context", "Decision", "Consequences", "A change violates this when"], path.name
