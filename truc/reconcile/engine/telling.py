"""Tells the rules of a spec, leg after leg, into a plan.

`python -m truc.reconcile.engine.telling` keeps the plans of those declared.
"""

import sys

from truc.reconcile import specs
from truc.reconcile.engine import outputs, receipts, remittance, statement, verdicts
from truc.reconcile.engine.plan import Dialect, Plan, place_of, written
from truc.reconcile.engine.steps import Steps
from truc.reconcile.spec import Side, Spec

DIALECTS: tuple[Dialect, ...] = ("duckdb", "pyspark")
FURTHER: tuple[tuple[Side, ...], ...] = ((), ("receipts",), ("remittance",), ("receipts", "remittance"))


def tell(spec: Spec, dialect: Dialect, sides: tuple[Side, ...]) -> Plan:
    """Return the plan of a spec, told anew."""
    steps = Steps(dialect, statement.LEG)
    ledger = statement.reconcile(steps, spec)
    receipt_leg = remittance_leg = told = None
    if "receipts" in sides:
        steps.leg = receipts.LEG
        receipt_leg = receipts.reconcile(steps, spec, ledger)
    if "remittance" in sides:
        steps.leg = remittance.LEG
        remittance_leg = remittance.reconcile(steps, spec, ledger)
    if sides:
        steps.leg = "payment"
        told = verdicts.judge(steps, ledger, receipt_leg, remittance_leg)
    legs = outputs.Legs(ledger, receipt_leg, remittance_leg, told)
    return Plan(tuple(steps.written), outputs.queries(legs, spec, dialect))


def told_anew(spec: Spec, dialect: Dialect) -> str:
    """Return the text in which a spec's plans are kept."""
    return written(spec, {sides: tell(spec, dialect, sides) for sides in FURTHER})


def main() -> int:
    """Keep the plans of every declared spec."""
    for spec in specs.declared():
        for dialect in DIALECTS:
            place = place_of(spec, dialect)
            place.parent.mkdir(exist_ok=True)
            place.write_text(told_anew(spec, dialect), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
