"""The run that waits for a day's signature is found by what it asks, however many others wait."""

import asyncio
from datetime import date, timedelta
from importlib.resources import files
from itertools import count

import httpx
import pytest
import yaml

from truc import on_airflow_ui, signing

DAY = date(2026, 11, 20)
LATER = [DAY + timedelta(days=number) for number in range(1, 61)]


def asked(party, day, state="awaiting_input", numbers=count(1)):  # noqa: B008  (one count for all)
    task = {"dag_run_id": f"run {next(numbers)}", "task_id": "day.await_signature", "map_index": 0, "state": state}
    return {"subject": signing.subject(party, day), "task_instance": task}


def found(waiting, party, day):
    """Look for the run as the console does, in an Airflow where these wait, the newest first."""

    def answer(request):
        wanted = request.url.params
        fitting = [one for one in waiting if wanted.get("subject_search", "").casefold() in one["subject"].casefold()]
        return httpx.Response(200, json={"hitl_details": fitting[: int(wanted["limit"])]})

    async def look():
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://airflow") as airflow:
            return await on_airflow_ui._waiting(airflow, signing.subject(party, day))

    return asyncio.run(look())


@pytest.fixture
def waiting():
    """Sixty days of two parties, after one that is older."""
    later = [asked(party, day) for day in reversed(LATER) for party in ("momo", "vietinbank")]
    return [*later, asked("momo", DAY)]


def test_the_run_of_a_day_older_than_many_is_found(waiting):
    run = waiting[-1]["task_instance"]["dag_run_id"].replace(" ", "%20")
    assert f"/dagRuns/{run}/taskInstances/day.await_signature/0/" in found(waiting, "momo", DAY)


def test_a_run_that_waits_no_more_or_asks_of_another_day_is_passed_over(waiting):
    assert found(waiting, "vietinbank", DAY) is None
    assert found([asked("momo", DAY, state="failed")], "momo", DAY) is None
    assert found([], "momo", DAY) is None


def test_airflow_can_be_asked_for_a_subject():
    said = files("airflow.api_fastapi.core_api").joinpath("openapi/v2-rest-api-generated.yaml").read_text()
    [path] = [
        one for name, one in yaml.safe_load(said)["paths"].items() if name.endswith("dagRuns/{dag_run_id}/hitlDetails")
    ]
    assert {"subject_search", "response_received", "order_by", "limit"} <= {
        one["name"] for one in path["get"]["parameters"]
    }
