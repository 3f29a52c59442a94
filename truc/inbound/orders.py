"""Says how our own orders stand to what partners' calls say of them: one indexed read."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import text

from truc.domain.payment_states import SILENT
from truc.inbound.callbacks import About, Standing
from truc.store.opened import Statement

WAITS = frozenset({"created", "pending", "in_doubt"})  # every other state is an end

_ORDERS = text(
    """
    SELECT our_reference, party, amount_vnd, state, doubt, business_on FROM payments
    WHERE our_reference = ANY(CAST(:named AS text[]))
    """
)


def finding(asked: Collection[tuple[str, About]]) -> Statement:
    """Return what finds the orders that are asked about, each with its party."""
    return _ORDERS, {"named": [about.our_reference for _, about in asked]}


def standings(asked: Collection[tuple[str, About]], rows: Iterable[Any]) -> dict[tuple[str, About], Standing]:
    """Return the standing of each as the rows found tell it: what came just before is not booked yet."""
    found = {row.our_reference: row for row in rows}
    return {(party, about): _standing(party, about, found.get(about.our_reference)) for party, about in asked}


def _standing(party: str, about: About, row: Any) -> Standing:
    if row is None or row.party != party:
        return Standing.UNKNOWN
    if about.amount_vnd is not None and about.amount_vnd != row.amount_vnd:
        return Standing.AMOUNT_DIFFERS
    # Money that is booked and doubted had its end; and where money was spoken of, nobody is to pay again.
    waits = row.state in WAITS and row.business_on is None and row.doubt in (None, *SILENT)
    return Standing.OPEN if waits else Standing.SETTLED
