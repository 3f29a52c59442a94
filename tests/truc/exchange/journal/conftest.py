"""A journal with a clock of its own: entries are noted, chained, closed, damaged and verified in a real database."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from tests.truc.conftest import spare_the_disk
from tests.truc.trust.authority import Authority
from truc.domain.calendar import BUSINESS_ZONE
from truc.envelope import digest_of
from truc.exchange import bodies
from truc.exchange.journal import closes, export
from truc.exchange.journal.chain import chain
from truc.exchange.journal.entries import Decision, note
from truc.exchange.journal.report import Report
from truc.exchange.journal.verify import verify, verify_export
from truc.store.opened import Store, Transaction

DAY = date(2026, 3, 4)
CLOCK = """
    CREATE SCHEMA clock;
    CREATE TABLE clock.hand (at timestamptz NOT NULL);
    INSERT INTO clock.hand VALUES ('2026-03-04 02:00:00+00');
    CREATE FUNCTION clock.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT at FROM clock.hand';
"""


@dataclass
class Books:
    """A store whose now() stands still until it is moved, and the journal in it."""

    store: Store
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def at(self, day: date, hour: int = 9) -> None:
        """Set the clock to an hour of a day in Vietnam."""
        self.sql(
            "UPDATE clock.hand SET at = :at", at=datetime(day.year, day.month, day.day, hour, tzinfo=BUSINESS_ZONE)
        )

    def next_day(self) -> None:
        """Set the clock one day on."""
        self.sql("UPDATE clock.hand SET at = at + :day", day=timedelta(days=1))

    def decide(self, *numbers: int, **changes: Any) -> None:
        """Note one decision for each exchange number, in one transaction."""
        with self.store.begin() as transaction:
            note(transaction, [decision(number, **changes) for number in numbers])

    def send(self, number: int, *, state: str = "sent", **changes: Any) -> None:
        """Finish an outgoing message with its bytes and its receipt, and note it."""
        with self.store.begin() as transaction:
            self.keep_message(transaction, number, state=state)
            digests = {"digest_out": digest_of(b"out %d" % number), "digest_in": digest_of(b"in %d" % number)}
            note(transaction, [decision(number, **{"outcome": state, **digests, **changes})])

    def keep_message(self, transaction: Transaction, number: int, *, state: str = "sent") -> None:
        """Write the row and the bytes of an outgoing message."""
        words = (b"message %d", b"out %d", b"in %d")
        kept = [bodies.keep(transaction, word % number, "application/json", months=24) for word in words]
        transaction.sql.execute(
            text(
                "INSERT INTO outbox (drawer, id, place, party, operation, key, external_id, dossier_code, message_id,"
                " state, body_id, receipt_id) VALUES (CASE WHEN :state IN ('sent', 'superseded') THEN"
                " drawer_of(120, now()) ELSE 0 END, :id, :id, 'momo', 'payment', '', :name, '', :message, :state,"
                " :body, :receipt)"
            ),
            {
                "id": number,
                "name": f"P{number}",
                "state": state,
                **dict(zip(("message", "body", "receipt"), kept, strict=True)),
            },
        )

    def receive(self, number: int) -> None:
        """Book an incoming message with its bytes, and note it."""
        body = b"statement %d" % number
        with self.store.begin() as transaction:
            kept = bodies.keep(transaction, body, "text/csv", months=24)
            transaction.sql.execute(
                text(
                    "INSERT INTO inbox (drawer, id, party, kind, external_id, digest, body_id, state) VALUES"
                    " (drawer_of(120, now()), :id, 'momo', 'statement', :name, :digest, :body, 'booked')"
                ),
                {"id": number, "name": f"S{number}", "digest": digest_of(body), "body": kept},
            )
            booked = {"direction": "in", "kind": "statement", "outcome": "booked"}
            note(transaction, [decision(number, **booked, digest_out=None, digest_in=digest_of(body))])

    def chain(self, *, most: int = 5000) -> int:
        """Chain what is pending."""
        return chain(self.store, most=most)

    def close(self, day: date = DAY, *, stamp: closes.Stamp | None = None) -> int:
        """Close a day."""
        return closes.close_day(self.store, self.key, day, stamp=stamp)

    def verify(self, **changes: Any) -> Report:
        """Verify everything."""
        return verify(self.store, **{"public_key": self.key.public_key(), **changes})

    def exported(self, path: Path, **changes: Any) -> Report:
        """Write an export to `path` and verify that."""
        export.write(self.store, path, public_key=self.key.public_key())
        return verify_export(path, **{"public_key": self.key.public_key(), **changes})

    def sql(self, statement: str, **values: object) -> list[Any]:
        """Run raw SQL in a transaction of its own."""
        with self.store.begin() as transaction:
            done = transaction.sql.execute(text(statement), values)
            return list(done) if done.returns_rows else []

    def damage(self, table: str, statement: str, **values: object) -> None:
        """Run raw SQL as somebody does who owns the database: the guard of the table is off meanwhile."""
        with self.store.begin() as transaction:
            transaction.sql.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
            assert transaction.sql.execute(text(statement), values).rowcount > 0
            transaction.sql.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER ALL"))

    def numbers(self, channel: str = "momo/payment/out") -> list[int]:
        """The numbers of a channel in their order."""
        rows = self.sql("SELECT number FROM journal WHERE channel = :channel ORDER BY number", channel=channel)
        return [row.number for row in rows]

    def closed(self, channel: str = "momo/payment/out") -> list[tuple[Any, ...]]:
        """(day, first, last, count, sum) of a channel's closes."""
        query = "SELECT day, first, last, count, sum_vnd FROM journal_closes WHERE channel = :channel ORDER BY day"
        return [tuple(row) for row in self.sql(query, channel=channel)]


def decision(number: int, **changes: Any) -> Decision:
    """A payment that was sent, or that with changes."""
    fields: dict[str, Any] = {
        "exchange_id": number,
        "direction": "out",
        "party": "momo",
        "kind": "payment",
        "key": "",
        "external_id": f"P{number}",
        "outcome": "sent",
        "digest_out": digest_of(b"out"),
        "digest_in": None,
        "amount_vnd": 1_000 * number,
    }
    return Decision(**{**fields, **changes})


@pytest.fixture
def books(empty_store: Store) -> Books:
    """A journal with nothing in it, on a Wednesday at nine."""
    made = Books(empty_store)
    made.sql(CLOCK)
    database = empty_store.engine.url.database
    made.sql(f"ALTER DATABASE {database} SET search_path = clock, pg_catalog, public")
    spare_the_disk(empty_store)
    return made


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    """A time-stamp authority that listens on the loopback."""
    with contextlib.closing(Authority.start(tmp_path / "tsa")) as started:
        yield started
