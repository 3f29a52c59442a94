"""One stand-in at work, as the hub and as the partner sees it, in words that are the same for every party."""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
import requests

from sandbox.serve import Running
from truc import parties
from truc.connections import Connection, from_airflow_json
from truc.manifest import Capability, Feed, Manifest

CONTROL_S = 20
# How faults and effects of an operation of ours are called at a stand-in, where it says nothing else itself.
FAULTS = {"payment": "create"}
SILENCE_S = 2.0  # how long a stand-in keeps a caller waiting …
IMPATIENT_S = 0.8  # … who waits no longer than this …
NOT_YET_S = 60.0  # … and does not ask in the same run: see `Partner.is_through_with`
WAITING = ("silent_before", "silent_after", "slow")


def with_capability(capability: Capability) -> pytest.MarkDecorator:
    """Run a test for every party that declares the capability."""
    names = [one.party for one in parties.with_capability(capability)]
    return pytest.mark.parametrize("partner", names, indirect=True)


@contextmanager
def patience_for(mode: str) -> Iterator[None]:
    """Clients opened in here do not wait out a fault of this mode; for a fault that keeps nobody waiting they may."""
    declared = parties.manifest

    def impatient(party: str) -> Manifest:
        found = declared(party)
        short = replace(found.limits, timeout_s=IMPATIENT_S, backoff_s=NOT_YET_S, backoff_max_s=NOT_YET_S)
        return replace(found, limits=short)

    with pytest.MonkeyPatch.context() as patch:
        if mode in WAITING:
            patch.setattr(parties, "manifest", impatient)
        yield


@dataclass(frozen=True, slots=True)
class Partner:
    """A party's declaration and its stand-in."""

    manifest: Manifest
    running: Running

    @property
    def party(self) -> str:
        return self.manifest.party

    @property
    def connection(self) -> Connection:
        """How the hub reaches it."""
        return from_airflow_json(self.party, self.running.connection)

    def feed(self, name: str) -> Feed:
        """The one feed of this name."""
        (found,) = [one for one in self.manifest.feeds if one.name == name]
        return found

    @contextmanager
    def client(self) -> Iterator[Any]:
        """The real client of the party."""
        with closing(parties.open_client(self.connection)) as client:
            yield client

    def control(self, call: str, body: object) -> Any:
        """Give the stand-in an order of its own."""
        answer = requests.post(f"{self.running.control_url}/_control/{call}", json=body, timeout=CONTROL_S)
        assert answer.status_code == 200, f"{self.party}: /_control/{call}: {answer.status_code} {answer.text[:200]}"
        return answer.json()

    def told(self, call: str, **query: str) -> Any:
        """What the stand-in says of itself."""
        answer = requests.get(f"{self.running.control_url}/_control/{call}", params=query, timeout=CONTROL_S)
        answer.raise_for_status()
        return answer.json()

    def fault(self, operation: str, mode: str, *, times: int = 1, wait_s: float = SILENCE_S) -> None:
        """Have it misbehave the next `times` times that our `operation` reaches it."""
        name = self._names(operation).get("fault") or FAULTS.get(operation, operation)
        self.control("faults", {"operation": name, "mode": mode, "times": times, "wait_s": wait_s})

    def is_through_with(self, operation: str, mode: str, *, effects: int) -> None:
        """Wait until the stand-in met the fault, and did as often as `effects` what our `operation` has it do.

        Whoever gave up waiting on a busy machine may be earlier than the call: «I do not have it» is true then, and
        no proof.
        """
        name = self._names(operation).get("fault") or FAULTS.get(operation, operation)
        until_s = time.monotonic() + CONTROL_S
        while not (self.told("faults").get(f"{name}:{mode}") and self.effects(operation) >= effects):
            assert time.monotonic() < until_s, f"{self.party}: {name}:{mode} was not met, or not {effects} effects"
            time.sleep(0.02)

    def forgive(self) -> None:
        """Withdraw every fault that was not met."""
        requests.delete(f"{self.running.control_url}/_control/faults", timeout=CONTROL_S).raise_for_status()

    def insist(self, operation: str, code: str) -> None:
        """Have the next answer to our `operation` carry this code ("query" for questions)."""
        self.control("insist", {"operation": FAULTS.get(operation, operation), "codes": [code]})

    def effects(self, operation: str) -> int:
        """How often our `operation` had its effect at the partner, doubles included."""
        name = self._names(operation).get("effect") or operation
        return sum(int(one["times"]) for one in self.told("effects", operation=name))

    def _names(self, operation: str) -> Mapping[str, str]:
        """A stand-in that speaks of its partner's services tells which of them our operation is."""
        answer = requests.get(f"{self.running.control_url}/_control/operations", timeout=CONTROL_S)
        found: dict[str, dict[str, str]] = answer.json() if answer.status_code == 200 else {}
        return found.get(operation, {})
