"""The one door to Airflow: the connection of a party, and steps as tasks."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import pendulum
from airflow.sdk import DAG, BaseHook, Connection, Param, task
from airflow.sdk.exceptions import AirflowFailException

from truc import connections, settings, steps
from truc.domain.calendar import local_day
from truc.errors import TransientError, TrucError
from truc.manifest import Manifest, Pipeline
from truc.store.opened import Store, open_hub_store

P = ParamSpec("P")
R = TypeVar("R")

OWNER = "truc"
# Only what is transient reaches these retries: `step` turns every other failure into a final one.
DEFAULTS: dict[str, Any] = {
    "owner": OWNER,
    "retries": 4,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=30),
}
# A run about one day may wait long for a file; it must not hold the runs of other days. One that drains
# a queue would only meet itself.
RUNS_AT_ONCE = {"deliver": 1, "fetch": 1, "fetch_day": 4}
# A file that is not there yet is waited for through the day, not for minutes.
PATIENCE: dict[str, dict[str, Any]] = {
    "deliver": DEFAULTS,
    "fetch": DEFAULTS,
    "fetch_day": {**DEFAULTS, "retries": 48, "max_retry_delay": timedelta(minutes=15)},
}
START = pendulum.datetime(2026, 1, 1, tz="Asia/Ho_Chi_Minh")
DAY = Param(
    default=None,
    type=["null", "string"],
    format="date",
    title="Ngày nghiệp vụ",
    description="Business day, YYYY-MM-DD; empty for the day before the run.",
)


class PartyHook(BaseHook):
    """The hook Airflow shows for a party's connection type; tasks open a client through truc.parties instead."""

    def __init__(self, party: str) -> None:
        super().__init__()
        self.party = party

    def get_conn(self) -> connections.Connection:
        """Return the party's settings."""
        return connection(self.party)


def connection(party: str) -> connections.Connection:
    """Return the party's connection as Airflow finds it: secrets backends first, then its database."""
    found = Connection.get(party)
    fields = {name: getattr(found, name, None) for name in connections.STANDARD_FIELDS}
    return connections.from_airflow_json(party, {**fields, "extra": found.extra or {}})


def step(act: Callable[P, R]) -> Callable[P, R]:
    """Let only TransientError through to Airflow's retries; any other failure of ours is final."""

    @wraps(act)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return act(*args, **kwargs)
        except TransientError:
            raise
        except TrucError as error:
            raise AirflowFailException(f"{error.reason}: {error}") from error

    return called


def hub_store() -> Store:
    """Open the store of this installation."""
    return open_hub_store(settings.load())


def business_day(params: dict[str, Any], run_after: datetime) -> date:
    """Return the day a run is about: its `day` parameter, else the day before the run was due, in Vietnam.

    A retry past midnight, or a task cleared next week, is still about that day.
    """
    given = params.get("day")
    return date.fromisoformat(given) if given else local_day(run_after) - timedelta(days=1)


def party_dag(manifest: Manifest, pipeline: Pipeline) -> DAG:
    """Return the DAG of one declared pipeline: one task that works through everything there is to do."""
    with DAG(
        dag_id=pipeline.dag_id,
        description=pipeline.title,
        doc_md=f"**{pipeline.title_vi}** — {pipeline.title}. Party: `{manifest.party}`.",
        schedule=pipeline.schedule,
        start_date=START,
        catchup=False,
        max_active_runs=RUNS_AT_ONCE[pipeline.does],
        default_args=PATIENCE[pipeline.does],
        params={"day": DAY},
        tags=[manifest.party, pipeline.does],
        is_paused_upon_creation=False,
    ) as dag:
        _PIPELINE_TASKS[pipeline.does](manifest.party, pipeline.of)
    return dag


def _deliver_task(party: str, operations: tuple[str, ...]) -> None:
    @dag_task("deliver")
    def deliver() -> dict[str, int]:
        return steps.deliver(hub_store(), connection(party), operations)

    deliver()


def _fetch_task(party: str, feeds: tuple[str, ...]) -> None:
    @dag_task("fetch")
    def fetch() -> dict[str, int]:
        return steps.fetch(hub_store(), connection(party), feeds)

    fetch()


def _fetch_day_task(party: str, feeds: tuple[str, ...]) -> None:
    @dag_task("fetch_day")
    def fetch_day(*, params: dict[str, Any], dag_run: Any) -> dict[str, int]:
        return steps.fetch_day(hub_store(), connection(party), feeds, business_day(params, dag_run.run_after))

    fetch_day()


_PIPELINE_TASKS: dict[str, Callable[[str, tuple[str, ...]], None]] = {
    "deliver": _deliver_task,
    "fetch": _fetch_task,
    "fetch_day": _fetch_day_task,
}


def dag_task(task_id: str) -> Callable[[Callable[P, R]], Any]:
    """Return a decorator that makes a step a task of the DAG being built."""
    return lambda act: task(task_id=task_id)(step(act))
