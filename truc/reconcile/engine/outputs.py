"""What a plan tells in the end: matches, breaks and verdicts, and the sums of what is in none."""

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from truc.reconcile.engine.inputs import canonical, given
from truc.reconcile.engine.places import FORM, MATCH, NO_MONEY, either, total
from truc.reconcile.engine.plan import Dialect
from truc.reconcile.engine.receipts import Receipts
from truc.reconcile.engine.remittance import Remittance
from truc.reconcile.engine.statement import Ledger
from truc.reconcile.engine.steps import to_sql
from truc.reconcile.row import KINDS
from truc.reconcile.spec import Spec

FORM_OF_MATCH = tuple(name for name in FORM if name != "place")


@dataclass(frozen=True, slots=True)
class Legs:
    """The legs of one reconciliation; those that were not asked are None."""

    ledger: Ledger
    receipts: Receipts | None
    remittance: Remittance | None
    verdicts: ir.Table | None


def queries(legs: Legs, spec: Spec, dialect: Dialect) -> Mapping[str, str]:
    """Return the SQL of clean, other_matches, breaks, aside, given; with further legs of clean_receipts and verdicts.

    An engine puts the rows in the order of their columns. `clean` and `clean_receipts` are matches of which the rest
    goes without saying; `aside` sums the rows that are written nowhere, for no money moved; `given` the rows of all
    sides.
    """
    told = {"clean": _own(legs.ledger.clean)}
    placed = [legs.ledger.places]
    if legs.receipts is not None:
        told["clean_receipts"] = _own(legs.receipts.clean)
        placed.append(legs.receipts.places)
    if legs.remittance is not None:
        placed.append(legs.remittance.places)
    odd = ibis.union(*placed)
    told |= {
        "other_matches": odd.filter(odd.place == MATCH).select(*FORM_OF_MATCH),
        "breaks": odd.filter(~odd.place.isin([MATCH, NO_MONEY])).select(*FORM),
        "aside": _ends(odd.filter(odd.place == NO_MONEY)),
        "given": ibis.union(*_given(legs, spec)),
    }
    if legs.verdicts is not None:
        told["verdicts"] = legs.verdicts
    return {name: to_sql(table, dialect) for name, table in told.items()}


def _own(clean: ir.Table) -> ir.Table:
    """Return of clean pairs what is each one's own (row.py): the more columns, the longer it takes to sort them."""
    number = clean.kind.cases(*((kind, place) for place, kind in enumerate(KINDS)), else_=len(KINDS))
    return clean.select(
        "our_reference",
        number.cast("int8").name("number"),
        "party",
        either(clean.partner_partner_reference, clean.core_partner_reference).name("partner_reference"),
        "agency",
        "day",
        clean.money.name("vnd"),
    )


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
