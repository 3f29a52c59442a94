"""The reconciliations that are declared, one to a file; found by name."""

from importlib import import_module
from pathlib import Path
from typing import TypeVar

from truc.errors import MalformedError
from truc.reconcile.pairs.spec import PairSpec
from truc.reconcile.spec import Spec

Kind = TypeVar("Kind", Spec, PairSpec)


def declared() -> list[Spec]:
    """Return every declared reconciliation of money."""
    return list(_of_kind(Spec).values())


def named(name: str) -> Spec:
    """Return the reconciliation of money of that name; raise MalformedError where none is declared."""
    return _known(_of_kind(Spec), name)


def named_pair(name: str) -> PairSpec:
    """Return the reconciliation of two lists of that name; raise MalformedError where none is declared."""
    return _known(_of_kind(PairSpec), name)


def _of_kind(kind: type[Kind]) -> dict[str, Kind]:
    names = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    found = {name: import_module(f"{__name__}.{name}").SPEC for name in names}
    return {name: spec for name, spec in found.items() if isinstance(spec, kind)}


def _known(specs: dict[str, Kind], name: str) -> Kind:
    if name not in specs:
        raise MalformedError(f"--spec: {name!r} is not declared; one of {', '.join(specs)}", reason="unknown_spec")
    return specs[name]
