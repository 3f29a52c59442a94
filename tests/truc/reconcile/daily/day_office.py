"""Days through the store, made fast: payments booked, statements kept, runs and signatures."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from tests.truc.conftest import rows_of, spare_the_disk
from tests.truc.reconcile.runs import HOA, MINH
from truc.messages import Statement, StatementLine
from truc.reconcile.daily import day as reconcile_day
from truc.reconcile.work import sign_off
from truc.store import statements
from truc.store.opened import Store

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
FIRST = date(2026, 3, 2)  # a Monday


def day(number: int) -> date:
    """The number-th day, from 1 on."""
    return FIRST + timedelta(days=number - 1)


def noon(on: date) -> datetime:
    """Noon in Vietnam."""
    return datetime.combine(on, time(5), UTC)


def line(reference: str, vnd: int = 50_000, **changes: Any) -> dict[str, Any]:
    """A line of a statement, as a payment's unless changed."""
    given = {"our_reference": reference, "partner_reference": f"T-{reference}", "kind": "payment", "amount_vnd": vnd}
    return {**given, "fee_vnd": 0, "state": "paid", **changes}


@dataclass
class Desk:
    """One store, and what is done in it. Every booking and statement may say on which day it came: `came`."""

    store: Store
    party: str = "momo"
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def sql(self, statement: str, **values: object) -> list[Any]:
        """Run SQL in a transaction of its own."""
        return rows_of(self.store, statement, **values)

    def pay(self, on: date, *references: str, came: date | None = None, **changes: Any) -> None:
        """Book payments of that day, with their receipts where they are fees."""
        given = {"vnd": 50_000, "party": self.party, "kind": "fees", "agency": "H32.01"} | changes
        values = given | {"names": list(references), "on": on, "at": noon(on), "came": noon(came or on)}
        self.sql(BOOKED, **values)

    def order(self, *references: str, **changes: Any) -> None:
        """Ask for payments that nobody has paid."""
        given = {"vnd": 50_000, "party": self.party, "state": "pending"} | changes
        self.sql(ORDERED, names=list(references), at=noon(FIRST), **given)

    def paid(self, on: date, reference: str, came: date | None = None) -> None:
        """Book an order as paid on that day."""
        self.sql(PAID, name=reference, on=on, at=noon(on), came=noon(came or on))

    def refund(self, on: date, reference: str, own: str, vnd: int = 50_000, came: date | None = None) -> None:
        """Book money given back of a payment."""
        self.sql(GIVEN_BACK, name=reference, own=own, vnd=vnd, on=on, at=noon(on), came=noon(came or on))

    def state(self, on: date, *lines: dict[str, Any], came: date | None = None, party: str = "") -> int:
        """Keep the partner's statement of that day: the first, or its next version."""
        number = next(self.numbers)
        made = [StatementLine(line_no=count, occurred_at=noon(on), **one) for count, one in enumerate(lines, start=1)]
        said = Statement(business_on=on, lines=tuple(made), count_declared=None, amount_declared_vnd=None)
        with self.store.begin() as transaction:
            kept = statements.keep(transaction, party or self.party, said, inbox_id=number, digest=f"{number:064d}")
            at = {"id": kept, "came": noon(came or on)}
            transaction.sql.execute(text("UPDATE statements SET booked_at = :came WHERE id = :id"), at)
        return kept

    def run(self, on: date, party: str = "") -> reconcile_day.Reconciled:
        """Reconcile the day."""
        with self.store.begin() as transaction:
            return reconcile_day.reconcile(transaction, party or self.party, on)

    def sign(self, on: date, party: str = "") -> None:
        """Sign the day with whatever is open in it."""
        most = {"open_limit_vnd": 10**12, "open_limit_count": 10**6}
        with self.store.begin() as transaction:
            said = sign_off.prepare(transaction, party or self.party, on, by=HOA, **most)
            sign_off.approve(
                transaction, party or self.party, on, by=MINH, content_hash=said, signer=KEY, report_digest="a" * 64
            )

    def breaks(self, on: date, party: str = "", leg: str = "statement") -> list[tuple[str, str]]:
        """(class, reference) of the breaks of the day's newest version."""
        rows = self.sql(BREAKS, party=party or self.party, on=on, leg=leg)
        return [(row.break_class, row.our_reference) for row in rows]

    def matches(self, on: date, party: str = "", leg: str = "statement") -> list[str]:
        """The references matched in the day's newest version."""
        return [row.our_reference for row in self.sql(MATCHES, party=party or self.party, on=on, leg=leg)]

    def item(self, reference: str, break_class: str) -> Any:
        """The life of a break."""
        [row] = self.sql(
            "SELECT i.* FROM break_items i WHERE break_class = :word AND break_id IN"
            " (SELECT break_id FROM reconciliation_breaks WHERE our_reference = :name)",
            word=break_class,
            name=reference,
        )
        return row

    def totals(self, on: date, party: str = "", leg: str = "statement") -> dict[tuple[str, str], tuple[int, int]]:
        """(side, what) → (rows, đồng) of the day's newest version."""
        rows = self.sql(TOTALS, party=party or self.party, on=on, leg=leg)
        return {(row.side, row.what): (row.rows, row.vnd) for row in rows if (row.rows, row.vnd) != (0, 0)}


@pytest.fixture
def desk(empty_store: Store) -> Desk:
    """A desk with nothing on it."""
    spare_the_disk(empty_store)
    return Desk(empty_store)


BOOKED = """
WITH named AS (SELECT name FROM unnest(CAST(:names AS text[])) AS name),
paid AS (
    INSERT INTO payments (our_reference, source, source_reference, party, amount_vnd, state, partner_reference,
        requested_at, paid_at, business_on, kind, obligation_code, collected_for)
    SELECT name, 'test', name, :party, :vnd, 'paid', 'T-' || name, :at, :at, :on, :kind, name, :agency FROM named
    RETURNING id, our_reference),
booked AS (
    INSERT INTO ledger_entries (reference, booked_at, business_on, text)
    SELECT 'payment/' || name, :came, :on, 'x' FROM named RETURNING id),
receipt AS (
    INSERT INTO receipts (series, year, number, payment_id, amount_vnd, issued_at)
    SELECT :agency, 2026, id, id, :vnd, :at FROM paid WHERE :kind = 'fees')
INSERT INTO ledger_lines (entry_id, line, account, amount_vnd)
SELECT id, line, 'a' || line, CASE line WHEN 1 THEN CAST(:vnd AS bigint) ELSE -CAST(:vnd AS bigint) END
FROM booked, generate_series(1, 2) AS line"""
ORDERED = """
INSERT INTO payments (our_reference, source, source_reference, party, amount_vnd, state, requested_at, obligation_code,
    collected_for)
SELECT name, 'test', name, :party, :vnd, :state, :at, name, 'H32.01' FROM unnest(CAST(:names AS text[])) AS name"""
PAID = """
WITH paid AS (
    UPDATE payments SET state = 'paid', paid_at = :at, business_on = :on, partner_reference = 'T-' || our_reference
    WHERE our_reference = :name RETURNING amount_vnd, id, collected_for),
booked AS (
    INSERT INTO ledger_entries (reference, booked_at, business_on, text)
    VALUES ('payment/' || :name, :came, :on, 'x') RETURNING id),
receipt AS (
    INSERT INTO receipts (series, year, number, payment_id, amount_vnd, issued_at)
    SELECT collected_for, 2026, id, id, amount_vnd, :at FROM paid)
INSERT INTO ledger_lines (entry_id, line, account, amount_vnd)
SELECT booked.id, line, 'a' || line, CASE line WHEN 1 THEN amount_vnd ELSE -amount_vnd END
FROM booked, paid, generate_series(1, 2) AS line"""
GIVEN_BACK = """
WITH back AS (
    INSERT INTO refunds (refund_reference, source, source_reference, payment_id, amount_vnd, state, actor, reason,
        requested_at, state_at, partner_reference)
    SELECT :own, 'test', :own, id, :vnd, 'refunded', 'x', 'x', :at, :at, 'T-' || :own FROM payments
    WHERE our_reference = :name),
booked AS (
    INSERT INTO ledger_entries (reference, booked_at, business_on, text)
    VALUES ('refund/' || :own, :came, :on, 'x') RETURNING id)
INSERT INTO ledger_lines (entry_id, line, account, amount_vnd)
SELECT id, line, 'a' || line, CASE line WHEN 1 THEN CAST(:vnd AS bigint) ELSE -CAST(:vnd AS bigint) END
FROM booked, generate_series(1, 2) AS line"""
NEWEST = """(SELECT id FROM reconciliation_runs WHERE party = :party AND business_on = :on
    ORDER BY version DESC LIMIT 1)"""
OF_NEWEST = f"WHERE run_id = {NEWEST} AND leg = :leg"
BREAKS = f"SELECT break_class, our_reference FROM reconciliation_breaks {OF_NEWEST} ORDER BY 1, 2"  # noqa: S608  (ours)
MATCHES = f"SELECT our_reference FROM reconciliation_matches {OF_NEWEST} ORDER BY 1"  # noqa: S608  (ours)
TOTALS = f"SELECT side, what, rows, vnd FROM reconciliation_totals {OF_NEWEST}"  # noqa: S608  (ours)
