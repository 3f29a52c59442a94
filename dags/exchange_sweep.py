"""Every minute: bring into the journal what no courier has brought there, and finish replays that died."""

from airflow.sdk import dag

from truc import steps
from truc.on_airflow import DEFAULTS, START, dag_task, hub_store
from truc.operating import replay
from truc.services import booking


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
    """Chain the receipts that are pending; deliveries are swept by the schedules of their own pipelines.

    Beside it, so that neither waits for the other: book what a replay brought back and did not live to book.
    """

    @dag_task("sweep")
    def sweep() -> dict[str, int]:
        return steps.sweep(hub_store())

    @dag_task("finish_replays")
    def finish_replays() -> None:
        store = hub_store()
        replay.finish(store, booking.booker(store))

    sweep()
    finish_replays()


exchange_sweep()
