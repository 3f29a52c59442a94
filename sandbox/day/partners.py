"""The player's hand on the stand-ins: orders misbehaviour, lets citizens and postmen act, asks what a partner got."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import requests

from sandbox.faults import Mode
from truc.errors import SetupError


class Partner:
    """The control calls of one stand-in."""

    def __init__(self, party: str, control_url: str) -> None:
        self.party = party
        self._url = f"{control_url}/_control"
        self._session = requests.Session()
        self._session.trust_env = False

    def misbehave(self, operation: str, mode: Mode, times: int, *, wait_s: float = 1.0, after: int = 0) -> None:
        """Order `times` calls of `operation` to go wrong, sparing the next `after`."""
        order = {"operation": operation, "mode": mode, "times": times, "wait_s": wait_s, "after": after}
        self.tell("faults", order)

    def behave(self) -> None:
        """Withdraw every open order to misbehave."""
        self._session.delete(f"{self._url}/faults", timeout=30).raise_for_status()

    def faults_met(self) -> Counter[str]:
        """Return `operation:mode` → how often, since the stand-in started."""
        return Counter(self.ask("faults"))

    def effects(self, operation: str) -> list[dict[str, Any]]:
        """Return what the partner did: external_id, times, data."""
        return list(self.ask("effects", operation=operation))

    def ask(self, what: str, **query: str) -> Any:
        """Return the answer to a control question."""
        answer = self._session.get(f"{self._url}/{what}", params=query, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def tell(self, what: str, order: object) -> Any:
        """Give a control order and return the answer."""
        answer = self._session.post(f"{self._url}/{what}", json=order, timeout=120)
        answer.raise_for_status()
        return answer.json()


def partners(sandbox_home: Path) -> dict[str, Partner]:
    """Return every stand-in that runs, by party, from the file they announce themselves in."""
    path = sandbox_home / "ready.json"
    if not path.exists():
        raise SetupError("no stand-ins run here: start the hub with `make serve`", reason="sandbox_missing")
    ready = json.loads(path.read_text(encoding="utf-8"))
    return {party: Partner(party, url) for party, url in ready.items()}
