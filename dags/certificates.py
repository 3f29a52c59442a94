"""Each morning: certificates that have ended, end soon, or are not what the inventory says."""

from airflow.sdk import dag

from truc.on_airflow import DEFAULTS, START, dag_task


@dag(
    schedule="30 7 * * *",
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["trust"],
    is_paused_upon_creation=False,
)
def certificates() -> None:
    """Warn 60, 30 and 7 days before an end; fail when one has ended, differs, is missing or cannot be read."""

    @dag_task("check")
    def check() -> dict[str, int]:
        from truc.kit import certificates  # its libraries are loaded where it runs, not where the file is read

        return certificates.check_today()

    check()


certificates()
