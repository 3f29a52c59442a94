"""Rules about parties: each function's docstring is the rule, its answer what a party does not keep."""

import ast
import json
import re
from collections import Counter
from pathlib import Path

import jsonschema

from truc.kit import party_check
from truc.kit.party_check import HEADINGS
from truc.manifest import Capability, Event, Manifest, OutcomeClass
from truc.provider import provider_info

KEPT_RULES = set(party_check.KEPT_RULES)
# What a capability must declare: an operation that hears of an event, or a feed of that name.
HEARS = {
    Capability.PUSH_DOSSIERS: Event.DOSSIER_RECEIVED,
    Capability.PUSH_STATUS: Event.STATUS_CHANGED,
    Capability.TAKE_PAYMENTS: Event.PAYMENT_REQUESTED,
    Capability.REFUND: Event.REFUND_REQUESTED,
    Capability.SHIP: Event.POSTAL_REQUESTED,
    Capability.NOTIFY: Event.NOTICE_DUE,
    Capability.REMIT: Event.REMITTANCE_ORDERED,
}
GIVES = {
    Capability.GIVE_DOSSIERS: "online_dossiers",
    Capability.TRACK: "tracking",
    Capability.FETCH_STATEMENT: "statement",
    Capability.CONFIRM: "confirmation",
}
ROOMS = (
    "connectors/{}/__init__.py",
    "connectors/{}/manifest.py",
    "connectors/{}/client.py",
    "connectors/{}/README.md",
    "mappings/{}/__init__.py",
    "schemas/{}/SOURCE.md",
    "sandbox/{}/server.py",
    "tests/connectors/{}",
    "tests/mappings/{}",
)
SHARED = {"schemas": {"core"}, "sandbox": {"day", "simulation"}}


def defined(path: Path) -> set[str]:
    """Names of the functions a module defines, methods included; none when there is no such module."""
    if not path.is_file():
        return set()
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef)}


def has_the_same_name_in_every_room(root: Path, manifest: Manifest) -> list[str]:
    """A party has its folder, under one name, in every room, with tests in both test rooms."""
    missing = [room.format(manifest.party) for room in ROOMS if not (root / room.format(manifest.party)).exists()]
    untested = [
        room
        for room in (f"tests/connectors/{manifest.party}", f"tests/mappings/{manifest.party}")
        if not list((root / room).glob("test_*.py"))
    ]
    return missing + untested


def is_named_as_its_folder(root: Path, manifest: Manifest) -> list[str]:
    """The word in the manifest is the folder it lies in: connection id, DAG tag, database value and log field."""
    text = (
        (root / "connectors" / manifest.party / "manifest.py").read_text(encoding="utf-8")
        if (root / "connectors" / manifest.party).is_dir()
        else ""
    )
    return [] if f'party="{manifest.party}"' in text else [manifest.party]


def has_one_connection_type(root: Path, manifest: Manifest) -> list[str]:
    """Airflow knows the connection type `truc_<party>`, and the stand-in hands one of that type to the hub."""
    wanted = f"truc_{manifest.party}"
    known = [one["connection-type"] for one in provider_info()["connection-types"]]
    written = [path.read_text(encoding="utf-8") for path in (root / "sandbox" / manifest.party).glob("*.py")]
    problems = [] if known.count(wanted) == 1 else [f"Airflow: {wanted}"]
    return problems + ([] if any(f'"conn_type": "{wanted}"' in text for text in written) else [f"sandbox: {wanted}"])


def is_documented(root: Path, manifest: Manifest) -> list[str]:
    """A party's README has exactly the five headings, in order, and names every setting."""
    path = root / "connectors" / manifest.party / "README.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    problems = [] if tuple(re.findall(r"(?m)^## (.*)$", text)) == HEADINGS else ["headings"]
    return problems + [one.name for one in manifest.settings if not re.search(rf"\b{one.name}\b", text)]


def answers_for_every_kept_rule(_root: Path, manifest: Manifest) -> list[str]:
    """A manifest answers once for every kept rule: done, exempt with its reason, or still to do."""
    counted = Counter(rule.name for rule in manifest.rules)
    problems = [f"unknown: {name}" for name in counted if name not in KEPT_RULES]
    problems += [f"{counted[name]} times: {name}" for name in sorted(KEPT_RULES) if counted[name] != 1]
    problems += [f"state: {rule.name}" for rule in manifest.rules if rule.state not in ("done", "exempt", "todo")]
    return problems + [f"no reason: {one.name}" for one in manifest.rules if one.state == "exempt" and not one.reason]


def can_do_what_it_declares(root: Path, manifest: Manifest) -> list[str]:
    """Every declared operation, feed and callback has its verb in the connector and its reading in the mapping."""
    connector, mapping = root / "connectors" / manifest.party, root / "mappings" / manifest.party
    client = defined(connector / "client.py")
    wanted = [(f"{one.name}.write", "write" in defined(mapping / f"{one.name}.py")) for one in manifest.operations]
    wanted += [(f"send_{one.name}", f"send_{one.name}" in client) for one in manifest.operations]
    asked = [one for one in manifest.operations if one.outcome is OutcomeClass.ASK]
    wanted += [(f"ask_{one.name}", f"ask_{one.name}" in client) for one in asked]
    wanted += [(f"fetch_{one.name}", f"fetch_{one.name}" in client) for one in manifest.feeds]
    read = [*(one.name for one in manifest.feeds), *manifest.callback_names]
    wanted += [(f"{name}.read", "read" in defined(mapping / f"{name}.py")) for name in read]
    asks = [one.name for one in manifest.callbacks if one.does == "asks"]
    wanted += [(f"{name}.write", "write" in defined(mapping / f"{name}.py")) for name in asks]
    wanted += [("inbound.receive", "receive" in defined(connector / "inbound.py"))] if manifest.callbacks else []
    wanted += [("bill.read", "read" in defined(mapping / "bill.py"))] if "get_bill" in client else []
    wanted += [(name, name in client) for name in ("open_client", "close", "probe")]
    return [what for what, there in wanted if not there]


def declares_all_it_can_do(root: Path, manifest: Manifest) -> list[str]:
    """A verb of the client that the manifest does not declare would never be used: declare it or take it away."""
    client = defined(root / "connectors" / manifest.party / "client.py")
    declared = {f"{verb}_{one.name}" for one in manifest.operations for verb in ("send", "ask")}
    declared |= {f"send_{one.name}_batch" for one in manifest.operations if one.batch_max > 1}
    declared |= {f"fetch_{one.name}" for one in manifest.feeds}
    return sorted(name for name in client if re.match("(send|ask|fetch)_", name) and name not in declared)


def takes_the_batches_it_declares(root: Path, manifest: Manifest) -> list[str]:
    """Who declares batches has the verb, and can settle a message alone whose batch was refused."""
    client = defined(root / "connectors" / manifest.party / "client.py")
    batched = [one for one in manifest.operations if one.batch_max > 1]
    problems = [f"no send_{one.name}_batch" for one in batched if f"send_{one.name}_batch" not in client]
    return problems + [f"{one.name}: a batch of NEITHER" for one in batched if one.outcome is OutcomeClass.NEITHER]


def is_run_by_its_pipelines(root: Path, manifest: Manifest) -> list[str]:
    """Every operation and feed is worked by exactly one pipeline, and by the step that fits it."""
    fits = {"deliver": {one.name for one in manifest.operations}}
    fits["fetch"] = {one.name for one in manifest.feeds if not one.by_day}
    fits["fetch_day"] = {one.name for one in manifest.feeds if one.by_day}
    fits["ask_payments"] = {"query"} if Capability.SAY_PAYMENT in manifest.capabilities else set()
    client = defined(root / "connectors" / manifest.party / "client.py")
    fits["ask_parcels"] = {"parcel"} if "get_parcel" in client else set()
    fits["check_postage"] = {"price"} if "get_price" in client else set()
    worked = Counter(name for pipeline in manifest.pipelines for name in pipeline.of)
    declared = set().union(*fits.values())
    problems = [f"{worked[name]} pipelines: {name}" for name in sorted(declared) if worked[name] != 1]
    return problems + [
        f"{one.dag_id}: {name}" for one in manifest.pipelines for name in one.of if name not in fits[one.does]
    ]


def declares_what_its_capabilities_need(root: Path, manifest: Manifest) -> list[str]:
    """A capability is an operation, a feed, a callback or a verb: claimed exactly where that is there."""
    events, feeds = {one.event for one in manifest.operations}, {one.name for one in manifest.feeds}
    there = {capability: event in events for capability, event in HEARS.items()}
    there |= {capability: name in feeds for capability, name in GIVES.items()}
    there[Capability.CALL_BACK] = any(one.caller == "partner" for one in manifest.callbacks)
    there[Capability.SAY_PAYMENT] = "get_payment" in defined(root / "connectors" / manifest.party / "client.py")
    return [str(one) for one, found in there.items() if found != (one in manifest.capabilities)]


def states_the_terms_of_its_payments(root: Path, manifest: Manifest) -> list[str]:
    """Who takes payments says how long they live, when they are asked about, and whether money can go back."""
    if Capability.TAKE_PAYMENTS not in manifest.capabilities:
        return [] if manifest.payments is None else ["terms without payments"]
    if manifest.payments is None:
        return ["no terms"]
    asked, said = manifest.payments.ask_after_s, Capability.SAY_PAYMENT in manifest.capabilities
    query = "read" in defined(root / "mappings" / manifest.party / "query.py")
    problems = [] if bool(asked) == said else ["ask_after_s"]
    problems += [] if list(asked) == sorted(asked) else ["ask_after_s is not in order"]
    problems += [] if query or not said else ["query.read"]
    says = "get_refund" in defined(root / "connectors" / manifest.party / "client.py")
    problems += [] if bool(manifest.payments.refund_ask_after_s) == says else ["refund_ask_after_s"]
    gives = manifest.payments.refunds != "none"
    return problems + ([] if gives == (Capability.REFUND in manifest.capabilities) else ["refunds"])


def proves_what_it_says_is_done(root: Path, manifest: Manifest) -> list[str]:
    """Every kept rule that is «done» has its proof: what `truc party check` says."""
    return [f"{one.rule}: {text}" for one in party_check.check(root, manifest) for text in one.problems]


def keeps_its_secrets_apart(_root: Path, manifest: Manifest) -> list[str]:
    """Settings are named once, and one that looks like a secret is declared one."""
    counted = Counter(one.name for one in manifest.settings)
    problems = [f"twice: {name}" for name, count in counted.items() if count > 1]
    looks = re.compile(r"password|secret|private_key|access_key|token$|passphrase")
    return problems + [one.name for one in manifest.settings if looks.search(one.name) and not one.secret]


def states_its_time_outs(_root: Path, manifest: Manifest) -> list[str]:
    """No call waits for ever, and no answer or loop is without an end."""
    limits = manifest.limits
    names = ("timeout_s", "connect_timeout_s", "concurrency", "body_bytes_max", "attempts_max", "backoff_s")
    return [name for name in names if not 0 < getattr(limits, name) < 10**9] + (
        ["timeout_s"] if limits.timeout_s > 300 else []
    )


def has_readable_schemas(root: Path, manifest: Manifest) -> list[str]:
    """Every JSON Schema of a party is one, of the dialect 2020-12."""
    problems = []
    for path in sorted((root / "schemas" / manifest.party).glob("*.json")):
        try:
            schema = json.loads(path.read_text(encoding="utf-8"))
            jsonschema.Draft202012Validator.check_schema(schema)
        except (ValueError, jsonschema.SchemaError):
            problems.append(path.name)
            continue
        if schema.get("$schema") != "https://json-schema.org/draft/2020-12/schema":
            problems.append(f"dialect: {path.name}")
    return problems


def strangers_in_rooms(root: Path, parties: set[str]) -> list[str]:
    """No room has a folder for a party that has no connector."""
    return [
        f"{room}/{folder.name}"
        for room in ("mappings", "schemas", "sandbox", "tests/connectors", "tests/mappings")
        for folder in sorted((root / room).iterdir())
        if folder.is_dir() and folder.name != "__pycache__"
        if folder.name not in parties | SHARED.get(room, set())
    ]
