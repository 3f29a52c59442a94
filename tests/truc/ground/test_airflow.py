"""Real Airflow under our supervisor, asked by its REST API; the hub's own services are left out."""

import json
import shutil
import time
from dataclasses import replace

import psycopg
import pytest

from truc import secrets_file, settings
from truc.errors import SetupError, TransientError
from truc.ground import airflow_home, postgres, up
from truc.ground.processes import survivors
from truc.ground.supervisor import Supervisor

pytestmark = pytest.mark.airflow
DAGS = """
import pendulum
from airflow.sdk import BaseHook, dag, task

HOW = {"schedule": None, "start_date": pendulum.datetime(2026, 1, 1, tz="Asia/Ho_Chi_Minh"), "catchup": False}

@dag(**HOW)
def works():
    @task
    def ask(**context):
        from truc.connections import read
        from truc.settings import load
        found = BaseHook.get_connection("post_office")
        return {
            "airflow": found.host, "ours": read("post_office").required("host"),
            "conf": context["dag_run"].conf, "home": str(load().var),
        }
    ask()

@dag(**HOW)
def hides_a_failure():
    @task
    def fails():
        raise ValueError("on purpose")
    @task(trigger_rule="all_done")
    def goes_on(): ...
    fails() >> goes_on()

works()
hides_a_failure()
"""


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    root = tmp_path_factory.mktemp("hub")
    project = settings.load(environ={}).root
    one = replace(settings.load(root, {}), root=project, dags=root / "dags")
    one = replace(one, airflow_options={"SCHEDULER__USE_JOB_SCHEDULE": "False"})
    one.dags.mkdir()
    (one.dags / "some.py").write_text(DAGS)
    up.prepare(one)
    post_office = {"conn_type": "http", "host": "https://post.example", "password": "made-up"}
    secrets_file.write(one.secrets, "connections.json", json.dumps({"post_office": post_office}))
    yield one
    postgres.remove(one)
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def airflow(installation):
    with Supervisor(installation.run, installation.logs) as supervisor:
        up.start_database(installation, supervisor)
        up.bootstrap_airflow(installation, airflow_home.users(installation))
        supervisor.start(*airflow_home.services(installation))
        client = up.api(installation)
        client.wait_for_dags("works", "hides_a_failure")
        yield client
    assert survivors(installation.run) == []


def test_all_components_are_healthy(airflow):
    assert set(airflow.health().values()) == {"healthy"}


def test_a_task_and_airflow_read_the_same_connection(airflow, installation):
    run = airflow.run("works", {"day": "2026-11-20"})
    assert run.ok
    assert airflow.xcom(run, "ask") == {
        "airflow": "https://post.example",
        "ours": "https://post.example",
        "conf": {"day": "2026-11-20"},
        "home": str(installation.var),
    }


def test_the_same_run_id_is_one_run(airflow):
    first = airflow.run("works", run_id="once")
    assert airflow.trigger("works", run_id="once") == "once"
    assert airflow.wait("works", "once").run_id == first.run_id


def test_a_failure_behind_a_later_task_is_seen_and_explained(airflow):
    run = airflow.run("hides_a_failure")
    assert run.state == "success"
    assert not run.ok
    logs = airflow.failed_logs(run)
    assert list(logs) == ["fails"]
    assert "on purpose" in logs["fails"]


def test_an_unknown_dag_is_named(airflow):
    with pytest.raises(SetupError, match="404"):
        airflow.trigger("no_such")
    with pytest.raises(SetupError, match="no_such"):
        airflow.wait_for_dags("no_such", within_s=0.5)


def test_a_paused_dag_waits_until_it_is_let_go(airflow):
    airflow._call("PATCH", "dags/works", json={"is_paused": True})
    run_id = airflow.trigger("works")
    with pytest.raises(TransientError, match="queued"):
        airflow.wait("works", run_id, within_s=1)
    airflow.unpause("works")
    assert airflow.wait("works", run_id).ok


def test_a_token_that_ran_out_is_renewed(airflow):
    airflow._session.headers["Authorization"] = "Bearer outdated"
    assert set(airflow.dags()) == {"works", "hides_a_failure"}


def test_a_wrong_password_is_a_setup_error(airflow, installation):
    stranger = replace_password(installation)
    with pytest.raises(SetupError, match="password"):
        stranger.dags()


def replace_password(installation):
    from truc.ground.airflow_api import AirflowApi

    return AirflowApi(installation.airflow_url, "admin", "not the password")


def test_the_second_bootstrap_is_quick_and_a_new_password_is_not_skipped(airflow, installation):
    begun = time.monotonic()
    up.bootstrap_airflow(installation, airflow_home.users(installation))
    assert time.monotonic() - begun < 2
    stamp = (installation.airflow / "bootstrap.json").read_text()
    secrets_file.write(installation.secrets, "airflow_admin", "a-new-made-up-password")
    up.bootstrap_airflow(installation, airflow_home.users(installation))
    assert (installation.airflow / "bootstrap.json").read_text() != stamp
    assert up.api(installation).health()


def test_a_stamp_that_outlived_its_database_is_not_believed(airflow, installation):
    address = installation.airflow_database_url.replace("+psycopg", "")
    before = (installation.airflow / "bootstrap.json").read_text()
    with psycopg.connect(address) as connection:
        connection.execute("UPDATE ab_user SET username = 'other', email = 'other' WHERE username = 'admin'")
    up.bootstrap_airflow(installation, airflow_home.users(installation))
    with psycopg.connect(address) as connection:
        assert connection.execute("SELECT count(*) FROM ab_user WHERE username = 'admin'").fetchone() == (1,)
    assert json.loads((installation.airflow / "bootstrap.json").read_text()) == json.loads(before)


def test_an_airflow_that_is_away_is_transient(installation):
    away = replace(installation, ports=replace(installation.ports, airflow=settings._any_free_port()))
    with pytest.raises(TransientError, match="cannot be reached"):
        up.api(away).dags()
