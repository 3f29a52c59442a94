"""A planted trouble must be met: one that nothing ran into spoils the verdict, and does not linger."""

import pytest
import requests

from sandbox.day.stage import Stage
from sandbox.day.summary import verdict
from truc.exchange import outbox
from truc.ground.airflow_api import Run
from truc.manifest import Event
from truc.messages import NoticeDue, NoticeFacts


@pytest.fixture
def waiting(stage: Stage) -> None:
    code = "H32.01-261120-0001"
    notice = NoticeDue(notice_id="1", dossier_code=code, notice="ready", phone="0912345678", facts=NoticeFacts())
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
    assert stage.journal.troubles == {}
    assert requests.post(f"{sms.control_url}/bulkapi", data=b"", timeout=5).status_code != 503


@pytest.mark.usefixtures("waiting")
def test_a_trouble_met_in_one_mode_of_two_is_not_met(stage, sms):
    stage.plant("sms", "message", "unavailable", "garbage")
    requests.post(f"{sms.control_url}/bulkapi", data=b"", timeout=5)
    stage.confirm()
    assert verdict(stage.expectations) != "ok"
    assert stage.journal.troubles == {}


@pytest.mark.parametrize("nothing", [0, [], {}])
def test_without_evidence_no_trouble_is_written_down(stage, nothing):
    stage.meet("statement_delivered_twice", nothing)
    assert not stage.journal.met("statement_delivered_twice")


def test_what_an_earlier_run_met_is_not_unmet_by_a_run_that_finds_it_done(stage):
    stage.meet("callback_lost", 1)
    stage.meet("callback_lost", 0)
    assert stage.journal.troubles == {"callback_lost": 1}


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


@pytest.mark.usefixtures("waiting")
def test_the_day_waits_until_the_last_message_may_go_on(stage):
    assert stage.due_in_s() == 0
    with stage.store.begin() as transaction:
        transaction.sql.exec_driver_sql("UPDATE outbox SET not_before = now() + interval '60 s'")
    assert 50 < stage.due_in_s() <= 60


def test_at_least_one_is_required_where_some_are(stage):
    stage.require("messages wait", 3)
    assert verdict(stage.expectations) == "ok"
    stage.require("messages wait", 0)
    assert verdict(stage.expectations) != "ok"


def test_what_does_not_hold_names_the_task_logs_of_the_dags_last_run(stage):
    stage.runs += [Run("status_push", run_id, "success", {}, 1.0) for run_id in ("first", "last")]
    stage.expect("coverage", 100, 99, "status_push")
    assert stage.expectations[0].where.endswith("airflow/logs/dag_id=status_push/run_id=last")
