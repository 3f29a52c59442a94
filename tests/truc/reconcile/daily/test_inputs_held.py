"""What a later day met is held in its own day: there it stands as it stood, however often that day is run again."""

import pytest

from tests.truc.reconcile.daily.day_office import day, desk, line
from truc.reconcile.daily import inputs

__all__ = ["desk"]
ONE, TWO, THREE = (day(number) for number in (1, 2, 3))


def read(desk, on):
    with desk.store.begin() as transaction:
        return inputs.of_day(transaction, "momo", on)


def told(found):
    """(class, reference, carried in) of what is held; and what is kept."""
    held = [(one["break_class"], one["our_reference"], carried) for one, carried in found.held]
    return held, {name: one and one["break_class"] for name, one in found.kept.items()}


def stated(found):
    """(reference, state, carried) of the lines that are given to the engine."""
    return [(row["our_reference"], row["state"], row["carried"]) for row in found.rows["statement"]]


@pytest.fixture
def met(desk):
    """A payment and a line of the first day, each alone in it; the second day has what they meet."""
    desk.pay(ONE, "P1", "P2")
    desk.state(ONE, line("P2"), line("X1"))
    assert desk.run(ONE).breaks == {"missing_at_partner": 1, "missing_in_core": 1}
    desk.pay(TWO, "X1")
    desk.state(TWO, line("P1"))
    assert desk.run(TWO).breaks == {"timing": 2}
    return desk


def test_before_a_later_day_met_anything_nothing_is_held(desk):
    desk.pay(ONE, "P1")
    desk.state(ONE, line("X1"))
    desk.run(ONE)
    found = read(desk, ONE)
    assert told(found) == ([], {})
    assert stated(found) == [("X1", "paid", False)]


def test_a_payment_stays_for_its_receipt_and_a_line_is_taken_out(met):
    found = read(met, ONE)
    assert told(found) == ([("missing_in_core", "X1", False)], {"P1": "missing_at_partner"})
    assert [row["our_reference"] for row in found.rows["core"]] == ["P1", "P2"]
    assert stated(found) == [("P2", "paid", False), ("P1", "paid", True)]  # the last stands for the second day's line


def test_a_run_again_says_of_them_what_it_said_and_of_the_rest_what_is_new(met):
    assert met.run(ONE).new is False
    met.pay(ONE, "P3")
    again = met.run(ONE)
    assert (again.new, again.breaks) == (True, {"missing_at_partner": 2, "missing_in_core": 1})
    assert met.run(TWO).breaks == {"missing_at_partner": 1, "timing": 2}  # the new one is carried there
    for reference, break_class in (("P1", "missing_at_partner"), ("X1", "missing_in_core")):
        assert met.item(reference, break_class).resolution == "matched_later"


def test_a_line_that_a_restated_file_has_no_more_is_not_held(met):
    met.state(ONE, line("P2"))
    found = read(met, ONE)
    assert told(found) == ([], {"P1": "missing_at_partner"})
    assert stated(found) == [("P2", "paid", False), ("P1", "paid", True)]


def test_a_line_with_another_amount_is_another_line(met):
    met.state(ONE, line("P2"), line("X1", 60_000))
    found = read(met, ONE)
    assert told(found) == ([], {"P1": "missing_at_partner"})
    assert ("X1", "paid", False) in stated(found)


def test_of_two_equal_lines_one_is_held(met):
    met.state(ONE, line("P2"), line("X1"), line("X1"))
    found = read(met, ONE)
    assert told(found)[0] == [("missing_in_core", "X1", False)]
    assert stated(found).count(("X1", "paid", False)) == 1


def test_a_break_that_was_carried_through_a_day_is_held_there_as_carried(desk):
    desk.pay(ONE, "P1")
    for on in (ONE, TWO):
        desk.state(on)
        assert desk.run(on).breaks == {"missing_at_partner": 1}
    desk.state(THREE, line("P1"))
    assert desk.run(THREE).breaks == {"timing": 1}
    found = read(desk, TWO)
    assert told(found) == ([("missing_at_partner", "P1", True)], {})
    assert found.rows["core"] == []
    assert desk.run(TWO).new is False


def test_the_line_that_said_that_nothing_was_paid_is_held_with_its_payment(desk):
    desk.pay(ONE, "P1")
    desk.state(ONE, line("P1", state="failed"), line("P1", state="failed"))
    assert desk.run(ONE).breaks == {"state_differs": 1}
    desk.state(TWO, line("P1"))
    assert desk.run(TWO).breaks == {"timing": 1}
    found = read(desk, ONE)
    assert told(found) == ([], {"P1": "state_differs"})
    assert stated(found) == [("P1", "failed", False), ("P1", "paid", True)]  # one of the two stands in the break
