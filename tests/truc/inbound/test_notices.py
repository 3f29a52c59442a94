"""What the internal API takes and tells of notices: wishes, officers' orders, and what a citizen was told."""

import json

import pytest
import requests

from tests.truc.inbound.conftest import dossier, status


@pytest.fixture
def by_sms(monkeypatch):
    """A province with SMS alone, at no quiet hour."""
    monkeypatch.setenv("AIRFLOW_CONN_SMS", '{"host": "https://partner.invalid"}')
    monkeypatch.setenv("TRUC_NOTICE_CHANNELS", "sms,email")
    monkeypatch.setenv("TRUC_NOTICE_QUIET", "none")


def posted(gateway, path, value, expected=200):
    answer = gateway.post(f"/internal/v1/{path}", value)
    assert answer.status_code == expected, answer.text
    return answer.json()


def got(gateway, path):

    headers = {"Authorization": f"Bearer {gateway.key}"}
    return requests.get(f"{gateway.url}/internal/v1/{path}", headers=headers, timeout=30)


def test_a_citizens_wish_is_kept_and_what_they_are_told_is_shown(gateway, by_sms):
    code = posted(gateway, "dossiers", dossier())["code"]
    assert got(gateway, f"dossiers/{code}/notices").json() == []
    wish = {"channel": "sms", "wants": "all"}
    assert posted(gateway, f"dossiers/{code}/wish", wish) == wish
    for number, hour in ((4, 9), (9, 10)):
        posted(gateway, "statuses", status(code, number, hour))
    [told] = got(gateway, f"dossiers/{code}/notices").json()
    assert (told["event_key"], told["kind"], told["state"], told["channel"]) == (f"{code}/3", "ready", "given", "sms")
    assert "0905123456" not in json.dumps(told)


def test_an_officer_orders_an_apology_once(gateway, by_sms):
    code = posted(gateway, "dossiers", dossier(wants_sms=True))["code"]
    wanted = {"reference": "XL-1", "kind": "late_apology", "dossier_code": code, "due_on": "2026-03-20"}
    answers = [posted(gateway, "notices", wanted) for _ in range(2)]
    assert [one["outcome"] for one in answers] == ["given", "known"]
    assert {one["event_key"] for one in answers} == {"order/one-stop/XL-1"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"due_on": None}, "field_missing"), ({"receipt_number": "1"}, ""), ({"kind": "ready"}, "malformed")],
)
def test_an_order_that_cannot_be_carried_out_says_why(gateway, by_sms, changes, reason):
    code = posted(gateway, "dossiers", dossier(wants_sms=True))["code"]
    wanted = {"reference": "XL-1", "kind": "late_apology", "dossier_code": code, "due_on": "2026-03-20", **changes}
    if not reason:  # a fact of another kind is not this one's, and is left out
        assert posted(gateway, "notices", wanted)["outcome"] == "given"
    else:
        assert posted(gateway, "notices", wanted, 422)["detail"]["reason"] == reason


def test_a_dossier_nobody_knows_and_a_channel_nobody_has_are_named(gateway, by_sms):
    code = posted(gateway, "dossiers", dossier())["code"]
    assert posted(gateway, "dossiers/X/wish", {}, 422)["detail"]["reason"] == "unknown_dossier"
    assert posted(gateway, f"dossiers/{code}/wish", {"channel": "momo"}, 422)["detail"]["reason"] == "unknown_channel"
    assert got(gateway, "dossiers/X/notices").status_code == 404
    unknown = {"reference": "1", "kind": "late_apology", "dossier_code": "X", "due_on": "2026-03-20"}
    assert posted(gateway, "notices", unknown, 422)["detail"]["reason"] == "unknown_dossier"
    unwanted = {**unknown, "dossier_code": code}
    assert posted(gateway, "notices", unwanted)["outcome"] == "unwanted"
