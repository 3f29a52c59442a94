"""Plays a business day through the running hub, phase by phase, and says whether everything came as expected."""

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from rich.console import Console

from sandbox.day import finance, money, morning, notices, parcels, portal, statements, summary, table, treasury
from sandbox.day.channels import CHANNELS
from sandbox.day.generate import generate
from sandbox.day.journal import Journal, opened
from sandbox.day.one_stop import CLIENT, OneStop
from sandbox.day.partners import partners
from sandbox.day.plan import Plan
from sandbox.day.progress import Progress
from sandbox.day.stage import Stage
from truc.ground import up
from truc.ground.supervisor import running_pid
from truc.inbound.clients import ensure_client
from truc.services.ask_schedule import can_be_asked
from truc.settings import Settings
from truc.store.opened import Store, open_hub_store

DELIVERIES = {
    "national_portal": "status_push",
    "vnpost": "postal_orders",
    **{party: f"notify_{party}" for party in notices.PARTIES},
    **{one.party: one.delivers for one in CHANNELS},
}
SUMMARY_FILE = "summary.json"
ROUNDS_AT_MOST = 4
WAIT_AT_MOST_S = 90.0  # longer than any party needs to settle
PHASES = 17


def play(settings: Settings, day: date, *, dossiers: int, seed: int, console: Console) -> bool:
    """Play the day, in the hub that runs here or in one of its own, and return whether all came as expected.

    The summary is printed, and written to `var/day/summary.json`.
    """
    progress = Progress(console, phases=PHASES, look_at=str(settings.logs))
    with progress.live():
        with progress.phase("plan", "Lập ngày làm việc", "generating the day"):
            plan = generate(day, dossiers=dossiers, seed=seed)
        with _hub(settings, progress) as hub, contextlib.closing(open_hub_store(hub.settings)) as store:
            stage = _stage(hub, store, plan, progress, dossiers)
            found = _played(stage)
    _finish(stage, found)
    return summary.verdict(stage.expectations) == "ok"


def _played(stage: Stage) -> dict[str, Any]:
    before = {} if stage.first_time else summary.counts(stage)
    with stage.progress.phase("dags", "Chờ Airflow đọc các DAG", "Airflow reads the DAGs"):
        stage.airflow.wait_for_dags(*_dags(), within_s=120)
    _phases(stage)
    with stage.progress.phase("summary", "Tổng hợp", "asking the core and every partner"):
        found = summary.build(stage, before)
    if stage.first_time and summary.verdict(stage.expectations) == "ok":
        stage.journal.figures = summary.counts(stage)
        stage.journal.save()
    return found


def _dags() -> tuple[str, ...]:
    """Return every DAG that the day runs."""
    asking = (one.asks for one in CHANNELS if can_be_asked(one.party))
    statements_of = (f"statement_{party}" for party in statements.GIVING)
    others = (
        "catalogue_load",
        "dossier_intake",
        "payment_callbacks",
        "postal_tracking",
        statements.DAG,
        treasury.ORDERS,
        treasury.DELIVERS,
        treasury.CONFIRMS,
        "exchange_sweep",
        "notices",
    )
    return (*others, *DELIVERIES.values(), *asking, *statements_of)


def _phases(stage: Stage) -> None:
    phase = stage.progress.phase
    with phase("catalogue", "Danh mục thủ tục, cơ quan", "catalogue of procedures, agencies"):
        morning.load_catalogue(stage)
    with phase("intake", "Hồ sơ trực tuyến từ Cổng DVCQG", "online dossiers from the national portal"):
        morning.take_in_online_dossiers(stage)
    counters = phase("counters", "Hồ sơ tại quầy, Cổng mất kết nối", "dossiers at counters, the portal is away")
    with counters, portal.outage(stage):
        morning.hand_over_counter_dossiers(stage)
    with phase("push", "Đồng bộ hồ sơ lên Cổng", "dossiers to the portal, answers lost on the way"):
        portal.push_dossiers(stage)
    with phase("statuses", "Cán bộ chuyển trạng thái", "officers move dossiers"):
        portal.change_statuses(stage)
    with phase("payment_requests", "Yêu cầu thanh toán", "payment requests"):
        money.request(stage)
    with phase("deliver", "Gửi đi: Cổng, bưu chính, thanh toán, tin nhắn", "to portal, post, payment partners, SMS"):
        portal.lose_answers(stage, portal.PUSH_PROGRESS)
        parcels.lose_answers(stage)
        money.lose_answers(stage)
        stage.run(*DELIVERIES.values())
        stage.confirm()
    with phase("pay", "Công dân thanh toán", "citizens pay, callbacks come"):
        money.citizens_pay(stage)
        parcels.carry(stage)
        stage.run("payment_callbacks", "postal_tracking")
    with phase("ask", "Hỏi đối tác về khoản chưa rõ", "partners are asked what became of payments"):
        money.ask_about_the_rest(stage)
    with phase("statements", "Sao kê của ngân hàng và ví", "the statements of bank and wallet"):
        statements.deliver_wrong_then_right(stage)
        statements.deliver_twice(stage)
    with phase("reconcile", "Đối soát", "reconciliation"):
        statements.reconcile(stage)
    with phase("sign", "Kế toán xử lý chênh lệch, người duyệt ký", "a clerk works the breaks, an approver signs"):
        finance.work_and_sign(stage)
    with phase("remit", "Nộp Kho bạc", "remittance to the State Treasury"):
        treasury.remit(stage)
    with phase("rest", "Gửi nốt phần còn lại", "whatever still waits"):
        _send_the_rest(stage)
        stage.run("exchange_sweep")  # the day's hub does not run it each minute


def _send_the_rest(stage: Stage) -> None:
    """Give what still waits its next chances, when its time has come: a partner's "no" is believed only later."""
    for _ in range(ROUNDS_AT_MOST):
        stage.run("notices")  # what a channel refused goes the next way
        notices.let_the_night_pass(stage)
        waiting = [dag for party, dag in DELIVERIES.items() if stage.open_messages(party)]
        if not waiting:
            return
        due_s = stage.due_in_s()
        if due_s > 1:
            stage.progress.say(f"chờ {due_s:.0f} giây đến lượt · {due_s:.0f} s until the rest may go")
        time.sleep(min(due_s, WAIT_AT_MOST_S))
        stage.run(*waiting)


def _stage(hub: up.Hub, store: Store, plan: Plan, progress: Progress, dossiers: int) -> Stage:
    journal = _journal(hub.settings, store, plan, dossiers)
    if journal.played:
        progress.say("Ngày này đã được chạy: không được thêm gì · played before: nothing may be added")
    return Stage(
        settings=hub.settings,
        plan=plan,
        airflow=hub.airflow,
        store=store,
        one_stop=OneStop(hub.settings.gateway_url, ensure_client(hub.settings.secrets, CLIENT)),
        partners=partners(hub.settings.sandbox),
        journal=journal,
        progress=progress,
        first_time=not journal.played,
    )


def _journal(settings: Settings, store: Store, plan: Plan, dossiers: int) -> Journal:
    with store.begin() as transaction:
        query = "SELECT count(*) FROM dossiers WHERE source_reference LIKE %(name)s"
        known = transaction.sql.exec_driver_sql(query, {"name": f"%-{plan.day:%y%m%d}-%"}).scalar_one()
    path = settings.day / f"journal-{plan.day.isoformat()}.json"
    return opened(path, seed=plan.seed, dossiers=dossiers, core_has_the_day=known > 0)


@contextlib.contextmanager
def _hub(settings: Settings, progress: Progress) -> Iterator[up.Hub]:
    """Yield the hub that runs from this folder already, or one that lives as long as the block."""
    if (pid := running_pid(settings.run)) is not None:
        progress.say(f"… trong hệ thống đang chạy · in the hub that runs here (process {pid})")
        yield up.Hub(settings, up.api(settings))
        return
    # The day has a clock of its own: what Airflow's clock would start meanwhile is about other days.
    settings = replace(settings, airflow_options={"SCHEDULER__USE_JOB_SCHEDULE": "False"})
    begun = progress.elapsed_s
    with up.hub_up(settings, with_sandbox=True, report=progress.begin) as hub:
        progress.seconds["start"] = round(progress.elapsed_s - begun, 1)
        admin, file = next(iter(hub.logins.items()))
        progress.say(f"Airflow {hub.settings.airflow_url} · {admin}: mật khẩu trong · password in {file}")
        yield hub
        begun = progress.elapsed_s
    progress.seconds["stop"] = round(progress.elapsed_s - begun, 1)


def _finish(stage: Stage, found: dict[str, Any]) -> None:
    found |= {
        "verdict": summary.verdict(stage.expectations),
        "expectations": [
            {"name": one.name, "expected": one.expected, "found": one.found, "holds": one.holds, "where": one.where}
            for one in stage.expectations
        ],
        "seconds": round(stage.progress.elapsed_s, 1),
        "phase_seconds": stage.progress.seconds,
        "dag_seconds": {f"{run.dag} {run.run_id}": round(run.seconds, 1) for run in stage.runs},
    }
    path = stage.settings.day / SUMMARY_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    table.show(stage.progress.console, found, stage.expectations)
    stage.progress.console.print(f"[dim]{path}[/]", highlight=False, soft_wrap=True)
