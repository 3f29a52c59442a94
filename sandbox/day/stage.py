"""What every phase of the day works with: the plan, the hub's doors, the stand-ins, and what must hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from sandbox.day.journal import Journal
from sandbox.day.one_stop import Answers, OneStop
from sandbox.day.partners import Partner
from sandbox.day.plan import Plan
from sandbox.day.progress import Progress
from sandbox.faults import Mode
from truc.errors import TransientError
from truc.ground.airflow_api import AirflowApi, Run
from truc.settings import Settings
from truc.store.opened import Store

RUN_WITHIN_S = 240


@dataclass(frozen=True, slots=True)
class Expectation:
    """One thing that must hold at the end, with what was found and where to look when it does not."""

    name: str
    expected: Any
    found: Any
    where: str = ""

    @property
    def holds(self) -> bool:
        """Whether it came as expected."""
        return bool(self.expected == self.found)


@dataclass(slots=True)
class Stage:
    """One play of one day."""

    settings: Settings
    plan: Plan
    airflow: AirflowApi
    store: Store
    one_stop: OneStop
    partners: Mapping[str, Partner]
    journal: Journal
    progress: Progress
    first_time: bool
    expectations: list[Expectation] = field(default_factory=list)
    answers: dict[str, Answers] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    _planted: dict[str, tuple[str, dict[str, int]]] = field(default_factory=dict)

    def expect(self, name: str, expected: Any, found: Any, where: str = "") -> None:
        """Note that `found` must equal `expected`; `where` names a log, or a DAG, whose last run is then named."""
        last = next((run for run in reversed(self.runs) if run.dag == where), None)
        place = where if last is None else self._logs_of(last.dag, last.run_id)
        self.expectations.append(Expectation(name, expected, found, place))

    def require(self, name: str, found: int, where: str = "") -> None:
        """Note that there must be at least one of `name`."""
        self.expect(name, "some", "some" if found > 0 else found, where)

    def run(self, *dags: str) -> None:
        """Run these DAGs for the day, at the same time, and wait for them; each must succeed."""
        begun = {dag: self.airflow.trigger(dag, {"day": self.plan.day.isoformat()}) for dag in dags}
        for dag, run_id in begun.items():
            self._await(dag, run_id)

    def run_until_asked(self, dag: str, task: str) -> None:
        """Run the DAG for the day until `task` waits for a person, which it must."""
        run_id = self.airflow.trigger(dag, {"day": self.plan.day.isoformat()})
        try:
            run = self.airflow.wait_until_asked(dag, run_id, task, within_s=RUN_WITHIN_S)
        except TransientError as error:
            self.expect(f"dag {dag}", "waits for a person", str(error), self._logs_of(dag, run_id))
            return
        self.runs.append(run)
        self.expect(f"dag {dag}", "running", run.state, self._logs_of(dag, run_id))
        self._tell_failed(run)

    def meet(self, trouble: str, evidence: Any) -> None:
        """Write down that a trouble was met, if there is evidence of it: a count, rows, the answers received."""
        if evidence:
            self.journal.note(trouble, evidence)

    def aside(self, party: str, like: str) -> dict[str, int]:
        """Return reason → how many items of the party, or of a message so named, are set aside."""
        query = """SELECT reason, count(*) AS items FROM set_aside JOIN inbox ON inbox.id = inbox_id
                   WHERE set_aside.party = :party AND (item LIKE :like OR external_id LIKE :like)
                   GROUP BY reason ORDER BY reason"""
        return {row.reason: row.items for row in self.rows(query, party=party, like=like)}

    def plant(self, party: str, operation: str, *modes: Mode, times: int = 1, after: int = 0) -> None:
        """Order an operation to go wrong in each mode, unless it did before, or nothing waits that could.

        The next `after` calls are spared.
        """
        trouble = f"{party}_{operation}_{'_'.join(modes)}"
        if not self.journal.met(trouble) and self.open_messages(party):
            found = self.partners[party].faults_met()
            self._planted[trouble] = (party, {f"{operation}:{mode}": found[f"{operation}:{mode}"] for mode in modes})
            for mode in modes:
                self.partners[party].misbehave(operation, mode, times, after=after)

    def confirm(self) -> None:
        """Write down which planted troubles were met, in every mode; what is left of them is withdrawn."""
        for trouble, (party, before) in self._planted.items():
            met = self.partners[party].faults_met()
            calls = {call: met[call] - earlier for call, earlier in before.items()}
            self.partners[party].behave()
            spared = [call for call, times in calls.items() if not times]
            self.expect(f"trouble met: {trouble}", [], spared)
            self.meet(trouble, {} if spared else calls)
        self._planted.clear()

    def rows(self, query: str, **values: Any) -> list[Any]:
        """Ask the core."""
        with self.store.begin() as transaction:
            return list(transaction.sql.execute(text(query), values))

    def number(self, query: str, **values: Any) -> int:
        """Ask the core for one number."""
        return int(self.rows(query, **values)[0][0] or 0)

    def open_messages(self, party: str) -> int:
        """Return how many messages to the party are not done yet."""
        query = "SELECT count(*) FROM outbox WHERE party = :party AND state IN ('waiting', 'sending', 'unknown')"
        return self.number(query, party=party)

    def due_in_s(self) -> float:
        """Return in how many seconds every message that is not done yet may go on, 0 when all may now."""
        query = """SELECT extract(epoch FROM max(not_before) - now()) FROM outbox
                   WHERE drawer = 0 AND state IN ('waiting', 'sending', 'unknown')"""
        return max(0.0, float(self.rows(query)[0][0] or 0), *(self.line_opens_in_s(one) for one in self.partners))

    def line_opens_in_s(self, party: str) -> float:
        """Return in how many seconds the party may be called again, 0 when it may now."""
        query = "SELECT extract(epoch FROM retry_at - now()) FROM lines WHERE party = :party AND breaker <> 'closed'"
        found = self.rows(query, party=party)
        return max(0.0, float(found[0][0])) if found else 0.0

    def log(self, name: str) -> str:
        """Name a log file for a person."""
        return str(self.settings.logs / f"{name}.log")

    def _logs_of(self, dag: str, run_id: str) -> str:
        """Name the folder of a run's task logs: it is there also when Airflow is not."""
        return str(self.settings.airflow / "logs" / f"dag_id={dag}" / f"run_id={run_id}")

    def _tell_failed(self, run: Run) -> None:
        for line in self.airflow.failed_logs(run, lines=6).values():
            self.progress.say(f"[red]{run.dag}[/] {line}")

    def _await(self, dag: str, run_id: str) -> None:
        where = f"{self._logs_of(dag, run_id)}, {self.settings.airflow_url}/dags/{dag}/runs/{run_id}"
        try:
            run = self.airflow.wait(dag, run_id, within_s=RUN_WITHIN_S)
        except TransientError as error:
            self.expect(f"dag {dag}", "success", str(error), where)
            return
        self.runs.append(run)
        if not run.ok:
            self._tell_failed(run)
            self.expect(f"dag {dag}", "success", run.state if run.state != "success" else "a task failed", where)
