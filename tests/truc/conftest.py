"""An office at work on a real store: what tests of stores, services and the exchange need to begin with."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from truc.domain.calendar import WorkingCalendar
from truc.domain.procedure import Channel, Document, Procedure, read_terms
from truc.domain.status import Status
from truc.messages import PaymentResult, Person
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

    @contextmanager
    def undone(self) -> Iterator[Transaction]:
        """Open a transaction that fails at its end, as when the machine goes down before the commit."""
        with suppress(InterruptedError), self.store.begin() as transaction:
            yield transaction
            raise InterruptedError

    def sql(self, statement: str, **values: object) -> list[Any]:
        """Run raw SQL in a transaction of its own and return its rows."""
        with self.store.begin() as transaction:
            done = transaction.sql.execute(text(statement), values)
            return list(done) if done.returns_rows else []


@pytest.fixture
def office(store: Store) -> Office:
    """An office over the shipped catalogue and the test procedure."""
    made = Office(store)
    # What a test proves does not hang on the disk, and waiting for it is most of a test's time.
    made.sql(f"ALTER DATABASE {store.engine.url.database} SET synchronous_commit = off")
    store.engine.dispose()
    with store.begin() as transaction:
        catalogue.keep_procedure(transaction, made.procedure(), source="shipped")
    return made
