"""A dossier only moves along allowed transitions and never back."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truc.domain.status import TRANSITIONS, Outcome, Status, known, move
from truc.errors import MalformedError

START = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)


def at(hours: int) -> datetime:
    return START + timedelta(hours=hours)


def test_the_table_is_the_decided_one() -> None:
    nexts = {code: {after for before, after in TRANSITIONS if before == code} for code in range(1, 11)}
    assert nexts == {
        1: {2, 3, 7}, 2: {4, 5, 6, 7, 8, 9}, 3: set(), 4: {5, 6, 7, 8, 9}, 5: {4, 7, 8},
        6: {4, 7, 8, 9}, 7: set(), 8: set(), 9: {10}, 10: set(),
    }  # fmt: skip


def test_every_status_can_be_reached_from_submitted_or_accepted() -> None:
    reached = {1, 2}
    for _ in Status:
        reached |= {after for before, after in TRANSITIONS if before in reached}
    assert reached == {int(status) for status in Status}


def test_a_late_supplement_after_done_does_not_move_it_back() -> None:
    current, since = 2, at(0)
    for new, hour in ((4, 1), (5, 2), (4, 3), (9, 4)):
        step = move(current, since, new, at(hour))
        assert step.outcome is Outcome.APPLIED
        current, since = step.status, step.at
    late = move(current, since, 5, at(2))
    assert (late.outcome, late.status, late.at) == (Outcome.LATE, 9, at(4))
    # the same message stamped with its time of delivery is no better
    assert move(current, since, 5, at(5)).outcome is Outcome.FORBIDDEN
    assert move(current, since, 10, at(6)).outcome is Outcome.APPLIED


def test_a_repeated_update_changes_nothing_not_even_the_instant() -> None:
    step = move(4, at(1), 4, at(9))
    assert (step.outcome, step.status, step.at) == (Outcome.REPEATED, 4, at(1))


@pytest.mark.parametrize("code", [0, 11, -1, 99])
def test_an_unknown_code_is_an_incident_and_not_a_default(code: int) -> None:
    with pytest.raises(MalformedError) as caught:
        known(code)
    assert caught.value.reason == "unknown_status"
    with pytest.raises(MalformedError):
        move(4, at(0), code, at(1))


@given(st.lists(st.tuples(st.integers(1, 10), st.integers(0, 50)), max_size=30))
def test_no_order_of_arrival_leaves_a_final_status_or_turns_time_back(
    updates: list[tuple[int, int]],
) -> None:
    current, since = 1, at(0)
    for new, hour in updates:
        step = move(current, since, new, at(hour))
        if step.outcome is Outcome.APPLIED:
            assert (current, step.status) in TRANSITIONS
            assert current not in {3, 7, 8, 10}
        else:
            assert (step.status, step.at) == (current, since)
        assert step.at >= since
        current, since = step.status, step.at


def test_every_status_has_a_vietnamese_name_of_its_own() -> None:
    assert len({status.vietnamese for status in Status}) == 10
    assert Status(5).vietnamese == "Yêu cầu bổ sung giấy tờ"
