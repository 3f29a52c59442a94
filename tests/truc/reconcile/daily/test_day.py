"""A day through the store: orders, IPNs and a statement, reconciled, run again, and restated."""

import json
from collections import Counter
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from truc import steps
from truc.envelope import Envelope
from truc.errors import TransientError
from truc.exchange import inbox
from truc.messages import StatementLine
from truc.reconcile.daily import day as reconcile_day
from truc.store.tables.reconciliation import RECONCILIATION_BREAKS, RECONCILIATION_MATCHES, RECONCILIATION_RUNS

DAY, NEXT_DAY = date(2026, 3, 4), date(2026, 3, 5)
AT = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)


def said(number, reference, amount=50_000, *, theirs="", kind="payment", state="paid"):
    """One line of a statement."""
    return StatementLine(
        line_no=number,
        our_reference=reference,
        partner_reference=theirs or f"T-{reference}",
        kind=kind,
        amount_vnd=amount,
        state=state,
        occurred_at=AT,
    )


def deliver(office, *lines, on=DAY):
    """Keep and book the partner's file of a day, as the bank's format has it."""
    kinds = {"payment": "PAYMENT", "refund": "REFUND"}
    states = {"paid": "SUCCESS", "failed": "FAILED"}
    rows = [f"HEADER,MOMO,{on}"]
    for one in lines:
        cells = (one.line_no, one.our_reference, one.partner_reference, kinds[one.kind], one.amount_vnd, 0)
        rows.append(",".join(["LINE", *map(str, cells), states[one.state], f"{on} 09:00:00"]))
    rows.append(f"TOTAL,{len(lines)},{sum(one.amount_vnd for one in lines)}")
    body = "".join(f"{row}\r\n" for row in rows).encode()
    with office.store.begin() as transaction:
        inbox.keep(transaction, Envelope("momo", "statement", f"statement-{on}", body, "text/csv"))
    return steps.book_kept(office.store, "momo", ("statement",))


def reconcile(office, on=DAY):
    with office.store.begin() as transaction:
        return reconcile_day.reconcile(transaction, "momo", on)


def rows(office, table):
    with office.store.begin() as transaction:
        return transaction.sql.execute(select(table)).all()


def paid(office, **changes):
    """An order that the IPN said is paid."""
    reference = office.order_payment()
    office.settle(reference, **changes)
    return reference


def test_while_the_statement_is_missing_the_day_is_tried_again_later(office):
    paid(office)
    with pytest.raises(TransientError) as caught:
        reconcile(office)
    assert caught.value.reason == "statement_missing"
    deliver(office, on=NEXT_DAY)
    with pytest.raises(TransientError):
        reconcile(office)
    assert rows(office, RECONCILIATION_RUNS) == []


def test_order_ipn_and_statement_agree(office):
    references = [paid(office) for _ in range(3)]
    deliver(office, *(said(number, name) for number, name in enumerate(references, start=1)))
    found = reconcile(office)
    assert (found.matched, found.breaks, found.difference_vnd) == (3, {}, 0)
    [run] = rows(office, RECONCILIATION_RUNS)
    assert (run.core_count, run.core_vnd, run.partner_count, run.partner_vnd) == (3, 150_000, 3, 150_000)
    assert (run.matched_count, run.matched_vnd) == (3, 150_000)
    legs = Counter(row.leg for row in rows(office, RECONCILIATION_MATCHES))
    assert legs == {"statement": 3, "receipts": 3}


def test_every_break_of_a_day_is_found_with_its_class(office):
    good, dropped, changed, twice = (paid(office) for _ in range(4))
    pending = office.order_payment()
    other_day = paid(office, occurred_at=datetime(2026, 3, 3, 2, 0, tzinfo=UTC))
    deliver(
        office,
        said(1, good),
        said(2, changed, 55_000),
        said(3, twice),
        said(4, twice, theirs="T-again"),
        said(5, pending),
        said(6, other_day),
        said(7, "P26030400009999"),
        said(8, good, kind="refund"),
        said(9, dropped, state="failed"),
    )
    found = reconcile(office)
    assert found.matched == 2
    assert found.breaks == {
        "amount_differs": 1,
        "duplicate_at_partner": 1,
        "refund_unmatched": 1,
        "state_differs": 2,
        "timing": 1,
        "missing_in_core": 1,
    }
    kept = {(row.break_class, row.our_reference): row for row in rows(office, RECONCILIATION_BREAKS)}
    sides = {name: (row.core_vnd, row.partner_vnd, row.difference_vnd) for name, row in kept.items()}
    assert sides == {
        ("amount_differs", changed): (50_000, 55_000, -5_000),
        ("duplicate_at_partner", twice): (0, 50_000, -50_000),
        ("missing_in_core", "P26030400009999"): (0, 50_000, -50_000),
        ("refund_unmatched", good): (0, 50_000, -50_000),
        ("state_differs", dropped): (50_000, 0, 50_000),  # the line says that nothing was paid
        ("state_differs", pending): (0, 50_000, -50_000),
        ("timing", other_day): (50_000, 50_000, 0),
    }
    assert found.difference_vnd == sum(difference for _, _, difference in sides.values())


def test_run_twice_it_is_the_same_version_and_nothing_is_written_twice(office):
    reference = paid(office)
    deliver(office, said(1, reference, 60_000))
    first, again = reconcile(office), reconcile(office)
    assert (first.version, first.new, again.version, again.new) == (1, True, 1, False)
    assert (again.matched, again.breaks, again.difference_vnd) == (first.matched, first.breaks, first.difference_vnd)
    assert len(rows(office, RECONCILIATION_RUNS)) == 1
    assert len(rows(office, RECONCILIATION_BREAKS)) == 1


def test_a_corrected_statement_is_version_two_and_the_first_stays(office):
    reference = paid(office)
    deliver(office, said(1, reference, 60_000))
    first = reconcile(office)
    deliver(office, said(1, reference, 50_000))
    second = reconcile(office)
    assert (first.version, first.breaks) == (1, {"amount_differs": 1})
    assert (second.version, second.new, second.matched, second.breaks) == (2, True, 1, {})
    assert [run.version for run in rows(office, RECONCILIATION_RUNS)] == [1, 2]
    steps_of = json.loads(rows(office, RECONCILIATION_RUNS)[0].sql)
    assert {"statement", "receipts"} <= {step["leg"] for step in steps_of}
    assert all(step["sql"] for step in steps_of)


def test_a_payment_that_arrives_late_makes_a_new_version_and_a_break_that_stays_keeps_its_id(office):
    dropped = paid(office)
    deliver(office)
    reconcile(office)
    paid(office)
    assert reconcile(office).version == 2
    first, second = (
        {row.break_id for row in rows(office, RECONCILIATION_BREAKS) if row.run_id == run} for run in (1, 2)
    )
    assert first < second
    assert dropped in {row.our_reference for row in rows(office, RECONCILIATION_BREAKS) if row.break_id in first}


def test_the_same_file_delivered_twice_changes_nothing(office):
    reference = paid(office)
    deliver(office, said(1, reference))
    assert reconcile(office).version == 1
    assert deliver(office, said(1, reference))["messages"] == 0
    assert reconcile(office) == reconcile(office)


def test_a_payment_stated_on_its_own_day_and_again_the_next_is_a_duplicate_and_no_matter_of_timing(office):
    reference = paid(office)
    deliver(office, said(1, reference))
    deliver(office, said(1, reference, theirs="T-again"), on=NEXT_DAY)
    assert reconcile(office).matched == 1
    assert reconcile(office, NEXT_DAY).breaks == {"duplicate_at_partner": 1}


def test_a_payment_stated_only_the_day_after_is_a_matter_of_timing(office):
    reference = paid(office)
    deliver(office)
    deliver(office, said(1, reference), on=NEXT_DAY)
    assert reconcile(office).breaks == {"missing_at_partner": 1}
    assert reconcile(office, NEXT_DAY).breaks == {"timing": 1}


def test_a_payment_of_another_day_is_found_by_the_partners_reference_alone(office):
    reference = paid(office)
    deliver(office, said(1, "", theirs=f"T-{reference}"), on=NEXT_DAY)
    assert reconcile(office, NEXT_DAY).breaks == {"timing": 1}


def test_a_line_that_names_another_partys_payment_is_missing_here(office):
    reference = office.order_payment(party="vietinbank")
    office.settle(reference, party="vietinbank")
    deliver(office, said(1, reference))
    assert reconcile(office).breaks == {"missing_in_core": 1}


def test_a_statement_with_more_lines_than_a_query_has_parameters_is_reconciled(office):
    reference = paid(office)
    deliver(office, said(1, reference))
    office.sql(
        "INSERT INTO statement_lines SELECT statement_id, number, 'X' || number, 'Y' || number, kind, 1000, 0, state,"
        " occurred_at FROM statement_lines, generate_series(2, 70000) AS number"
    )
    found = reconcile(office)
    assert (found.matched, found.breaks) == (1, {"missing_in_core": 69_999})


def test_the_step_tells_what_it_found_in_words_airflow_can_keep(office):
    reference = paid(office)
    deliver(office, said(1, reference))
    told = steps.reconcile(office.store, "momo", DAY)
    assert told == {
        "party": "momo",
        "business_on": "2026-03-04",
        "version": 1,
        "new": True,
        "matched": 1,
        "breaks": {},
        "difference_vnd": 0,
    }
