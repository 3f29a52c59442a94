"""A stage on a real store with one real stand-in; no hub runs."""

from collections.abc import Iterator
from datetime import date

import pytest
from rich.console import Console

from sandbox.day.generate import generate
from sandbox.day.journal import Journal
from sandbox.day.one_stop import OneStop
from sandbox.day.partners import Partner
from sandbox.day.progress import Progress
from sandbox.day.stage import Stage
from sandbox.serve import Running
from sandbox.sms.server import start
from truc.ground.airflow_api import AirflowApi


@pytest.fixture
def sms(tmp_path) -> Iterator[Running]:
    running = start(0, tmp_path, "http://127.0.0.1:1")
    yield running
    running.close()


@pytest.fixture
def stage(tmp_path, store, server, sms) -> Stage:
    return Stage(
        settings=server,
        plan=generate(date(2026, 11, 20), dossiers=60, seed=1),
        airflow=AirflowApi("http://127.0.0.1:1", "nobody", ""),
        store=store,
        one_stop=OneStop("http://127.0.0.1:1", ""),
        partners={"sms": Partner("sms", sms.control_url)},
        journal=Journal(tmp_path / "journal.json", 1, 60),
        progress=Progress(Console(quiet=True)),
        first_time=True,
    )
