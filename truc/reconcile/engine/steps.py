"""Writes the steps of a reconciliation down as the rules are told; a rule sees only named tables, never data."""

from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir

from truc.reconcile.engine.plan import Dialect, How, Step


@dataclass(slots=True)
class Steps:
    """The steps so far, and the leg that is being told."""

    dialect: Dialect
    leg: str
    written: list[Step] = field(default_factory=list)

    def keep(self, name: str, table: ir.Table, how: How = "table") -> ir.Table:
        """Write a step down that makes the table, and return what later steps know of it."""
        named = f"{self.leg}_{name}"
        self.written.append(Step(named, to_sql(table, self.dialect), self.leg, how))
        return ibis.table(table.schema(), name=named)


def to_sql(table: ir.Table, dialect: Dialect) -> str:
    """Return the statement that makes a table."""
    return str(ibis.to_sql(table, dialect=dialect, pretty=False))
