"""What a day leaves open goes on: met later as timing, the same break while it is open, and never met twice."""

import pytest

from tests.truc.reconcile.daily.day_office import day, desk, line
from truc.errors import TransientError
from truc.reconcile.reading import days as reading

__all__ = ["desk"]
ONE, TWO, THREE, FOUR = (day(number) for number in (1, 2, 3, 4))


def test_a_line_of_the_next_day_meets_the_payment_as_timing_and_ends_its_break(desk):
    desk.pay(ONE, "P1", "P2")
    desk.state(ONE, line("P1"))
    desk.state(TWO, line("P2"))
    assert desk.run(ONE).breaks == {"missing_at_partner": 1}
    assert desk.run(TWO).breaks == {"timing": 1}
    ended = desk.item("P2", "missing_at_partner")
    assert (ended.state, ended.resolution, ended.resolved_by_run) == ("resolved", "matched_later", 2)
    assert desk.totals(TWO)["core", "carried_in"] == (1, 50_000)
    assert ("core", "new") not in desk.totals(TWO)
    again = desk.run(TWO)
    assert (again.new, again.version) == (False, 1)


def test_a_line_that_came_a_day_early_meets_the_payment_as_timing(desk):
    desk.state(ONE, line("P1"))
    assert desk.run(ONE).breaks == {"missing_in_core": 1}
    desk.pay(TWO, "P1")
    desk.state(TWO)
    assert desk.run(TWO).breaks == {"timing": 1}
    assert desk.item("P1", "missing_in_core").resolution == "matched_later"
    assert desk.run(ONE).new is False


def test_what_stays_open_keeps_its_break_through_days_and_gaps(desk):
    desk.pay(ONE, "P1")
    for on in (ONE, TWO, FOUR):
        desk.state(on, line("X1") if on == ONE else line(f"Y{on.day}"))
        desk.run(on)
    with pytest.raises(TransientError):
        desk.run(THREE)
    ids = desk.sql("SELECT break_id FROM reconciliation_breaks WHERE our_reference IN ('P1', 'X1')")
    assert len(ids) == 6
    assert len(set(ids)) == 2
    assert desk.totals(FOUR)["core", "carried_in"] == (1, 50_000)
    desk.state(day(5), line("P1"))
    assert desk.run(day(5)).breaks == {"missing_in_core": 3, "timing": 1}
    desk.state(day(6))
    assert desk.run(day(6)).breaks == {"missing_in_core": 3}


@pytest.mark.parametrize("first_run", [True, False], ids=["in order", "the later day first"])
def test_an_earlier_day_does_not_meet_again_what_a_later_day_met(desk, first_run):
    desk.pay(ONE, "P1")
    desk.state(ONE)
    if first_run:
        desk.run(ONE)
    desk.state(TWO, line("P1"))
    assert desk.run(TWO).breaks == {"timing": 1}
    desk.state(ONE, line("P1"))  # restated: the line stands on its own day too
    expected = {"duplicate_at_partner": 1} | ({"missing_at_partner": 1} if first_run else {})
    assert desk.run(ONE).breaks == expected
    assert desk.run(TWO).breaks == {"timing": 1}
    assert desk.matches(ONE) == []
    assert desk.run(ONE).breaks == expected
    if first_run:
        assert desk.item("P1", "missing_at_partner").state == "resolved"
        assert desk.totals(ONE)["core", "new"] == (1, 50_000)
    assert desk.matches(ONE, leg="receipts") == ["P1"]


def test_an_earlier_day_does_not_meet_again_a_line_that_a_later_day_met(desk):
    desk.state(ONE, line("P1"))
    desk.run(ONE)
    desk.pay(TWO, "P1")
    desk.state(TWO)
    desk.run(TWO)
    desk.pay(ONE, "P2")  # booked late, so that the day has another version
    assert desk.run(ONE).breaks == {"missing_at_partner": 1, "missing_in_core": 1}
    assert desk.item("P1", "missing_in_core").state == "resolved"
    assert desk.run(TWO).breaks == {"missing_at_partner": 1, "timing": 1}


@pytest.mark.parametrize("of_ours", [True, False], ids=["a payment", "a line"])
def test_a_day_whose_statement_comes_late_had_open_what_the_next_day_has_met_since(desk, of_ours):
    side = "core" if of_ours else "partner"
    if of_ours:
        desk.pay(ONE, "P1")
    desk.state(ONE, *([] if of_ours else [line("P1")]))
    desk.run(ONE)
    if not of_ours:
        desk.pay(THREE, "P1")
    desk.state(THREE, *([line("P1")] if of_ours else []))
    assert desk.run(THREE).breaks == {"timing": 1}
    desk.state(TWO, line("P2"), came=THREE)
    word = "missing_at_partner" if of_ours else "missing_in_core"
    run = desk.run(TWO)
    assert sorted(desk.breaks(TWO)) == sorted([(word, "P1"), ("missing_in_core", "P2")])
    assert desk.totals(TWO)[side, "carried_in"] == (1, 50_000)
    assert (run.new, desk.run(TWO).new) == (True, False)
    assert desk.item("P1", word).resolved_by_run == 2, "the day that met it"
    assert desk.run(THREE).breaks == {"timing": 1, "missing_in_core": 1}
    assert desk.totals(THREE)[side, "carried_in"] == (1 if of_ours else 2, 50_000 if of_ours else 100_000)


def test_a_late_statement_does_not_meet_again_what_the_next_day_has_met_since(desk):
    desk.pay(ONE, "P1")
    desk.state(ONE)
    desk.run(ONE)
    desk.state(THREE, line("P1"))
    desk.run(THREE)
    desk.state(TWO, line("P1"), came=THREE)
    assert desk.run(TWO).breaks == {"missing_at_partner": 1, "duplicate_at_partner": 1}
    assert desk.item("P1", "missing_at_partner").state == "resolved"
    assert desk.totals(TWO)["core", "carried_in"] == (1, 50_000)
    assert desk.run(THREE).breaks == {"timing": 1}


def test_a_payment_that_met_only_a_line_without_money_meets_its_own_in_a_late_statement(desk):
    desk.pay(ONE, "P1")
    desk.state(ONE)
    desk.run(ONE)
    desk.state(THREE, line("P1", state="failed"))
    assert desk.run(THREE).breaks == {"state_differs": 1}
    desk.state(TWO, line("P1"), came=THREE)
    assert desk.run(TWO).breaks == {"timing": 1}
    assert desk.totals(TWO)["core", "carried_in"] == (1, 50_000)
    assert ("core", "new") not in desk.totals(TWO)
    assert desk.run(THREE).breaks == {}
    assert ("core", "carried_in") not in desk.totals(THREE)


def test_what_an_earlier_day_met_after_all_is_carried_no_more(desk):
    desk.pay(ONE, "P1")
    desk.state(ONE)
    desk.run(ONE)
    desk.state(TWO)
    assert desk.run(TWO).breaks == {"missing_at_partner": 1}
    desk.state(ONE, line("P1"))
    assert (desk.run(ONE).matched, desk.run(ONE).breaks) == (1, {})
    assert desk.run(TWO).breaks == {}
    desk.state(THREE, line("P1"))
    assert desk.run(THREE).breaks == {"duplicate_at_partner": 1}


@pytest.mark.parametrize("names", [{}, {"our_reference": ""}], ids=["our reference", "the partner's"])
@pytest.mark.parametrize("fee", [0, 700])
def test_a_second_line_for_what_another_day_matched_is_a_duplicate(desk, names, fee):
    desk.pay(ONE, "P1", "P2")
    desk.state(ONE, line("P1"))
    desk.run(ONE)
    desk.state(TWO, line("P2"))
    desk.run(TWO)
    desk.state(THREE, line("P1", fee_vnd=fee, **names), line("P2", fee_vnd=fee, **names))
    found = desk.run(THREE)
    assert (found.matched, found.breaks) == (0, {"duplicate_at_partner": 2})
    assert desk.totals(THREE) == {
        ("partner", "new"): (2, 100_000),
        ("partner", "duplicate_at_partner"): (2, 100_000),
        ("partner", "carried_out"): (2, 100_000),
    }


def test_a_line_for_a_payment_of_a_batch_of_another_day_is_a_duplicate(desk):
    desk.pay(ONE, "P1", "P2")
    desk.sql("UPDATE payments SET partner_reference = 'B1'")
    desk.state(ONE, line("", 100_000, kind="settlement", partner_reference="B1"))
    assert desk.run(ONE).breaks == {}
    desk.state(TWO, line("P2", partner_reference="T9"))
    assert desk.run(TWO).breaks == {"duplicate_at_partner": 1}


def test_the_difference_is_one_number_and_a_payout_that_agrees_is_no_part_of_it(desk):
    desk.pay(ONE, "P1", "P2")
    payout = line("", 99_000, partner_reference="S1", kind="settlement", settled_on=ONE)
    desk.state(ONE, line("P1", fee_vnd=500), line("P2", fee_vnd=500), payout)
    found = desk.run(ONE)
    assert (found.breaks, found.difference_vnd) == ({}, 0)
    desk.pay(TWO, "P3", "P4")
    desk.state(TWO, line("P3", 51_000), line("X", 9))
    found = desk.run(TWO)
    assert found.difference_vnd == -1_000 + 50_000 - 9
    with desk.store.begin() as transaction:
        shown = [one.difference_vnd for one in reading.days_between(transaction, since=ONE, until=TWO)]
    assert shown == [found.difference_vnd, 0]


def test_a_payment_of_another_party_with_the_same_reference_is_not_met(desk):
    desk.pay(ONE, "P1", party="vnpay")
    desk.state(ONE, line("P1"))
    desk.state(ONE, party="vnpay")
    assert desk.run(ONE).breaks == {"missing_in_core": 1}
    assert desk.run(ONE, "vnpay").breaks == {"missing_at_partner": 1}


def test_a_line_for_what_is_not_paid_meets_the_payment_as_soon_as_it_is(desk):
    desk.order("P1")
    desk.state(ONE, line("P1"))
    assert desk.run(ONE).breaks == {"state_differs": 1}
    assert desk.totals(ONE) == {
        ("core", "new"): (1, 0),
        ("partner", "new"): (1, 50_000),
        ("core", "state_differs"): (1, 0),
        ("partner", "state_differs"): (1, 50_000),
        ("core", "carried_out"): (1, 0),
        ("partner", "carried_out"): (1, 50_000),
    }
    desk.paid(TWO, "P1")
    desk.state(TWO)
    assert desk.run(TWO).breaks == {"timing": 1}
    assert desk.item("P1", "state_differs").resolution == "matched_later"
    assert desk.run(ONE).new is True
    assert desk.breaks(ONE) == [("state_differs", "P1")]
    assert desk.run(TWO).breaks == {"timing": 1}


def test_a_line_that_says_failed_first_and_paid_the_day_after_meets_the_payment(desk):
    desk.pay(ONE, "P1")
    desk.state(ONE, line("P1", state="failed"))
    assert desk.run(ONE).breaks == {"state_differs": 1}
    desk.state(TWO, line("P1"))
    assert desk.run(TWO).breaks == {"timing": 1}
    assert desk.item("P1", "state_differs").resolution == "matched_later"
    assert desk.run(TWO).new is False
    desk.run(ONE)
    assert desk.breaks(ONE) == [("state_differs", "P1")]


def test_refunds_meet_by_their_own_reference_or_their_payments_also_on_another_day(desk):
    desk.pay(ONE, "P1", "P2", "P3")
    desk.state(ONE, line("P1"), line("P2"), line("P3"), line("R2", 20_000, kind="refund"))
    assert desk.run(ONE).breaks == {"refund_unmatched": 1}
    desk.refund(TWO, "P1", "R1", 10_000)
    desk.refund(TWO, "P1", "R1b", 10_000)
    desk.refund(TWO, "P2", "R2", 20_000)
    desk.refund(TWO, "P3", "R3", 30_000)
    back = [line("P1", 10_000, kind="refund", partner_reference=name) for name in ("T-R1", "T-R1b")]
    desk.state(TWO, *back)
    found = desk.run(TWO)
    assert (found.matched, found.breaks) == (2, {"refund_unmatched": 1, "timing": 1})
    desk.state(THREE, line("R3", 30_000, kind="refund"))
    assert desk.run(THREE).breaks == {"timing": 1}
    assert desk.sql("SELECT count(*) FROM break_items WHERE state = 'resolved'")[0][0] == 2


def test_the_second_day_of_ambiguous_rows_is_the_same_breaks(desk):
    desk.pay(ONE, "P1", "P2")
    desk.state(ONE, *(line("", partner_reference=name) for name in ("U1", "U2")))
    desk.sql("UPDATE payments SET partner_reference = NULL")
    assert desk.run(ONE).breaks == {"ambiguous": 4}
    desk.state(TWO)
    assert desk.run(TWO).breaks == {"ambiguous": 4}
    desk.state(THREE, line("P1", partner_reference="T3"))
    desk.run(THREE)
    assert len(desk.sql("SELECT FROM break_items WHERE break_class = 'ambiguous' AND state = 'resolved'")) > 0
    assert desk.sql("SELECT count(*) FROM break_items WHERE break_class = 'ambiguous'")[0][0] == 4


def test_a_payment_without_receipts_of_ours_is_asked_for_none(desk):
    desk.pay(ONE, "P1", kind="land_tax")
    desk.pay(ONE, "P2")
    desk.state(ONE, line("P1"), line("P2"))
    assert desk.run(ONE).breaks == {}
    assert (desk.matches(ONE), desk.matches(ONE, leg="receipts")) == (["P1", "P2"], ["P2"])
