"""Every minute: bring into the journal what no courier has brought there."""

from airflow.sdk import dag

from truc import steps
from truc.on_airflow import DEFAULTS, START, dag_task, hub_store


@dag(
    schedule="* * * * *",
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["exchange"],
    is_paused_upon_creation=False,
)
def exchange_sweep() -> None:
    """Chain the receipts that are pending; deliveries are swept by the schedules of their own pipelines."""

    @dag_task("sweep")
    def sweep() -> dict[str, int]:
        return steps.sweep(hub_store())

    sweep()


exchange_sweep()
