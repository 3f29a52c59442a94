"""Which party can do what, as a table for a screen and as docs/parties.md."""

from collections.abc import Sequence
from pathlib import Path

from truc.manifest import Capability, Manifest

DOCUMENT = Path("docs") / "parties.md"
HEAD = """# Parties

Written by `truc party list --markdown` from the manifests; do not edit it. How a party is added:
[add-a-partner.md](add-a-partner.md). Settings, messages and what is not confirmed: the README of each connector.
"""


def screen(manifests: Sequence[Manifest]) -> str:
    """Return one line per party: name, title, transport and capabilities."""
    lines = [
        f"{one.party:18} {one.title_vi} · {one.title}\n{'':18} {one.transport}: {', '.join(_words(one))}"
        for one in manifests
    ]
    return "\n".join(lines)


def markdown(manifests: Sequence[Manifest]) -> str:
    """Return the whole document: the matrix, what is not done yet, the DAGs."""
    return "\n".join([HEAD, *_matrix(manifests), "", *_open_rules(manifests), "", *_dags(manifests), ""])


def _words(manifest: Manifest) -> list[str]:
    return [str(one) for one in Capability if one in manifest.capabilities]


def _matrix(manifests: Sequence[Manifest]) -> list[str]:
    head = ["Capability", *(f"`{one.party}`" for one in manifests)]
    rows = [["transport", *(one.transport for one in manifests)]]
    rows += [
        [str(capability), *("yes" if capability in one.capabilities else "" for one in manifests)]
        for capability in Capability
    ]
    return ["## Capabilities", "", *_table(head, rows)]


def _open_rules(manifests: Sequence[Manifest]) -> list[str]:
    rows = [
        [f"`{one.party}`", rule.name, rule.state, rule.reason]
        for one in manifests
        for rule in one.rules
        if rule.state != "done"
    ]
    return ["## Kept rules that are not done", "", *_table(["Party", "Rule", "State", "Reason"], rows)]


def _dags(manifests: Sequence[Manifest]) -> list[str]:
    rows = [
        [f"`{dag.dag_id}`", f"`{dag.schedule}`", f"`{one.party}`", dag.title]
        for one in manifests
        for dag in one.pipelines
    ]
    return ["## DAGs", "", *_table(["DAG", "Schedule", "Party", "What"], rows)]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [_row(head), _row(["---"] * len(head)), *(_row(one) for one in rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
