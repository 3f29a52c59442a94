"""Each morning: reconcile yesterday's payments with the statement of every party that delivers one."""

from typing import Any

from airflow.sdk import dag

from truc import parties, steps
from truc.manifest import Capability
from truc.on_airflow import DAY, PATIENCE, RUNS_AT_ONCE, START, business_day, dag_task, hub_store

PARTIES = [one.party for one in parties.with_capability(Capability.FETCH_STATEMENT)]


@dag(
    schedule="0 6 * * *",
    start_date=START,
    catchup=False,
    max_active_runs=RUNS_AT_ONCE["fetch_day"],
    default_args=PATIENCE["fetch_day"],
    params={"day": DAY},
    tags=["reconciliation", *PARTIES],
    is_paused_upon_creation=False,
)
def reconcile_payments() -> None:
    """Match ledger and statement; every row ends matched or in one break with its class."""

    @dag_task("to_reconcile")
    def to_reconcile() -> list[str]:
        return steps.to_reconcile(hub_store())

    @dag_task("reconcile")
    def reconcile(party: str, *, params: dict[str, Any], dag_run: Any) -> dict[str, object]:
        return steps.reconcile(hub_store(), party, business_day(params, dag_run.run_after))

    reconcile.expand(party=to_reconcile())


reconcile_payments()
