"""The one-stop software's part: hands the day to the hub's internal API, in batches as its own jobs do."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

import requests

from sandbox.day.plan import Dossier, Move, Payment

BATCH = 200
LANES = 4
CLIENT = "one_stop"


class RefusedError(Exception):
    """A door of the hub did not take a whole call."""


@dataclass(slots=True)
class Answers:
    """What became of what was handed over: outcome → count, and reason → count of what was rejected."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, result: dict[str, Any]) -> None:
        """Count one answer."""
        self.outcomes[result["outcome"]] += 1
        if result["outcome"] == "rejected":
            self.reasons[result["reason"]] += 1


class OneStop:
    """A client of the internal API, with a key of its own."""

    def __init__(self, gateway_url: str, key: str, *, timeout_s: float = 120) -> None:
        self._url = f"{gateway_url}/internal/v1"
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {key}"

    def one(self, what: str, item: dict[str, Any]) -> dict[str, Any]:
        """Hand over one item; a rejected one comes back as an answer like any other."""
        answer = self._session.post(f"{self._url}/{what}", json=item, timeout=self._timeout_s)
        if answer.status_code == 422 and isinstance(detail := answer.json().get("detail"), dict):
            return {"outcome": "rejected", **detail}
        return dict(_checked(answer, what).json())

    def batch(self, what: str, items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Hand over up to 500 items in order and return an answer for each."""
        answer = self._session.post(f"{self._url}/{what}/batch", json=list(items), timeout=self._timeout_s)
        return list(_checked(answer, what).json())

    def lanes(self, what: str, lanes: Sequence[Sequence[dict[str, Any]]]) -> Answers:
        """Hand over several lanes at once; within a lane the order is kept."""
        found = Answers()
        with ThreadPoolExecutor(max(1, len(lanes))) as pool:
            for results in pool.map(lambda lane: self._lane(what, lane), lanes):
                for result in results:
                    found.add(result)
        return found

    def _lane(self, what: str, items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return [one for start in range(0, len(items), BATCH) for one in self.batch(what, items[start : start + BATCH])]


def dossier_item(one: Dossier) -> dict[str, Any]:
    """Return a dossier as the internal API takes it."""
    return {
        "reference": one.reference,
        "procedure_code": one.procedure_code,
        "agency_code": one.agency_code,
        "channel": one.channel,
        "applicant": asdict(one.applicant),
        "received_at": one.received_at.isoformat(),
        "wants_postal_return": one.wants_postal_return,
        "wants_sms": one.wants_sms,
    }


def status_item(one: Dossier, move: Move) -> dict[str, Any]:
    """Return a status change as the internal API takes it."""
    return {
        ("portal_code" if one.online else "reference"): one.reference,
        "status": move.status,
        "changed_at": move.at.isoformat(),
        "officer_name": move.officer.name,
        "officer_title": move.officer.title,
        "department": move.officer.department,
        "note": move.note,
    }


def payment_item(one: Payment) -> dict[str, Any]:
    """Return a payment as the internal API takes it."""
    item = {
        "reference": one.reference,
        ("portal_code" if one.dossier.online else "dossier_reference"): one.dossier.reference,
        "party": one.party,
        "amount_vnd": one.amount_vnd,
        "requested_at": one.requested_at.isoformat(),
    }
    if one.paid_reference:
        item["paid"] = {"partner_reference": one.paid_reference, "occurred_at": one.pays_at.isoformat()}
    return item


def in_lanes(pairs: Sequence[tuple[str, dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    """Deal (key, item) out to lanes so that the items of one key stay together and in order."""
    lanes: list[list[dict[str, Any]]] = [[] for _ in range(LANES)]
    for key, item in pairs:
        lanes[sum(key.encode()) % LANES].append(item)
    return [lane for lane in lanes if lane]


def _checked(answer: requests.Response, what: str) -> requests.Response:
    if not answer.ok:
        raise RefusedError(f"the gateway answered {answer.status_code} to {what}: {answer.text[:300]}")
    return answer
