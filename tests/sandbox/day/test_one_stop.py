"""The one-stop software's client: batches in order, lanes that keep a dossier together, answers counted."""

import json
from collections.abc import Iterator
from datetime import date

import pytest

from sandbox.day.generate import generate, moves_in_order
from sandbox.day.one_stop import (
    BATCH,
    Answers,
    OneStop,
    RefusedError,
    dossier_item,
    in_lanes,
    payment_item,
    status_item,
)
from sandbox.faults import Faults
from sandbox.http import HttpServer, Request, Response, json_response
from sandbox.state import State
from truc.inbound.internal import DossierIn, PaymentIn, StatusIn

PLAN = generate(date(2026, 11, 20), dossiers=300, seed=5)


@pytest.fixture
def gateway(tmp_path) -> Iterator[tuple[OneStop, State]]:
    state = State(tmp_path / "calls.sqlite")

    def handle(request: Request) -> Response:
        if request.headers.get("authorization") != "Bearer key":
            return Response(401)
        what = request.path.removeprefix("/internal/v1/")
        if not what.endswith("/batch"):
            return json_response({"detail": {"reason": "unknown_procedure", "error": "procedure_code: unknown"}}, 422)
        for item in request.json():
            state.record(what, str(item["number"]), {}, key=str(item["key"]))
        return json_response([{"outcome": "booked", "code": "", "reason": "", "error": ""} for _ in request.json()])

    server = HttpServer("gateway", 0, handle=handle, operation_of=lambda _: "", state=state, faults=Faults())
    yield OneStop(server.url, "key"), state
    server.close()
    state.close()


def test_lanes_hand_over_everything_and_keep_the_order_within_a_key(gateway):
    one_stop, state = gateway
    pairs = [(f"d{number % 7}", {"key": f"d{number % 7}", "number": number}) for number in range(BATCH * 3 + 1)]
    answers = one_stop.lanes("statuses", in_lanes(pairs))
    assert answers.outcomes == {"booked": len(pairs)}
    order = state.order("statuses/batch")
    for key in {key for key, _ in pairs}:
        numbers = [int(number) for at, number in order if at == key]
        assert numbers == sorted(numbers)
    assert len(order) == len(pairs)


def test_a_rejected_item_is_an_answer_with_its_reason(gateway):
    one_stop, _ = gateway
    answers = Answers()
    answers.add(one_stop.one("dossiers", {"reference": "x"}))
    assert answers.reasons == {"unknown_procedure": 1}


def test_a_call_that_is_not_taken_is_an_error_and_no_silence(gateway):
    one_stop, _ = gateway
    stranger = OneStop(one_stop._url.removesuffix("/internal/v1"), "another key")
    with pytest.raises(RefusedError, match="401"):
        stranger.batch("dossiers", [{"key": 1, "number": 1}])


def test_the_items_are_what_the_internal_api_takes():
    for one in PLAN.dossiers:
        if not one.online:
            DossierIn.model_validate_json(json.dumps(dossier_item(one)))
    for one, move in moves_in_order(PLAN):
        StatusIn.model_validate_json(json.dumps(status_item(one, move)))
    for payment in PLAN.payments:
        PaymentIn.model_validate_json(json.dumps(payment_item(payment)))
