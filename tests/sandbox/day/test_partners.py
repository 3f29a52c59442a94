"""The player's hand on a real stand-in: it misbehaves when told, counts it, and behaves again."""

import json
from collections.abc import Iterator

import pytest
import requests

from sandbox.day.partners import Partner, partners
from sandbox.national_portal.server import start
from sandbox.serve import Running


@pytest.fixture
def portal(tmp_path) -> Iterator[Running]:
    running = start(0, tmp_path, "http://127.0.0.1:1")
    yield running
    running.close()


def test_an_ordered_trouble_is_met_and_counted_and_ends_when_withdrawn(portal):
    partner = Partner("national_portal", portal.control_url)
    partner.misbehave("*", "unavailable", 100)
    login = f"{portal.control_url}/adapter/login"
    assert requests.post(login, json={}, timeout=5).status_code == 503
    assert partner.faults_met() == {"login:unavailable": 1}
    partner.behave()
    assert requests.post(login, json={}, timeout=5).status_code == 200


def test_what_citizens_submit_is_in_the_partners_books(portal):
    partner = Partner("national_portal", portal.control_url)
    assert partner.tell("submit", [{"MaHoSo": "G22-1"}, {"MaHoSo": "G22-1"}]) == {"new": 1}
    assert [one["external_id"] for one in partner.effects("online")] == ["G22-1"]
    assert partner.ask("coverage") == {"G22-1": "1"}


def test_the_stand_ins_are_found_where_they_announce_themselves(tmp_path, portal):
    (tmp_path / "ready.json").write_text(json.dumps({"national_portal": portal.control_url}))
    assert partners(tmp_path)["national_portal"].faults_met() == {}


def test_an_unknown_control_call_is_an_error(portal):
    with pytest.raises(requests.HTTPError):
        Partner("national_portal", portal.control_url).ask("nothing")
