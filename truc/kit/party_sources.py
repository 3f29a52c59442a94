"""What the source of a connector says: which of its fields hold secrets, and what it writes, opens and turns off."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SECRET = re.compile(r"password|secret|private_key|access_key|token$|passphrase")
# Words of code that turn a check of certificates or host keys off.
UNCHECKED = re.compile(
    r"verify\s*=\s*False|CERT[_]NONE|_create[_]unverified|check_hostname\s*=\s*False|AutoAdd[P]olicy"
)
# Libraries that reach the network: a connector goes by truc.transport, whose calls all have an end.
NETWORK = frozenset(
    {"aiohttp", "asyncio", "ftplib", "http", "httpx", "paramiko", "requests", "smtplib", "socket", "ssl", "urllib3"}
    | {"urllib.request", "zeep"}
)
TRANSPORTS = frozenset({"Rest", "Soap", "Smtp"})
LOGS = frozenset({"log", "logger", "logging"})


def trees(root: Path, party: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield path (from the root) and syntax tree of every module of the connector."""
    for path in sorted((root / "connectors" / party).rglob("*.py")):
        yield str(path.relative_to(root)), ast.parse(path.read_text(encoding="utf-8"))


def unchecked(root: Path, party: str) -> list[str]:
    """Return where a check of certificates or host keys is turned off, or a transport gets no TLS context."""
    problems = []
    for name, tree in trees(root, party):
        if UNCHECKED.search((root / name).read_text(encoding="utf-8")):
            problems.append(f"{name}: a check is turned off")
        for call in _calls(tree):
            if _name(call.func) in TRANSPORTS and not any(one.arg == "tls" for one in call.keywords):
                problems.append(f"{name}:{call.lineno}: {_name(call.func)} without tls=")
    return problems


def around_transports(root: Path, party: str) -> list[str]:
    """Return the imports by which a connector could reach the network without a time-out."""
    problems = []
    for name, tree in trees(root, party):
        for node in ast.walk(tree):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
            reached = NETWORK & {part for one in names for part in (one, one.partition(".")[0])}
            problems += [f"{name}: {one} is called past truc.transport" for one in sorted(reached)]
    return problems


def shown_secrets(root: Path, party: str, settings: frozenset[str]) -> list[str]:
    """Return what of a connector could show one of these settings: a printed field, a text of an error, a log.

    A field is one of a dataclass of the connector that is given the setting, or is named as a secret is.
    """
    modules = list(trees(root, party))
    given = {found for _, tree in modules for found in _given(tree, settings)}
    problems = []
    for name, tree in modules:
        problems += [f"{name}: {one} is printed: repr=False" for one in _printed(tree, given)]
        problems += [f"{name}:{line}: a secret in a text that is raised or kept" for line in _told(tree)]
        problems += [f"{name}:{one.lineno}: a connector logs nothing itself" for one in _calls(tree) if _logs(one)]
    return problems


def _given(tree: ast.Module, settings: frozenset[str]) -> Iterator[tuple[str, str | int]]:
    """Yield (class, field or position) of every argument that is read from one of these settings."""
    for call in _calls(tree):
        told: list[tuple[str | int, ast.expr]] = [(one.arg, one.value) for one in call.keywords if one.arg]
        told += list(enumerate(call.args))
        for where, value in told:
            if any(_reads(one, settings) for one in _calls(value)):
                yield _name(call.func), where


def _reads(call: ast.Call, settings: frozenset[str]) -> bool:
    if _name(call.func) not in ("required", "optional") or not call.args:
        return False
    return isinstance(call.args[0], ast.Constant) and call.args[0].value in settings


def _printed(tree: ast.Module, given: set[tuple[str, str | int]]) -> Iterator[str]:
    for made in ast.walk(tree):
        if not isinstance(made, ast.ClassDef) or not any(
            "dataclass" in ast.unparse(one) for one in made.decorator_list
        ):
            continue
        fields = [one for one in made.body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)]
        for number, one in enumerate(fields):
            field = ast.unparse(one.target)
            named = SECRET.search(field) and ast.unparse(one.annotation) in ("str", "bytes")
            plain = ast.unparse(one.annotation) in ("str", "bytes", "dict[str, str]", "Mapping[str, str]")
            told = plain and ((made.name, field) in given or (made.name, number) in given)
            if (named or told) and "repr=False" not in (ast.unparse(one.value) if one.value else ""):
                yield f"{made.name}.{field}"


def _told(tree: ast.Module) -> Iterator[int]:
    """Yield the lines of texts with a secret in them that are raised, given to an error, or kept under a name."""
    for node in ast.walk(tree):
        texts: list[ast.AST] = []
        if isinstance(node, ast.Raise):
            texts = [node]
        elif isinstance(node, ast.Assign):
            texts = [node.value] if isinstance(node.value, ast.JoinedStr) else []
        elif isinstance(node, ast.Call) and _name(node.func).endswith("Error"):
            texts = [*node.args]
        for text in texts:
            yield from (one.lineno for one in ast.walk(text) if isinstance(one, ast.FormattedValue) and _secret(one))


def _secret(value: ast.FormattedValue) -> bool:
    return any(
        SECRET.search(one.attr if isinstance(one, ast.Attribute) else one.id)
        for one in ast.walk(value.value)
        if isinstance(one, ast.Attribute | ast.Name)
    )


def _logs(call: ast.Call) -> bool:
    of = call.func.value if isinstance(call.func, ast.Attribute) else None
    return _name(call.func) == "print" or (isinstance(of, ast.Name) and of.id in LOGS)


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (one for one in ast.walk(tree) if isinstance(one, ast.Call))


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
