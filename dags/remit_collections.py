"""Each morning: order that what was collected for agencies the day before is paid to them at the State Treasury."""

from typing import Any

from airflow.sdk import dag

from truc import steps
from truc.on_airflow import DAY, DEFAULTS, START, business_day, dag_task, hub_store


@dag(
    schedule="30 7 * * *",
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    params={"day": DAY},
    tags=["remittance"],
    is_paused_upon_creation=False,
)
def remit_collections() -> None:
    """Book what statements say of payouts and fees, then make the day's orders; what is held has its reason told."""

    @dag_task("book_settlements")
    def book_settlements(*, params: dict[str, Any], dag_run: Any) -> int:
        return steps.book_settlements(hub_store(), business_day(params, dag_run.run_after))

    @dag_task("order")
    def order(*, params: dict[str, Any], dag_run: Any) -> dict[str, object]:
        return steps.remit_collections(hub_store(), business_day(params, dag_run.run_after), dag_run.run_after)

    book_settlements() >> order()


remit_collections()
