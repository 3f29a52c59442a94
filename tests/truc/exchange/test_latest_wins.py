"""Where only the newest counts, older messages make way; everywhere else the order of a key holds."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from truc.exchange import claims, outcomes
from truc.exchange.outcomes import Claimed, Outcome

LEASE = timedelta(seconds=60)
STEPS = [f"H32.01-260304-0001/{hours}" for hours in range(4)]


@pytest.fixture
def newest_only(operation: Any) -> None:
    """Declare the portal's progress messages so."""
    operation("national_portal", "progress", latest_wins=True)


@pytest.mark.usefixtures("newest_only")
def test_of_what_waits_only_the_newest_goes(hub: Any, make: Any) -> None:
    hub.publish(make["step"](1, 4, 1), make["step"](1, 5, 2), make["step"](2, 4, 1), make["step"](1, 4, 3))
    assert [one.external_id for one in _claim(hub)] == ["H32.01-260304-0002/1", STEPS[3]]
    states = {row.external_id: row.state for row in hub.rows()}
    assert (states[STEPS[1]], states[STEPS[2]]) == ("superseded", "superseded")
    [first, *_] = hub.sql("SELECT * FROM outbox WHERE state = 'superseded' ORDER BY id")
    assert first.finished_at is not None
    assert (first.reason, first.leased_by, first.drawer >> 12) == ("newer_message", None, 120)
    assert [one for one in hub.journal() if one[1] == "superseded"] == [
        (STEPS[1], "superseded"),
        (STEPS[2], "superseded"),
    ]
    assert hub.tallies() == {("national_portal", "progress", "superseded"): 2}


@pytest.mark.usefixtures("newest_only")
@pytest.mark.parametrize("became", ["set_aside", "refused"])
def test_one_that_was_stopped_holds_no_newer_one_and_needs_no_person_any_more(hub: Any, make: Any, became: Any) -> None:
    hub.publish(make["step"](1, 4, 1))
    _settle(hub, [outcomes.stopped(one, became, "portal_says_no", "") for one in _claim(hub)])
    assert hub.aside() == [(STEPS[1], "portal_says_no")]
    assert _claim(hub) == []
    hub.publish(make["step"](1, 5, 2))
    assert [one.external_id for one in _claim(hub)] == [STEPS[2]]
    assert hub.aside() == []
    [item] = hub.sql("SELECT state, resolved_how, resolved_at IS NOT NULL AS dated FROM set_aside")
    assert tuple(item) == ("resolved", "superseded", True)


@pytest.mark.usefixtures("newest_only")
@pytest.mark.parametrize("reason", ["outcome_unknown", "bytes_dropped", "seal_broken"])
def test_one_that_was_stopped_and_may_have_arrived_still_waits_for_a_person(hub: Any, make: Any, reason: str) -> None:
    hub.publish(make["step"](1, 4, 1))
    _settle(hub, [outcomes.stopped(one, "set_aside", reason, "") for one in _claim(hub)])
    hub.publish(make["step"](1, 5, 2))
    assert _claim(hub) == []
    assert [row.state for row in hub.rows()] == ["set_aside", "waiting"]
    assert hub.aside() == [(STEPS[1], reason)]


@pytest.mark.usefixtures("newest_only")
def test_one_that_was_never_written_cannot_have_arrived_and_makes_way(hub: Any, make: Any) -> None:
    hub.publish(make["step"](1, 4, 1))
    hub.sql("UPDATE kept_bodies SET sealed = sealed || '\\x00'")
    with hub.store.begin() as transaction:
        claims.claim(transaction, "national_portal", ("progress",), worker="w", most=20, lease=LEASE)
    assert hub.aside() == [(STEPS[1], "seal_broken")]
    hub.publish(make["step"](1, 5, 2))
    assert [one.external_id for one in _claim(hub)] == [STEPS[2]]


@pytest.mark.usefixtures("newest_only")
def test_one_that_may_have_arrived_is_settled_first(hub: Any, make: Any) -> None:
    hub.publish(make["step"](1, 4, 1))
    [first] = _claim(hub)
    hub.publish(make["step"](1, 5, 2), make["step"](1, 4, 3))
    assert _claim(hub) == []  # it is being sent
    _settle(hub, [Outcome(one=first, became="unknown", name="unknown", reached=False)])
    [asked] = _claim(hub)
    assert (asked.external_id, asked.state) == (STEPS[1], "unknown")
    _settle(hub, [Outcome(one=asked, became="sent", name="asked_arrived", reached=True)])
    assert [one.external_id for one in _claim(hub)] == [STEPS[3]]
    assert [row.state for row in hub.rows()] == ["sent", "superseded", "sending"]


@pytest.mark.usefixtures("newest_only")
def test_one_that_did_not_arrive_after_all_makes_way(hub: Any, make: Any) -> None:
    hub.publish(make["step"](1, 4, 1))
    [first] = _claim(hub)
    hub.publish(make["step"](1, 5, 2))
    _settle(hub, [Outcome(one=first, became="waiting", name="asked_absent", reached=True)])
    assert [one.external_id for one in _claim(hub)] == [STEPS[2]]
    assert [row.state for row in hub.rows()] == ["superseded", "sending"]


@pytest.mark.usefixtures("newest_only")
def test_another_operation_of_the_key_still_holds(hub: Any, make: Any) -> None:
    hub.publish(make["dossier"](1), make["step"](1, 4, 1), make["step"](1, 5, 2))
    assert _claim(hub) == []
    assert [row.state for row in hub.rows()] == ["waiting", "superseded", "waiting"]


@pytest.mark.usefixtures("newest_only")
def test_the_partner_is_told_the_newest_only(hub: Any, partner: Any, make: Any) -> None:
    there = partner("national_portal")
    hub.publish(make["dossier"](1), make["step"](1, 4, 1), make["step"](1, 5, 2), make["step"](1, 4, 3))
    assert hub.deliver(there) == {"sent": 2, "unreachable": 0}
    assert len(there.times("CapNhatTienDoHoSoMC")) == 1
    assert [row.state for row in hub.rows()] == ["sent", "superseded", "superseded", "sent"]


def test_elsewhere_nothing_is_superseded(hub: Any, make: Any) -> None:
    hub.publish(make["step"](1, 4, 1), make["step"](1, 5, 2))
    assert [one.external_id for one in _claim(hub)] == [STEPS[1]]
    assert [row.state for row in hub.rows()] == ["sending", "waiting"]


KEYS = st.integers(1, 3)
MOVES = st.one_of(
    st.tuples(st.just("publish"), KEYS),
    st.tuples(st.just("claim"), st.integers(1, 3)),
    st.tuples(st.sampled_from(["sent", "waiting", "unknown", "untried", "untouched"]), st.integers(0, 2)),
    st.tuples(st.just("die"), st.just(0)),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(MOVES, min_size=5, max_size=40))
def test_whatever_happens_messages_of_a_key_go_one_after_the_other(hub: Any, make: Any, moves: Any) -> None:
    """Publishing, claiming, settling and dying in any order: a message is claimed only when all before it are done."""
    hub.sql("TRUNCATE outbox, outbox_names, kept_bodies, journal_pending, tallies")
    held: list[Claimed] = []
    published: dict[str, list[str]] = {}
    gone: list[str] = []  # as they were sent
    for number, (move, what) in enumerate(moves):
        if move == "publish":
            step = make["step"](what, 4, number)
            assert hub.publish(step) == 1
            published.setdefault(step[1], []).append(step[2])
        elif move == "claim":
            new = _claim(hub, worker=f"w{number}", most=what)
            for one in new:
                assert one.external_id == next(name for name in published[one.key] if name not in gone)
            held += new
            assert len({one.key for one in held}) == len(held)
        elif move == "die":
            hub.leases_end()
            held = []
        elif held:
            one = held.pop(what % len(held))
            _settle(hub, [Outcome(one=one, became=move, name=move, reached=True)])
            if move == "sent":
                gone.append(one.external_id)
    done = {row.external_id for row in hub.sql("SELECT external_id FROM outbox WHERE state = 'sent'")}
    assert done == set(gone)
    for key, names in published.items():
        assert [name for name in gone if name.startswith(key)] == names[: len([n for n in names if n in done])]
    assert len(hub.rows()) == sum(map(len, published.values()))


def _claim(hub: Any, worker: str = "w", most: int = 20) -> list[Claimed]:
    with hub.store.begin() as transaction:
        claimed, problems = claims.claim(
            transaction, "national_portal", ("progress",), worker=worker, most=most, lease=LEASE
        )
    assert problems == []
    return claimed


def _settle(hub: Any, found: list[Outcome]) -> None:
    with hub.store.begin() as transaction:
        outcomes.settle(transaction, found)
