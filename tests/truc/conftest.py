"""An office at work on a real store, and a hub with its partners: real connectors against the real stand-ins."""

import importlib
import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import text

from sandbox.serve import Running
from tests.truc import samples
from truc import parties, steps
from truc.connections import Connection, from_airflow_json
from truc.domain.calendar import WorkingCalendar
from truc.domain.procedure import Channel, Document, Procedure, read_terms
from truc.domain.status import Status
from truc.exchange import outbox
from truc.manifest import Event
from truc.messages import (
    DossierReceived,
    NoticeDue,
    Outbound,
    PaymentRequested,
    PaymentResult,
    Person,
    PostalRequested,
    StatusChanged,
)
from truc.services import dossiers, payments
from truc.services.dossiers import Intake
from truc.services.payments import PaymentWish
from truc.store import catalogue
from truc.store.opened import Store, Transaction

MORNING = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)  # a Wednesday, 9:00 in Vietnam
APPLICANT = Person(
    name="Nguyễn Thị Ánh Tuyết",
    personal_id="056123456789",
    phone="0905123456",
    email="anh.tuyet@example.invalid",
    address="12 Trần Phú, Nha Trang",
    province_code="56",
)
TERMS = {
    Channel.COUNTER: ("05 Ngày làm việc", "Lệ phí: 50000 Đồng"),
    Channel.ONLINE: ("03 Ngày làm việc", "Lệ phí: 25000 Đồng"),
}


@contextmanager
def undone(store: Store) -> Iterator[Transaction]:
    """Open a transaction that fails at its end, as when the machine goes down before the commit."""
    with suppress(InterruptedError), store.begin() as transaction:
        yield transaction
        raise InterruptedError


def rows_of(store: Store, statement: str, **values: object) -> list[Any]:
    """Run raw SQL in a transaction of its own and return its rows."""
    with store.begin() as transaction:
        done = transaction.sql.execute(text(statement), values)
        return list(done) if done.returns_rows else []


def spare_the_disk(store: Store) -> None:
    """What a test proves does not hang on the disk, and waiting for it is most of a test's time."""
    rows_of(store, f"ALTER DATABASE {store.engine.url.database} SET synchronous_commit = off")
    store.engine.dispose()


@dataclass
class Office:
    """A store with one procedure ("9.000001": counter and online, not by post), and the ways it is used."""

    store: Store
    calendar: WorkingCalendar = field(default_factory=WorkingCalendar)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def procedure(self, **changes: Any) -> Procedure:
        """The test procedure as published, or a changed publication of it."""
        published = Procedure(
            code="9.000001",
            name="Cấp bản sao",
            field_code="Z99-TEST",
            field_name="Lĩnh vực thử",
            agency_level="province",
            agency="Sở thử nghiệm",
            channels=tuple(read_terms(channel, *wordings) for channel, wordings in TERMS.items()),
            documents=(Document(name="Tờ khai"),),
        )
        return replace(published, **changes)

    def intake(self, **changes: Any) -> Intake:
        """A counter dossier nobody has handed over before."""
        intake = Intake(
            source="one-stop",
            source_reference=f"ref-{next(self.numbers)}",
            procedure_code="9.000001",
            agency_code="H32.01",
            channel=Channel.COUNTER,
            applicant=APPLICANT,
            received_at=MORNING,
            status=Status.ACCEPTED,
        )
        return replace(intake, **changes)

    def receive(self, **changes: Any) -> str:
        """Receive one dossier in a transaction of its own and return its code."""
        with self.store.begin() as transaction:
            return dossiers.receive(transaction, self.intake(**changes), self.calendar).code

    def order_payment(self, **changes: Any) -> str:
        """Ask for a payment of 50,000 đồng through momo and return our reference."""
        code = changes.pop("dossier_code", "") or self.receive()
        wish = PaymentWish(
            source="one-stop",
            source_reference=f"pay-{next(self.numbers)}",
            dossier_code=code,
            party="momo",
            amount_vnd=50_000,
            requested_at=MORNING,
        )
        with self.store.begin() as transaction:
            return payments.request(transaction, replace(wish, **changes))[0]

    def settle(self, reference: str, *, party: str = "momo", **changes: Any) -> bool:
        """Book a partner's word, "paid 50,000" unless changed."""
        result = PaymentResult(
            our_reference=reference,
            partner_reference=f"T-{reference}",
            amount_vnd=50_000,
            state="paid",
            occurred_at=MORNING,
        )
        with self.store.begin() as transaction:
            return payments.settle(transaction, party, result.model_copy(update=changes))

    def undone(self) -> AbstractContextManager[Transaction]:
        """Open a transaction that fails at its end, as when the machine goes down before the commit."""
        return undone(self.store)

    def sql(self, statement: str, **values: object) -> list[Any]:
        """Run raw SQL in a transaction of its own and return its rows."""
        return rows_of(self.store, statement, **values)


@pytest.fixture
def channels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Have the hub know these parties by a connection, and no other; no hour is quiet unless a test says so."""
    known: list[str] = []

    def use(*named: str) -> None:
        for party in known:
            monkeypatch.delenv(f"AIRFLOW_CONN_{party.upper()}")
        known[:] = named
        for party in named:
            monkeypatch.setenv(f"AIRFLOW_CONN_{party.upper()}", '{"host": "https://partner.invalid"}')

    monkeypatch.setenv("TRUC_CONNECTIONS_FILE", str(tmp_path / "no_connections.json"))
    monkeypatch.setenv("TRUC_NOTICE_QUIET", "none")
    return use


@pytest.fixture
def office(store: Store, channels: Callable[..., None]) -> Office:
    """An office over the shipped catalogue and the test procedure, of a province without a connection."""
    made = Office(store)
    spare_the_disk(store)
    with store.begin() as transaction:
        catalogue.keep_procedure(transaction, made.procedure(), source="shipped")
    return made


# One message to each party.
MESSAGES: dict[str, Callable[[int], tuple[Any, str, str]]] = {
    "national_portal": samples.dossier,
    "momo": samples.payment,
    "vnpost": samples.parcel,
    "sms": samples.notice,
}
QUICK = {"timeout_s": 1.0, "connect_timeout_s": 1.0, "backoff_s": 0.05, "backoff_max_s": 0.2, "settle_s": 0.0}
# How each party's operation is called at the stand-in: (fault operation, effect operation).
CALLS = {
    "national_portal": ("DongBoHoSoMC", "DongBoHoSoMC"),
    "momo": ("create", "payment"),
    "vnpost": ("order", "order"),
    "sms": ("message", "message"),
}


@dataclass
class Partner:
    """One stand-in at work, as the hub and as the partner sees it."""

    party: str
    home: Path
    running: Running

    @property
    def connection(self) -> Connection:
        """How the hub reaches it."""
        return from_airflow_json(self.party, self.running.connection)

    def fault(self, mode: str, *, operation: str = "", times: int = 1, wait_s: float = 1.7) -> None:
        """Have it misbehave the next `times` times."""
        order = {"operation": operation or CALLS[self.party][0], "mode": mode, "times": times, "wait_s": wait_s}
        self.control("faults", order)

    def control(self, call: str, body: object) -> Any:
        """Give the stand-in an order of its own."""
        answer = requests.post(f"{self.running.control_url}/_control/{call}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def told(self, call: str, operation: str = "") -> Any:
        """What the stand-in says of itself."""
        where = f"{self.running.control_url}/_control/{call}"
        return requests.get(where, params={"operation": operation or CALLS[self.party][1]}, timeout=10).json()

    def times(self, operation: str = "") -> dict[str, int]:
        """How often each effect happened at the partner."""
        return {effect["external_id"]: effect["times"] for effect in self.told("effects", operation)}

    def go_away(self) -> None:
        """Stop listening; what it knows stays."""
        self.running.close()

    def come_back(self) -> None:
        """Listen again at the same address, with the same books."""
        start = importlib.import_module(f"sandbox.{self.party}.server").start
        self.running = start(self.running.port, self.home, "")


@dataclass
class Hub:
    """A store without a catalogue, whose outbox is filled by hand."""

    store: Store

    def publish(self, *messages: tuple[Outbound, str, str]) -> int:
        """Publish (message, key, external id) in one transaction and return how many new ones wait."""
        events = {
            DossierReceived: Event.DOSSIER_RECEIVED,
            StatusChanged: Event.STATUS_CHANGED,
            PostalRequested: Event.POSTAL_REQUESTED,
            PaymentRequested: Event.PAYMENT_REQUESTED,
            NoticeDue: Event.NOTICE_DUE,
        }
        with self.store.begin() as transaction:
            return sum(
                outbox.publish(transaction, events[type(message)], message, key=key, external_id=external_id, only=only)
                for message, key, external_id in messages
                for only in (["momo"] if isinstance(message, PaymentRequested) else [""])
            )

    def one_for(self, party: str, number: int = 1) -> str:
        """Publish one message to the party and return its external id."""
        made = MESSAGES[party](number)
        assert self.publish(made) == 1
        return made[2]

    def deliver(self, partner: Partner, connection: Connection | None = None) -> dict[str, int]:
        """Run the party's courier once."""
        operations = tuple(one.name for one in parties.manifest(partner.party).operations)
        return steps.deliver(self.store, connection or partner.connection, operations)

    def until_sent(self, there: Partner, runs: int = 12) -> None:
        """Run the courier until everything is sent; AssertionError names what is not."""
        for _ in range(runs):
            self.soon()
            self.deliver(there)
            if set(self.states()) == {"sent"}:
                return
        raise AssertionError([(row.external_id, row.state, row.reason) for row in self.rows() if row.state != "sent"])

    def soon(self) -> None:
        """Let everything that waits go now: no backoff, no open breaker, no slot of a courier that is dead."""
        self.sql("UPDATE outbox SET not_before = now() WHERE drawer = 0 AND state IN ('waiting', 'unknown')")
        self.soon_lines()
        self.sql("UPDATE couriers SET leased_until = now() - interval '1 second'")

    def soon_lines(self) -> None:
        """Let the time of every open breaker be over."""
        self.sql("UPDATE lines SET retry_at = now() WHERE breaker <> 'closed'")

    def leases_end(self) -> None:
        """Let the time of every lease pass: of messages in a courier's hands, and of couriers."""
        self.sql("UPDATE outbox SET leased_until = now() - interval '1 second' WHERE leased_until IS NOT NULL")
        self.sql("UPDATE couriers SET leased_until = now() - interval '1 second'")

    def finish(self, like: str, state: str = "sent") -> None:
        """Put the messages with such an external id into their drawer, as if somebody else had done them."""
        done = "UPDATE outbox SET state = :state, drawer = drawer_of(120, now()), finished_at = now(), leased_by = NULL"
        self.sql(f"{done}, leased_until = NULL WHERE drawer = 0 AND external_id LIKE :like", state=state, like=like)

    def tallies(self) -> dict[tuple[str, str, str], int]:
        """What was counted: (party, kind, outcome) → times."""
        rows = self.sql("SELECT party, kind, outcome, sum(times) AS times FROM tallies GROUP BY 1, 2, 3")
        return {(row.party, row.kind, row.outcome): int(row.times) for row in rows}

    def journal(self) -> list[tuple[str, str]]:
        """The decisions noted so far, chained or not: (external id, outcome), in the order of their exchanges."""
        rows = self.sql(
            "SELECT exchange_id, external_id, outcome FROM journal_pending"
            " UNION ALL SELECT exchange_id, external_id, outcome FROM journal ORDER BY 1"
        )
        return [(row.external_id, row.outcome) for row in rows]

    def states(self) -> list[str]:
        """The states of the outbox, oldest message first."""
        return [row.state for row in self.rows()]

    def rows(self) -> list[Any]:
        """The outbox, oldest message first."""
        return self.sql("SELECT * FROM outbox ORDER BY id")

    def aside(self) -> list[tuple[str, str]]:
        """(item, reason) of what waits for a person."""
        return [tuple(row) for row in self.sql("SELECT item, reason FROM set_aside WHERE state = 'open' ORDER BY id")]

    def undone(self) -> AbstractContextManager[Transaction]:
        """Open a transaction that fails at its end, as when the machine goes down before the commit."""
        return undone(self.store)

    def sql(self, statement: str, **values: object) -> list[Any]:
        """Run raw SQL in a transaction of its own."""
        return rows_of(self.store, statement, **values)


@pytest.fixture
def hub(empty_store: Store) -> Hub:
    """A hub with nothing in it."""
    made = Hub(empty_store)
    spare_the_disk(empty_store)
    return made


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Change what parties declare about how hard they may be pressed."""
    declared = parties.manifest

    def change(**changes: Any) -> None:
        def manifest(party: str) -> Any:
            found = declared(party)
            return replace(found, limits=replace(found.limits, **{**QUICK, **changes}))

        monkeypatch.setattr(parties, "manifest", manifest)

    change()
    return change


@pytest.fixture
def operation(monkeypatch: pytest.MonkeyPatch, limits: Callable[..., None]) -> Callable[..., None]:
    """Change what a party declares about one of its operations. Change limits before, not after."""

    def change(party: str, name: str, **changes: Any) -> None:
        declared = parties.manifest

        def manifest(asked: str) -> Any:
            found = declared(asked)
            if asked != party:
                return found
            changed = tuple(replace(one, **changes) if one.name == name else one for one in found.operations)
            return replace(found, operations=changed)

        monkeypatch.setattr(parties, "manifest", manifest)

    return change


@pytest.fixture
def partner(tmp_path: Path, limits: Callable[..., None]) -> Iterator[Callable[[str], Partner]]:
    """Start a party's stand-in."""
    started: list[Partner] = []

    def start(party: str) -> Partner:
        home = tmp_path / party
        running = importlib.import_module(f"sandbox.{party}.server").start(0, home, "https://hub.invalid")
        started.append(Partner(party, home, running))
        return started[-1]

    yield start
    for one in started:
        one.running.close()


@pytest.fixture
def make() -> dict[str, Callable[..., tuple[Any, str, str]]]:
    """Messages to publish: (message, key, external id)."""
    return {
        "dossier": samples.dossier,
        "step": samples.step,
        "payment": samples.payment,
        "parcel": samples.parcel,
        "notice": samples.notice,
    }
