"""What stands behind a balance of the ledger: the causes that nothing has met yet, the oldest met first."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, text

from truc.store.opened import Transaction

_BALANCES = text(
    """
    SELECT account, sum(amount_vnd)::bigint AS vnd FROM ledger_lines
    GROUP BY account HAVING sum(amount_vnd) <> 0 ORDER BY account
    """
)
# A cause is a payment with its refunds, an order, the statement of a day, or what a person identified. The refund of a
# duplicate is of the break that booked it, under whose name it was asked for. Money to an
# agency is met by the lines of the orders that stand. What is exactly met falls out; of the rest, what lies on the
# other side of the account names no cause of this side, and meets the oldest first.
_BEHIND = text(
    """
    WITH entry AS (
        SELECT entry.reference, entry.business_on, line.amount_vnd,
            split_part(entry.reference, '/', 1) AS kind, split_part(entry.reference, '/', 2) AS name
        FROM ledger_lines AS line JOIN ledger_entries AS entry ON entry.id = line.entry_id
        WHERE line.account = :account
    ), caused AS (
        SELECT CASE WHEN refunds.partner_transaction IS NOT NULL THEN 'break/' || refunds.source_reference
            ELSE 'payment/' || coalesce(payments.our_reference, entry.name) END AS cause, entry.business_on,
            entry.amount_vnd
        FROM (SELECT * FROM entry WHERE kind IN ('payment', 'refund')) AS entry
        LEFT JOIN refunds ON entry.kind = 'refund' AND refunds.refund_reference = entry.name
        LEFT JOIN payments ON payments.id = refunds.payment_id
        UNION ALL
        SELECT CASE WHEN kind = 'statement' THEN kind || '/' || name || '/' || split_part(reference, '/', 3)
            WHEN kind = 'remittance' THEN kind || '/' || name
            ELSE reference END, business_on, amount_vnd
        FROM entry
        WHERE kind NOT IN ('payment', 'refund') AND NOT (kind = 'remittance' AND :account LIKE 'collected:%')
        UNION ALL
        SELECT 'payment/' || payments.our_reference, line.business_on,
            CASE line.what WHEN 'payment' THEN line.amount_vnd WHEN 'refund' THEN -line.amount_vnd ELSE 0 END
        FROM (SELECT name FROM entry WHERE kind = 'remittance' GROUP BY name HAVING sum(amount_vnd) <> 0) AS stands
        JOIN remittance_orders ON remittance_orders.remittance_reference = stands.name
        JOIN remittance_lines AS line ON line.order_id = remittance_orders.id
        JOIN payments ON payments.id = line.payment_id
        WHERE :account LIKE 'collected:%'
    ), cause AS (
        SELECT cause, min(business_on) AS business_on, sum(amount_vnd) AS vnd FROM caused
        GROUP BY cause HAVING sum(amount_vnd) <> 0
    ), total AS (
        SELECT sign(sum(vnd)) AS side, sum(vnd) AS vnd FROM cause
    ), sided AS (
        SELECT cause, business_on, cause.vnd,
            sum(abs(cause.vnd)) OVER (ORDER BY business_on, cause) AS running,
            sum(abs(cause.vnd)) OVER () - abs(total.vnd) AS met
        FROM cause CROSS JOIN total WHERE sign(cause.vnd) = total.side
    )
    SELECT cause, business_on, (sign(vnd) * least(abs(vnd), running - met))::bigint AS vnd, count(*) OVER () AS causes
    FROM sided WHERE running > met ORDER BY business_on, cause LIMIT :most
    """
)
_BREAKS = text(
    """
    SELECT item.break_id, item.break_class, item.at_risk_vnd, item.business_on, found.our_reference
    FROM break_items AS item
    JOIN reconciliation_breaks AS found ON found.break_id = item.break_id AND found.run_id = item.last_run_id
    WHERE item.party = :party AND item.state <> 'resolved'
    ORDER BY item.business_on, item.break_id LIMIT :most
    """
)
_PAYMENTS = text(
    """
    SELECT payments.our_reference, payments.kind, payments.state, payments.business_on, one.remittance_reference
    FROM payments
    LEFT JOIN remittance_lines AS line ON line.payment_id = payments.id AND line.what = 'payment' AND NOT line.released
    LEFT JOIN remittance_orders AS one ON one.id = line.order_id AND one.state = 'refused'
    WHERE payments.our_reference = ANY(CAST(:references AS text[]))
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One cause, such as `payment/P…`, with what of it nothing has met; debit positive, of the balance's own sign."""

    cause: str
    business_on: date
    vnd: int


def balances(transaction: Transaction) -> dict[str, int]:
    """Return every account that is not zero, with its balance, debit positive."""
    return {row.account: row.vnd for row in transaction.sql.execute(_BALANCES)}


def behind(transaction: Transaction, account: str, *, most: int) -> tuple[tuple[Cause, ...], int]:
    """Return the first `most` causes behind the balance, the oldest first, and how many there are.

    All of them add up to the balance.
    """
    rows = transaction.sql.execute(_BEHIND, {"account": account, "most": most}).all()
    causes = tuple(Cause(cause=row.cause, business_on=row.business_on, vnd=row.vnd) for row in rows)
    return causes, rows[0].causes if rows else 0


def open_breaks(transaction: Transaction, party: str, *, most: int) -> list[Row[Any]]:
    """Return the party's breaks that are not resolved, the oldest first."""
    return list(transaction.sql.execute(_BREAKS, {"party": party, "most": most}))


def payments(transaction: Transaction, references: list[str]) -> dict[str, Row[Any]]:
    """Return kind, state and business day of these payments, and which refused order holds one."""
    rows = transaction.sql.execute(_PAYMENTS, {"references": references})
    return {row.our_reference: row for row in rows}
