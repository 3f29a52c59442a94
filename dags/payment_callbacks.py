"""Every minute: book the callbacks that the gateway kept, party by party."""

from airflow.sdk import dag

from truc import parties, steps
from truc.on_airflow import DEFAULTS, START, dag_task, hub_store

CALLING = {one.party: one.callback_names for one in parties.manifests() if one.callbacks}


@dag(
    schedule="* * * * *",
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["callbacks", *CALLING],
    is_paused_upon_creation=False,
)
def payment_callbacks() -> None:
    """Read what each party told us, compare it with our own orders, and book it once."""

    @dag_task("book")
    def book(party: str) -> dict[str, int]:
        return steps.book_kept(hub_store(), party, CALLING[party])

    book.expand(party=list(CALLING))


payment_callbacks()
