"""Dossier codes are unique, dense and of the right day; a status only moves where the law lets it."""

import multiprocessing
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from truc.domain.status import TRANSITIONS, Outcome, Status
from truc.errors import MalformedError
from truc.services import dossiers as service
from truc.store import dossiers
from truc.store.opened import open_store

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
MIDNIGHT = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)  # 5 March 0:00 in Vietnam
MORNING = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
ONE_STORE = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
instants = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001  (the zone is drawn below)
    max_value=datetime(2027, 12, 31),  # noqa: DTZ001  (the same)
    timezones=st.sampled_from([UTC, VIETNAM, timezone(timedelta(hours=-11)), timezone(timedelta(hours=14))]),
)


def test_eight_processes_around_midnight_give_each_dossier_its_own_code_of_its_own_day(office: Any) -> None:
    # Each process receives dossiers of the last second of one day and the first of the next, in turn.
    each, url = 6, office.store.engine.url.render_as_string(hide_password=False)
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=_receive_many, args=(office, url, worker, each)) for worker in range(8)]
    for one in processes:
        one.start()
    for one in processes:
        one.join(60)

    assert [one.exitcode for one in processes] == [0] * 8
    rows = office.sql("SELECT code, received_at FROM dossiers")
    assert sorted(row.code for row in rows) == [
        f"H32.01-{day}-{serial:04d}" for day in ("260304", "260305") for serial in range(1, 8 * each + 1)
    ]
    assert all(row.code.split("-")[1] == f"{row.received_at.astimezone(VIETNAM):%y%m%d}" for row in rows)


def _receive_many(office: Any, url: str, worker: int, each: int) -> None:
    office.store = open_store(url, office.store.sealer)  # a connection must not be shared with the parent
    for number in range(each):
        for at in (MIDNIGHT - timedelta(seconds=1), MIDNIGHT):
            reference = f"{worker}/{number}/{at.isoformat()}"
            office.receive(source_reference=reference, received_at=at)


@ONE_STORE
@given(at=instants)
def test_the_day_of_a_code_is_the_day_in_vietnam_whatever_zone_the_instant_is_told_in(
    office: Any, at: datetime
) -> None:
    code = office.receive(received_at=at)
    assert code.split("-")[1] == f"{at.astimezone(VIETNAM):%y%m%d}"


def test_a_rolled_back_intake_leaves_no_gap(office: Any) -> None:
    first = office.receive()
    with office.undone() as transaction:
        lost = service.receive(transaction, office.intake(), office.calendar).code

    assert (first, lost, office.receive()) == ("H32.01-260304-0001", "H32.01-260304-0002", "H32.01-260304-0002")


def test_each_agency_counts_for_itself(office: Any) -> None:
    codes = [office.receive(agency_code=agency) for agency in ("H32.01", "H32.02", "H32.01")]
    assert codes == ["H32.01-260304-0001", "H32.02-260304-0001", "H32.01-260304-0002"]


def test_every_allowed_move_is_booked_with_its_history(office: Any) -> None:
    for before, after in sorted(TRANSITIONS):
        code = office.receive(status=Status(before))
        assert _move(office, code, after, MORNING).outcome is Outcome.APPLIED
        rows = office.sql("SELECT * FROM dossier_history WHERE dossier_code = :code ORDER BY number", code=code)
        assert [(row.number, row.from_status, row.to_status) for row in rows] == [(1, None, before), (2, before, after)]
        assert office.sql("SELECT status FROM dossiers WHERE code = :code", code=code)[0].status == after


def test_every_other_move_changes_nothing(office: Any) -> None:
    for before in Status:
        code = office.receive(status=before)
        for after in set(Status) - {after for start, after in TRANSITIONS if start == before}:
            outcome = _move(office, code, after, MORNING + timedelta(hours=1)).outcome
            assert outcome is (Outcome.REPEATED if after == before else Outcome.FORBIDDEN)
        assert office.sql("SELECT status FROM dossiers WHERE code = :code", code=code)[0].status == before
        assert len(office.sql("SELECT FROM dossier_history WHERE dossier_code = :code", code=code)) == 1


@pytest.mark.parametrize(("before", "after"), [(9, 4), (10, 9), (5, 9), (3, 2), (4, 11)])
def test_raw_sql_cannot_write_a_forbidden_move_either(office: Any, before: int, after: int) -> None:
    code = office.receive()
    with pytest.raises(IntegrityError, match="fk_dossier_history_from_status_to_status"):
        office.sql(
            "INSERT INTO dossier_history (dossier_code, number, from_status, to_status, changed_at, note, source)"
            " VALUES (:code, 2, :before, :after, now(), '', 'raw')",
            code=code,
            before=before,
            after=after,
        )


@pytest.mark.parametrize(("number", "before", "after"), [(2, None, 9), (1, 2, 4)])
def test_raw_sql_cannot_begin_a_history_a_second_time(office: Any, number: int, before: int | None, after: int) -> None:
    code = office.receive()
    with pytest.raises(IntegrityError, match="first_row"):
        office.sql(
            "INSERT INTO dossier_history (dossier_code, number, from_status, to_status, changed_at, note, source)"
            " VALUES (:code, :number, :before, :after, now(), '', 'raw')",
            code=code,
            number=number,
            before=before,
            after=after,
        )


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE dossier_history SET to_status = 9",
        "UPDATE dossier_history SET note = 'x' WHERE false",
        "DELETE FROM dossier_history",
        "TRUNCATE dossier_history",
    ],
)
def test_history_is_only_ever_added_to(office: Any, change: str) -> None:
    office.receive()
    with pytest.raises(IntegrityError, match="dossier_history is only ever added to"):
        office.sql(change)


def test_a_late_update_and_a_repeated_one_never_move_a_dossier_back(office: Any) -> None:
    code = office.receive()
    assert _move(office, code, 4, MORNING + timedelta(hours=1)).outcome is Outcome.APPLIED
    assert _move(office, code, 9, MORNING + timedelta(hours=3)).outcome is Outcome.APPLIED
    # In process again, as of an hour ago: 9 → 4 is no move at all, and it is late besides.
    assert _move(office, code, 4, MORNING + timedelta(hours=2)).outcome is Outcome.LATE
    assert _move(office, code, 9, MORNING + timedelta(hours=4)).outcome is Outcome.REPEATED
    row = office.sql("SELECT status, status_at, finished_at FROM dossiers WHERE code = :code", code=code)[0]
    assert tuple(row) == (9, MORNING + timedelta(hours=3), MORNING + timedelta(hours=3))


updates = st.lists(st.tuples(st.integers(1, 10), st.integers(-2, 12)), max_size=10)


@ONE_STORE
@given(wishes=updates, data=st.data())
def test_no_order_of_arrival_ever_takes_a_dossier_a_step_back(
    office: Any, wishes: list[tuple[int, int]], data: st.DataObject
) -> None:
    code = office.receive(status=Status.SUBMITTED)
    arrival = data.draw(st.permutations(wishes + data.draw(st.lists(st.sampled_from(wishes or [(1, 0)]), max_size=4))))
    stood = (1, MORNING)
    for status, hours in arrival:
        said = _move(office, code, status, MORNING + timedelta(hours=hours))
        row = office.sql("SELECT status, status_at FROM dossiers WHERE code = :code", code=code)[0]
        now = (row.status, row.status_at)
        assert now == (said.status, said.at)
        assert now[1] >= stood[1]
        assert now == stood or (stood[0], now[0]) in TRANSITIONS
        stood = now
    _history_leads_there(office, code, stood[0])


@ONE_STORE
@given(data=st.data())
def test_a_course_told_in_any_order_ends_no_later_than_it_went_and_told_again_in_order_where_it_went(
    office: Any, data: st.DataObject
) -> None:
    # A course a dossier really took, each step an hour after the one before it.
    course: list[int] = [1]
    while nexts := [after for before, after in sorted(TRANSITIONS) if before == course[-1]]:
        if len(course) > 6 or not (step := data.draw(st.sampled_from([0, *nexts]))):
            break
        course.append(step)
    told = [(status, MORNING + timedelta(hours=hours)) for hours, status in enumerate(course)][1:]
    code = office.receive(status=Status.SUBMITTED)
    for status, at in data.draw(st.permutations(told)):
        _move(office, code, status, at)
    after_shuffled = office.sql("SELECT status, status_at FROM dossiers WHERE code = :code", code=code)[0]
    reached = after_shuffled.status_at
    assert reached <= MORNING + timedelta(hours=len(course) - 1)

    for status, at in told:
        _move(office, code, status, at)
    row = office.sql("SELECT status, status_at FROM dossiers WHERE code = :code", code=code)[0]
    assert row.status_at >= reached
    _history_leads_there(office, code, row.status)


def test_simultaneous_updates_of_one_dossier_are_booked_one_after_the_other(office: Any) -> None:
    code = office.receive()
    steps = [(4, 1), (5, 2), (4, 3), (9, 4), (10, 5)] * 3

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda step: _move(office, code, step[0], MORNING + timedelta(hours=step[1])), steps))

    _history_leads_there(office, code, office.sql("SELECT status FROM dossiers WHERE code = :c", c=code)[0].status)


def test_an_unknown_dossier_is_named(office: Any) -> None:
    with pytest.raises(MalformedError, match=re.escape("H32.01-260304-9999")) as caught:
        _move(office, "H32.01-260304-9999", 4, MORNING)
    assert caught.value.reason == "unknown_dossier"


def test_a_result_is_booked_once_per_number(office: Any) -> None:
    code = office.receive()
    for number in ("01/GP", "01/GP", "02/GP"):
        with office.store.begin() as transaction:
            dossiers.add_result(transaction, code, number, "Giấy phép", MORNING)
    assert [row.number for row in office.sql("SELECT number FROM results ORDER BY id")] == ["01/GP", "02/GP"]


def _history_leads_there(office: Any, code: str, status: int) -> None:
    rows = office.sql("SELECT * FROM dossier_history WHERE dossier_code = :code ORDER BY number", code=code)
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    for before, after in pairwise(rows):
        assert after.from_status == before.to_status
        assert after.changed_at >= before.changed_at
        assert (after.from_status, after.to_status) in TRANSITIONS
    assert rows[-1].to_status == status


def _move(office: Any, code: str, status: int, at: datetime) -> Any:
    move: Callable[..., Any] = dossiers.change_status
    with office.store.begin() as transaction:
        return move(transaction, code, Status(status), at, officer_id=None, note="", source="test")
