"""The internal API's part about parcels, over its socket."""

import pytest
import requests

from tests.truc.inbound.conftest import cancel, dossier
from truc.store.tables.exchange import OUTBOX
from truc.store.tables.post import SHIPMENTS


@pytest.fixture
def order(gateway):
    """A parcel of a counter dossier, which was ordered."""
    answer = gateway.post("/internal/v1/dossiers", dossier(wants_postal_return=True))
    return f"{answer.json()['code']}-R1"


def told(gateway, path):
    return requests.get(f"{gateway.url}{path}", headers={"Authorization": f"Bearer {gateway.key}"}, timeout=30)


def test_a_dossiers_parcels_are_told_without_the_person(gateway, order):
    code = order.removesuffix("-R1")
    [one] = told(gateway, f"/internal/v1/dossiers/{code}/shipments").json()
    assert (one["order_number"], one["state"], one["fee_vnd"], one["tracking_code"]) == (order, "requested", 23_000, "")
    assert one["ordered_at"] is not None
    assert one["cancel_asked_at"] is None
    assert set(one) == {
        *("order_number", "dossier_code", "direction", "fee_vnd", "state", "state_at", "registered_at"),
        *("ordered_at", "cancel_asked_at", "tracking_code"),
    }


def test_a_dossier_without_a_parcel_has_none_and_an_unknown_one_is_unknown(gateway):
    code = gateway.post("/internal/v1/dossiers", dossier()).json()["code"]
    assert told(gateway, f"/internal/v1/dossiers/{code}/shipments").json() == []
    assert told(gateway, "/internal/v1/dossiers/X/shipments").status_code == 404


def test_a_wish_is_booked_once_with_who_and_why(gateway, order):
    answers = [gateway.post(f"/internal/v1/shipments/{order}/cancel", cancel()).json() for _ in range(2)]
    assert [(one["outcome"], one["code"]) for one in answers] == [("booked", order), ("known", order)]
    [row] = gateway.rows(SHIPMENTS)
    assert (row.state, row.cancel_actor, row.cancel_reason) == ("cancelling", "one-stop: Lê Văn Phúc", "Nhận tại quầy")
    assert [one.operation for one in gateway.rows(OUTBOX) if one.party == "vnpost"] == ["order", "cancel"]


def test_an_unknown_parcel_is_refused(gateway):
    answer = gateway.post("/internal/v1/shipments/X-R1/cancel", cancel())
    assert (answer.status_code, answer.json()["detail"]["reason"]) == (422, "unknown_shipment")


@pytest.mark.parametrize(
    "wrong", [{"because": " "}, {"requested_by": ""}, {"requested_at": "2026-03-04"}, {"why": "x"}]
)
def test_a_wish_that_is_not_of_its_form_is_refused(gateway, order, wrong):
    answer = gateway.post(f"/internal/v1/shipments/{order}/cancel", cancel(**wrong))
    assert (answer.status_code, answer.json()["detail"]["reason"]) == (422, "malformed")
    assert [one.operation for one in gateway.rows(OUTBOX) if one.party == "vnpost"] == ["order"]
