"""What every capability suite needs: a party's stand-in at work, with short limits, and a hub that sends to it."""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.suites.partner import Partner
from tests.truc.conftest import Hub, Office, spare_the_disk
from truc import parties
from truc.reference import reading
from truc.store import catalogue
from truc.store.opened import Store

# A call to a stand-in on this machine: long enough for a busy one. What is to run into silence waits less, see
# tests.suites.partner.patience_for.
QUICK = {
    "timeout_s": 15.0,
    "connect_timeout_s": 5.0,
    "backoff_s": 0.05,
    "backoff_max_s": 0.2,
    "settle_s": 0.0,
    "body_bytes_max": 256 * 1024,
    "rate_per_s": None,
    "closed_daily": (),
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every party is pressed by short limits, whatever it declares."""
    declared = parties.manifest

    def manifest(party: str) -> Any:
        found = declared(party)
        return replace(found, limits=replace(found.limits, **QUICK))

    monkeypatch.setattr(parties, "manifest", manifest)


@pytest.fixture
def start(tmp_path: Path, quick: None) -> Iterator[Callable[..., Partner]]:
    """Start a party's stand-in; `hub_url` is where it calls back."""
    started: list[Partner] = []

    def start_one(party: str, hub_url: str = "https://hub.invalid") -> Partner:
        running = importlib.import_module(f"sandbox.{party}.server").start(0, tmp_path / party, hub_url)
        started.append(Partner(parties.manifest(party), running))
        return started[-1]

    yield start_one
    for one in started:
        one.running.close()


@pytest.fixture
def partner(request: pytest.FixtureRequest, start: Callable[..., Partner]) -> Partner:
    """The stand-in of the party a suite is run for (indirect parameter)."""
    return start(request.param)


@pytest.fixture
def hub(empty_store: Store) -> Hub:
    """A hub with nothing in it."""
    spare_the_disk(empty_store)
    return Hub(empty_store)


@pytest.fixture
def office(empty_store: Store) -> Office:
    """An office with dossiers to pay for."""
    made = Office(empty_store)
    spare_the_disk(empty_store)
    with empty_store.begin() as transaction:
        catalogue.keep_agencies(transaction, reading.read_agencies())
        catalogue.keep_procedure(transaction, made.procedure(), source="shipped")
    return made
