"""A planted trouble must be met: one that nothing ran into spoils the verdict, and does not linger."""

from collections.abc import Iterator
from datetime import date

import pytest
import requests
from rich.console import Console

from sandbox.day.generate import generate
from sandbox.day.journal import Journal
from sandbox.day.one_stop import OneStop
from sandbox.day.partners import Partner
from sandbox.day.progress import Progress
from sandbox.day.stage import Stage
from sandbox.day.summary import verdict
from sandbox.serve import Running
from sandbox.sms.server import start
from truc.airflow_api import AirflowApi, Run
from truc.domain.notices import notice_text
from truc.exchange import outbox
from truc.manifest import Event
from truc.messages import NoticeDue


@pytest.fixture
def sms(tmp_path) -> Iterator[Running]:
    running = start(0, tmp_path, "http://127.0.0.1:1")
    yield running
    running.close()


@pytest.fixture
def stage(tmp_path, store, server, sms) -> Stage:
    return Stage(
        settings=server,
        plan=generate(date(2026, 11, 20), dossiers=60, seed=1),
        airflow=AirflowApi("http://127.0.0.1:1", "nobody", ""),
        store=store,
        one_stop=OneStop("http://127.0.0.1:1", ""),
        partners={"sms": Partner("sms", sms.control_url)},
        journal=Journal(tmp_path / "journal.json", 1, 60),
        progress=Progress(Console(quiet=True)),
        first_time=True,
    )


@pytest.fixture
def waiting(stage: Stage) -> None:
    text = notice_text("ready", "H32.01-261120-0001", None)
    notice = NoticeDue(notice_id="1", dossier_code="1", notice="ready", phone="0912345678", text=text)
    with stage.store.begin() as transaction:
        outbox.publish(transaction, Event.NOTICE_DUE, notice, key="1", external_id="1")


@pytest.mark.usefixtures("waiting")
def test_a_trouble_that_was_met_is_written_down(stage, sms):
    stage.plant("sms", "message", "unavailable")
    assert requests.post(f"{sms.control_url}/bulkapi", data=b"", timeout=5).status_code == 503
    stage.confirm()
    assert verdict(stage.expectations) == "ok"
    assert stage.journal.troubles == {"sms_message_unavailable": {"message:unavailable": 1}}


@pytest.mark.usefixtures("waiting")
def test_a_trouble_nothing_ran_into_spoils_the_verdict_and_is_withdrawn(stage, sms):
    stage.plant("sms", "message", "unavailable")
    stage.confirm()
    assert verdict(stage.expectations) != "ok"
    assert requests.post(f"{sms.control_url}/bulkapi", data=b"", timeout=5).status_code != 503


def test_no_trouble_is_planted_where_nothing_waits(stage):
    stage.plant("sms", "message", "unavailable")
    stage.confirm()
    assert stage.expectations == []
    assert stage.journal.troubles == {}


@pytest.mark.usefixtures("waiting")
def test_a_trouble_an_earlier_run_met_is_not_planted_again(stage, sms):
    stage.journal.note("sms_message_unavailable", {})
    stage.plant("sms", "message", "unavailable")
    assert requests.post(f"{sms.control_url}/bulkapi", data=b"", timeout=5).status_code != 503


def test_at_least_one_is_required_where_some_are(stage):
    stage.require("messages wait", 3)
    assert verdict(stage.expectations) == "ok"
    stage.require("messages wait", 0)
    assert verdict(stage.expectations) != "ok"


def test_what_does_not_hold_names_the_task_logs_of_the_dags_last_run(stage):
    stage.runs += [Run("status_push", run_id, "success", {}, 1.0) for run_id in ("first", "last")]
    stage.expect("coverage", 100, 99, "status_push")
    assert stage.expectations[0].where.endswith("airflow/logs/dag_id=status_push/run_id=last")
