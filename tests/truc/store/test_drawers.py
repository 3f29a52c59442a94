"""Finished messages and kept bytes lie in the drawer of their month and period, and the drawers are there in time."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from truc import parties
from truc.exchange import bodies
from truc.exchange.bodies import Body
from truc.store import drawers
from truc.store.drawers import MONTHS_AHEAD, Drawer, month_of
from truc.store.opened import Store, Transaction

PERIODS = [period for one in parties.manifests() for period in one.retentions]
BODIES = sorted({one.bodies_months for one in PERIODS})
LISTS = sorted({one.metadata_months for one in PERIODS})


@pytest.fixture
def transaction(empty_store: Store) -> Iterator[Transaction]:
    with empty_store.begin() as opened:
        yield opened


def test_this_month_and_the_next_ones_are_there_for_every_declared_period(transaction: Transaction) -> None:
    wanted = set()
    for month in range(_month(transaction), _month(transaction) + MONTHS_AHEAD + 1):
        wanted |= {f"kept_bodies_{Drawer(kept, month).name}" for kept in BODIES}
        wanted |= {f"{table}_{Drawer(kept, month).name}" for kept in LISTS for table in ("outbox", "inbox")}
    fixed = {"outbox_open", "outbox_other", "inbox_open", "inbox_other", "kept_bodies_other"}
    assert _partitions(transaction) == wanted | fixed


def test_made_again_they_are_the_same(transaction: Transaction) -> None:
    before = _partitions(transaction)
    assert drawers.ensure(transaction.sql) == 0
    assert _partitions(transaction) == before


def test_only_what_is_missing_is_made(transaction: Transaction) -> None:
    before = _partitions(transaction)
    name = Drawer(LISTS[0], _month(transaction) + 1).name
    transaction.sql.execute(text(f"DROP TABLE outbox_{name}, inbox_{name}"))
    assert drawers.ensure(transaction.sql) == 2
    assert _partitions(transaction) == before


def test_bytes_lie_in_the_drawer_of_their_month_and_period(transaction: Transaction) -> None:
    given_months = [BODIES[0], 7, BODIES[0]]  # nobody declares seven: those lie apart, and are not lost
    ids = bodies.keep_many(transaction, [Body(b"%d" % number, "t", kept) for number, kept in enumerate(given_months)])
    assert [one >> 40 for one in ids] == [Drawer(kept, _month(transaction)).number for kept in given_months]
    here = f"kept_bodies_{Drawer(BODIES[0], _month(transaction)).name}"
    assert [_where(transaction, "kept_bodies", one) for one in ids] == [here, "kept_bodies_other", here]
    assert bodies.read_many(transaction, ids) == {one: b"%d" % number for number, one in enumerate(ids)}


def test_what_came_before_its_drawer_was_made_moves_there(transaction: Transaction) -> None:
    [one] = bodies.keep_many(transaction, [Body(b"early", "t", 7)])
    assert _where(transaction, "kept_bodies", one) == "kept_bodies_other"
    assert drawers.ensure(transaction.sql) == 1
    assert _where(transaction, "kept_bodies", one) == f"kept_bodies_{Drawer(7, _month(transaction)).name}"
    assert bodies.read(transaction, one) == b"early"


@pytest.mark.parametrize("table", ["outbox", "inbox"])
def test_an_open_message_lies_with_the_open_and_a_finished_one_in_its_month(
    transaction: Transaction, table: str
) -> None:
    inserted = {
        "outbox": "INSERT INTO outbox (id, place, party, operation, key, external_id, dossier_code, message_id)"
        " VALUES (7, 7, 'p', 'o', 'k', 'e', '', 1)",
        "inbox": "INSERT INTO inbox (id, party, kind, external_id, digest, body_id) VALUES (7, 'p', 'k', 'e', 'd', 1)",
    }
    transaction.sql.execute(text(inserted[table]))
    assert _where(transaction, table, 7) == f"{table}_open"
    done = {"outbox": "sent", "inbox": "booked"}[table]
    finish = f"UPDATE {table} SET state = '{done}', drawer = drawer_of(:months, now()) WHERE id = 7"  # noqa: S608  (ours)
    transaction.sql.execute(text(finish), {"months": LISTS[0]})
    assert _where(transaction, table, 7) == f"{table}_{Drawer(LISTS[0], _month(transaction)).name}"


MONTHS_KEPT = st.integers(1, 600)
INSTANTS = st.integers(0, 100 * 365 * 86_400).map(lambda s: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=s))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(st.tuples(MONTHS_KEPT, INSTANTS), min_size=1, max_size=50))
def test_the_database_and_python_number_drawers_alike(
    transaction: Transaction, asked: list[tuple[int, datetime]]
) -> None:
    counted = "SELECT drawer_of(months, at) FROM unnest(CAST(:months AS integer[]), CAST(:ats AS timestamptz[]))"
    values = {"months": [kept for kept, _ in asked], "ats": [at for _, at in asked]}
    found = transaction.sql.execute(text(f"{counted} AS one(months, at)"), values).scalars().all()
    assert list(found) == [Drawer(kept, month_of(at.date())).number for kept, at in asked]


DRAWERS = st.builds(Drawer, MONTHS_KEPT, st.integers(0, 1200))


@given(one=DRAWERS, other=DRAWERS)
def test_two_drawers_never_share_a_number_or_a_name(one: Drawer, other: Drawer) -> None:
    assert (one == other) == (one.number == other.number) == (one.name == other.name)


def test_a_drawer_is_named_after_its_period_and_month() -> None:
    assert Drawer(24, month_of(date(2026, 11, 22))).name == "24m_2026_11"
    assert Drawer(120, month_of(date(2027, 1, 1))).name == "120m_2027_01"


def _month(transaction: Transaction) -> int:
    return month_of(transaction.sql.execute(text("SELECT (now() AT TIME ZONE 'UTC')::date")).scalar_one())


def _partitions(transaction: Transaction) -> set[str]:
    query = """
        SELECT inhrelid::regclass::text AS name FROM pg_inherits
        WHERE inhparent IN ('outbox'::regclass, 'inbox'::regclass, 'kept_bodies'::regclass)
    """
    return set(transaction.sql.execute(text(query)).scalars())


def _where(transaction: Transaction, table: str, number: int) -> str:
    query = f"SELECT tableoid::regclass::text FROM {table} WHERE id = :id"  # noqa: S608  (ours, above)
    return str(transaction.sql.execute(text(query), {"id": number}).scalar_one())
