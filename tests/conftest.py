"""What many tests need: a real PostgreSQL for the session, and a fresh, migrated store for each test."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis

from tests import databases
from truc import secrets_file, settings
from truc.ground import postgres, postgres_home
from truc.settings import Settings
from truc.steps import load_catalogue
from truc.store.migrate import upgrade
from truc.store.opened import Store, open_store
from truc.trust.sealing import Sealer

# The files that take longest come first, so that no worker is left alone with one of them in the end.
DEAREST = (
    "tests/truc/reconcile/engine/test_mutants.py",
    "tests/day/test_business_day.py",
    "tests/truc/reconcile/engine/test_engine_spark.py",
    "tests/truc/reconcile/engine/test_engine_connect.py",
    "tests/truc/reconcile/daily/test_day_month.py",
    "tests/truc/reconcile/pairs/test_pairs_spark.py",
    "tests/truc/reconcile/daily/test_day.py",
    "tests/truc/reconcile/daily/test_day_signed.py",
    "tests/truc/kit/test_party_rooms.py",
    "tests/dags/test_dags.py",
    "tests/truc/ground/test_airflow.py",
    "tests/simulation/test_seeds.py",
    "tests/truc/services/test_settlements.py",
)

# A Java of a test lives for a minute: to compile its code once more, and better, takes a third of its time.
os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")

# The machine is shared: how long one example takes says nothing of the code.
hypothesis.register_profile("hub", deadline=None)
hypothesis.load_profile("hub")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the dearest files first."""
    places = {config.rootpath / name: number for number, name in enumerate(DEAREST)}
    assert all(path.is_file() for path in places), "DEAREST names a file that is not there"
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A PostgreSQL of our own, with the database `template_hub` migrated to the newest form.

    Thousands of tests begin with a copy of a database. On a disk that takes up to 0.7 s each, in memory 0.02 s.
    What a killed run has left in memory: `rm -rf /dev/shm/truc-pg-*`.
    """
    with pytest.MonkeyPatch.context() as patch:
        if databases.in_memory():
            patch.setattr(postgres_home, "SHARED_TEMP", databases.MEMORY)
        here = settings.load(tmp_path_factory.mktemp("hub"), {})
        secrets_file.ensure(here.secrets)
        postgres.start(here)
        try:
            databases.copy(here, databases.EMPTY, databases.MIGRATED)
            upgrade(here.embedded_url("postgres", databases.MIGRATED))
            yield here
        finally:
            postgres.stop(here)
            postgres.remove(here)


@pytest.fixture(scope="session")
def catalogued(server: Settings) -> str:
    """The name of a template database that also holds the shipped catalogue."""
    name = "template_catalogued"
    databases.copy(server, databases.MIGRATED, name)
    filled = open_store(server.embedded_url("postgres", name), _sealer())
    load_catalogue(filled)
    filled.close()
    return name


@pytest.fixture(scope="session", autouse=True)
def _one_carrier() -> Iterator[None]:
    """A province whose parcels VNPost carries, also in a tree where a new party can carry too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRUC_POSTAL_PARTY", "vnpost")
        yield


@pytest.fixture
def empty_store(server: Settings) -> Iterator[Store]:
    """A store without a catalogue."""
    yield from _fresh(server, databases.MIGRATED)


@pytest.fixture
def store(server: Settings, catalogued: str) -> Iterator[Store]:
    """A store with the shipped catalogue."""
    yield from _fresh(server, catalogued)


@pytest.fixture
def repository() -> Path:
    """The root of this checkout."""
    return Path(__file__).parent.parent


def _fresh(server: Settings, template: str) -> Iterator[Store]:
    with databases.copied(server, template) as url:
        opened = open_store(url, _sealer())
        try:
            yield opened
        finally:
            opened.close()


def _sealer() -> Sealer:
    return Sealer(seal_key=bytes(32), index_key=bytes(range(32)))
