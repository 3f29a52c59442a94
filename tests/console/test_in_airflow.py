"""The console in a real Airflow: found, closed to strangers, opened by role; a run answered in a user's name."""

import re
import shutil
import time
from dataclasses import replace
from importlib.metadata import entry_points

import pytest
import requests
from playwright.sync_api import expect

from tests.console import a_day
from tests.console.conftest import SIZE, screen
from truc import secrets_file, settings
from truc.exchange.journal.signatures import hub_key
from truc.ground import airflow_home, postgres, up
from truc.ground.airflow_api import AirflowApi
from truc.ground.processes import survivors
from truc.ground.supervisor import Supervisor
from truc.reconcile.reading import days as reading
from truc.reconcile.work import sign_off
from truc.reconcile.work.roles import Role, actor
from truc.signing import SIGNED, VOUCHER, subject
from truc.store.opened import open_hub_store

pytestmark = pytest.mark.airflow
NOTED_WITHIN_S = 15
PLUGIN = "from truc.on_airflow_ui import TrucPlugin\n"
# Each party's day waits and is signed for itself: what is mapped is the group of both tasks.
DAG = """
import pendulum
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param, dag, task, task_group
from truc import settings, signing
from truc.on_airflow import hub_store

DAYS = [
    {"party": party, "business_on": "2026-11-20", "version": 1, "matched": 3, "breaks": {}, "difference_vnd": 0}
    for party in ("vnpay", "momo")
]

@task
def sign(found, answer):
    return signing.sign_day(hub_store(), settings.load(), found, answer)

@task_group
def of_party(found):
    asked = task(task_id="ask")(signing.question)(found)
    answer = HITLOperator(
        task_id="await_approval",
        subject=asked["subject"],
        body=asked["body"],
        options=list(signing.ANSWERS),
        params={signing.VOUCHER: Param("", type="string")},
    )
    sign(found, answer.output)

@dag(schedule=None, start_date=pendulum.datetime(2026, 1, 1), catchup=False, is_paused_upon_creation=False)
def reconcile_payments():
    of_party.expand(found=DAYS)

reconcile_payments()
"""


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    root = tmp_path_factory.mktemp("hub")
    project = settings.load(environ={}).root
    here = replace(settings.load(root, {}), root=project, dags=root / "dags")
    options = {"SCHEDULER__USE_JOB_SCHEDULE": "False"}
    if not entry_points(group="airflow.plugins", name="truc"):  # an environment from before the entry point
        (root / "plugins").mkdir()
        (root / "plugins" / "truc_plugin.py").write_text(PLUGIN)
        options["CORE__PLUGINS_FOLDER"] = str(root / "plugins")
    here = replace(here, airflow_options=options)
    here.dags.mkdir()
    (here.dags / "reconcile_payments.py").write_text(DAG)
    up.prepare(here)
    yield here
    postgres.remove(here)
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def airflow(installation):
    with Supervisor(installation.run, installation.logs) as supervisor:
        up.start_database(installation, supervisor)
        up.migrate_hub(installation)
        secrets_file.ensure_password(installation.secrets, airflow_home.password_file("viewer"))
        users = {**airflow_home.users(installation, with_demo=True), "viewer": "Viewer"}
        up.bootstrap_airflow(installation, users)
        supervisor.start(*airflow_home.services(installation)[:3])  # what waits for a person needs no triggerer
        client = up.api(installation)
        client.wait_for_dags("reconcile_payments")
        yield client
    assert survivors(installation.run) == []


@pytest.fixture
def console(airflow, installation):
    """Call a page as somebody, with the cookie that Airflow's login gives."""

    def call(path, *, user=None, method="GET", **how):
        cookies = {"_token": token(installation, user)} if user else {}
        address = f"{installation.airflow_url}/truc{path}"
        return requests.request(method, address, cookies=cookies, timeout=30, allow_redirects=False, **how)

    return call


def token(installation, user):
    password = secrets_file.read(installation.secrets, airflow_home.password_file(user))
    answer = requests.post(
        f"{installation.airflow_url}/auth/token", json={"username": user, "password": password}, timeout=30
    )
    answer.raise_for_status()
    return answer.json()["access_token"]


def test_airflow_lists_the_plugin_and_its_menu_entry(airflow):
    found = airflow._call("GET", "plugins").json()["plugins"]
    [ours] = [one for one in found if one["name"] == "truc"]
    assert ours["fastapi_apps"] == [
        {"app": ours["fastapi_apps"][0]["app"], "url_prefix": "/truc", "name": "truc console"}
    ]
    [view] = ours["external_views"]
    assert (view["href"], view["destination"], view["url_route"]) == ("/truc/", "nav", "truc-reconcile")
    assert airflow._call("GET", "plugins/importErrors").json()["import_errors"] == []


def test_a_stranger_is_sent_to_the_login_and_a_program_gets_401(console):
    page = console("/", headers={"Accept": "text/html"})
    assert page.status_code == 303
    assert "/auth/login" in page.headers["Location"]
    assert "next=%2Ftruc%2F" in page.headers["Location"]
    for path in ("/", "/breaks", "/static/console.css", "/days/momo/2026-11-20/files/report.xlsx"):
        assert console(path).status_code == 401
    assert console("/breaks/assign", method="POST").status_code == 401


@pytest.mark.parametrize(
    ("user", "role"),
    [("clerk", "Kế toán viên"), ("approver", "Người duyệt"), ("auditor", "Kiểm toán"), ("admin", "Quản trị")],
)
def test_each_user_has_the_role_of_its_name(console, user, role):
    page = console("/", user=user)
    assert page.status_code == 200
    assert role in page.text


def test_a_user_of_airflow_without_one_of_our_roles_is_refused(console):
    answer = console("/", user="viewer")
    assert answer.status_code == 403
    assert "chưa được giao vai trò" in answer.text


def test_people_of_finance_do_in_airflow_what_their_role_needs_and_no_more(installation, airflow):
    for user in ("clerk", "approver", "auditor"):
        theirs = AirflowApi(
            installation.airflow_url, user, secrets_file.read(installation.secrets, airflow_home.password_file(user))
        )
        assert set(theirs.dags()) == {"reconcile_payments"}
        assert theirs._call("GET", "plugins").ok
        for path in ("connections", "variables", "pools", "eventLogs"):
            assert theirs._call("GET", path, allow=(403,)).status_code == 403
        assert theirs._call("POST", "dags/reconcile_payments/dagRuns", json={}, allow=(403,)).status_code == 403


@pytest.fixture(scope="module")
def waiting(airflow, installation):
    """Two days that are prepared, each with a task that waits for its signature."""
    store = open_hub_store(installation)
    for party in ("momo", "vnpay"):
        a_day.keep(store, party, a_day.rows(party[:4].upper(), 3))
        with store.begin() as transaction:
            sign_off.prepare(transaction, party, a_day.DAY, by=actor("clerk", Role.CLERK))
    airflow.trigger("reconcile_payments", run_id="of-the-day")
    until = time.monotonic() + 240
    while states(airflow, "await_approval") != ["awaiting_input"] * 2:
        assert time.monotonic() < until, states(airflow, "await_approval")
        time.sleep(0.3)
    # An answer that comes before the scheduler has noted the question would be taken for a task that broke.
    time.sleep(NOTED_WITHIN_S)
    yield store
    store.close()


def states(airflow, task):
    """What the two days' tasks of this name are at."""
    found = airflow._call("GET", "dags/reconcile_payments/dagRuns/of-the-day/taskInstances").json()["task_instances"]
    return sorted(str(one["state"]) for one in found if one["task_id"] == f"of_party.{task}")


def signing(store, party):
    with store.begin() as transaction:
        return reading.signing(transaction, party, a_day.DAY)


def answers(airflow):
    found = airflow._call("GET", "dags/reconcile_payments/dagRuns/~/hitlDetails").json()["hitl_details"]
    return {one["subject"]: one for one in found}


def form_of(console, path, user):
    """Open a page in a browser of the user; return the browser and what its form carries."""
    page = console(path, user=user)
    return {"truc_form": page.cookies["truc_form"]}, re.search(r'name="form_token" value="(\w+)"', page.text).group(1)


def test_the_signature_of_a_page_is_the_answer_of_that_users_run(console, airflow, installation, waiting):
    path = f"/days/momo/{a_day.DAY}/sign"
    cookies, form = form_of(console, path, "approver")
    content_hash = signing(waiting, "momo").content_hash
    fields = {"form_token": form, "content_hash": content_hash, "compared": "yes"}
    cookies["_token"] = token(installation, "approver")
    answer = requests.post(
        f"{installation.airflow_url}/truc{path}", data=fields, cookies=cookies, timeout=60, allow_redirects=False
    )
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"/truc{path}")
    until = time.monotonic() + 240  # beside other tests Airflow takes its time
    while (signed := signing(waiting, "momo")).state != "signed":
        assert time.monotonic() < until, states(airflow, "sign")
        time.sleep(0.3)
    assert (signed.approved_by, signing(waiting, "vnpay").state) == ("approver", "prepared")
    found = answers(airflow)
    answered, other = found[subject("momo", a_day.DAY)], found[subject("vnpay", a_day.DAY)]
    assert answered["chosen_options"] == [SIGNED]
    assert content_hash in answered["params_input"][VOUCHER]
    assert answered["responded_by_user"]["name"] == "approver"
    assert not other["response_received"]
    logged = airflow._call("GET", "eventLogs", params={"event": "update_hitl_detail"}).json()["event_logs"]
    assert [one["owner"] for one in logged] == ["approver"]
    assert states(airflow, "await_approval") == ["awaiting_input", "success"]


def test_a_day_without_a_waiting_run_is_signed_by_the_page(console, airflow, installation, waiting):
    a_day.keep(waiting, "vietinbank", a_day.rows("PB", 3))
    with waiting.begin() as transaction:
        by = actor("clerk", Role.CLERK)
        content_hash = sign_off.prepare(transaction, "vietinbank", a_day.DAY, by=by)
    path = f"/days/vietinbank/{a_day.DAY}/sign"
    cookies, form = form_of(console, path, "approver")
    fields = {"form_token": form, "content_hash": content_hash, "compared": "yes"}
    cookies["_token"] = token(installation, "approver")
    requests.post(f"{installation.airflow_url}/truc{path}", data=fields, cookies=cookies, timeout=60)
    found, key = signing(waiting, "vietinbank"), hub_key(installation.secrets).public_key()
    with waiting.begin() as transaction:
        assert sign_off.verify(transaction, "vietinbank", a_day.DAY, key=key).holds
    assert (found.state, found.approved_by) == ("signed", "approver")


def test_a_clerk_logs_in_and_finds_the_console_in_airflows_own_menu(chromium, airflow, installation, waiting):
    context = chromium.new_context(viewport=SIZE, locale="vi-VN")
    page = context.new_page()
    page.set_default_timeout(60_000)  # the first page of Airflow's own interface is a large one
    page.goto(f"{installation.airflow_url}/truc/")  # a stranger's way: the login, and back to the page
    page.locator("#username").fill("clerk")
    page.locator("#password").fill(secrets_file.read(installation.secrets, airflow_home.password_file("clerk")))
    page.locator("#password").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Tổng quan")
    page.goto(f"{installation.airflow_url}/")
    page.get_by_role("link", name="Đối soát").first.click()
    inside = page.frame_locator("iframe")
    expect(inside.get_by_role("heading", level=1)).to_contain_text("Tổng quan ngày 20/11/2026", timeout=30_000)
    inside.get_by_role("link", name="Ví điện tử MoMo").click()
    expect(inside.get_by_role("heading", level=1)).to_contain_text("MoMo, 20/11/2026")
    screen(page, "in-airflow")
    context.close()


def test_no_password_and_no_token_is_in_a_log(airflow, installation, waiting):
    logs = "".join(file.read_text(errors="replace") for file in installation.logs.glob("*.log"))
    assert logs
    for user in (airflow_home.ADMIN, *airflow_home.DEMO_USERS):
        assert secrets_file.read(installation.secrets, airflow_home.password_file(user)) not in logs
        mode = (installation.secrets / airflow_home.password_file(user)).stat().st_mode & 0o777
        assert mode == 0o600
    assert "form_token" not in logs
