"""One verdict per core payment that moved money, over the four legs (§8)."""

from typing import Any

from tests.truc.reconcile.engine.oracle_places import MATCH, NO_MONEY, Place
from tests.truc.reconcile.engine.oracle_rows import Row

LEGS = ("ledger", "partner", "treasury", "receipt")


def verdicts(core: list[Row], statement: list[Place], receipts: list[Place], remittance: list[Place]) -> list[Any]:
    """One dict for each readable, counted payment of core."""
    in_statement, in_receipts, in_remittance = _by_row(statement), _by_row(receipts), _by_row(remittance)
    payments = [row for row in core if row.readable and row.family == "payment" and row.counted]
    return [_verdict(row, in_statement[row], in_remittance.get(row), in_receipts.get(row)) for row in payments]


def _by_row(places: list[Place]) -> dict[Row, Place]:
    return {row: one for one in places for row in one.core}


def _verdict(row: Row, statement: Place, remittance: Place | None, receipts: Place | None) -> dict[str, Any]:
    said = {
        "ledger": "fails" if statement.what == "duplicate_in_core" else "holds",
        "partner": "holds" if statement.what == "timing" else _leg(statement),
        "treasury": _leg(remittance),
        "receipt": _leg(receipts),
    }
    failing = [leg for leg in LEGS if said[leg] == "fails"]
    named = {"party": row.party, "our_reference": row.our_reference, "business_on": row.day, "amount_vnd": row.amount}
    return {**named, **said, "first_failing": failing[0] if failing else ""}


def _leg(place: Place | None) -> str:
    if place is None or place.what == NO_MONEY:
        return "not_asked"
    return "holds" if place.what == MATCH else "fails"
