"""Every minute: a notice that its channel refused goes the next way, and one that arrived is over."""

from airflow.sdk import dag

from truc import steps
from truc.on_airflow import DEFAULTS, START, dag_task, hub_store


@dag(
    schedule="* * * * *",
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["notices"],
    is_paused_upon_creation=False,
)
def notices() -> None:
    """Follow the notices to citizens; one that may have arrived is left where it is."""

    @dag_task("follow")
    def follow() -> dict[str, int]:
        return steps.follow_notices(hub_store())

    follow()


notices()
