"""Each morning: notices that no event brings about but a day that comes."""

from typing import Any

from airflow.sdk import dag

from truc import steps
from truc.domain.calendar import local_day
from truc.on_airflow import DEFAULTS, START, dag_task, hub_store


@dag(
    schedule="0 8 * * *",
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["notices"],
    is_paused_upon_creation=False,
)
def notices_daily() -> None:
    """Remind of fees and of results that wait, and ask how it went; each dossier or payment once."""

    @dag_task("remind")
    def remind(*, dag_run: Any) -> dict[str, int]:
        return steps.remind_citizens(hub_store(), local_day(dag_run.run_after))

    remind()


notices_daily()
