"""Each morning: reconcile yesterday's payments with every party that delivers a statement, and wait for signatures."""

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param, dag, task_group

from truc import parties, settings, signing, steps
from truc.manifest import Capability
from truc.on_airflow import DAY, PATIENCE, START, business_day, dag_task, hub_store

PARTIES = [one.party for one in parties.with_capability(Capability.FETCH_STATEMENT)]
DAYS_UNSIGNED_MAX = 60  # a run that waits for its signatures must not hold up the next days


@dag(
    schedule="0 6 * * *",
    start_date=START,
    catchup=False,
    max_active_runs=DAYS_UNSIGNED_MAX,
    default_args=PATIENCE["fetch_day"],
    params={"day": DAY},
    tags=["reconciliation", *PARTIES],
    is_paused_upon_creation=False,
)
def reconcile_payments() -> None:
    """Match ledger and statement; every row ends matched or in one break with its class; then two persons sign."""

    @dag_task("to_reconcile")
    def to_reconcile(*, params: dict[str, Any], dag_run: Any) -> list[str]:
        return steps.to_reconcile(hub_store(), business_day(params, dag_run.run_after))

    @dag_task("reconcile")
    def reconcile(party: str, *, params: dict[str, Any], dag_run: Any) -> dict[str, object]:
        return steps.reconcile(hub_store(), party, business_day(params, dag_run.run_after))

    @dag_task("ask")
    def ask(found: dict[str, Any]) -> dict[str, str]:
        return signing.question(found)

    @dag_task("sign")
    def sign(found: dict[str, Any], answer: dict[str, Any]) -> str:
        return signing.sign_day(hub_store(), settings.load(), found, answer)

    @task_group(group_id="day")  # mapped whole: a party's day waits for nobody else's
    def day(party: str) -> None:
        found = reconcile(party)
        asked = ask(found)
        answer = HITLOperator(
            task_id="await_signature",
            subject=asked["subject"],
            body=asked["body"],
            options=list(signing.ANSWERS),
            params={signing.VOUCHER: Param("", type="string", title="Trang Đối soát điền (the console fills it in)")},
            response_timeout=timedelta(days=DAYS_UNSIGNED_MAX),
            retries=0,  # to ask for another two months would help nobody
        )
        sign(found, answer.output)

    day.expand(party=to_reconcile())


reconcile_payments()
