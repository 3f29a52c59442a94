"""What statements say of money between an intermediary, our bank accounts and us: payouts, fees, credits."""

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
# What a person said of a credit stands, whatever a statement says of it later.
_SUMS = text(
    f"""{_LINES}
    SELECT line.kind, payments.id IS NOT NULL AND said.id IS NULL AS ours,
        CASE WHEN said.id IS NULL THEN coalesce(payer.party, '') ELSE '' END AS payer,
        sum(line.amount_vnd)::bigint AS amount_vnd, sum(line.fee_vnd)::bigint AS fee_vnd
    FROM line LEFT JOIN payer USING (line_no)
    LEFT JOIN payments ON payments.our_reference = line.our_reference AND payments.party = :party
        AND payments.business_on IS NOT NULL
    LEFT JOIN ledger_entries AS said ON line.partner_reference <> '' AND line.kind <> 'fee'
        AND said.reference = 'identified/' || :party || '/' || line.partner_reference || '/1'
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    """  # noqa: S608  (queries of ours, by name)
)
_IDENTIFIED = text(
    "SELECT line.account, line.amount_vnd FROM ledger_entries AS entry"
    " JOIN ledger_lines AS line ON line.entry_id = entry.id WHERE entry.reference = :entry"
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


def identified(transaction: Transaction, bank: str, reference: str) -> dict[str, int]:
    """Return what a person's word on this credit was booked as: account → đồng, debit positive; nothing without one."""
    rows = transaction.sql.execute(_IDENTIFIED, {"entry": f"identified/{bank}/{reference}/1"})
    return {row.account: int(row.amount_vnd) for row in rows}


def _values(party: str, day: date) -> dict[str, object]:
    apart = timedelta(days=PAYOUT_DAYS)
    return {"party": party, "day": day, "since": day - apart, "until": day + apart}
