"""Breaks of one day about payments of an office, and what a clerk and an approver do with them."""

import json
from typing import Any

import pytest

from tests.truc.reconcile.runs import HOA, MINH, broken, keep, name
from truc.errors import MalformedError
from truc.operating import breaks
from truc.reconcile.work import breaks as work
from truc.services import booking


def a_break(office: Any, break_class: str, reference: str, **changes: Any) -> None:
    """A run of the day with one break, of this payment."""
    given = {"our_reference": reference, "partner_reference": f"T-{reference}"} | changes
    row = broken("b1", break_class, **given)
    keep(office.store, f"{break_class}{reference}", breaks=[row], sql=STEPS)


def a_duplicate(office: Any, reference: str) -> None:
    """A run with a second transaction of this payment at the partner."""
    a_break(office, "duplicate_at_partner", reference, partner_reference=f"T2-{reference}")


STEPS = json.dumps(
    [
        {"name": "statement_exact_pairs", "leg": "statement", "sql": "SELECT 1\nFROM rows"},
        {"name": "statement_places", "leg": "statement", "sql": "SELECT 2"},
        {"name": "receipts_pairs", "leg": "receipts", "sql": "SELECT 3"},
    ]
)


def propose(office: Any, proposal: str, reason: str = "other") -> None:
    with office.store.begin() as transaction:
        work.propose(transaction, name("b1"), by=HOA, proposal=proposal, reason_code=reason, remark="vì vậy")


def approve(office: Any, by: Any = MINH) -> breaks.Outcome:
    return breaks.approve(office.store, name("b1"), by=by, book=booking.booker(office.store))


def refused(office: Any, by: Any = MINH) -> str:
    with pytest.raises(MalformedError) as caught:
        approve(office, by)
    return caught.value.reason


def paid(office: Any) -> str:
    reference: str = office.order_payment()
    office.settle(reference)
    return reference
