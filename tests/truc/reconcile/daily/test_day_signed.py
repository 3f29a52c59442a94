"""A signed day stays as it is: what is booked or stated for it later comes once, on the day on which it came."""

import pytest

from tests.truc.conftest import undone
from tests.truc.reconcile.daily.day_office import KEY, day, desk, line
from tests.truc.reconcile.runs import HOA, MINH, keep
from truc.errors import MalformedError
from truc.reconcile.daily import day as reconcile_day
from truc.reconcile.reading import days as reading
from truc.reconcile.work import sign_off

__all__ = ["desk"]
ONE, TWO, THREE, FOUR, FIVE = (day(number) for number in (1, 2, 3, 4, 5))


def signed(desk, on, *lines):
    """State, run and sign a day."""
    desk.state(on, *lines)
    desk.run(on)
    desk.sign(on)


def of_day(desk, on):
    """All rows of the day's runs."""
    return [
        desk.sql(
            f"SELECT * FROM {table} WHERE run_id IN"  # noqa: S608  (made of our own words)
            " (SELECT id FROM reconciliation_runs WHERE business_on = :on) ORDER BY 1, 2, 3, 4",
            on=on,
        )
        for table in ("reconciliation_matches", "reconciliation_breaks", "reconciliation_totals")
    ]


def test_a_signed_day_is_not_run_again(desk):
    signed(desk, ONE)
    desk.pay(ONE, "P1", came=TWO)
    with pytest.raises(MalformedError) as caught:
        desk.run(ONE)
    assert caught.value.reason == "day_signed"


def test_a_run_that_did_not_read_the_newest_statement_is_neither_prepared_nor_signed(desk):
    desk.pay(ONE, "P1", "P2")
    desk.state(ONE, line("P1"), line("P2"))
    desk.run(ONE)
    with desk.store.begin() as transaction:
        content_hash = sign_off.prepare(transaction, "momo", ONE, by=HOA)
    desk.state(ONE, line("P1"))
    with desk.store.begin() as transaction:
        assert reading.signing(transaction, "momo", ONE).stale
        assert [one.restated for one in reading.days(transaction, business_on=ONE)] == [True]
    assert refused(desk, sign_off.approve, by=MINH, content_hash=content_hash, signer=KEY, report_digest="a" * 64)
    with desk.store.begin() as transaction:
        sign_off.withdraw(transaction, "momo", ONE, by=HOA, remark="sao kê mới")
    assert refused(desk, sign_off.prepare, by=HOA, open_limit_vnd=10**9, open_limit_count=10)
    desk.run(ONE)
    desk.sign(ONE)


def refused(desk, step, **named):
    """Tell whether the step is refused for a newer statement."""
    with pytest.raises(MalformedError) as caught, desk.store.begin() as transaction:
        step(transaction, "momo", ONE, **named)
    return caught.value.reason == "statement_newer"


def test_the_same_lines_in_another_file_need_no_other_run(desk):
    desk.pay(ONE, "P1", "P2")
    desk.state(ONE, line("P1"), line("P2"))
    desk.run(ONE)
    desk.state(ONE, line("P2"), line("P1"))
    assert desk.run(ONE).new is False
    desk.sign(ONE)


def test_a_day_that_ran_without_a_statement_is_run_again_when_one_comes(desk):
    keep(desk.store, "a", business_on=ONE, matches=[])
    desk.state(ONE)
    assert refused(desk, sign_off.prepare, by=HOA)


@pytest.mark.parametrize("booked_before_signing", [True, False])
def test_a_late_booking_comes_once_on_the_day_on_which_it_came(desk, booked_before_signing):
    for on in (ONE, TWO, THREE, FOUR):
        desk.state(on, *([line("P1")] if on == ONE else []))
    desk.run(ONE)
    assert desk.run(TWO).breaks == {"missing_in_core": 1}
    if booked_before_signing:  # after the run that is signed
        desk.pay(ONE, "P1", "P2", came=THREE)
    desk.sign(ONE)
    if not booked_before_signing:
        desk.pay(ONE, "P1", "P2", came=THREE)
    before = of_day(desk, ONE)
    first = desk.run(THREE)
    assert (first.matched, first.breaks) == (1, {"missing_at_partner": 1})
    came = desk.totals(THREE)
    assert (came["core", "new"], came["partner", "carried_in"]) == ((2, 100_000), (1, 50_000))
    assert not {("core", "carried_in"), ("partner", "new")} & came.keys()
    assert desk.run(THREE).new is False
    assert desk.run(TWO).new is False
    assert desk.run(FOUR).breaks == {"missing_at_partner": 1}
    assert desk.run(THREE).new is False
    assert desk.item("P1", "missing_in_core").resolution == "matched_later"
    assert of_day(desk, ONE) == before
    with desk.store.begin() as transaction:
        assert sign_off.verify(transaction, "momo", ONE, key=KEY.public_key()).holds


def test_a_late_booking_of_a_day_that_is_signed_too_comes_on_the_next(desk):
    signed(desk, ONE)
    signed(desk, TWO)
    desk.pay(ONE, "P1", came=TWO)
    desk.refund(ONE, "P1", "R1", 20_000, came=TWO)
    desk.state(THREE)
    expected = {"missing_at_partner": 1, "refund_unmatched": 1}
    assert desk.run(THREE).breaks == expected
    desk.sign(THREE)
    desk.state(FOUR, line("P1"), line("R1", 20_000, kind="refund"))
    assert desk.run(FOUR).breaks == {"timing": 2}
    desk.state(FIVE)
    assert desk.run(FIVE).breaks == {}


def test_a_refund_of_a_payment_that_a_later_day_met_first_comes_once(desk):
    desk.pay(ONE, "P1")
    desk.refund(ONE, "P1", "R1", 20_000)
    for on in (ONE, TWO, THREE):
        desk.state(on, *([line("P1")] if on == TWO else []))
    assert desk.run(TWO).breaks == {"timing": 1}
    assert desk.run(ONE).breaks == {"refund_unmatched": 1}
    desk.sign(ONE)
    [taken] = desk.sql("SELECT entry_ids FROM reconciliation_taken JOIN sign_offs USING (run_id)")
    [refund] = desk.sql("SELECT id FROM ledger_entries WHERE reference = 'refund/R1'")
    assert taken.entry_ids == [refund.id]
    assert desk.run(TWO).breaks == {"refund_unmatched": 1, "timing": 1}
    assert len(desk.sql("SELECT FROM break_items WHERE break_class = 'refund_unmatched'")) == 1
    assert desk.run(THREE).breaks == {"refund_unmatched": 1}
    late = desk.sql("SELECT unnest(late_entry_ids) AS entry FROM reconciliation_taken")
    assert refund.id not in [one.entry for one in late]


def test_a_late_booking_waits_for_no_day_that_has_no_statement(desk):
    signed(desk, ONE)
    desk.pay(ONE, "P1", came=TWO)
    desk.state(FOUR)
    assert desk.run(FOUR).breaks == {"missing_at_partner": 1}
    desk.state(TWO)
    assert desk.run(TWO).breaks == {}
    assert desk.run(FOUR).new is False


def test_a_line_that_a_restated_file_adds_comes_once(desk):
    desk.pay(ONE, "P1", "P2")
    signed(desk, ONE, line("P1"))
    desk.state(ONE, line("P1"), line("P2"), line("P3"), came=THREE)
    before = of_day(desk, ONE)
    for on in (TWO, THREE, FOUR):
        desk.state(on)
    assert desk.run(TWO).breaks == {"missing_at_partner": 1}
    first = desk.run(THREE)
    assert (first.matched, first.breaks) == (1, {"missing_in_core": 1})
    came = desk.totals(THREE)
    assert (came["partner", "new"], came["core", "carried_in"]) == ((2, 100_000), (1, 50_000))
    assert not {("partner", "carried_in"), ("core", "new")} & came.keys()
    assert desk.run(THREE).new is False
    assert desk.run(FOUR).breaks == {"missing_in_core": 1}
    assert desk.totals(FOUR)["partner", "carried_in"] == (1, 50_000)
    desk.state(ONE, line("P1"), line("P2"), line("P3"), line("P4"), came=FOUR)
    assert desk.run(THREE).new is False
    assert desk.run(FOUR).breaks == {"missing_in_core": 2}
    desk.sign(THREE)
    desk.sign(FOUR)
    desk.state(FIVE)
    assert desk.run(FIVE).breaks == {"missing_in_core": 2}
    assert of_day(desk, ONE) == before


def test_a_late_line_that_a_later_day_met_stays_new_where_it_was_taken(desk):
    desk.pay(ONE, "P1")
    signed(desk, ONE, line("P1"))
    desk.state(ONE, line("P1"), line("P3"), came=TWO)
    desk.state(TWO)
    assert desk.run(TWO).breaks == {"missing_in_core": 1}
    desk.pay(THREE, "P3")
    desk.state(THREE)
    assert desk.run(THREE).breaks == {"timing": 1}
    desk.state(TWO, line("P4"))
    again = desk.run(TWO)
    assert (again.new, again.breaks) == (True, {"missing_in_core": 2})
    came = desk.totals(TWO)
    assert came["partner", "new"] == (2, 100_000)
    assert ("partner", "carried_in") not in came


def test_a_line_that_a_restated_file_takes_away_frees_the_payment(desk):
    desk.pay(ONE, "P1", "P2")
    signed(desk, ONE, line("P1"), line("P2"), line("X1"))
    desk.state(ONE, line("P1"), came=TWO)
    desk.state(TWO)
    assert desk.run(TWO).breaks == {"missing_at_partner": 1}
    assert desk.item("X1", "missing_in_core").state == "resolved"
    came = desk.totals(TWO)  # X1 was open the evening before, and is taken away
    assert (came["partner", "carried_in"], came["partner", "new"]) == ((1, 50_000), (-1, -50_000))
    assert came["core", "new"] == (1, 50_000)
    assert ("core", "carried_in") not in came
    assert desk.run(TWO).new is False
    desk.sign(TWO)
    desk.state(THREE, line("P2"), line("P1"))
    assert desk.run(THREE).breaks == {"timing": 1, "duplicate_at_partner": 1}
    desk.state(FOUR, line("P2"))
    assert desk.run(FOUR).breaks == {"duplicate_at_partner": 1}


def test_a_line_that_a_restated_file_corrects_meets_its_payment_and_ends_the_break(desk):
    desk.pay(ONE, "P1")
    signed(desk, ONE, line("P1", 60_000))
    desk.state(ONE, line("P1"), came=TWO)
    desk.state(TWO)
    found = desk.run(TWO)
    assert (found.matched, found.breaks) == (1, {})
    assert desk.item("P1", "amount_differs").resolution == "matched_later"
    assert desk.run(TWO).new is False
    desk.state(THREE, line("P1"))
    assert desk.run(THREE).breaks == {"duplicate_at_partner": 1}


def test_a_line_whose_payment_is_booked_after_the_day_was_signed_meets_it(desk):
    desk.order("P1")
    signed(desk, ONE, line("P1"))
    desk.paid(ONE, "P1", came=TWO)
    desk.state(TWO)
    found = desk.run(TWO)
    assert (found.matched, found.breaks) == (1, {})
    assert desk.item("P1", "state_differs").resolution == "matched_later"


def test_a_run_that_dies_before_it_is_kept_leaves_nothing_and_the_next_says_the_same(desk):
    desk.pay(ONE, "P1", "P2")
    signed(desk, ONE, line("P1"))
    desk.pay(ONE, "P3", came=TWO)
    desk.state(TWO, line("P2"))
    with undone(desk.store) as transaction:
        lost = reconcile_day.reconcile(transaction, "momo", TWO)
    assert desk.sql("SELECT FROM reconciliation_runs WHERE business_on = :on", on=TWO) == []
    assert desk.item("P2", "missing_at_partner").state == "open"
    assert desk.run(TWO) == lost


def test_the_order_of_rows_is_no_matter(desk):
    desk.pay(ONE, "P1", "P2", "P3")
    desk.state(ONE, line("P1"), line("P2", 1), line("X"))
    desk.run(ONE)
    desk.state(ONE, line("X"), line("P2", 1), line("P1"))
    assert desk.run(ONE).new is False
    [run] = desk.sql("SELECT result_digest, sql FROM reconciliation_runs")
    desk.sql("UPDATE statement_lines SET line_no = line_no + 10")
    desk.state(ONE, line("P1"))
    desk.run(ONE)
    desk.state(ONE, line("P2", 1), line("P1"), line("X"))
    desk.run(ONE)
    digests = desk.sql("SELECT result_digest FROM reconciliation_runs ORDER BY version")
    assert digests[0] == digests[2] == (run.result_digest,)
    assert digests[1] != digests[0]


def test_a_line_taken_away_from_a_signed_day_goes_on_one_day_only(desk):
    signed(desk, ONE, line("X1"))
    desk.state(ONE, came=THREE)
    desk.state(THREE)
    assert desk.run(THREE).breaks == {}
    taken_away = {("partner", "carried_in"): (1, 50_000), ("partner", "new"): (-1, -50_000)}
    assert desk.totals(THREE) == taken_away
    desk.state(TWO, came=THREE)
    assert desk.run(TWO).breaks == {"missing_in_core": 1}
    came = desk.totals(TWO)
    assert came["partner", "carried_in"] == came["partner", "carried_out"] == (1, 50_000)
    assert ("partner", "new") not in came
    assert desk.run(TWO).new is False
    desk.run(THREE)
    assert desk.totals(THREE) == taken_away
