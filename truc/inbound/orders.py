"""Says how our own orders stand to what partners' calls say of them: one indexed read."""

from collections.abc import Collection

from sqlalchemy import Row, text

from truc.inbound.callbacks import About, Standing
from truc.store.opened import Transaction

WAITS = frozenset({"created", "pending", "in_doubt"})  # every other state is an end

_ORDERS = text(
    """
    SELECT our_reference, party, amount_vnd, state, business_on FROM payments
    WHERE our_reference = ANY(CAST(:named AS text[]))
    """
)


def standings_of(transaction: Transaction, asked: Collection[tuple[str, About]]) -> dict[tuple[str, About], Standing]:
    """Return the standing of each (party, order) as the store knows it now: what came just before is not booked yet."""
    if not asked:
        return {}
    named = [about.our_reference for _, about in asked]
    rows = {row.our_reference: row for row in transaction.sql.execute(_ORDERS, {"named": named})}
    return {(party, about): _standing(party, about, rows.get(about.our_reference)) for party, about in asked}


def _standing(party: str, about: About, row: Row[tuple[object, ...]] | None) -> Standing:
    if row is None or row.party != party:
        return Standing.UNKNOWN
    if about.amount_vnd is not None and about.amount_vnd != row.amount_vnd:
        return Standing.AMOUNT_DIFFERS
    waits = row.state in WAITS and row.business_on is None  # money that is booked and doubted had its end
    return Standing.OPEN if waits else Standing.SETTLED
