"""What `truc party new` writes: every room of a party, from templates, working against its own stand-in."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from truc.errors import SetupError
from truc.kit import party_words as words
from truc.manifest import Capability

TEMPLATES = Path(__file__).with_name("templates")
ROOMS = ("connectors", "mappings", "schemas", "sandbox", "tests/connectors", "tests/mappings")
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
NAME_MAX = 20
TITLE = re.compile(r"[^\"\\\n{}|`]{1,40}")
# What a capability cannot do without, here: the suites ask by it.
NEEDS = {
    Capability.SAY_PAYMENT: Capability.TAKE_PAYMENTS,
    Capability.CALL_BACK: Capability.TAKE_PAYMENTS,
    Capability.REFUND: Capability.SAY_PAYMENT,
}
# One treasury is what a province has: there is no template of another. connectors/treasury is the example.
NOT_MADE = frozenset({Capability.REMIT, Capability.CONFIRM})
# Words that would stand for something else: in Python, in a room, or in the hub.
TAKEN = frozenset({"core", "day", "simulation", "truc", "hub", "test", "tests"})

Transport = Literal["rest", "soap", "sftp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewParty:
    """A party to be made. Raises SetupError for what cannot be one, saying what to change."""

    name: str
    title: str
    title_vi: str
    transport: Transport
    can: frozenset[Capability]

    def __post_init__(self) -> None:
        _refuse_name(self.name)
        for title in (self.title, self.title_vi):
            if not TITLE.fullmatch(title):
                raise SetupError('a title has 1 to 40 characters, none of " \\ { } | `', reason="title_malformed")
        _refuse_capabilities(self.transport, self.can)


def files(new: NewParty) -> dict[str, str]:
    """Return path → text of every file of the party; nothing shared is among them."""
    context = _context(new)
    return {path: _rendered(template, context | more) for template, path, more in _plan(new, context)}


def write(root: Path, new: NewParty) -> list[Path]:
    """Write the party under `root` and return the files; SetupError when a room of that name exists."""
    there = [room for room in ROOMS if (root / room / new.name).exists()]
    if there:
        text = f"{there[0]}/{new.name} exists already: choose another name, or take that folder away"
        raise SetupError(text, reason="party_exists")
    written = []
    for path, text in files(new).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
        written.append(root / path)
    return written


def capabilities(listed: str) -> frozenset[Capability]:
    """Return the capabilities of a comma-separated list, or raise SetupError naming those there are."""
    wanted = [one.strip() for one in listed.split(",") if one.strip()]
    known = {str(one): one for one in Capability if one not in NOT_MADE}
    if unknown := [one for one in wanted if one not in known]:
        raise SetupError(f"{unknown[0]!r} is no capability; there are: {', '.join(known)}", reason="unknown_capability")
    return frozenset(known[one] for one in wanted)


def _refuse_name(name: str) -> None:
    if not NAME.fullmatch(name) or not 2 <= len(name) <= NAME_MAX:
        text = f"{name!r}: a name has 2 to {NAME_MAX} characters a-z, 0-9 and single _, a letter first"
        raise SetupError(text, reason="name_malformed")
    if name in TAKEN:
        raise SetupError(f"{name!r} stands for something else here: choose another name", reason="name_taken")


def _refuse_capabilities(transport: Transport, can: frozenset[Capability]) -> None:
    if not can:
        raise SetupError("say what the party can do: --can take_payments,…", reason="no_capability")
    if transport == "sftp" and can != {Capability.FETCH_STATEMENT}:
        text = "over SFTP a party is made that gives statements: --can fetch_statement, and nothing else"
        raise SetupError(text, reason="capability_unfit")
    for one, needed in NEEDS.items():
        if one in can and needed not in can:
            raise SetupError(f"{one} needs {needed}: add it to --can", reason="capability_unfit")


def _plan(new: NewParty, context: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield (template, path, further words) of every file."""
    party, can, by_file = new.name, {str(one) for one in new.can}, new.transport == "sftp"
    yield "connector/__init__.py", f"connectors/{party}/__init__.py", {}
    yield "connector/manifest.py", f"connectors/{party}/manifest.py", {}
    yield "connector/README.md", f"connectors/{party}/README.md", {}
    yield f"connector/client{'_sftp' if by_file else ''}.py", f"connectors/{party}/client.py", {}
    if not by_file:
        yield "connector/result_codes.py", f"connectors/{party}/result_codes.py", {}
        yield "connector/signatures.py", f"connectors/{party}/signatures.py", {}
    if "call_back" in can:
        yield "connector/inbound.py", f"connectors/{party}/inbound.py", {}
    yield from _mappings(party, can, context)
    yield "schema/SOURCE.md", f"schemas/{party}/SOURCE.md", {}
    for one in context["operations"]:
        yield "schema/message.json", f"schemas/{party}/{one['name']}.json", {"one": one}
    if not by_file:
        yield "schema/result_codes.json", f"schemas/{party}/result_codes.json", {}
    if new.transport == "soap":
        yield "schema/service.wsdl", f"schemas/{party}/service.wsdl", {}
    yield "sandbox/__init__.py", f"sandbox/{party}/__init__.py", {}
    yield f"sandbox/server{'_sftp' if by_file else ''}.py", f"sandbox/{party}/server.py", {}
    if by_file:
        yield "sandbox/ssh.py", f"sandbox/{party}/ssh.py", {}
    yield "tests/test_client.py", f"tests/connectors/{party}/test_{party}_client.py", {}
    if not by_file:
        yield "tests/vectors.json", f"tests/connectors/{party}/vectors.json", {}
    yield "tests/test_mappings.py", f"tests/mappings/{party}/test_{party}_mappings.py", {}


def _mappings(party: str, can: set[str], context: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    yield "mapping/__init__.py", f"mappings/{party}/__init__.py", {}
    if can & {"take_payments", "give_dossiers", "track"}:
        yield "mapping/fields.py", f"mappings/{party}/fields.py", {}
    if context["results"] or "refund" in can:
        yield "mapping/states.py", f"mappings/{party}/states.py", {}
    for one in context["operations"]:
        yield "mapping/write.py", f"mappings/{party}/{one['name']}.py", {"one": one}
    for name, what in context["results"].items():
        yield "mapping/result.py", f"mappings/{party}/{name}.py", {"what": what}
    for one in context["feeds"]:
        yield f"mapping/{one['name']}.py", f"mappings/{party}/{one['name']}.py", {}


def _context(new: NewParty) -> dict[str, Any]:
    can = {str(one) for one in new.can}
    operations = [one for one in words.OPERATIONS if one["capability"] in can]
    feeds = [one for one in words.FEEDS if one["capability"] in can]
    cursored = [one for one in feeds if not one["by_day"]]
    results = {name: what for capability, name, what in words.RESULTS if capability in can}
    return {
        "party": new.name,
        "title": new.title,
        "title_vi": new.title_vi,
        "transport": new.transport,
        "can": can,
        "capabilities": [str(one) for one in Capability if one in new.can],
        "operations": operations,
        "feeds": feeds,
        "cursored": cursored,
        "deposits": "fetch_statement" in can and "take_payments" not in can,
        "results": results,
        "integers": words.INTEGERS,
        "pipelines": words.pipelines(new.name, new.title, new.title_vi, can),
        "required": ("host", "login", "host_key", "file_name")
        if new.transport == "sftp"
        else ("host", "login", "password"),
        "wall": words.wall(can, operations=bool(operations), cursored=bool(cursored)),
        "errors": words.errors(can, operations=bool(operations)),
        "imports": words.stand_in_imports(new.transport, can),
        "sorted_imports": words.file_stand_in_imports(new.name),
        "messages": sorted(one["message"] for one in operations if one["name"] == "refund"),
        "readings": words.readings(can),
        "stated": words.stated(can),
        "test_imports": words.test_imports(new.name, can),
        "client_imports": words.client_test_imports(new.name, can, signs=new.transport != "sftp"),
    }


@cache
def _environment() -> Environment:
    # Python and Markdown are written, no HTML: nothing is to be escaped.
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=False,  # noqa: S701  (it writes Python, no page)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["literal"] = _literal
    return made


def _literal(names: Iterable[str]) -> str:
    """Return the names as a tuple is written, in double quotes."""
    quoted = [f'"{name}"' for name in names]
    return f"({quoted[0]},)" if len(quoted) == 1 else f"({', '.join(quoted)})"


def _rendered(template: str, context: dict[str, Any]) -> str:
    return _environment().get_template(f"{template}.j2").render(context)
