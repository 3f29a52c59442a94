"""Each night: bring the shipped catalogue of procedures, agencies and swapped days into the store."""

from airflow.sdk import dag

from truc import steps
from truc.on_airflow import DEFAULTS, START, dag_task, hub_store


@dag(
    schedule="30 0 * * *",
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["catalogue"],
    is_paused_upon_creation=False,
)
def catalogue_load() -> None:
    """Load the catalogue; a procedure that changed becomes a new version."""

    @dag_task("load")
    def load() -> dict[str, int]:
        loaded = steps.load_catalogue(hub_store())
        return {"procedures": loaded.procedures, "new_versions": loaded.new_versions}

    load()


catalogue_load()
