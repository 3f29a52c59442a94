"""The reconciliations that are declared, one to a file; found by name."""

from importlib import import_module
from pathlib import Path

from truc.errors import MalformedError
from truc.reconcile.spec import Spec


def declared() -> list[Spec]:
    """Return every declared reconciliation of money."""
    found = (import_module(f"{__name__}.{name}").SPEC for name in _names())
    return [spec for spec in found if isinstance(spec, Spec)]


def named(name: str) -> Spec:
    """Return the reconciliation of that name; raise MalformedError where none is declared."""
    known = {spec.name: spec for spec in declared()}
    if name not in known:
        raise MalformedError(f"--spec: {name!r} is not declared; one of {', '.join(known)}", reason="unknown_spec")
    return known[name]


def _names() -> list[str]:
    return sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
