"""What a generated day consists of: dossiers with their course, and payments; plain data."""

import json
from dataclasses import asdict, dataclass, field
from datetime import date, datetime

from sandbox.day.people import Applicant


@dataclass(frozen=True, slots=True, kw_only=True)
class Officer:
    """Who moves a dossier on."""

    name: str
    title: str
    department: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One status change of a dossier: a national code and its instant."""

    status: int
    at: datetime
    officer: Officer
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """A dossier and what becomes of it that day. `reference` is its giver's own name for it."""

    reference: str
    procedure_code: str
    agency_code: str
    channel: str  # counter, post; online for one that comes from the portal
    applicant: Applicant
    received_at: datetime
    due_at: datetime | None  # after the moves: it waits while the citizen was asked for something
    fee_vnd: int | None
    wants_postal_return: bool = False
    wants_sms: bool = False
    moves: tuple[Move, ...] = ()

    @property
    def online(self) -> bool:
        """Whether it comes from the portal."""
        return self.channel == "online"

    @property
    def initial_status(self) -> int:
        """1 for one that still has to be accepted, else 2."""
        return 1 if self.online else 2

    @property
    def statuses(self) -> tuple[int, ...]:
        """Every status it passes through."""
        return (self.initial_status, *(move.status for move in self.moves))

    @property
    def finished_at(self) -> datetime | None:
        """When its result was ready, if it was."""
        return next((move.at for move in self.moves if move.status == 9), None)

    @property
    def on_time(self) -> bool:
        """Whether a finished one was on time or early; one without a published limit cannot be late."""
        return self.finished_at is None or self.due_at is None or self.finished_at <= self.due_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A fee somebody pays. `paid_reference` is the bank's transaction where the counter saw it."""

    reference: str
    dossier: Dossier
    party: str
    amount_vnd: int
    requested_at: datetime
    pays_at: datetime
    paid_reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One business day. `backlog` came on earlier days and is finished on this one."""

    day: date
    seed: int
    name: str  # stands in every reference of the day, so that its rows can be told from others
    backlog: tuple[Dossier, ...]
    today: tuple[Dossier, ...]
    payments: tuple[Payment, ...] = field(default=())

    @property
    def dossiers(self) -> tuple[Dossier, ...]:
        """Return all, the older first."""
        return self.backlog + self.today

    def to_bytes(self) -> bytes:
        """Return the whole day as canonical JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, default=_text).encode()


def _text(value: object) -> str:
    if isinstance(value, date):  # a datetime is one
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a plan")
