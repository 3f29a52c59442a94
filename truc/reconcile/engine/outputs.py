"""What a plan tells in the end: matches, breaks and verdicts, and the sums of what is in none."""

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from truc.reconcile.engine.inputs import canonical, given
from truc.reconcile.engine.places import FORM, MATCH, NO_MONEY, total
from truc.reconcile.engine.plan import Dialect
from truc.reconcile.engine.receipts import Receipts
from truc.reconcile.engine.remittance import Remittance
from truc.reconcile.engine.sift import clean_matches
from truc.reconcile.engine.statement import Ledger
from truc.reconcile.engine.steps import to_sql
from truc.reconcile.row import KINDS, OTHER
from truc.reconcile.spec import Spec

FORM_OF_MATCH = tuple(name for name in FORM if name != "place")
OWN = ("our_reference", "number", "party", "partner_reference", "agency", "day", "vnd")
REST = tuple(name for name in FORM_OF_MATCH if name not in OWN)


@dataclass(frozen=True, slots=True)
class Legs:
    """The legs of one reconciliation; those that were not asked are None."""

    ledger: Ledger
    receipts: Receipts | None
    remittance: Remittance | None
    verdicts: ir.Table | None


def queries(legs: Legs, spec: Spec, dialect: Dialect) -> Mapping[str, str]:
    """Return the SQL of matches, other_matches, breaks, aside, given; and of verdicts where there are further legs.

    An engine puts the rows in the order of their columns. `aside` sums the rows that are written nowhere, for no money
    moved; `given` the rows of all sides.
    """
    clean = [clean_matches(legs.ledger.clean, leg="statement")]
    placed = [legs.ledger.places]
    if legs.receipts is not None:
        clean.append(clean_matches(legs.receipts.clean, leg="receipts"))
        placed.append(legs.receipts.places)
    if legs.remittance is not None:
        placed.append(legs.remittance.places)
    odd = ibis.union(*placed)
    told = {
        **_matches(clean, odd.filter(odd.place == MATCH)),
        "breaks": odd.filter(~odd.place.isin([MATCH, NO_MONEY])).select(*FORM),
        "aside": _ends(odd.filter(odd.place == NO_MONEY)),
        "given": ibis.union(*_given(legs, spec)),
    }
    if legs.verdicts is not None:
        told["verdicts"] = legs.verdicts
    return {name: to_sql(table, dialect) for name, table in told.items()}


def _matches(clean: list[ir.Table], odd: ir.Table) -> dict[str, ir.Table]:
    """Return of all matches what is each one's own (row.py), and of those that are no clean pairs also the rest.

    To sort five million rows takes the longer the more columns there are.
    """
    told = [one.mutate(number=_number(one, leg)) for leg, one in enumerate(clean)]
    told.append(odd.mutate(number=ibis.literal(OTHER, "int8")))
    *_, odd = told = [one.mutate(vnd=one.core_vnd) for one in told]
    # The many before the few: DuckDB 2.0 does not spill a sort whose first rows are the few of another table.
    return {"matches": ibis.union(*(one.select(*OWN) for one in told)), "other_matches": odd.select(*OWN, *REST)}


def _number(clean: ir.Table, leg: int) -> ir.IntegerValue:
    first = leg * len(KINDS)
    return clean.kind.cases(*((kind, first + place) for place, kind in enumerate(KINDS)), else_=OTHER).cast("int8")


def _ends(table: ir.Table) -> ir.Table:
    """Return, for each leg, place and party, how many rows of either side ended there, with what money."""
    return table.group_by("leg", "place", "party").aggregate(
        places=table.count(),
        core_rows=total(table.core_rows),
        partner_rows=total(table.partner_rows),
        core_money_vnd=total(table.core_money_vnd),
        partner_money_vnd=total(table.partner_money_vnd),
        difference_vnd=total(table.difference_vnd),
    )


def _given(legs: Legs, spec: Spec) -> list[ir.Table]:
    """Return how many rows each leg was given of each side and party, with what money: read anew from the inputs."""
    sums = [_sum(canonical(given(side), spec.cut_offs), "statement", of) for side, of in _SIDES.items()]
    if legs.receipts is not None:
        rows = canonical(given("receipts"), spec.cut_offs)
        rows = rows.mutate(money=ibis.ifelse(rows.readable, rows.amount_vnd, rows.money))
        sums += [_sum(legs.receipts.asked, "receipts", "core"), _sum(rows, "receipts", "partner")]
    if legs.remittance is not None:
        rows = canonical(given("remittance"), spec.cut_offs)
        sums += [_sum(legs.remittance.asked, "remittance", "core"), _sum(rows, "remittance", "partner")]
    return sums


_SIDES = {"core": "core", "statement": "partner"}


def _sum(rows: ir.Table, leg: str, side: str) -> ir.Table:
    grouped = rows.group_by("party").aggregate(rows=rows.count(), vnd=total(rows.money))
    return grouped.select(leg=ibis.literal(leg), side=ibis.literal(side), party="party", rows="rows", vnd="vnd")
