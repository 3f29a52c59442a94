"""What a party says it keeps, and the proof of each «done»: done, exempt with its reason, or still to do."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from truc.kit.party_proofs import PROOFS, module_of
from truc.manifest import Manifest, Rule
from truc.trust.signing import WEAK, Profile

KEPT_RULES = tuple(PROOFS)
HEADINGS = ("Settings", "Messages", "Limits and quirks", "Test system", "What is not confirmed")

State = Literal["done", "exempt", "todo", "broken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One kept rule as it stands. `problems` are why a «done» is not proved; `proof` says what was looked at."""

    rule: str
    state: State
    reason: str = ""
    proof: str = ""
    problems: tuple[str, ...] = ()


def check(root: Path, manifest: Manifest) -> list[Finding]:
    """Return how the party stands to every kept rule, and to its README."""
    findings = [_finding(root, manifest, name) for name in KEPT_RULES]
    missing = readme_problems(root, manifest)
    state: State = "broken" if missing else "done"
    return [*findings, Finding(rule="readme", state=state, proof="headings and settings", problems=tuple(missing))]


def weak_algorithms(party: str) -> Iterator[tuple[str, str, str]]:
    """Yield (profile, algorithm, why) of every weak algorithm among the party's signature profiles."""
    module = module_of(party, "signatures")
    for name, value in sorted(vars(module).items() if module else ()):
        if isinstance(value, Profile) and value.algorithm in WEAK:
            yield name, value.algorithm, value.weak_because


def readme_problems(root: Path, manifest: Manifest) -> list[str]:
    """Return what the README lacks: one of the five headings in their order, or a setting."""
    path = root / "connectors" / manifest.party / "README.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    found = tuple(re.findall(r"(?m)^## (.*)$", text))
    problems = [] if found == HEADINGS else [f"headings must be: {', '.join(HEADINGS)}"]
    return problems + [
        f"setting {one.name} is not in it" for one in manifest.settings if not re.search(rf"\b{one.name}\b", text)
    ]


def _finding(root: Path, manifest: Manifest, name: str) -> Finding:
    rules = [one for one in manifest.rules if one.name == name]
    if len(rules) != 1:
        return Finding(rule=name, state="broken", problems=(f"the manifest answers {len(rules)} times for it",))
    (rule,) = rules
    if rule.state == "done":
        prove, proof = PROOFS[name]
        problems = tuple(prove(root, manifest))
        state: State = "broken" if problems else "done"
        return Finding(rule=name, state=state, reason=rule.reason, proof=proof, problems=problems)
    return _undone(rule)


def _undone(rule: Rule) -> Finding:
    problems = () if rule.reason else ("a reason is missing",)
    if rule.state not in ("exempt", "todo"):
        problems = (*problems, f"state {rule.state!r}: done, exempt or todo")
    return Finding(rule=rule.name, state="broken" if problems else rule.state, reason=rule.reason, problems=problems)
