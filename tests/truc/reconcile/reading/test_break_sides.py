"""The sides of a break are found in what the stores hold: payments, statements, receipts; and a day of the old form."""

from datetime import date
from typing import Any

import pytest

from tests.truc.reconcile.runs import DAY, HOA, NEXT_DAY, broken, keep, matched, name
from truc.errors import MalformedError
from truc.reconcile.reading import breaks as reading_breaks
from truc.reconcile.reading import days as reading
from truc.reconcile.work import sign_off
from truc.store.opened import Store

PAIR = {"core_rows": 1, "partner_rows": 1}


def read(store: Store, how: Any, *given: Any, **named: Any) -> Any:
    with store.begin() as transaction:
        return how(transaction, *given, **named)


def test_the_sides_are_found_by_reference_with_what_differs(office):
    reference = office.order_payment()
    office.settle(reference)
    other = office.order_payment()
    office.sql(
        """INSERT INTO statements (party, business_on, version, digest, inbox_id, count, amount_vnd)
        SELECT 'momo', '2026-03-04', version, repeat(version::text, 64), 1, 2, 100000
        FROM generate_series(1, 2) AS version"""
    )
    office.sql(
        """INSERT INTO statement_lines SELECT statement, line, CASE line WHEN 1 THEN :ours ELSE 'P?' END,
            CASE line WHEN 1 THEN 'T-x' ELSE :theirs END, 'payment', 60000, 500, 'paid', '2026-03-04T02:00Z'
        FROM generate_series(1, 2) AS statement, generate_series(1, 2) AS line""",
        ours=reference,
        theirs=f"T-{reference}",
    )
    row = broken("b1", "amount_differs", our_reference=reference, partner_reference=f"T-{reference}", **PAIR)
    keep(office.store, "a", breaks=[row], matches=[matched(reference, leg="remittance")])
    seen = read(office.store, reading_breaks.get_break, name("b1"), today=DAY)
    told = [(one.side, one.source, one.amount_vnd, sorted(one.differs)) for one in seen.sides]
    assert told == [
        ("core", "payment 1", 50_000, []),
        ("partner", "statement 2 line 1", 60_000, ["amount_vnd", "fee_vnd", "partner_reference"]),
        ("partner", "statement 2 line 2", 60_000, ["amount_vnd", "fee_vnd", "our_reference"]),
        ("receipt", "receipt H32.01 2026/00000001", 50_000, []),
        ("remittance", "run 1 remittance", 50_000, []),
    ]
    office.sql(
        """INSERT INTO remittance_orders (remittance_reference, agency_code, business_on, sub_item, chapter,
            beneficiary, treasury, account, party, paid_from, amount_vnd, state, ordered_at)
        VALUES ('K1', 'H32.01', '2026-03-04', '2300', '1', 'b', 't', 'a', 'treasury', 'bank', 49500, 'sent', now())"""
    )
    office.sql(
        """INSERT INTO remittance_lines (order_id, what, payment_id, party, business_on, amount_vnd, released)
        VALUES (1, 'payment', 1, 'momo', '2026-03-04', 50000, false), (1, 'fee', 1, 'momo', '2026-03-04', 500, false)"""
    )
    ordered = read(office.store, reading_breaks.get_break, name("b1"), today=DAY).sides[-2:]
    assert [(one.source, one.kind, one.amount_vnd, one.state, sorted(one.differs)) for one in ordered] == [
        ("remittance K1", "payment", 50_000, "pending", []),
        ("remittance K1", "fee", 500, "pending", []),
    ]
    keep(office.store, "b", breaks=[broken("b2", our_reference=other, partner_reference="")])
    [side] = read(office.store, reading_breaks.get_break, name("b2"), today=DAY).sides
    assert (side.our_reference, side.state, side.business_on) == (other, "pending", None)


def test_a_refund_is_of_the_day_on_which_it_was_booked(office):
    reference = office.order_payment()
    office.settle(reference)
    office.sql(
        """INSERT INTO refunds (refund_reference, source, source_reference, payment_id, amount_vnd, state, actor,
            reason, requested_at, state_at, partner_reference)
        VALUES ('R1', 'x', 'R1', 1, 20000, 'requested', 'x', 'x', '2026-03-04T16:50Z', '2026-03-04T16:50Z', '')"""
    )
    keep(office.store, "a", breaks=[broken("b1", "refund_unmatched", our_reference=reference, kind="refund")])

    def refund():
        sides = read(office.store, reading_breaks.get_break, name("b1"), today=DAY).sides
        return next(one for one in sides if one.kind == "refund")

    assert (refund().business_on, refund().occurred_at.isoformat()) == (None, "2026-03-04T16:50:00+00:00")
    office.sql(
        """WITH entry AS (INSERT INTO ledger_entries (reference, business_on, text)
            VALUES ('refund/R1', '2026-03-06', 'x') RETURNING id)
        INSERT INTO ledger_lines (entry_id, line, account, amount_vnd)
        SELECT id, line, 'a' || line, CASE line WHEN 1 THEN 20000 ELSE -20000 END FROM entry, generate_series(1, 2) line
        """
    )
    assert refund().business_on == date(2026, 3, 6)


def test_a_break_that_names_nothing_has_no_sides(empty_store):
    keep(
        empty_store,
        "z",
        breaks=[broken("z1", "unreadable", our_reference="", partner_reference="")],
        business_on=NEXT_DAY,
    )
    assert read(empty_store, reading_breaks.get_break, name("z1"), today=DAY).sides == ()


def test_a_day_of_the_old_form_is_read_with_its_breaks_open(office):
    office.sql(
        """INSERT INTO statements (party, business_on, version, digest, inbox_id, count, amount_vnd)
        VALUES ('momo', '2026-03-04', 1, repeat('1', 64), 1, 0, 0)"""
    )
    office.sql(
        """INSERT INTO reconciliation_runs (party, business_on, version, statement_id, input_digest, core_count,
            core_vnd, partner_count, partner_vnd, matched_count, matched_vnd)
        VALUES ('momo', '2026-03-04', 1, 1, repeat('1', 64), 1, 50000, 0, 0, 0, 0)"""
    )
    office.sql(
        """INSERT INTO reconciliation_breaks (run_id, break_id, break_class, our_reference, partner_reference,
            core_vnd, partner_vnd, difference_vnd, rule)
        VALUES (1, '0123456789abcdef', 'missing_at_partner', 'P1', '', 50000, 0, 50000, 'none')"""
    )
    [found] = read(office.store, reading.days, business_on=date(2026, 3, 4))
    assert (found.breaks, found.open_breaks, found.at_risk_vnd) == (1, 1, 50_000)
    with pytest.raises(MalformedError) as caught, office.store.begin() as transaction:
        sign_off.prepare(transaction, "momo", date(2026, 3, 4), by=HOA, open_limit_vnd=10**9, open_limit_count=9)
    assert caught.value.reason == "old_form"
