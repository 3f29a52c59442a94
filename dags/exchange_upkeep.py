"""Each night: drawers made ahead, those whose period is over dropped, and the day closed in the journal."""

from airflow.sdk import dag

from truc import settings, steps
from truc.on_airflow import DEFAULTS, START, dag_task, hub_store
from truc.operating import audit, upkeep


@dag(
    schedule="20 0 * * *",
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["exchange"],
    is_paused_upon_creation=False,
)
def exchange_upkeep() -> None:
    """Keep the exchange in order: what is needed first, then what may fail without harm until the next night."""

    @dag_task("make_drawers")
    def make_drawers() -> int:
        return upkeep.make_drawers(hub_store())

    @dag_task("close_day")
    def close_day() -> int:
        return steps.close_day(hub_store(), settings.load())

    @dag_task("drop_old")
    def drop_old() -> list[str]:
        return upkeep.drop_old(hub_store(), audit.order("exchange_upkeep", upkeep.REASON))

    make_drawers() >> close_day() >> drop_old()


exchange_upkeep()
