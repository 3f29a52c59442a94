"""`truc exchange sync-statuses` publishes whole days of Vietnam, says what it did, and notes who wanted it and why."""

import getpass
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, event

from truc.domain.status import Status
from truc.operating import sync, terminal
from truc.store import dossiers

FIRST = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)  # midnight in Vietnam: the 4th of March begins
BY = ["--actor", "nguyen.an", "--reason", "the portal was added late"]


@pytest.fixture
def run(office: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the command on the office's store, with the days of the history."""
    monkeypatch.setattr(terminal, "open_hub_store", lambda _settings: office.store)

    def invoke(*words: str, by: Sequence[str] = BY) -> Result:
        given = ["--since", "2026-03-04", "--until", "2026-03-05", *by, *words]
        return CliRunner().invoke(sync.sync_statuses, given, catch_exceptions=False)

    return invoke


def _move(office: Any, code: str, status: int, changed_at: datetime) -> None:
    with office.store.begin() as transaction:
        dossiers.change_status(
            transaction, code, Status(status), changed_at, officer_id=None, note="", source="archive"
        )


def test_whole_days_of_vietnam_are_published_and_the_coverage_is_told(office: Any, run: Any) -> None:
    code = office.receive(received_at=FIRST - timedelta(hours=2))
    for status, at in (
        (4, FIRST - timedelta(seconds=1)),
        (5, FIRST),
        (4, FIRST + timedelta(days=2) - timedelta(seconds=1)),
        (9, FIRST + timedelta(days=2)),
    ):
        _move(office, code, status, at)
    done = run("national_portal")
    assert done.exit_code == 0, done.output
    first, *rest = done.output.splitlines()
    assert first.startswith("run 'national_portal 2026-03-04 to 2026-03-05' finished at ")
    assert rest == [
        "  published 2, already there 0, overtaken 0",
        "coverage 0.0%: of 2 sent 0, open 2, given up 0, untold 0",
    ]
    rows = office.sql("SELECT external_id FROM outbox WHERE operation = 'progress' ORDER BY id")
    assert [row.external_id for row in rows] == [f"{code}/3", f"{code}/4"]


def test_again_it_is_the_same_run(office: Any, run: Any) -> None:
    code = office.receive(received_at=FIRST)
    _move(office, code, 4, FIRST + timedelta(hours=1))
    assert run("national_portal").output.splitlines()[:2] == run("national_portal").output.splitlines()[:2]
    assert "published 0, already there 1" in run("national_portal", "--name", "another").output


def test_an_empty_period_has_no_share(run: Any) -> None:
    told = "coverage no change in this period: of 0 sent 0, open 0, given up 0, untold 0"
    assert told in run("national_portal").output


def test_who_and_why_is_written_down(office: Any, run: Any) -> None:
    run("national_portal", "--name", "march")
    [row] = office.sql("SELECT actor, action, target, reason FROM audit_log")
    assert tuple(row) == ("nguyen.an", "sync_statuses", "march", "the portal was added late")


def test_by_default_the_user_of_this_machine_does_it(office: Any, run: Any) -> None:
    assert run("national_portal", by=["--reason", "added late"]).exit_code == 0
    [row] = office.sql("SELECT actor, reason FROM audit_log")
    assert tuple(row) == (getpass.getuser(), "added late")


def test_an_unknown_party_is_refused_with_the_known_ones(office: Any, run: Any) -> None:
    done = run("nobody")
    assert done.exit_code == 2
    assert "national_portal" in done.output
    assert office.sql("SELECT FROM audit_log") == []


def test_a_database_that_is_away_is_told_without_a_traceback(office: Any, run: Any) -> None:
    office.store.engine.dispose()
    _refuse_connections(office.store.engine)
    done = run("national_portal")
    assert done.exit_code == 1
    assert "the database does not answer" in done.output


def _refuse_connections(engine: Engine) -> None:
    @event.listens_for(engine, "do_connect")
    def to_nowhere(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
        parameters["port"] = 1
