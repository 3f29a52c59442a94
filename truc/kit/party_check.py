"""What a party says it keeps, and the proof of each «done»: done, exempt with its reason, or still to do."""

import importlib
import importlib.util
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Literal

from truc.manifest import Capability, Manifest, OutcomeClass, Rule
from truc.result_codes import ResultCodes
from truc.trust.signing import WEAK, Profile

KEPT_RULES = (
    "tls_pinned_or_public_ca",
    "time_outs_stated",
    "outcome_class_proved",
    "result_codes_complete",
    "duplicates_recognised",
    "secrets_never_logged",
    "schema_checked",
    "read_back_possible",
)
HEADINGS = ("Settings", "Messages", "Limits and quirks", "Test system", "What is not confirmed")
SECRET = re.compile(r"password|secret|private_key|access_key|token$|passphrase")
TIMEOUT_S_MAX = 300
# Words of code that turn a check of certificates or host keys off.
UNCHECKED = re.compile(
    r"verify\s*=\s*False|CERT[_]NONE|_create[_]unverified|check_hostname\s*=\s*False|AutoAdd[P]olicy"
)

State = Literal["done", "exempt", "todo", "broken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One kept rule as it stands. `problems` are why a «done» is not proved; `proof` says what was looked at."""

    rule: str
    state: State
    reason: str = ""
    proof: str = ""
    problems: tuple[str, ...] = ()


Prove = Callable[[Path, Manifest], list[str]]


def check(root: Path, manifest: Manifest) -> list[Finding]:
    """Return how the party stands to every kept rule, and to its README."""
    findings = [_finding(root, manifest, name) for name in KEPT_RULES]
    missing = readme_problems(root, manifest)
    state: State = "broken" if missing else "done"
    return [*findings, Finding(rule="readme", state=state, proof="headings and settings", problems=tuple(missing))]


def weak_algorithms(party: str) -> Iterator[tuple[str, str, str]]:
    """Yield (profile, algorithm, why) of every weak algorithm among the party's signature profiles."""
    module = _module(party, "signatures")
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


def _checks_who_it_talks_to(root: Path, manifest: Manifest) -> list[str]:
    """No file of the connector turns a check off; SFTP pins the host key."""
    problems = []
    for path in sorted((root / "connectors" / manifest.party).rglob("*.py")):
        if UNCHECKED.search(path.read_text(encoding="utf-8")):
            problems.append(f"{path.relative_to(root)}: a check is turned off")
    pinned = any(one.name == "host_key" and one.required for one in manifest.settings)
    if manifest.transport == "sftp" and not pinned:
        problems.append("host_key must be a required setting")
    return problems


def _states_time_outs(_root: Path, manifest: Manifest) -> list[str]:
    limits = manifest.limits
    names = ("timeout_s", "connect_timeout_s", "concurrency", "body_bytes_max", "attempts_max", "calls_max")
    problems = [f"{name} must be above 0" for name in names if not 0 < getattr(limits, name) < 10**9]
    return problems + ([f"timeout_s over {TIMEOUT_S_MAX}"] if limits.timeout_s > TIMEOUT_S_MAX else [])


def _has_proved_outcomes(root: Path, manifest: Manifest) -> list[str]:
    """Every capability that sends has a suite, every operation the verb its class needs; the stand-in counts."""
    problems = [] if manifest.operations else ["it sends nothing: exempt, with that reason"]
    problems += [
        f"{one.name}: ASK without ask_{one.name}"
        for one in manifest.operations
        if one.outcome is OutcomeClass.ASK and not _has_verb(root, manifest, f"ask_{one.name}")
    ]
    suites = root / "tests" / "suites"
    if suites.is_dir():  # the suites are not part of an installed product
        problems += [f"no suite for {one}" for one in _sending(manifest) if not (suites / f"test_{one}.py").is_file()]
    return problems + ([] if _records(root, manifest.party) else ["its stand-in counts no effects (state.record)"])


def _has_all_codes(_root: Path, manifest: Manifest) -> list[str]:
    """CODES is there; each verb of it stands for one of the client, and holds every published code and no other."""
    module = _module(manifest.party, "result_codes")
    codes = getattr(module, "CODES", None)
    if not isinstance(codes, ResultCodes):
        return ["no CODES in result_codes.py"]
    problems = [] if codes.party == manifest.party else [f"CODES is of {codes.party!r}"]
    for verb, table in codes.on.items():
        problems += [f"{verb}: no row for {code}" for code in codes.meaning if code not in table]
        problems += [f"{verb}: {code} has no meaning" for code in table if code not in codes.meaning]
    sent = {f"send_{one.name}" for one in manifest.operations}
    return problems + [
        f"no table for {verb}" for verb in sorted(sent - set(codes.on)) if codes.meaning and _calls(verb, manifest)
    ]


def _calls(verb: str, manifest: Manifest) -> bool:
    """An operation sent again by the same key may be made here without a call: then there is no code of an answer."""
    return manifest.operation(verb.removeprefix("send_")).outcome is not OutcomeClass.IDEMPOTENCY_KEY


def _recognises_duplicates(_root: Path, manifest: Manifest) -> list[str]:
    """The hub keeps what comes once by (kind, name, digest); so each kind a party gives must be declared once."""
    kinds = [one.name for one in manifest.feeds] + list(manifest.callbacks)
    return [f"{kind} is declared twice" for kind in sorted({one for one in kinds if kinds.count(one) > 1})]


def _marks_secrets(_root: Path, manifest: Manifest) -> list[str]:
    return [
        f"setting {one.name} looks like a secret and is not one"
        for one in manifest.settings
        if _is_bare(one.name, secret=one.secret)
    ]


def _is_bare(name: str, *, secret: bool) -> bool:
    return bool(SECRET.search(name)) and not secret


def _has_schemas(root: Path, manifest: Manifest) -> list[str]:
    """SOURCE.md says where the forms come from; every kind that is written or read has its mapping."""
    problems = [] if (root / "schemas" / manifest.party / "SOURCE.md").is_file() else ["no SOURCE.md"]
    kinds = [one.name for one in manifest.operations] + [one.name for one in manifest.feeds] + list(manifest.callbacks)
    mappings = root / "mappings" / manifest.party
    return problems + [f"no mapping of {kind}" for kind in kinds if not (mappings / f"{kind}.py").is_file()]


def _can_be_asked(root: Path, manifest: Manifest) -> list[str]:
    asked = [one.name for one in manifest.operations if one.outcome is not OutcomeClass.NEITHER]
    if not asked:
        return ["nothing it sends can be asked about"]
    text = _source(root, manifest.party, "client")
    return [] if re.search(r"def (ask|get)_\w+", text) else ["its client has no verb that asks"]


PROOFS: dict[str, tuple[Prove, str]] = {
    "tls_pinned_or_public_ca": (_checks_who_it_talks_to, "no check is turned off; SFTP pins the host key"),
    "time_outs_stated": (_states_time_outs, "limits of the manifest"),
    "outcome_class_proved": (_has_proved_outcomes, "verbs, suites, a stand-in that counts"),
    "result_codes_complete": (_has_all_codes, "CODES, both ways"),
    "duplicates_recognised": (_recognises_duplicates, "kinds are declared once; the suites send twice"),
    "secrets_never_logged": (_marks_secrets, "names of settings; tests print every client"),
    "schema_checked": (_has_schemas, "SOURCE.md and a mapping for each kind"),
    "read_back_possible": (_can_be_asked, "verbs that ask"),
}
# The capabilities by which we send, each with a suite of its name.
SENDING = (
    Capability.PUSH_DOSSIERS,
    Capability.PUSH_STATUS,
    Capability.TAKE_PAYMENTS,
    Capability.REFUND,
    Capability.SHIP,
    Capability.NOTIFY,
)


def _sending(manifest: Manifest) -> list[Capability]:
    return [one for one in SENDING if one in manifest.capabilities]


def _records(root: Path, party: str) -> bool:
    folder = root / "sandbox" / party
    return not folder.is_dir() or any(".record(" in one.read_text(encoding="utf-8") for one in folder.glob("*.py"))


def _has_verb(root: Path, manifest: Manifest, verb: str) -> bool:
    return f"def {verb}(" in _source(root, manifest.party, "client")


def _source(root: Path, party: str, name: str) -> str:
    path = root / "connectors" / party / f"{name}.py"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _module(party: str, name: str) -> ModuleType | None:
    """Return a module of the connector, None where it has none of that name."""
    path = f"connectors.{party}.{name}"
    return importlib.import_module(path) if importlib.util.find_spec(path) else None
