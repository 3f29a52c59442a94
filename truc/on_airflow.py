"""The one door to Airflow: the connection of a party, and steps as tasks."""

from collections.abc import AsyncIterator, Callable, Iterator, Set
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import pendulum
from airflow.sdk import (
    DAG,
    Asset,
    AssetOrTimeSchedule,
    AssetWatcher,
    BaseHook,
    Connection,
    CronTriggerTimetable,
    Param,
    task,
)
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException, AirflowSkipException
from airflow.sdk.observability import stats
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from truc import connections, parties, settings, steps, tracing, waking
from truc.domain.calendar import local_day
from truc.errors import SetupError, TransientError, TrucError
from truc.exchange import queues
from truc.exchange.outbox import WOKEN
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
RUNS_AT_ONCE = {"deliver": 1, "fetch": 1, "fetch_day": 4, "ask_payments": 1, "ask_parcels": 1, "check_postage": 1}
# A file that is not there yet is waited for through the day, not for minutes.
PATIENCE: dict[str, dict[str, Any]] = {
    "deliver": DEFAULTS,
    "fetch": DEFAULTS,
    "fetch_day": {**DEFAULTS, "retries": 48, "max_retry_delay": timedelta(minutes=15)},
    "ask_payments": DEFAULTS,
    "ask_parcels": DEFAULTS,
    "check_postage": DEFAULTS,
}
ZONE = "Asia/Ho_Chi_Minh"
START = pendulum.datetime(2026, 1, 1, tz=ZONE)
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
    """Return the party's connection as Airflow finds it: secrets backends first, then its database.

    Raise SetupError: `connection_missing` where there is none, another reason where there is one that cannot be read.
    """
    try:
        found = Connection.get(party)
    except AirflowNotFoundException:  # of a backend that failed Airflow says the same
        connections.read(party)  # says which: there is none, or what is wrong with it
        text = f"connection {party!r} is there, and Airflow cannot read it: it must have Airflow's JSON form"
        raise SetupError(text, reason="setting_malformed") from None
    fields = {name: getattr(found, name, None) for name in connections.STANDARD_FIELDS}
    return connections.from_airflow_json(party, {**fields, "extra": found.extra or {}})


def connection_in_use(store: Store, party: str) -> connections.Connection:
    """Return the party's connection, or end the task as skipped: not every province uses every party.

    Skipped is only what has no connection and no business with this hub: without a connection, what waits for a
    party fails, and so does a connection that cannot be read.
    """
    try:
        return connection(party)
    except SetupError as error:
        if error.reason != "connection_missing" or steps.in_use(store, party):
            raise
    raise AirflowSkipException(f"{party}: this hub has no connection of that name, and no business with the party")


class OutboxTrigger(BaseEventTrigger):
    """Fires when a commit left work in one of the queues of a pipeline, and once when it starts to listen.

    All of them share one database connection of the triggerer. What Airflow stores and shows of a trigger is which
    queues it is about; the settings are read where it runs.
    """

    def __init__(self, party: str, operations: list[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow states no types here
        self.party, self.operations = party, operations

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what makes the same trigger again."""
        return f"{__name__}.{type(self).__name__}", {"party": self.party, "operations": self.operations}

    def shared_stream_key(self) -> str:
        """Return the same for all, so that they share what `open_shared_stream` hears."""
        return WOKEN

    @classmethod
    async def open_shared_stream(cls, kwargs: dict[str, Any]) -> AsyncIterator[frozenset[str]]:  # noqa: ARG003  (of one trigger, this is for all)
        """Yield which queues of any pipeline that commits wake have new work."""
        async for woken in waking.woken(_address, _wakeable()):
            yield woken

    async def filter_shared_stream(self, shared_stream: AsyncIterator[frozenset[str]]) -> AsyncIterator[TriggerEvent]:
        """Yield an event at the start, as others may have listened before, and one for each time ours have new work."""
        ours = {f"{self.party}/{operation}" for operation in self.operations}
        yield _event(ours)
        async for woken in shared_stream:
            if found := woken & ours:
                yield _event(found)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Do the same over a connection of its own, for a triggerer that shares nothing."""
        async for event in self.filter_shared_stream(self.open_shared_stream({})):
            yield event


def _event(queues_woken: Set[str]) -> TriggerEvent:
    return TriggerEvent({"queues": sorted(queues_woken)})  # type: ignore[no-untyped-call]  # nor here


def _address() -> str:
    return settings.load().database_url.replace("+psycopg", "")


def _wakeable() -> frozenset[str]:
    """What commits tell of: messages that wait, and questions that are due because a citizen came back from paying."""
    return frozenset(
        f"{manifest.party}/{operation}"
        for manifest in parties.manifests()
        for pipeline in manifest.pipelines
        if _SCHEDULES[pipeline.does] is _woken
        for operation in pipeline.of
    )


def step(act: Callable[P, R]) -> Callable[P, R]:
    """Let only TransientError through to Airflow's retries; any other failure of ours is final.

    A task is skipped where the party's connection says that its work is done another way (reason `not_in_use`).
    """

    @wraps(act)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return act(*args, **kwargs)
        except TransientError:
            raise
        except TrucError as error:
            if error.reason == "not_in_use":
                raise AirflowSkipException(str(error)) from error
            raise AirflowFailException(f"{error.reason}: {error}") from error
        finally:
            tracing.flush()  # a task's process ends without a farewell

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
        schedule=_SCHEDULES[pipeline.does](manifest.party, pipeline),
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


def _by_clock(_party: str, pipeline: Pipeline) -> CronTriggerTimetable:
    return CronTriggerTimetable(pipeline.schedule, timezone=ZONE)


def _woken(party: str, pipeline: Pipeline) -> AssetOrTimeSchedule:
    """Run at once when a commit left work, and by the clock.

    The clock's runs are the sweep: they find what no notification tells of. That is a notification lost, and a
    message whose time came later: after a back-off, an open breaker, a maintenance.
    """
    trigger = OutboxTrigger(party, list(pipeline.of))
    name = f"outbox/{party}/{pipeline.dag_id}"
    work = Asset(name=name, uri=f"truc://{name}", watchers=[AssetWatcher(name=name, trigger=trigger)])
    return AssetOrTimeSchedule(timetable=_by_clock(party, pipeline), assets=[work])


_SCHEDULES: dict[str, Callable[[str, Pipeline], CronTriggerTimetable | AssetOrTimeSchedule]] = {
    "deliver": _woken,
    "fetch": _by_clock,
    "fetch_day": _by_clock,
    "ask_payments": _woken,
    "ask_parcels": _by_clock,
    "check_postage": _by_clock,
}


def _deliver_task(party: str, operations: tuple[str, ...]) -> None:
    @dag_task("deliver")
    def deliver() -> dict[str, int]:
        store = hub_store()
        with metered(store, party, operations):
            return steps.deliver(store, connection_in_use(store, party), operations)

    deliver()


@contextmanager
def metered(store: Store, party: str, operations: tuple[str, ...]) -> Iterator[None]:
    """Tell Airflow's metrics what the block did, also when it failed.

    Per party and operation: counters `truc.exchange.{sent,refused,unknown,set_aside}.<party>.<operation>` by how much
    each grew meanwhile, and gauges `truc.exchange.{waiting,oldest_waiting_s}.<party>.<operation>` as it stands at the
    end. Party and operation are in the name, as plain StatsD knows no tags, and in the tags for what does.
    """
    before = queues.queues(store, party, operations)
    try:
        yield
    finally:
        for operation, queue in queues.queues(store, party, operations).items():
            where, tags = f"{party}.{operation}", {"party": party, "operation": operation}
            for outcome, times in queue.times.items():
                if grown := times - before[operation].times.get(outcome, 0):
                    stats.incr(f"truc.exchange.{outcome}.{where}", grown, tags=tags)
            stats.gauge(f"truc.exchange.waiting.{where}", queue.waiting, tags=tags)
            stats.gauge(f"truc.exchange.oldest_waiting_s.{where}", round(queue.oldest_waiting_s, 3), tags=tags)


def _fetch_task(party: str, feeds: tuple[str, ...]) -> None:
    @dag_task("fetch")
    def fetch() -> dict[str, int]:
        store = hub_store()
        return steps.fetch(store, connection_in_use(store, party), feeds)

    fetch()


def _fetch_day_task(party: str, feeds: tuple[str, ...]) -> None:
    @dag_task("fetch_day")
    def fetch_day(*, params: dict[str, Any], dag_run: Any) -> dict[str, int]:
        store, business_on = hub_store(), business_day(params, dag_run.run_after)
        return steps.fetch_day(store, connection_in_use(store, party), feeds, business_on)

    fetch_day()


def _ask_payments_task(party: str, kinds: tuple[str, ...]) -> None:
    @dag_task("ask_payments")
    def ask_payments() -> dict[str, int]:
        store = hub_store()
        return steps.ask_payments(store, connection_in_use(store, party), kinds)

    ask_payments()


def _ask_parcels_task(party: str, kinds: tuple[str, ...]) -> None:
    @dag_task("ask_parcels")
    def ask_parcels() -> dict[str, int]:
        store = hub_store()
        return steps.ask_parcels(store, connection_in_use(store, party), kinds)

    ask_parcels()


def _check_postage_task(party: str, kinds: tuple[str, ...]) -> None:
    @dag_task("check_postage")
    def check_postage(*, params: dict[str, Any], dag_run: Any) -> dict[str, int]:
        store, business_on = hub_store(), business_day(params, dag_run.run_after)
        return steps.check_postage(store, connection_in_use(store, party), kinds, business_on)

    check_postage()


_PIPELINE_TASKS: dict[str, Callable[[str, tuple[str, ...]], None]] = {
    "deliver": _deliver_task,
    "fetch": _fetch_task,
    "fetch_day": _fetch_day_task,
    "ask_payments": _ask_payments_task,
    "ask_parcels": _ask_parcels_task,
    "check_postage": _check_postage_task,
}


def dag_task(task_id: str) -> Callable[[Callable[P, R]], Any]:
    """Return a decorator that makes a step a task of the DAG being built."""
    return lambda act: task(task_id=task_id)(step(act))
