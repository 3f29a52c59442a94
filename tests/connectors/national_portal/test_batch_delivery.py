"""The courier with the real portal client: steps go in groups, and whatever happens, each arrives once, in order."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from truc import parties, steps
from truc.exchange import outbox
from truc.exchange.outbox import Publication
from truc.manifest import Event
from truc.messages import StatusChanged
from truc.store.opened import Store

from .conftest import Portal
from .test_push import NO_EFFECT, WITH_EFFECT

MORNING = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
STEPS = "CapNhatTienDoHoSoMC"
MOVES = (4, 5, 4, 9)
CODES = tuple(f"H32.01-260304-{number:04}" for number in range(1, 21))
UNKNOWN_DOSSIER = "H32.01-260304-0404"


@dataclass
class Hub:
    """A hub that only has steps to send, and the portal they go to."""

    store: Store
    portal: Portal

    def publish(self, *wanted: tuple[str, int]) -> None:
        """Publish (dossier code, place of the step in MOVES) in this order."""
        with self.store.begin() as transaction:
            assert outbox.publish_many(transaction, [_step(code, place) for code, place in wanted]) == len(wanted)

    def deliver(self, runs: int = 1) -> Counter[str]:
        """Run the courier so often, letting what waits go at once each time; return its counts."""
        done: Counter[str] = Counter()
        for _ in range(runs):
            self.sql("UPDATE outbox SET not_before = now() WHERE drawer = 0 AND state IN ('waiting', 'unknown')")
            done.update(steps.deliver(self.store, self.portal.connection(), ("progress",)))
        return done

    def states(self) -> dict[str, Counter[str]]:
        """Dossier → its messages counted by state."""
        found: dict[str, Counter[str]] = {}
        for key, state in self.sql("SELECT key, state FROM outbox"):
            found.setdefault(key, Counter())[state] += 1
        return found

    def taken(self) -> dict[str, list[str]]:
        """Dossier → the statuses the portal took, in order, doubles included."""
        found: dict[str, list[str]] = {}
        for code, step in self.portal.said(f"order?operation={STEPS}"):
            found.setdefault(code, []).append(step.split("|")[1])
        return found

    def sql(self, statement: str) -> list[Any]:
        with self.store.begin() as transaction:
            done = transaction.sql.execute(text(statement))
            return list(done) if done.returns_rows else []


@pytest.fixture
def hub(empty_store: Store, portal: Portal, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A hub with short waits, and a portal that has every dossier but one."""
    declared = parties.manifest

    def manifest(party: str) -> Any:
        found = declared(party)
        quick = replace(
            found.limits, timeout_s=0.5, connect_timeout_s=1.0, backoff_s=0.01, backoff_max_s=0.05, settle_s=0.0
        )
        return replace(found, limits=quick)

    monkeypatch.setattr(parties, "manifest", manifest)
    portal.tell("submit", [{"MaHoSo": code} for code in CODES])
    return Hub(empty_store, portal)


def calls(portal: Portal, act: Callable[[], object]) -> int:
    """How many calls of the steps' service `act` makes: each meets a harmless fault that the stand-in counts."""
    name = f"{STEPS}:slow"
    before = portal.said("faults").get(name, 0)
    portal.fault(STEPS, "slow", times=1000, wait_s=0.0)
    act()
    return int(portal.said("faults")[name]) - before


def test_steps_of_many_dossiers_go_ten_at_a_time(hub: Hub) -> None:
    hub.publish(*((code, 0) for code in CODES))
    assert calls(hub.portal, hub.deliver) == 2
    assert hub.taken() == {code: ["4"] for code in CODES}
    assert hub.states() == {code: Counter(sent=1) for code in CODES}


def test_one_answer_to_a_group_is_kept_once_and_is_the_receipt_of_all(hub: Hub) -> None:
    hub.publish(*((code, 0) for code in CODES[:10]))
    hub.deliver()
    assert len(hub.sql("SELECT DISTINCT receipt_id FROM outbox WHERE receipt_id IS NOT NULL")) == 1


def test_a_group_never_holds_two_steps_of_one_dossier(hub: Hub) -> None:
    hub.publish(*((code, place) for code in CODES for place in range(4)))
    hub.deliver()
    assert hub.taken() == {code: ["4", "5", "4", "9"] for code in CODES}


@pytest.mark.parametrize("mode", [*WITH_EFFECT, *NO_EFFECT])
def test_a_group_that_fails_arrives_once_and_in_order(hub: Hub, mode: str) -> None:
    hub.publish(*((code, place) for place in range(4) for code in CODES))
    hub.portal.fault(STEPS, mode, times=3)
    hub.deliver(runs=6)
    assert hub.taken() == {code: ["4", "5", "4", "9"] for code in CODES}
    assert set(hub.portal.times(STEPS).values()) == {1}
    assert hub.states() == {code: Counter(sent=4) for code in CODES}


def test_one_bad_step_is_refused_alone_and_the_good_ones_of_its_group_arrive_once(hub: Hub) -> None:
    group = [*CODES[:4], UNKNOWN_DOSSIER, *CODES[4:9]]
    hub.publish(*((code, place) for place in range(4) for code in group))
    done = hub.deliver(runs=4)
    good = [code for code in group if code != UNKNOWN_DOSSIER]
    assert hub.taken() == {code: ["4", "5", "4", "9"] for code in good}
    states = hub.states()
    assert {code: states[code] for code in good} == {code: Counter(sent=4) for code in good}
    assert states[UNKNOWN_DOSSIER] == Counter(refused=1, waiting=3)  # what follows the refused one is held
    assert done["refused"] == 1
    aside = hub.sql("SELECT reason FROM set_aside WHERE state = 'open'")
    assert [row.reason for row in aside] == ["result_refused"]


def test_what_came_with_a_bad_step_is_asked_about_before_it_goes_alone(hub: Hub) -> None:
    hub.publish(*((code, 0) for code in [*CODES[:9], UNKNOWN_DOSSIER]))
    done = hub.deliver(runs=4)
    assert (done["unknown"], done["asked_absent"], done["sent"], done["refused"]) == (10, 10, 9, 1)
    assert {row.attempts for row in hub.sql("SELECT attempts FROM outbox")} == {2}


@pytest.mark.parametrize("most", [1, 5, 9])
def test_of_a_group_the_portal_broke_off_what_it_took_is_not_sent_again(hub: Hub, most: int) -> None:
    hub.publish(*((code, place) for place in range(2) for code in CODES[:10]))
    hub.portal.tell("batches", {"accept": most})
    done = hub.deliver(runs=4)
    assert (done["asked_arrived"], done["asked_absent"]) == (most, 10 - most)
    assert hub.taken() == {code: ["4", "5"] for code in CODES[:10]}
    assert set(hub.portal.times(STEPS).values()) == {1}


def test_a_step_that_is_written_too_badly_does_not_spoil_its_group(hub: Hub) -> None:
    long_name = _step(CODES[0], 0)
    long_name = replace(long_name, message=long_name.message.model_copy(update={"officer_name": "x" * 51}))
    with hub.store.begin() as transaction:
        outbox.publish_many(transaction, [long_name, *(_step(code, 0) for code in CODES[1:10])])
    assert calls(hub.portal, hub.deliver) == 1
    assert hub.states() == {CODES[0]: Counter(set_aside=1)} | {code: Counter(sent=1) for code in CODES[1:10]}


def _step(code: str, place: int) -> Publication:
    message = StatusChanged(
        dossier_code=code,
        status=MOVES[place],
        changed_at=MORNING + timedelta(hours=place),
        officer_name="Trần Văn Mẫu",
        officer_title="Chuyên viên",
        department="Phòng Một",
        note="",
        started_at=MORNING,
        due_at=None,
    )
    return Publication(event=Event.STATUS_CHANGED, message=message, key=code, external_id=f"{code}/{place + 2}")
