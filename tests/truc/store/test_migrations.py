"""The migrations lead where the tables say, both ways, as often as one likes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.databases import EMPTY, copied
from truc.domain import status
from truc.settings import Settings
from truc.store.migrate import config, upgrade
from truc.store.tables import METADATA

FIRST = import_module("truc.store.migrations.versions.0001_the_core_stores")


@pytest.fixture
def bare(server: Settings) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    with copied(server, EMPTY) as url:
        yield url


@pytest.fixture
def engine(bare: str) -> Iterator[Engine]:
    opened = create_engine(bare)
    yield opened
    opened.dispose()


def test_a_second_upgrade_changes_nothing(bare: str, engine: Engine) -> None:
    upgrade(bare)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO swapped_days VALUES ('2026-02-14', true)"))
    first = _picture(engine)

    upgrade(bare)

    assert _picture(engine) == first
    with engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM swapped_days")).scalar_one() == 1


def test_two_starts_at_once_both_end_migrated(bare: str, engine: Engine) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upgrade, [bare] * 4))

    with engine.begin() as connection:
        parents = connection.execute(
            text(
                "SELECT tablename FROM pg_tables JOIN pg_class ON oid = tablename::regclass"
                " WHERE schemaname = 'public' AND NOT relispartition"
            )
        )
        assert {row.tablename for row in parents} == set(METADATA.tables) | {"alembic_version"}


def test_the_migrations_make_exactly_the_tables(bare: str, engine: Engine) -> None:
    upgrade(bare)
    with engine.connect() as connection:
        command.check(config(connection))


def test_a_table_that_no_migration_makes_is_noticed(bare: str, engine: Engine) -> None:
    upgrade(bare)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE outbox DROP COLUMN asks"))
    with engine.connect() as connection, pytest.raises(CommandError, match="asks"):
        command.check(config(connection))


def test_down_to_nothing_and_up_again_is_the_same_store(bare: str, engine: Engine) -> None:
    upgrade(bare)
    first = _picture(engine)

    with engine.begin() as connection:
        command.downgrade(config(connection), "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    with engine.begin() as connection:
        left = connection.execute(text("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")).all()
        assert left == []

    upgrade(bare)
    assert _picture(engine) == first


# Two messages with bytes and answers, one of them unknown, one that waits, one superseded; three that came, one of them
# seen twice; what was set aside of both; a statement. Some of it is months old, some of this very moment.
BEFORE = """
    INSERT INTO kept_bodies (digest, content_type, sealed, kept_at)
    SELECT repeat(n::text, 64), 'type/' || n, ('\\x0' || n)::bytea, now() - (6 - n) * interval '40 days'
    FROM generate_series(1, 6) AS n;
    INSERT INTO outbox (party, operation, key, external_id, message, state, attempts, asks, published_at, finished_at,
        body_id, receipt_id, partner_reference, reason, reason_text, leased_by, leased_until)
    VALUES
        ('momo', 'payment', 'K1', 'E1', '\\xa1', 'sent', 1, 0, now() - interval '70 days', now() - interval '69 days',
            1, 2, 'R1', NULL, NULL, NULL, NULL),
        ('momo', 'payment', 'K2', 'E2', '\\xa2', 'unknown', 2, 3, now() - interval '1 day', NULL,
            3, NULL, NULL, 'no_answer', 'none', 'w', now()),
        ('momo', 'payment', 'K2', 'E3', '\\xa3', 'waiting', 0, 0, now(), NULL,
            NULL, NULL, NULL, NULL, NULL, NULL, NULL),
        ('sms', 'message', 'K3', 'E3', '\\xa4', 'set_aside', 1, 0, now(), now(),
            NULL, NULL, NULL, 'r', 't', NULL, NULL),
        ('sms', 'message', 'K4', 'E4', '\\xa5', 'superseded', 0, 0, now(), NULL,
            NULL, NULL, NULL, 'r', 't', NULL, NULL);
    INSERT INTO inbox (party, kind, external_id, digest, body_id, received_at, seen, state, booked_at, items_booked,
        items_set_aside)
    VALUES ('momo', 'ipn', 'I1', repeat('4', 64), 4, now() - interval '80 days', 2, 'booked', now(), 5, 1),
        ('momo', 'ipn', 'I2', repeat('5', 64), 5, now(), 1, 'kept', NULL, 0, 0),
        ('vietinbank', 'statement', 'I3', repeat('6', 64), 6, now(), 1, 'booked', now(), 9, 0);
    INSERT INTO set_aside (party, kind, inbox_id, item, reason, text) VALUES ('momo', 'ipn', 1, 'item 3', 'r', 't');
    INSERT INTO set_aside (party, kind, outbox_id, item, reason, text) VALUES ('sms', 'message', 4, 'E3', 'r', 't');
    INSERT INTO statements (party, business_on, version, digest, inbox_id, count, amount_vnd)
    VALUES ('vietinbank', '2026-03-04', 1, repeat('6', 64), 3, 2, 100);
"""
# The same picture of both forms: every column with its meaning, references followed to what they name.
OUTGOING = """
    SELECT o.party, o.operation, o.key, o.external_id, {message} AS message, o.state, o.attempts, o.asks, o.not_before,
        o.leased_by, o.leased_until, o.published_at, o.sending_at, o.finished_at, sent.sealed AS sent,
        sent.digest AS sent_digest, answer.sealed AS answer, answer.content_type, answer.kept_at, o.partner_reference,
        o.reason, o.reason_text, (SELECT item FROM set_aside WHERE outbox_id = o.id) AS item
    FROM outbox AS o LEFT JOIN kept_bodies AS sent ON sent.id = o.body_id
        LEFT JOIN kept_bodies AS answer ON answer.id = o.receipt_id ORDER BY o.id
"""
INCOMING = """
    SELECT i.party, i.kind, i.external_id, i.digest, body.sealed, body.digest AS body_digest, body.kept_at,
        i.received_at, {seen} AS seen, i.state, i.booked_at, i.items_booked, i.items_set_aside,
        (SELECT item FROM set_aside WHERE inbox_id = i.id) AS item,
        (SELECT amount_vnd FROM statements WHERE inbox_id = i.id) AS amount_vnd
    FROM inbox AS i LEFT JOIN kept_bodies AS body ON body.id = i.body_id ORDER BY i.id
"""
OLD = {"message": "o.message", "seen": "i.seen"}
NEW = {
    "message": "(SELECT sealed FROM kept_bodies WHERE kept_bodies.id = o.message_id)",
    "seen": "(SELECT seen FROM inbox_names WHERE inbox_id = i.id)",
}


def test_what_was_kept_in_one_row_each_moves_into_drawers_and_nothing_is_lost(bare: str, engine: Engine) -> None:
    with engine.begin() as connection:
        command.upgrade(config(connection), "0001")
        connection.execute(text(BEFORE))
        before = _exchange(connection, OLD)
    assert [len(rows) for rows in before] == [5, 3]

    upgrade(bare)

    with engine.begin() as connection:
        assert _exchange(connection, NEW) == before
        states = connection.execute(text("SELECT external_id, state, drawer FROM outbox ORDER BY id")).all()
        assert [row.drawer == 0 for row in states] == [row.state not in ("sent", "superseded") for row in states]
        assert connection.execute(text("SELECT count(*) FROM outbox WHERE place <> id")).scalar() == 0
        # Nobody may use a name or a number again: not of a message, and not of a body.
        names = connection.execute(
            text(
                "SELECT count(*) FROM outbox_names AS n JOIN outbox AS o ON o.id = n.outbox_id"
                " AND o.external_id = n.external_id AND o.party = n.party"
            )
        ).scalar()
        assert names == 5
        numbers = connection.execute(text("SELECT id FROM outbox UNION ALL SELECT id FROM inbox")).scalars().all()
        assert len(set(numbers)) == 8
        used = connection.execute(text("SELECT id & 1099511627775 AS number FROM kept_bodies")).scalars().all()
        assert len(set(used)) == len(used) == 6 + 5
        assert connection.execute(text("SELECT nextval('exchange_seq')")).scalar_one() > max(*used, *numbers)


def test_after_the_move_this_months_messages_find_their_drawer(bare: str, engine: Engine) -> None:
    with engine.begin() as connection:
        command.upgrade(config(connection), "0001")
        connection.execute(text(BEFORE))
    upgrade(bare)
    upgrade(bare)
    with engine.begin() as connection:
        finish = "UPDATE outbox SET state = 'sent', drawer = drawer_of(120, now()) WHERE external_id = 'E2'"
        connection.execute(text(finish))
        where = "SELECT tableoid::regclass::text FROM outbox WHERE external_id = 'E2'"
        month = connection.execute(text("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')")).scalar_one()
        assert connection.execute(text(where)).scalar_one() == f"outbox_120m_{month}"


def test_an_exchange_that_holds_messages_does_not_go_back(bare: str, engine: Engine) -> None:
    with engine.begin() as connection:
        command.upgrade(config(connection), "0001")
        connection.execute(text(BEFORE))
    upgrade(bare)
    with pytest.raises(DBAPIError, match="restore a backup"), engine.begin() as connection:
        command.downgrade(config(connection), "0001")


# As the eighth migration left it: a parcel ordered at one party, one that two heard of, one nobody was told of, one
# that is wished away. No dossier stands behind them.
PARCELS = """
    ALTER TABLE shipments DROP CONSTRAINT fk_shipments_dossier_code;
    INSERT INTO shipments (order_number, dossier_code, direction, fee_vnd, state, state_at, requested_at, asked,
        cancel_asked_at)
    SELECT number, 'D', 'return', 23000, asked, now(), now(), asked, CASE asked WHEN 'cancelling' THEN now() END
    FROM (VALUES ('ONE', 'ordered'), ('TWO', 'ordered'), ('NONE', 'created'), ('AWAY', 'cancelling'))
        AS given(number, asked);
    INSERT INTO outbox_names (party, operation, external_id, outbox_id)
    VALUES ('vnpost', 'order', 'ONE', 1), ('vnpost', 'order', 'TWO', 2), ('other', 'order', 'TWO', 3),
        ('vnpost', 'order', 'AWAY', 4), ('vnpost', 'cancel', 'AWAY/cancel', 5);
"""


def test_a_parcel_becomes_its_only_partys_and_its_wish_is_counted(bare: str, engine: Engine) -> None:
    with engine.begin() as connection:
        command.upgrade(config(connection), "0008")
        connection.execute(text(PARCELS))
    upgrade(bare)
    with engine.begin() as connection:
        found = connection.execute(text("SELECT order_number, party, cancels FROM shipments")).all()
        assert {tuple(row) for row in found} == {
            ("ONE", "vnpost", 0),
            ("TWO", None, 0),
            ("NONE", None, 0),
            ("AWAY", "vnpost", 1),
        }
        connection.execute(text("UPDATE shipments SET cancels = 2 WHERE order_number = 'AWAY'"))
    with pytest.raises(DBAPIError, match="restore a backup"), engine.begin() as connection:
        command.downgrade(config(connection), "0008")


# As the fourteenth migration left it: one payment that was given back.
GIVEN_BACK = """
    INSERT INTO payments (our_reference, source, source_reference, party, amount_vnd, state, requested_at, paid_at,
        business_on, obligation_code, collected_for)
    VALUES ('P1', 's', '1', 'momo', 50000, 'refunded', now(), now(), '2026-03-04', 'O', 'H32');
    INSERT INTO refunds (refund_reference, source, source_reference, payment_id, amount_vnd, state, actor, reason,
        requested_at)
    SELECT 'R1', 's', '1', id, 50000, 'refunded', 'a', 'r', now() FROM payments;
"""


def test_old_refunds_are_of_the_payments_own_transaction_and_one_of_a_duplicate_is_not_forgotten(
    bare: str, engine: Engine
) -> None:
    with engine.begin() as connection:
        command.upgrade(config(connection), "0014")
        connection.execute(text(GIVEN_BACK))
    upgrade(bare)
    with engine.begin() as connection:
        assert connection.execute(text("SELECT partner_transaction FROM refunds")).scalars().all() == [None]
        command.downgrade(config(connection), "0014")
    upgrade(bare)
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text("UPDATE refunds SET partner_transaction = ''"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE refunds SET partner_transaction = 'T2'"))
    with pytest.raises(DBAPIError, match="restore a backup"), engine.begin() as connection:
        command.downgrade(config(connection), "0014")


def test_the_migration_holds_the_national_statuses_and_moves() -> None:
    assert {one.value: one.vietnamese for one in status.Status} == FIRST.STATUSES
    pairs = {(before, after) for before, afters in FIRST.MOVES.items() for after in afters}
    assert pairs == status.TRANSITIONS


def test_the_database_holds_those_moves(bare: str, engine: Engine) -> None:
    upgrade(bare)
    with engine.begin() as connection:
        rows = connection.execute(text("SELECT from_status, to_status FROM dossier_moves")).all()
    assert {(row[0], row[1]) for row in rows} == status.TRANSITIONS


def test_a_status_of_nobody_is_refused_by_the_database(bare: str, engine: Engine) -> None:
    upgrade(bare)
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text("INSERT INTO dossier_moves VALUES (9, 11)"))


def _exchange(connection: Connection, form: dict[str, str]) -> list[list[tuple[object, ...]]]:
    """Every outgoing and every incoming message, whichever way it is kept."""
    rows = (connection.execute(text(query.format(**form))) for query in (OUTGOING, INCOMING))
    return [
        [tuple(bytes(one) if isinstance(one, memoryview) else one for one in row) for row in found] for found in rows
    ]


def _picture(engine: Engine) -> list[tuple[object, ...]]:
    """Every column, constraint, index and trigger of the schema."""
    query = """
        SELECT 'column', table_name, column_name, data_type, is_nullable, column_default
        FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', ''
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT 'index', tablename, indexname, indexdef, '', '' FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), '', ''
        FROM pg_trigger WHERE NOT tgisinternal
        ORDER BY 1, 2, 3, 4
    """
    with engine.begin() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def _plain(url: str) -> str:
    return url.replace("+psycopg", "")
