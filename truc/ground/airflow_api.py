"""Asks Airflow by its REST API (v2): trigger a run, wait for its end, say which tasks failed and why."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from truc.errors import SetupError, TransientError

FINAL = ("success", "failed")
POLL_S = 0.25


WAITING = {"awaiting_input", "deferred"}  # for a person's answer


@dataclass(frozen=True, slots=True)
class Run:
    """A DAG run that has ended (or not: `state` says). `tasks` has the state of each task by its id."""

    dag: str
    run_id: str
    state: str
    tasks: Mapping[str, str]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether the run and every task of it succeeded; a failed task can hide behind a later one."""
        return self.state == "success" and "failed" not in self.tasks.values()


class AirflowApi:
    """One signed-in client. The token is fetched at first use and again when it has run out."""

    def __init__(self, url: str, user: str, password: str, *, timeout_s: float = 30) -> None:
        self._url, self._user, self._password = url.rstrip("/"), user, password
        self._timeout_s = timeout_s
        self._session = requests.Session()

    def health(self) -> dict[str, str]:
        """Return the status of each component."""
        report = self._call("GET", "monitor/health").json()
        return {name: str(state.get("status")) for name, state in report.items()}

    def dags(self) -> dict[str, bool]:
        """Return the known DAGs and whether each is paused."""
        return {one["dag_id"]: bool(one["is_paused"]) for one in self._pages("dags", "dags")}

    def import_errors(self) -> dict[str, str]:
        """Return the DAG files that could not be read, with Airflow's text."""
        return {one["filename"]: one["stack_trace"] for one in self._pages("importErrors", "import_errors")}

    def wait_for_dags(self, *wanted: str, within_s: float = 60) -> None:
        """Return when Airflow has read these DAGs; raise SetupError for one that is missing or broken."""
        until = time.monotonic() + within_s
        while missing := set(wanted) - set(self.dags()):
            if broken := self.import_errors():
                raise SetupError(f"Airflow cannot read {', '.join(sorted(broken))}", reason="dag_broken")
            if time.monotonic() > until:
                raise SetupError(f"Airflow has no DAG {', '.join(sorted(missing))}", reason="dag_missing")
            time.sleep(POLL_S)

    def unpause(self, dag: str) -> None:
        """Let a DAG run; a triggered run of a paused DAG would wait for ever."""
        self._call("PATCH", f"dags/{dag}", json={"is_paused": False})

    def trigger(self, dag: str, conf: Mapping[str, object] | None = None, *, run_id: str | None = None) -> str:
        """Start a run and return its id. The same `run_id` twice is one run."""
        body = {"logical_date": None, "conf": dict(conf or {})} | ({"dag_run_id": run_id} if run_id else {})
        answer = self._call("POST", f"dags/{dag}/dagRuns", json=body, allow=(409,))
        if answer.status_code == 409 and run_id:
            return run_id
        self._check(answer)
        return str(answer.json()["dag_run_id"])

    def wait(self, dag: str, run_id: str, *, within_s: float = 300) -> Run:
        """Return the run when it has ended; raise TransientError when it has not in time."""
        begun = time.monotonic()
        while (state := self._state(dag, run_id)) not in FINAL:
            if time.monotonic() - begun > within_s:
                raise TransientError(f"run {run_id} of {dag} is {state} after {within_s:.0f} s", reason="run_slow")
            time.sleep(POLL_S)
        return Run(dag, run_id, state, self.tasks(dag, run_id), time.monotonic() - begun)

    def wait_until_asked(self, dag: str, run_id: str, task: str, *, within_s: float = 300) -> Run:
        """Return the run when every instance of `task` waits for a person, or when the run has ended without.

        Raise TransientError when neither comes in time.
        """
        begun = time.monotonic()
        while (state := self._state(dag, run_id)) not in FINAL:
            tasks = self.tasks(dag, run_id)
            asking = [one for name, one in tasks.items() if name.partition("[")[0] == task]
            if asking and set(asking) <= WAITING:
                return Run(dag, run_id, state, tasks, time.monotonic() - begun)
            if time.monotonic() - begun > within_s:
                raise TransientError(f"run {run_id} of {dag} asks nobody after {within_s:.0f} s", reason="run_slow")
            time.sleep(POLL_S)
        return Run(dag, run_id, state, self.tasks(dag, run_id), time.monotonic() - begun)

    def run(
        self, dag: str, conf: Mapping[str, object] | None = None, *, run_id: str | None = None, within_s: float = 300
    ) -> Run:
        """Trigger and wait."""
        return self.wait(dag, self.trigger(dag, conf, run_id=run_id), within_s=within_s)

    def failed_logs(self, run: Run, *, lines: int = 30) -> dict[str, str]:
        """Return the end of the log of each failed task. A mapped task is named `id[index]`."""
        tasks = self._pages(f"dags/{run.dag}/dagRuns/{run.run_id}/taskInstances", "task_instances")
        return {_task_name(one): self._log(run, one, lines) for one in tasks if one["state"] == "failed"}

    def tasks(self, dag: str, run_id: str) -> dict[str, str]:
        """Return the state of each task of the run by its id; a mapped one is named `id[index]`."""
        tasks = self._pages(f"dags/{dag}/dagRuns/{run_id}/taskInstances", "task_instances")
        return {_task_name(one): str(one["state"]) for one in tasks}

    def xcom(self, run: Run, task: str, key: str = "return_value") -> object:
        """Return what a task of the run returned."""
        path = f"dags/{run.dag}/dagRuns/{run.run_id}/taskInstances/{task}/xcomEntries/{key}"
        return self._call("GET", path, params={"deserialize": "false"}).json()["value"]

    def _state(self, dag: str, run_id: str) -> str:
        return str(self._call("GET", f"dags/{dag}/dagRuns/{run_id}").json()["state"])

    def _log(self, run: Run, task: Mapping[str, Any], lines: int) -> str:
        path = f"dags/{run.dag}/dagRuns/{run.run_id}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
        answer = self._call("GET", path, params={"map_index": task["map_index"]}, accept="application/x-ndjson")
        return "\n".join(answer.text.splitlines()[-lines:])

    def _pages(self, path: str, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = self._call("GET", path, params={"limit": 100, "offset": len(found)}).json()
            found += page[name]
            if not page[name] or len(found) >= page["total_entries"]:
                return found

    def _call(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        params: Mapping[str, Any] | None = None,
        accept: str = "application/json",
        allow: tuple[int, ...] = (),
    ) -> requests.Response:
        def send() -> requests.Response:
            return self._session.request(
                method,
                f"{self._url}/api/v2/{path}",
                json=json,
                params=params,
                headers={"Accept": accept},
                timeout=self._timeout_s,
            )

        answer = _reached(send)
        if answer.status_code in (401, 403):  # 403 is also Airflow's answer to a token that it does not accept
            self._sign_in()
            answer = _reached(send)
        return answer if answer.status_code in allow else self._check(answer)

    def _sign_in(self) -> None:
        body = {"username": self._user, "password": self._password}
        answer = _reached(lambda: self._session.post(f"{self._url}/auth/token", json=body, timeout=self._timeout_s))
        if answer.status_code == 401:
            raise SetupError("Airflow refused the administrator's password: `truc setup`", reason="login_refused")
        self._session.headers["Authorization"] = f"Bearer {self._check(answer).json()['access_token']}"

    @staticmethod
    def _check(answer: requests.Response) -> requests.Response:
        if answer.status_code >= 500:
            raise TransientError(f"Airflow answered {answer.status_code}", reason="airflow_error")
        if not answer.ok:
            detail = answer.text[:200]
            path = answer.request.path_url.partition("?")[0]
            raise SetupError(f"Airflow answered {answer.status_code} to {path}: {detail}", reason="airflow_refused")
        return answer


def _task_name(task: Mapping[str, Any]) -> str:
    index = task["map_index"]
    return str(task["task_id"]) if index < 0 else f"{task['task_id']}[{index}]"


def _reached(send: Callable[[], requests.Response]) -> requests.Response:
    try:
        return send()
    except requests.RequestException as error:
        raise TransientError(f"Airflow cannot be reached: {type(error).__name__}", reason="airflow_away") from error
