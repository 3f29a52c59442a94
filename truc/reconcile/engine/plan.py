"""The plan of a reconciliation: every step from the rows given to where each ends, as SQL of one engine.

A declared spec's plan is kept with the code (plans/, written by truc.reconcile.engine.telling), so that a small day
waits for no compiler; it counts only while the rules and the spec it was made from are those at hand.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from truc.reconcile.spec import Side, Spec

Dialect = Literal["duckdb", "pyspark"]
How = Literal["view", "table", "large"]
HERE = Path(__file__).parent
# What runs a plan has no say in what the plan is.
NO_RULES = ("plan.py", "duck.py", "spark.py", "conservation.py", "pairs.py")


@dataclass(frozen=True, slots=True)
class Step:
    """One table: its name, the statement that makes it, the leg it belongs to, and how it is kept.

    A view is worked out anew wherever it is read; a large table may hold every row of a side.
    """

    name: str
    sql: str
    leg: str
    how: How


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps in their order, and what is asked of them in the end: `told`, a query for each name."""

    steps: tuple[Step, ...]
    told: Mapping[str, str]

    def parted(self, name: str) -> tuple["Plan", "Plan"]:
        """Return the plan up to the last step that the query of a name reads, and what comes after."""
        last = max(number for number, step in enumerate(self.steps, 1) if reads(self.told[name], step.name))
        return replace(self, steps=self.steps[:last]), replace(self, steps=self.steps[last:])


def reads(sql: str, name: str) -> bool:
    """Whether a statement names a table, in the quotes of either engine."""
    return f'"{name}"' in sql or f"`{name}`" in sql


@cache
def plan(spec: Spec, dialect: Dialect, sides: tuple[Side, ...] = ()) -> Plan:
    """Return the plan of a spec. `sides` may hold "receipts" and "remittance", in this order."""
    kept = _kept(spec, dialect)
    if kept is not None:
        return _read(kept, sides)
    from truc.reconcile.engine.telling import tell

    return tell(spec, dialect, sides)


def place_of(spec: Spec, dialect: Dialect) -> Path:
    """Return where the plan of a declared spec is kept."""
    return HERE / "plans" / f"{spec.name}.{dialect}.json"


def written(spec: Spec, plans: Mapping[tuple[Side, ...], Plan]) -> str:
    """Return a spec's plans as they are kept: each statement once, whichever plans it is in."""
    sql: dict[str, str] = {}

    def named(statement: str) -> str:
        name = hashlib.sha256(statement.encode()).hexdigest()[:16]
        sql[name] = statement
        return name

    told = {
        "+".join(sides): {
            "steps": [[one.name, one.leg, one.how, named(one.sql)] for one in each.steps],
            "told": {name: named(statement) for name, statement in each.told.items()},
        }
        for sides, each in plans.items()
    }
    return json.dumps({"made_from": made_from(spec), "plans": told, "sql": sql}, ensure_ascii=False, indent=1) + "\n"


def made_from(spec: Spec) -> str:
    """Return SHA-256 over the spec and the text of every rule."""
    whole = hashlib.sha256(spec.digest.encode())
    for path in sorted(HERE.glob("*.py")):
        if path.name not in NO_RULES:
            whole.update(path.read_bytes())
    whole.update((HERE.parent / "row.py").read_bytes())
    return whole.hexdigest()


def _kept(spec: Spec, dialect: Dialect) -> Mapping[str, Any] | None:
    place = place_of(spec, dialect)
    if not place.exists():
        return None
    kept: Mapping[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    return kept if kept["made_from"] == made_from(spec) else None


def _read(kept: Mapping[str, Any], sides: tuple[Side, ...]) -> Plan:
    found, sql = kept["plans"]["+".join(sides)], kept["sql"]
    steps = tuple(Step(name, sql[statement], leg, how) for name, leg, how, statement in found["steps"])
    return Plan(steps, {name: sql[statement] for name, statement in found["told"].items()})
