"""Steps go to the portal in groups with one answer, and still each has its own outcome."""

import json

import pytest

from connectors.national_portal.client import Client
from connectors.national_portal.manifest import MANIFEST
from truc.envelope import Arrival, Outgoing
from truc.errors import OutcomeUnknownError, RejectedError, TrucError

from .conftest import Portal
from .test_push import NO_EFFECT, WITH_EFFECT, dossier, step

STEPS = "CapNhatTienDoHoSoMC"
CODES = tuple(f"H32.5-261120-{number:04}" for number in range(1, 11))


@pytest.fixture
def steps(client: Client) -> list[Outgoing]:
    """One step each of ten dossiers that the portal has."""
    for code in CODES:
        client.send_dossier(dossier(MaHoSo=code, SoBienNhan=code))
    return [step(code=code) for code in CODES]


def arrivals(client: Client, steps: list[Outgoing]) -> list[Arrival]:
    return [client.ask_progress(one).arrival for one in steps]


def taken(portal: Portal) -> dict[str, int]:
    """Dossier → how often its step was taken."""
    return {name.split("|")[0]: times for name, times in portal.times(STEPS).items()}


def test_ten_steps_go_in_one_call_and_each_is_taken_once(client: Client, portal: Portal, steps: list[Outgoing]) -> None:
    portal.fault(STEPS, "slow", times=2, wait_s=0.0)
    before = portal.said("faults").get(f"{STEPS}:slow", 0)
    receipt = client.send_progress_batch(steps)
    assert portal.said("faults")[f"{STEPS}:slow"] - before == 1  # calls
    assert json.loads(receipt.body)["error_code"] == "0"
    assert taken(portal) == dict.fromkeys(CODES, 1)
    assert arrivals(client, steps) == [Arrival.ARRIVED] * 10


def test_the_portal_gets_each_item_as_it_was_written(client: Client, portal: Portal, steps: list[Outgoing]) -> None:
    client.send_progress_batch(steps)
    effects = portal.said(f"effects?operation={STEPS}")
    assert [effect["data"] for effect in effects] == [json.loads(one.body) for one in steps]


def test_the_manifest_asks_for_groups_of_ten_of_steps_alone() -> None:
    assert {one.name: one.batch_max for one in MANIFEST.operations} == {"dossier": 1, "progress": 10}


@pytest.mark.parametrize("mode", WITH_EFFECT)
def test_a_group_whose_answer_is_lost_is_found_arrived(
    client: Client, portal: Portal, steps: list[Outgoing], mode: str
) -> None:
    portal.fault(STEPS, mode)
    with pytest.raises(OutcomeUnknownError):
        client.send_progress_batch(steps)
    assert arrivals(client, steps) == [Arrival.ARRIVED] * 10
    assert taken(portal) == dict.fromkeys(CODES, 1)


@pytest.mark.parametrize("mode", NO_EFFECT)
def test_a_group_lost_before_its_effect_is_found_absent(
    client: Client, portal: Portal, steps: list[Outgoing], mode: str
) -> None:
    portal.fault(STEPS, mode)
    with pytest.raises(NO_EFFECT[mode]):
        client.send_progress_batch(steps)
    assert arrivals(client, steps) == [Arrival.ABSENT] * 10
    assert taken(portal) == {}


@pytest.mark.parametrize("place", [0, 4, 9])
def test_one_bad_step_refuses_the_group_and_none_of_it_is_taken(
    client: Client, portal: Portal, steps: list[Outgoing], place: int
) -> None:
    steps[place] = step(code="H32.5-261120-0404")
    with pytest.raises(RejectedError) as refused:
        client.send_progress_batch(steps)
    assert (refused.value.reason, refused.value.code) == ("result_refused", "-1")
    assert arrivals(client, steps) == [Arrival.ABSENT] * 10
    assert taken(portal) == {}


@pytest.mark.parametrize("most", [0, 1, 4, 9])
def test_a_portal_that_stops_in_the_middle_says_which_it_took_when_asked(
    client: Client, portal: Portal, steps: list[Outgoing], most: int
) -> None:
    portal.tell("batches", {"accept": most})
    with pytest.raises(RejectedError):
        client.send_progress_batch(steps)
    assert arrivals(client, steps) == [Arrival.ARRIVED] * most + [Arrival.ABSENT] * (10 - most)
    client.send_progress_batch(steps[most:])
    assert taken(portal) == dict.fromkeys(CODES, 1)


def test_a_code_nobody_documented_leaves_the_group_unknown(
    client: Client, portal: Portal, steps: list[Outgoing]
) -> None:
    portal.tell("codes", {"ok": "77"})
    with pytest.raises(OutcomeUnknownError) as unknown:
        client.send_progress_batch(steps)
    assert unknown.value.reason == "unknown_result_code"


def test_an_expired_session_is_renewed_for_a_group_too(client: Client, portal: Portal, steps: list[Outgoing]) -> None:
    portal.tell("expire_sessions")
    client.send_progress_batch(steps)
    assert taken(portal) == dict.fromkeys(CODES, 1)


def test_no_failure_of_a_group_tells_personal_data(client: Client, portal: Portal, steps: list[Outgoing]) -> None:
    told = ""
    for code, mode in (("-1", ""), ("77", ""), ("0", "garbage"), ("0", "drop_after")):
        portal.tell("codes", {"ok": code})
        if mode:
            portal.fault(STEPS, mode)
        with pytest.raises(TrucError) as failed:
            client.send_progress_batch(steps)
        told += f"{failed.value} {failed.value.__cause__}"
    assert "Trần" not in told
    assert CODES[0] not in told
