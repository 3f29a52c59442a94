"""What statements say of money between an intermediary, our bank accounts and us: payouts, fees, credits."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import text

from truc.store.opened import Transaction

# How far apart the two words on a payout may lie: the intermediary's, that it paid us, and the bank's, that it came.
PAYOUT_DAYS = 31

# A statement that the gate holds back says nothing yet; of a day the newest version that it does not hold back counts.
_NEWEST = """
    newest AS (
        SELECT DISTINCT ON (party, business_on) id, party, business_on
        FROM statements
        WHERE business_on BETWEEN :since AND :until AND NOT EXISTS (
            SELECT FROM statement_gates AS gate WHERE gate.statement_id = statements.id AND gate.state = 'waits')
        ORDER BY party, business_on, version DESC
    )
"""
# Whose payout a credit is, is taken from a reference that it shares with the settlement lines of one party alone.
_LINES = f"""
    WITH {_NEWEST}, line AS (
        SELECT line.* FROM newest JOIN statement_lines AS line ON line.statement_id = newest.id
        WHERE newest.party = :party AND newest.business_on = :day AND line.state IN ('paid', 'refunded')
    ), told AS (
        SELECT DISTINCT newest.party, named.reference
        FROM newest JOIN statement_lines AS other ON other.statement_id = newest.id
        CROSS JOIN LATERAL (VALUES (other.our_reference), (other.partner_reference)) AS named(reference)
        WHERE newest.party <> :party AND other.kind = 'settlement' AND other.state = 'paid' AND named.reference <> ''
    ), payer AS (
        SELECT line.line_no, min(told.party) AS party
        FROM line JOIN told ON told.reference IN (line.our_reference, line.partner_reference)
        WHERE line.kind = 'settlement'
        GROUP BY line.line_no HAVING count(DISTINCT told.party) = 1
    )
"""  # noqa: S608  (queries of ours, by name)
_SUMS = text(
    f"""{_LINES}
    SELECT line.kind, payments.id IS NOT NULL AS ours, coalesce(payer.party, '') AS payer,
        sum(line.amount_vnd)::bigint AS amount_vnd, sum(line.fee_vnd)::bigint AS fee_vnd
    FROM line LEFT JOIN payer USING (line_no)
    LEFT JOIN payments ON payments.our_reference = line.our_reference AND payments.party = :party
        AND payments.business_on IS NOT NULL
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    """  # noqa: S608  (queries of ours, by name)
)
_CREDITS = text(
    f"""{_LINES}
    SELECT line.partner_reference, line.amount_vnd, line.occurred_at
    FROM line JOIN payer USING (line_no)
    WHERE payer.party = :payer
    ORDER BY line.line_no
    """  # noqa: S608  (queries of ours, by name)
)
_DAYS = text(
    f"WITH {_NEWEST} SELECT party, business_on FROM newest ORDER BY business_on, party"  # noqa: S608  (as above)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """What lines of one kind come to. `ours`: they name payments of ours; `payer`: whose payouts they are, or ""."""

    kind: str
    ours: bool
    payer: str
    amount_vnd: int
    fee_vnd: int


def sums(transaction: Transaction, party: str, day: date) -> list[Sum]:
    """Return what the party's statement of that day comes to; nothing where none has come."""
    return [Sum(**row._mapping) for row in transaction.sql.execute(_SUMS, _values(party, day))]


def days(transaction: Transaction, *, since: date, until: date) -> list[tuple[str, date]]:
    """Return the (party, business day) of which there is a statement, oldest day first."""
    rows = transaction.sql.execute(_DAYS, {"since": since, "until": until})
    return [(row.party, row.business_on) for row in rows]


def payouts(transaction: Transaction, party: str, day: date, banks: tuple[str, ...]) -> Iterator[dict[str, object]]:
    """Yield, as settlement rows, what our banks say that an intermediary paid us on that day."""
    for bank in banks:
        for row in transaction.sql.execute(_CREDITS, _values(bank, day) | {"payer": party}):
            yield {
                "party": party,
                "business_on": day,
                "our_reference": "",
                "partner_reference": row.partner_reference,
                "kind": "settlement",
                "amount_vnd": row.amount_vnd,
                "fee_vnd": 0,
                "state": "paid",
                "occurred_at": row.occurred_at,
            }


def _values(party: str, day: date) -> dict[str, object]:
    apart = timedelta(days=PAYOUT_DAYS)
    return {"party": party, "day": day, "since": day - apart, "until": day + apart}
