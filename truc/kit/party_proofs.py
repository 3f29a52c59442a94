"""The proofs of what a party says it keeps: for each kept rule what is looked at, and why it is not proved.

Rules about what happens on the wire are proved by tests that run for every party which declares the capability; here
is looked whether these tests are there. An installation without `tests/` has no such look.
"""

import ast
import importlib
import importlib.util
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

from truc import parties
from truc.errors import MalformedError, SetupError
from truc.kit import party_sources
from truc.kit.party_sources import SECRET
from truc.manifest import Capability, Event, Manifest, Operation, OutcomeClass
from truc.messages import Unreadable
from truc.result_codes import ResultCodes

TIMEOUT_S_MAX = 300
GARBAGE = (b"", b"\x00\xff<not what you expect", b"{}", b"[1]", b'"text"', b"<a/>")
# The capabilities by which we send, each with a suite of its name.
SENDING = (
    Capability.PUSH_DOSSIERS,
    Capability.PUSH_STATUS,
    Capability.TAKE_PAYMENTS,
    Capability.REFUND,
    Capability.SHIP,
    Capability.NOTIFY,
    Capability.REMIT,
)
FETCHING = (Capability.GIVE_DOSSIERS, Capability.TRACK, Capability.FETCH_STATEMENT, Capability.CONFIRM)
ONCE = ("test_it_happens_once_whatever_goes_wrong",)
CODES_TOLD = ("test_each_code_does_what_the_table_says", "test_no_unknown_code_is_taken_for_success")
# Each comes a second time: a fetch, a call of the partner, a message of ours after a lost answer.
TWICE = {
    **dict.fromkeys(FETCHING, ("test_it_comes_whole_and_twice_the_same",)),
    **dict.fromkeys(SENDING, ONCE),
    Capability.CALL_BACK: (
        "test_a_call_that_comes_twice_is_taken_once",
        "test_a_call_sent_again_by_somebody_else_later_changes_nothing",
    ),
}
HIDDEN = "tests/connectors/test_secrets_stay_hidden.py"
HIDDEN_TESTS = (
    "test_nothing_a_client_holds_shows_a_secret_when_printed",
    "test_no_failure_and_no_log_of_a_client_shows_a_secret",
)

Prove = Callable[[Path, Manifest], list[str]]


def checks_who_it_talks_to(root: Path, manifest: Manifest) -> list[str]:
    """No file of the connector turns a check off, every transport gets the party's context; SFTP pins the host key."""
    problems = party_sources.unchecked(root, manifest.party)
    pinned = any(one.name == "host_key" and one.required for one in manifest.settings)
    if manifest.transport == "sftp" and not pinned:
        problems.append("host_key must be a required setting")
    return problems


def states_time_outs(root: Path, manifest: Manifest) -> list[str]:
    """Every limit is above 0, and no call is made past the transports, which keep them."""
    limits = manifest.limits
    names = ("timeout_s", "connect_timeout_s", "concurrency", "body_bytes_max", "attempts_max", "calls_max")
    problems = [f"{name} must be above 0" for name in names if not 0 < getattr(limits, name) < 10**9]
    problems += [f"timeout_s over {TIMEOUT_S_MAX}"] if limits.timeout_s > TIMEOUT_S_MAX else []
    return problems + party_sources.around_transports(root, manifest.party)


def has_proved_outcomes(root: Path, manifest: Manifest) -> list[str]:
    """Every capability that sends has its suite, every operation the verb its class needs; the stand-in counts."""
    problems = [] if manifest.operations else ["it sends nothing: exempt, with that reason"]
    problems += [
        f"{one.name}: ASK without ask_{one.name}"
        for one in manifest.operations
        if one.outcome is OutcomeClass.ASK and not _has_verb(root, manifest, f"ask_{one.name}")
    ]
    for one in SENDING:
        problems += _suite_problems(root, one, ONCE) if one in manifest.capabilities else []
    return problems + ([] if _records(root, manifest.party) else ["its stand-in counts no effects (state.record)"])


def has_all_codes(root: Path, manifest: Manifest) -> list[str]:
    """CODES holds exactly the published list, for every verb of the client it is about; so does every further table.

    The list is kept apart from the table, as schemas/<party>/result_codes.json (result_codes_payment.json of PAYMENT).
    """
    module = module_of(manifest.party, "result_codes")
    codes = getattr(module, "CODES", None)
    if not isinstance(codes, ResultCodes):
        return ["no CODES in result_codes.py"]
    problems = [] if codes.party == manifest.party else [f"CODES is of {codes.party!r}"]
    for name, table in sorted(vars(module).items()):
        problems += _unlike_published(root, name, table) if isinstance(table, ResultCodes) else []
    for verb, on in codes.on.items():
        problems += [f"{verb}: no row for {code}" for code in codes.meaning if code not in on]
        problems += [f"{verb}: {code} has no meaning" for code in on if code not in codes.meaning]
    for one in SENDING:
        problems += _suite_problems(root, one, CODES_TOLD) if one in manifest.capabilities else []
    sent = {f"send_{one.name}" for one in manifest.operations}
    return problems + [
        f"no table for {verb}" for verb in sorted(sent - set(codes.on)) if codes.meaning and _calls(verb, manifest)
    ]


def recognises_duplicates(root: Path, manifest: Manifest) -> list[str]:
    """Each kind is declared once, as the hub keeps by (kind, name, digest); a suite sends each a second time."""
    kinds = [one.name for one in manifest.feeds] + list(manifest.callback_names)
    problems = [f"{kind} is declared twice" for kind in sorted({one for one in kinds if kinds.count(one) > 1})]
    for capability, names in TWICE.items():
        problems += _suite_problems(root, capability, names) if capability in manifest.capabilities else []
    return problems


def hides_secrets(root: Path, manifest: Manifest) -> list[str]:
    """Secret settings are marked, no source of the connector shows one, and tests make every client fail and look."""
    problems = [
        f"setting {one.name} looks like a secret and is not one"
        for one in manifest.settings
        if SECRET.search(one.name) and not one.secret
    ]
    secret = frozenset(one.name for one in manifest.settings if one.secret)
    problems += party_sources.shown_secrets(root, manifest.party, secret)
    return problems + _missing_tests(root, HIDDEN, HIDDEN_TESTS, each="PARTIES")


def has_schemas(root: Path, manifest: Manifest) -> list[str]:
    """SOURCE.md names every form; every kind has its mapping, and none that reads takes garbage for a message."""
    folder = root / "schemas" / manifest.party
    source = folder / "SOURCE.md"
    said = source.read_text(encoding="utf-8") if source.is_file() else ""
    problems = [] if said else ["no SOURCE.md"]
    problems += [f"SOURCE.md does not name {one.name}" for one in _files(folder) if said and one.name not in said]
    read = [*(one.name for one in manifest.feeds), *manifest.callback_names]
    kinds = [*(one.name for one in manifest.operations), *read]
    mappings = root / "mappings" / manifest.party
    missing = {kind for kind in kinds if not (mappings / f"{kind}.py").is_file()}
    problems += [f"no mapping of {kind}" for kind in kinds if kind in missing]
    return problems + [f"{kind} reads garbage" for kind in read if kind not in missing and _takes(manifest.party, kind)]


def can_be_asked(root: Path, manifest: Manifest) -> list[str]:
    """Each thing it sends that may have happened unseen can be asked about by a verb of the client."""
    asked = [one for one in manifest.operations if one.outcome is not OutcomeClass.NEITHER]
    if not asked:
        return ["nothing it sends can be asked about"]
    return [f"{one.name}: no verb of the client asks" for one in asked if not _is_asked(root, manifest, one)]


PROOFS: dict[str, tuple[Prove, str]] = {
    "tls_pinned_or_public_ca": (checks_who_it_talks_to, "no check turned off, tls= of every transport; host key"),
    "time_outs_stated": (states_time_outs, "limits of the manifest; no call past the transports"),
    "outcome_class_proved": (has_proved_outcomes, "verbs; the suites count effects at the stand-in after each fault"),
    "result_codes_complete": (has_all_codes, "CODES against the published list; the suites insist on each"),
    "duplicates_recognised": (recognises_duplicates, "kinds are declared once; the suites send each twice"),
    "secrets_never_logged": (hides_secrets, "settings, source; tests make every client fail and look at all it says"),
    "schema_checked": (has_schemas, "SOURCE.md names each form; mappings refuse garbage"),
    "read_back_possible": (can_be_asked, "a verb that asks, for each thing it sends"),
}


def module_of(party: str, name: str) -> ModuleType | None:
    """Return a module of the connector, None where it has none of that name."""
    path = f"connectors.{party}.{name}"
    return importlib.import_module(path) if importlib.util.find_spec(path) else None


def _unlike_published(root: Path, name: str, table: ResultCodes) -> list[str]:
    suffix = "" if name == "CODES" else f"_{name.lower()}"
    path = root / "schemas" / table.party / f"result_codes{suffix}.json"
    if not path.is_file():
        return [f"{name}: no published list, schemas/{table.party}/{path.name}"]
    published = set(json.loads(path.read_text(encoding="utf-8"))["enum"])
    return [f"{name}: {code} is published and has no row" for code in sorted(published - set(table.meaning))] + [
        f"{name}: {code} is not published" for code in sorted(set(table.meaning) - published)
    ]


def _calls(verb: str, manifest: Manifest) -> bool:
    """An operation sent again by the same key may be made here without a call: then there is no code of an answer."""
    return manifest.operation(verb.removeprefix("send_")).outcome is not OutcomeClass.IDEMPOTENCY_KEY


def _suite_problems(root: Path, capability: Capability, names: Iterable[str]) -> list[str]:
    return _missing_tests(root, f"tests/suites/test_{capability}.py", names, each="EVERY_PARTY", of=capability)


def _missing_tests(
    root: Path, path: str, names: Iterable[str], *, each: str, of: Capability | None = None
) -> list[str]:
    """Return which tests are not there, or do not run for every party there is (that declares `of`)."""
    if not (root / "tests").is_dir():
        return []
    if not (root / path).is_file():
        return [f"no {path}"]
    tree = ast.parse((root / path).read_text(encoding="utf-8"))
    decorators = {one.name: " ".join(map(ast.unparse, one.decorator_list)) for one in _functions(tree)}
    problems = [f"{path}: no {name}" for name in names if name not in decorators]
    for name in names:
        marks = decorators.get(name, each)
        if each not in marks or "skip" in marks or "xfail" in marks:
            problems.append(f"{path}: {name} does not run for every party")
    if of is not None and f"Capability.{of.name}" not in _assigned(tree, each):
        problems.append(f"{path}: {each} is not every party that declares {of}")
    return problems


def _functions(tree: ast.Module) -> list[ast.FunctionDef]:
    return [one for one in tree.body if isinstance(one, ast.FunctionDef)]


def _assigned(tree: ast.Module, name: str) -> str:
    for one in tree.body:
        if isinstance(one, ast.Assign) and [ast.unparse(target) for target in one.targets] == [name]:
            return ast.unparse(one.value)
    return ""


def _records(root: Path, party: str) -> bool:
    folder = root / "sandbox" / party
    return not folder.is_dir() or any(".record(" in one.read_text(encoding="utf-8") for one in folder.glob("*.py"))


def _files(folder: Path) -> list[Path]:
    return sorted(one for one in folder.glob("*") if one.is_file() and one.name != "SOURCE.md")


def _takes(party: str, kind: str) -> bool:
    """Say whether the mapping makes a message of what is none; Unreadable and MalformedError are its words for that."""
    read = parties.reader(party, kind)
    for garbage in GARBAGE:
        try:
            items = list(read(garbage))
        except (MalformedError, SetupError):
            continue
        if any(not isinstance(one, Unreadable) for one in items):
            return True
    return False


def _is_asked(root: Path, manifest: Manifest, one: Operation) -> bool:
    if _has_verb(root, manifest, f"ask_{one.name}"):
        return True
    # An order that may be sent again by its name is asked about by the payment's own question.
    paid = one.event is Event.PAYMENT_REQUESTED and Capability.SAY_PAYMENT in manifest.capabilities
    return one.outcome is OutcomeClass.IDEMPOTENCY_KEY and paid and _has_verb(root, manifest, "get_payment")


def _has_verb(root: Path, manifest: Manifest, verb: str) -> bool:
    path = root / "connectors" / manifest.party / "client.py"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return f"def {verb}(" in text
