"""The morning in the console: a clerk and an approver work one party's day and sign it; the other is the visitor's."""

import re
import time
from typing import Any
from urllib.parse import urlencode

from sandbox.day.browser import CONSOLE, Browser
from sandbox.day.channels import BANK
from sandbox.day.stage import Stage
from sandbox.day.statements import DAG, TOO_MUCH_VND, WALLET
from truc import secrets_file
from truc.domain.money import format_vnd
from truc.exchange.journal.signatures import hub_key
from truc.ground.airflow_home import password_file
from truc.reconcile.reading import days as reading
from truc.reconcile.reading.days import Signing
from truc.reconcile.work import sign_off

SIGNED, LEFT = BANK, WALLET
CLERK, APPROVER = "clerk", "approver"
WAIT_AT_MOST_S = 60.0
REFUSED = 403
BREAK = re.compile(rf'href="{CONSOLE}/breaks/([0-9a-f]{{16}})"')
CONTENT_HASH = re.compile(r'id="content-hash">([0-9a-f]{64})<')
EXPLAINED = {
    "proposal": "accept",
    "reason": "partner_error",
    "remark": f"Ngân hàng ghi thừa {format_vnd(TOO_MUCH_VND)}, đã xác nhận qua điện thoại (ngày mẫu)",
}


def work_and_sign(stage: Stage) -> None:
    """Let the two work the bank's day and sign it; a day that was signed before is only looked at."""
    if signing(stage, SIGNED).state != "signed":
        clerk, approver = (_at_the_browser(stage, user) for user in (CLERK, APPROVER))
        _resolve(stage, clerk, approver)
        _sign(stage, clerk, approver)
    _expect(stage)
    signed = signing(stage, SIGNED)
    stage.progress.say(f"{SIGNED}: {signed.prepared_by} trình, {signed.approved_by} ký · prepared, signed")


def signing(stage: Stage, party: str) -> Signing:
    """Return where the signature of the party's day stands in the core."""
    with stage.store.begin() as transaction:
        return reading.signing(transaction, party, stage.plan.day)


def summary(stage: Stage) -> dict[str, Any]:
    """Return whose day was prepared and signed by whom, where the rest is worked, and where its passwords lie."""
    found = {party: signing(stage, party) for party in (SIGNED, LEFT)}
    return {
        "signing": {
            party: {"state": one.state, "prepared_by": one.prepared_by, "signed_by": one.approved_by}
            for party, one in found.items()
        },
        "console": f"{stage.settings.airflow_url}{CONSOLE}/",
        "passwords": {user: str(stage.settings.secrets / password_file(user)) for user in (CLERK, APPROVER)},
    }


def _at_the_browser(stage: Stage, user: str) -> Browser:
    found = Browser(stage.settings.airflow_url)
    found.log_in(user, secrets_file.read(stage.settings.secrets, password_file(user)))
    return found


def _resolve(stage: Stage, clerk: Browser, approver: Browser) -> None:
    """Have each break of the day explained by the clerk and approved by the approver."""
    for break_id in _breaks(stage, clerk, state="unresolved"):
        page = f"/breaks/{break_id}"
        if break_id not in _breaks(stage, clerk, state="proposed"):  # by a play that ended here
            clerk.send(page, f"{page}/propose", **EXPLAINED)
        approver.send(page, f"{page}/approve", remark="")


def _breaks(stage: Stage, person: Browser, *, state: str) -> list[str]:
    """Return the ids of the breaks that the console lists for the day in that state."""
    day = stage.plan.day.isoformat()
    page = person.open(f"/breaks?{urlencode({'party': SIGNED, 'since': day, 'until': day, 'state': state})}")
    return sorted(set(BREAK.findall(page)))


def _sign(stage: Stage, clerk: Browser, approver: Browser) -> None:
    """Prepare as the clerk, sign as the approver; the waiting run books it."""
    day = _day(stage)
    if signing(stage, SIGNED).state == "open":
        clerk.send(f"{day}/sign", f"{day}/prepare")
    stage.expect("a clerk signs the day", REFUSED, _signs(clerk, day), stage.log("airflow-api-server"))
    stage.expect("the day is signed by a clerk", "prepared", signing(stage, SIGNED).state)
    stage.expect("an approver signs the day", 200, _signs(approver, day), stage.log("airflow-api-server"))
    _await_signature(stage)
    stage.expect(f"{SIGNED}: the run signs", "success", _task(stage, SIGNED, "sign"), DAG)


def _signs(person: Browser, day: str) -> int:
    """Sign what the page shows and return the status of the answer."""
    [content_hash] = CONTENT_HASH.findall(person.open(f"{day}/sign"))
    return person.try_to_send(f"{day}/sign", f"{day}/sign", content_hash=content_hash, compared="yes")


def _await_signature(stage: Stage) -> None:
    """Return when the run's task has ended, or after a while."""
    until = time.monotonic() + WAIT_AT_MOST_S
    while _task(stage, SIGNED, "sign") not in ("success", "failed", "") and time.monotonic() < until:
        time.sleep(0.25)


def _task(stage: Stage, party: str, name: str) -> str:
    """Return the state of a task of the party's day in the last run; "" where that run is not about the party."""
    run = next((one for one in reversed(stage.runs) if one.dag == DAG), None)
    parties: Any = [] if run is None else stage.airflow.xcom(run, "to_reconcile")
    if run is None or party not in parties:
        return ""
    return stage.airflow.tasks(DAG, run.run_id).get(f"day.{name}[{parties.index(party)}]", "")


def _expect(stage: Stage) -> None:
    signed = signing(stage, SIGNED)
    by = (signed.state, signed.prepared_by, signed.approved_by)
    stage.expect(f"{SIGNED}: signed", ("signed", CLERK, APPROVER), by, DAG)
    if signed.state == "signed":
        stage.expect(f"{SIGNED}: broken in what was sealed", (), _broken(stage), "truc reconcile verify")
    if signing(stage, LEFT).state != "signed":  # by the visitor, after an earlier play
        stage.expect(f"{LEFT}: waits for the visitor", "awaiting_input", _task(stage, LEFT, "await_signature"), DAG)


def _broken(stage: Stage) -> tuple[str, ...]:
    with stage.store.begin() as transaction:
        key = hub_key(stage.settings.secrets).public_key()
        return sign_off.verify(transaction, SIGNED, stage.plan.day, key=key).broken


def _day(stage: Stage) -> str:
    return f"/days/{SIGNED}/{stage.plan.day.isoformat()}"
